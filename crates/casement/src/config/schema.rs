//! The sections and keys of the configuration. The first five sections are the specification's.
//!
//! The comment of a key is its description in the JSON Schema. The bounds of a key are defined only here: the schema
//! shows them, and [`super::bounds`] checks every layer against them.

use std::{net::SocketAddr, path::PathBuf};

use audio::Normalization;
use domain::FeatureName;
use model::Device;
use mqtt::{BrokerUrl, Protocol, TopicPatterns};
use schemars::JsonSchema;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::{
    Backup, BrokerLimits, Embedded, HomeAssistant, Http, Retention,
    doors::{Anonymous, BrokerListener, Registration},
    secret, text,
    windows::Windows,
    words,
};

/// The whole configuration.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The broker that services connect to, and their topics.
    pub mqtt: Mqtt,
    /// The database that the backend writes to.
    pub clickhouse: ClickHouse,
    /// When to request a new position.
    pub change_detection: ChangeDetection,
    /// The model that predicts.
    pub model: Model,
    /// The processing of clips.
    pub audio: Audio,
    /// The durable log between accepting and storing.
    pub journal: Journal,
    /// The page, the API and the metrics.
    pub http: Http,
    /// The embedded ClickHouse.
    pub engine: Engine,
    /// The embedded broker.
    pub broker: Broker,
    /// Who may enter.
    pub accounts: Accounts,
    /// Devices as people have set them up.
    pub registry: Registry,
    /// Certificates.
    pub tls: Tls,
    /// The backend.
    pub backend: Backend,
    /// How windows move where nobody has set anything else.
    pub windows: Windows,
    /// How long rows are kept in ClickHouse.
    pub retention: Retention,
    /// Backups that are made by themselves.
    pub backup: Backup,
    /// The ML service as a part of `casement up`.
    pub ml: Ml,
    /// Rooms in Home Assistant.
    pub home_assistant: HomeAssistant,
}

/// `mqtt`: one section for both services, as in the specification.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Mqtt {
    /// `tcp://host:port`, or `mqtts://host:port` for TLS.
    #[serde(with = "text")]
    #[schemars(with = "String", extend("format" = "uri"))]
    pub broker: BrokerUrl,
    /// The version of MQTT: `5`, `3.1.1`, or `auto` for the one that the broker supports.
    #[serde(with = "text")]
    #[schemars(schema_with = "words::protocol")]
    pub protocol: Protocol,
    /// User name, if the broker requires one.
    pub username: Option<String>,
    /// Password. It is not allowed in this file, only in the environment or, with `password_file`, in a file of its
    /// own.
    #[serde(with = "secret")]
    #[schemars(schema_with = "secret::schema")]
    pub password: Option<SecretString>,
    /// A file whose first line is the password.
    pub password_file: Option<PathBuf>,
    /// Certificates (PEM) to trust for `mqtts://` instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// Keep-alive interval in seconds.
    #[schemars(range(min = 1, max = 65_535))]
    pub keep_alive_s: u64,
    /// Topic patterns; `+` and `{device_id}` both mean the device.
    #[schemars(schema_with = "words::topics")]
    pub topics: TopicPatterns,
    /// Filters of a subscription that finds messages one slip away from `topics` at an external broker, to list them. By
    /// default those beside `topics`, like `+/sensor/#`, and for a minute after a start `sensor/#`; an empty list finds none.
    pub diagnostic_topics: Option<Vec<String>>,
}

/// `clickhouse`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ClickHouse {
    /// `host:port` of the HTTP interface, optionally with `http://` or `https://`.
    pub addr: String,
    /// Database; created at start if it does not exist.
    pub database: String,
    /// User name.
    pub user: String,
    /// Password. It is not allowed in this file, only in the environment or, with `password_file`, in a file of its
    /// own.
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
    /// Change of temperature since the last request, in degrees Celsius.
    #[schemars(range(min = 0.0))]
    pub temperature_threshold: f64,
    /// Change of humidity since the last request, in percentage points.
    #[schemars(range(min = 0.0))]
    pub humidity_threshold: f64,
    /// Whether every clip triggers a request.
    pub audio_always_trigger: bool,
}

