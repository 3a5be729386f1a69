//! The sections and keys. The first five sections are the specification's.
//!
//! The comment of a key is its description in the JSON Schema. The bounds of a key stand only here: the schema shows
//! them, and [`super::bounds`] checks every layer against them.

use std::{net::SocketAddr, path::PathBuf};

use audio::Normalization;
use domain::FeatureName;
use model::Device;
use mqtt::{BrokerUrl, Protocol, TopicPatterns};
use schemars::JsonSchema;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::{Embedded, secret, text, words};

/// Everything that can be configured.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The broker that services talk to, and their topics.
    pub mqtt: Mqtt,
    /// The database that the backend writes to.
    pub clickhouse: ClickHouse,
    /// When to ask for a new position.
    pub change_detection: ChangeDetection,
    /// The model that predicts.
    pub model: Model,
    /// What is done with clips.
    pub audio: Audio,
    /// The durable log between accepting and storing.
    pub journal: Journal,
    /// The page, the API and the metrics.
    pub http: Http,
    /// The embedded ClickHouse.
    pub engine: Engine,
    /// The embedded broker.
    pub broker: Broker,
    /// The backend.
    pub backend: Backend,
    /// The ML service as a part of `casement up`.
    pub ml: Ml,
}

/// `mqtt`: one section for both services, as in the specification.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Mqtt {
    /// `tcp://host:port`, or `mqtts://host:port` for TLS.
    #[serde(with = "text")]
    #[schemars(with = "String", extend("format" = "uri"))]
    pub broker: BrokerUrl,
    /// The version of MQTT: `5`, `3.1.1`, or `auto` for whichever the broker knows.
    #[serde(with = "text")]
    #[schemars(schema_with = "words::protocol")]
    pub protocol: Protocol,
    /// User name, where the broker wants one.
    pub username: Option<String>,
    /// Password. Not in this file: only from the environment or, by `password_file`, from a file of its own.
    #[serde(with = "secret")]
    #[schemars(schema_with = "secret::schema")]
    pub password: Option<SecretString>,
    /// A file whose first line is the password.
    pub password_file: Option<PathBuf>,
    /// Certificates (PEM) to trust for `mqtts://` instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// Seconds of silence after which the broker is asked whether it is there; 5 where less is set.
    pub keep_alive_s: u64,
    /// Topic patterns; `+` and `{device_id}` both stand for a device.
    #[schemars(schema_with = "words::topics")]
    pub topics: TopicPatterns,
}

/// `clickhouse`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ClickHouse {
    /// `host:port` of the HTTP interface; `http://` or `https://` may stand before it.
    pub addr: String,
    /// Database; created at start where it does not exist.
    pub database: String,
    /// User.
    pub user: String,
    /// Password. Not in this file: only from the environment or, by `password_file`, from a file of its own.
    #[serde(with = "secret")]
    #[schemars(schema_with = "secret::schema")]
    pub password: Option<SecretString>,
    /// A file whose first line is the password.
    pub password_file: Option<PathBuf>,
    /// Certificates (PEM) to trust for `https://` instead of the system's.
    pub ca_file: Option<PathBuf>,
}

/// `change_detection`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ChangeDetection {
    /// Degrees Celsius since the last request.
    #[schemars(range(min = 0.0))]
    pub temperature_threshold: f64,
    /// Percentage points since the last request.
    #[schemars(range(min = 0.0))]
    pub humidity_threshold: f64,
    /// Whether every clip triggers.
    pub audio_always_trigger: bool,
}

/// `model`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Model {
    /// A `.pth` or `.onnx` file. While nothing is at the default path, the model in the program serves.
    pub path: PathBuf,
    /// What predictions are labelled with where the model's side-car does not say.
    pub version: String,
    /// `cpu`; `cuda` or `cuda:N` is for `.onnx` models.
    #[serde(with = "text")]
    #[schemars(with = "String", regex(pattern = r"^(cpu|cuda(:[0-9]+)?)$"))]
    pub device: Device,
    /// ONNX Runtime's library, or a Python environment that has it; without it, the usual places are looked at.
    pub onnx_runtime: Option<PathBuf>,
    /// A candidate that predicts beside the model without moving anything; without it, the version that
    /// `casement models shadow` chose.
    pub shadow: Option<PathBuf>,
}

