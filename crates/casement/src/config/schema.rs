//! The sections and keys, with their defaults. The first five sections are the specification's.

use std::{fmt, net::SocketAddr, path::PathBuf};

use mqtt::TopicPatterns;
use serde::{Deserialize, Deserializer, Serialize};

/// Everything that can be configured.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
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
    pub journal: JournalSection,
    /// The page, the API and the metrics.
    pub http: Http,
    /// The embedded ClickHouse.
    pub engine: Engine,
    /// The embedded broker.
    pub broker: Broker,
}

/// `mqtt`: one section for both services, as in the specification.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Mqtt {
    /// `tcp://host:port`, or `mqtts://host:port` for TLS.
    pub broker: String,
    /// The version of MQTT: `5`, `3.1.1`, or `auto` for whichever the broker knows.
    #[serde(deserialize_with = "text_or_number")]
    pub protocol: String,
    /// User name, where the broker wants one.
    pub username: Option<String>,
    /// Password; only from the environment or, by `password_file`, from a file.
    pub password: Option<Secret>,
    /// A file whose first line is the password.
    pub password_file: Option<PathBuf>,
    /// Certificates (PEM) to trust for `mqtts://` instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// Seconds of silence after which the broker is asked whether it is there; at least 5.
    pub keep_alive_s: u64,
    /// Topic patterns; `+` and `{device_id}` both stand for a device.
    pub topics: TopicPatterns,
}

/// `clickhouse`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClickHouse {
    /// `host:port` of the HTTP interface; `http://` may stand before it.
    pub addr: String,
    /// Database; created at start where it does not exist.
    pub database: String,
    /// User.
    pub user: String,
    /// Password; only from the environment or, by `password_file`, from a file.
    pub password: Option<Secret>,
    /// A file whose first line is the password.
    pub password_file: Option<PathBuf>,
}

/// `change_detection`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ChangeDetection {
    /// Degrees Celsius.
    pub temperature_threshold: f64,
    /// Percentage points.
    pub humidity_threshold: f64,
    /// Whether every clip triggers.
    pub audio_always_trigger: bool,
}

/// `model`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Model {
    /// A `.pth` or `.onnx` file.
    pub path: PathBuf,
    /// What predictions are labelled with where the model's side-car does not say.
    pub version: String,
    /// `cpu`; `cuda` or `cuda:N` is for `.onnx` models.
    pub device: String,
    /// ONNX Runtime's library, or a Python environment that has it; without it, the usual places are looked at.
    pub onnx_runtime: Option<PathBuf>,
    /// A candidate that predicts beside the model without moving anything; without it, the version that
    /// `casement models shadow` chose.
    pub shadow: Option<PathBuf>,
}

/// `audio`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Audio {
    /// The rate clips are brought to before features are computed, in hertz.
    pub sample_rate: u32,
    /// Whether recordings are kept. Off by default: they are people's speech.
    pub store_raw: bool,
    /// Where recordings are kept.
    pub storage_path: PathBuf,
    /// Bytes of all kept recordings together; the oldest go first. 0 is without limit.
    pub storage_max_bytes: u64,
    /// Days that a recording is kept after it was last heard. 0 is for ever.
    pub storage_max_age_days: u64,
    /// The features to compute.
    pub features: Vec<String>,
    /// Cepstral coefficients.
    pub n_mfcc: usize,
    /// Samples of a frame.
    pub n_fft: usize,
    /// Samples from frame to frame.
    pub hop_length: usize,
    /// Whether rows carry the values of every frame beside mean and deviation.
    pub frames: bool,
    /// What is done to clips first.
    pub preprocessing: Preprocessing,
}

/// `audio.preprocessing`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Preprocessing {
    /// Whether the mean of a clip is subtracted.
    pub remove_dc: bool,
    /// Whether what is steady in a clip is attenuated.
    pub noise_reduction: bool,
    /// `none`, `peak` or `rms`.
    pub normalization: String,
}

/// `journal`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct JournalSection {
    /// Its directory.
    pub path: PathBuf,
    /// At this size it stops acknowledging until there is room.
    pub max_bytes: u64,
}

/// `http`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Http {
    /// Where the page, the API and the metrics are served.
    pub addr: SocketAddr,
}