/// `model`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Model {
    /// A `.pth` or `.onnx` file. While there is no file at the default path, the built-in model serves.
    pub path: PathBuf,
    /// Version stated with predictions if the model's side-car names none.
    pub version: String,
    /// `cpu`, or for `.onnx` models `cuda` or `cuda:N`.
    #[serde(with = "text")]
    #[schemars(with = "String", regex(pattern = r"^(cpu|cuda(:[0-9]+)?)$"))]
    pub device: Device,
    /// ONNX Runtime's library, or a Python environment that has it; by default, the usual places are searched.
    pub onnx_runtime: Option<PathBuf>,
    /// A candidate that predicts beside the model without moving windows; by default, the one chosen by `casement
    /// models shadow`.
    pub shadow: Option<PathBuf>,
}

/// `audio`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Audio {
    /// The rate to which clips are resampled before features are computed, in hertz.
    #[schemars(range(min = 4_000, max = 192_000))]
    pub sample_rate: u32,
    /// Whether recordings are kept. Off by default, because they may contain speech.
    pub store_raw: bool,
    /// Where recordings are kept.
    pub storage_path: PathBuf,
    /// Largest size of all recordings together, in bytes; the oldest are removed first. 0 means no limit.
    pub storage_max_bytes: u64,
    /// Days for which a recording is kept after it was last received. 0 means for ever.
    #[schemars(range(max = 36_500))]
    pub storage_max_age_days: u64,
    /// The features in rows; those that models read are always included.
    #[schemars(schema_with = "words::features")]
    pub features: Vec<FeatureName>,
    /// Whether rows have a small spectrum: the columns `mel_db`, `spectral_bandwidth` and `spectral_flatness`.
    pub spectrum: bool,
    /// Number of cepstral coefficients.
    #[schemars(range(min = 1, max = 128))]
    pub n_mfcc: usize,
    /// Samples in a frame; even.
    #[schemars(range(min = 16, max = 65_536), extend("multipleOf" = 2))]
    pub n_fft: usize,
    /// Samples from frame to frame: a 64th of `n_fft` to `n_fft`.
    #[schemars(range(min = 1, max = 65_536))]
    pub hop_length: usize,
    /// Whether rows have the values of every frame in addition to mean and deviation.
    pub frames: bool,
    /// The preprocessing of clips.
    pub preprocessing: Preprocessing,
}

/// `audio.preprocessing`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Preprocessing {
    /// Whether the mean of a clip is subtracted.
    pub remove_dc: bool,
    /// Whether stationary noise is attenuated.
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
    /// Bytes of waiting records from which on messages are not acknowledged until there is room.
    #[schemars(range(min = 1))]
    pub max_bytes: u64,
}

/// `engine`: the embedded ClickHouse of `casement up` and `casement engine`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Engine {
    /// Whether `casement up` runs it: `true`, `false`, or `auto`: unless `clickhouse.addr` names another one.
    #[serde(with = "text")]
    #[schemars(schema_with = "words::embedded")]
    pub embedded: Embedded,
    /// Its directory.
    pub path: PathBuf,
    /// Address of its HTTP interface.
    pub addr: SocketAddr,
    /// Path of `libchdb.so`, instead of the cached copy.
    pub library: Option<PathBuf>,
    /// Password of the user `default`, who writes. It is not allowed in this file, only in the environment or, with
    /// `password_file`, in a file of its own.
    #[serde(with = "secret")]
    #[schemars(schema_with = "secret::schema")]
    pub password: Option<SecretString>,
    /// A file whose first line is that password.
    pub password_file: Option<PathBuf>,
    /// Password of the user `reader`, with the rules of `password`.
    #[serde(with = "secret")]
    #[schemars(schema_with = "secret::schema")]
    pub reader_password: Option<SecretString>,
    /// A file whose first line is the reader's password.
    pub reader_password_file: Option<PathBuf>,
    /// Whether statements may use files, programs and the network.
    pub allow_outside: bool,
    /// Directory for `BACKUP` and `RESTORE`; by default `backups` beside `path`.
    pub backups: Option<PathBuf>,
    /// Limits on its resources.
    pub limits: EngineLimits,
}