/// `audio`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Audio {
    /// The rate clips are brought to before features are computed, in hertz.
    #[schemars(range(min = 4_000, max = 192_000))]
    pub sample_rate: u32,
    /// Whether recordings are kept. Off by default: they are people's speech.
    pub store_raw: bool,
    /// Where recordings are kept.
    pub storage_path: PathBuf,
    /// Bytes of all kept recordings together; the oldest go first. 0 is without limit.
    pub storage_max_bytes: u64,
    /// Days that a recording is kept after it was last heard. 0 is for ever.
    pub storage_max_age_days: u64,
    /// The features that rows carry; those that models read are always there.
    #[schemars(schema_with = "words::features")]
    pub features: Vec<FeatureName>,
    /// Cepstral coefficients.
    #[schemars(range(min = 1, max = 128))]
    pub n_mfcc: usize,
    /// Samples of a frame; even.
    #[schemars(range(min = 16, max = 65_536), extend("multipleOf" = 2))]
    pub n_fft: usize,
    /// Samples from frame to frame: a 64th of `n_fft` to `n_fft`.
    #[schemars(range(min = 1, max = 65_536))]
    pub hop_length: usize,
    /// Whether rows carry the values of every frame beside mean and deviation.
    pub frames: bool,
    /// What is done to clips first.
    pub preprocessing: Preprocessing,
}

/// `audio.preprocessing`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Preprocessing {
    /// Whether the mean of a clip is subtracted.
    pub remove_dc: bool,
    /// Whether what is steady in a clip is attenuated.
    pub noise_reduction: bool,
    /// `none`, `peak` or `rms`.
    #[serde(with = "text")]
    #[schemars(schema_with = "words::normalization")]
    pub normalization: Normalization,
}

/// `journal`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Journal {
    /// Its directory.
    pub path: PathBuf,
    /// Bytes of waiting records at which messages are no longer acknowledged until there is room.
    #[schemars(range(min = 1))]
    pub max_bytes: u64,
}

/// `http`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Http {
    /// Where the page, the API and the metrics are served.
    pub addr: SocketAddr,
}

/// `engine`: the embedded ClickHouse of `casement up` and `casement engine`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Engine {
    /// Whether `casement up` runs it: `true`, `false`, or `auto` for unless `clickhouse.addr` names another place.
    #[serde(with = "text")]
    #[schemars(schema_with = "words::embedded")]
    pub embedded: Embedded,
    /// Its directory.
    pub path: PathBuf,
    /// Where its HTTP interface listens.
    pub addr: SocketAddr,
    /// Another copy of `libchdb.so` than the cached one.
    pub library: Option<PathBuf>,
    /// Password of the user `default`, who writes. Not in this file: only from the environment or, by `password_file`,
    /// from a file of its own.
    #[serde(with = "secret")]
    #[schemars(schema_with = "secret::schema")]
    pub password: Option<SecretString>,
    /// A file whose first line is that password.
    pub password_file: Option<PathBuf>,
    /// Password of the user `reader`; as `password`.
    #[serde(with = "secret")]
    #[schemars(schema_with = "secret::schema")]
    pub reader_password: Option<SecretString>,
    /// A file whose first line is the reader's password.
    pub reader_password_file: Option<PathBuf>,
    /// Whether statements may reach files, programs and the network.
    pub allow_outside: bool,
    /// Where `BACKUP` and `RESTORE` find their files; by default `backups` beside `path`.
    pub backups: Option<PathBuf>,
    /// What it may use.
    pub limits: EngineLimits,
}

/// `engine.limits`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EngineLimits {
    /// Bytes of memory for the whole engine.
    #[schemars(range(min = 1))]
    pub memory_bytes: u64,
    /// Queries at once.
    #[schemars(range(min = 1))]
    pub queries: usize,
    /// Queries of `reader` at once.
    #[schemars(range(min = 1))]
    pub reader_queries: usize,
    /// Inserts at once.
    #[schemars(range(min = 1))]
    pub inserts: usize,
    /// Longest query of `default`, in seconds.
    #[schemars(range(min = 1))]
    pub query_s: u64,
    /// Longest query of `reader`, in seconds.
    #[schemars(range(min = 1))]
    pub reader_s: u64,
    /// Bytes of memory for one query of `reader`.
    #[schemars(range(min = 1))]
    pub reader_memory_bytes: u64,
    /// Bytes of one answer to `reader`.
    #[schemars(range(min = 1))]
    pub reader_result_bytes: u64,
}

/// `broker`: the embedded broker of `casement up`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Broker {
    /// Whether `casement up` runs it: `true`, `false`, or `auto` for unless `mqtt.broker` names another place.
    #[serde(with = "text")]
    #[schemars(schema_with = "words::embedded")]
    pub embedded: Embedded,
    /// Where it listens.
    pub addr: SocketAddr,
}

/// `backend`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Backend {
    /// The most devices that are shown, registered and decided for. Readings of further ones are stored.
    #[schemars(range(min = 1))]
    pub max_devices: usize,
}

/// `ml`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Ml {
    /// Whether `casement up` runs the ML service. With `false`, `casement ml` or a service of your own answers.
    pub embedded: bool,
    /// Where `casement ml` serves metrics and health. `casement up` serves them at `http.addr`.
    pub addr: SocketAddr,
}