/// `engine`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Engine {
    /// Its directory.
    pub path: PathBuf,
    /// Where its HTTP interface listens.
    pub addr: SocketAddr,
    /// Another copy of `libchdb.so` than the cached one.
    pub library: Option<PathBuf>,
    /// Password of the user `default`, who writes; only from the environment or, by `password_file`, from a file.
    pub password: Option<Secret>,
    /// A file whose first line is that password.
    pub password_file: Option<PathBuf>,
    /// Password of the user `reader`; as `password`.
    pub reader_password: Option<Secret>,
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
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EngineLimits {
    /// Bytes of memory for the whole engine.
    pub memory_bytes: u64,
    /// Queries at once.
    pub queries: usize,
    /// Queries of `reader` at once.
    pub reader_queries: usize,
    /// Inserts at once.
    pub inserts: usize,
    /// Longest query of `default`, in seconds.
    pub query_s: u64,
    /// Longest query of `reader`, in seconds.
    pub reader_s: u64,
    /// Bytes of memory for one query of `reader`.
    pub reader_memory_bytes: u64,
    /// Bytes of one answer to `reader`.
    pub reader_result_bytes: u64,
}

/// `broker`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Broker {
    /// Where the embedded broker listens.
    pub addr: SocketAddr,
}

/// Text that YAML may take for a number.
fn text_or_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Text(String),
        Number(u64),
    }
    Ok(match Either::deserialize(deserializer)? {
        Either::Text(text) => text,
        Either::Number(number) => number.to_string(),
    })
}

/// Text that is never printed.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret itself, for the one place that sends it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl Serialize for Secret {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("[redacted]")
    }
}

impl Default for Mqtt {
    fn default() -> Self {
        Self {
            broker: "tcp://127.0.0.1:1883".into(),
            protocol: "auto".into(),
            username: None,
            password: None,
            password_file: None,
            ca_file: None,
            keep_alive_s: 30,
            topics: TopicPatterns::default(),
        }
    }
}

impl Default for ClickHouse {
    fn default() -> Self {
        Self {
            addr: "127.0.0.1:8123".into(),
            database: "iot".into(),
            user: "default".into(),
            password: None,
            password_file: None,
        }
    }
}

impl Default for ChangeDetection {
    fn default() -> Self {
        Self {
            temperature_threshold: 0.5,
            humidity_threshold: 2.0,
            audio_always_trigger: true,
        }
    }
}

impl Default for Model {
    fn default() -> Self {
        Self {
            path: "./models/window_regressor.pth".into(),
            version: "v1.0.0".into(),
            device: "cpu".into(),
            onnx_runtime: None,
            shadow: None,
        }
    }
}

impl Default for Audio {
    fn default() -> Self {
        Self {
            sample_rate: 16_000,
            store_raw: false,
            storage_path: "./audio_data/".into(),
            storage_max_bytes: 1 << 30,
            storage_max_age_days: 30,
            features: domain::FeatureName::SPECIFIED
                .map(|name| name.to_string())
                .to_vec(),
            n_mfcc: 20,
            n_fft: 2048,
            hop_length: 512,
            frames: false,
            preprocessing: Preprocessing::default(),
        }
    }
}

impl Default for Preprocessing {
    fn default() -> Self {
        Self {
            remove_dc: false,
            noise_reduction: false,
            normalization: "none".into(),
        }
    }
}

impl Default for JournalSection {
    fn default() -> Self {
        Self {
            path: "./casement-data/journal".into(),
            max_bytes: 4 << 30,
        }
    }
}

impl Default for Http {
    fn default() -> Self {
        Self {
            addr: ([127, 0, 0, 1], 8080).into(),
        }
    }
}

impl Default for Engine {
    fn default() -> Self {
        Self {
            path: "./casement-data/engine".into(),
            addr: ([127, 0, 0, 1], 8123).into(),
            library: None,
            password: None,
            password_file: None,
            reader_password: None,
            reader_password_file: None,
            allow_outside: false,
            backups: None,
            limits: EngineLimits::default(),
        }
    }
}

impl Default for EngineLimits {
    fn default() -> Self {
        Self {
            memory_bytes: 1 << 30,
            queries: 32,
            reader_queries: 16,
            inserts: 16,
            query_s: 300,
            reader_s: 30,
            reader_memory_bytes: 512 << 20,
            reader_result_bytes: 256 << 20,
        }
    }
}

impl Default for Broker {
    fn default() -> Self {
        Self {
            addr: ([127, 0, 0, 1], 1883).into(),
        }
    }
}