/// `engine.limits`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EngineLimits {
    /// Bytes of memory for the whole engine.
    #[schemars(range(min = 1))]
    pub memory_bytes: u64,
    /// Concurrent queries.
    #[schemars(range(min = 1))]
    pub queries: usize,
    /// Concurrent queries of `reader`.
    #[schemars(range(min = 1))]
    pub reader_queries: usize,
    /// Concurrent inserts.
    #[schemars(range(min = 1))]
    pub inserts: usize,
    /// Longest query of `default`, in seconds; 0 is without limit.
    pub query_s: u64,
    /// Longest query of `reader`, in seconds; 0 is without limit.
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
    /// Whether `casement up` runs it: `true`, `false`, or `auto`: unless `mqtt.broker` names another one.
    #[serde(with = "text")]
    #[schemars(schema_with = "words::embedded")]
    pub embedded: Embedded,
    /// Address at which it listens.
    pub addr: SocketAddr,
    /// Where it keeps sessions and retained messages.
    pub path: PathBuf,
    /// What its clients may take.
    pub limits: BrokerLimits,
    /// Addresses in place of `addr`, each plain or with TLS, with MQTT over TCP or over WebSocket.
    pub listeners: Vec<BrokerListener>,
    /// Where clients may come without an account: `loopback`, or `never`.
    #[serde(with = "text")]
    #[schemars(schema_with = "words::anonymous")]
    pub anonymous: Anonymous,
    /// What becomes of a device without an account: `open`, `pairing`, `closed`, or `auto`: `open` where every listener is
    /// on loopback, `pairing` otherwise.
    #[serde(with = "text")]
    #[schemars(schema_with = "words::registration")]
    pub registration: Registration,
    /// Whether broker and page are announced to the network by mDNS.
    pub mdns: bool,
}

/// `accounts`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Accounts {
    /// The directory of the accounts of devices, people and programs. Where only `journal.path` is set, `accounts` beside it.
    pub path: PathBuf,
    /// Wrong passwords from one address, within ten minutes, that cost no pause; then it doubles from a second.
    pub failures_per_address: u32,
    /// The same at one account, from any address.
    pub failures_per_account: u32,
    /// The longest pause, in seconds.
    #[schemars(range(min = 1, max = 3_600))]
    pub longest_pause_s: u64,
}

/// `registry`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Registry {
    /// The directory of what people have set up: names, places and settings of devices. Where only `journal.path` is set,
    /// `registry` beside it.
    pub path: PathBuf,
}

/// `tls`: the certificate of every listener with TLS.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Tls {
    /// The certificate and those that lead to its authority (PEM); by default that of `casement provision tls`.
    pub certificate_file: Option<PathBuf>,
    /// Its key (PEM).
    pub key_file: Option<PathBuf>,
    /// The authority of clients' certificates (PEM); by default that of `casement provision tls`, if there is one.
    pub client_ca_file: Option<PathBuf>,
}

/// `backend`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Backend {
    /// Largest number of devices that are shown, registered and decided for. Readings of other devices are still
    /// stored.
    #[schemars(range(min = 1))]
    pub max_devices: usize,
}

/// `ml`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Ml {
    /// Whether `casement up` runs the ML service. If `false`, `casement ml` or your own service answers.
    pub embedded: bool,
    /// Confidence, 0 to 1, below which a decision is recorded and not carried out. 0 carries out every decision.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub min_confidence: f64,
    /// Whether the ML service heeds what requests say of windows. `false` for a service of yours that knows only the
    /// specification's fields: it is not asked while a person or an interlock decides.
    pub understands_context: bool,
    /// Address at which `casement ml` serves metrics and health. `casement up` serves them at `http.addr`.
    pub addr: SocketAddr,
}
