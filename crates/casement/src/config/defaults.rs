//! The defaults. Each is the default of its library; values are defined here only if no library defines them.

use std::time::Duration;

use accounts::LoginLimits;
use audio::FeatureOptions;
use backend::RetentionOptions;
use broker::BrokerOptions;
use domain::{Confidence, Quantity, Thresholds};
use model::Device;
use mqtt::{
    BrokerUrl, ConnectionOptions, TopicPatterns,
    homeassistant::{Discovery, Form},
};
use store::Kept;

use super::{
    Anonymous, BrokerLimits, Embedded, HomeAssistant, Registration, Retention,
    schema::{
        Accounts, Audio, Backend, Broker, ChangeDetection, ClickHouse, Engine, EngineLimits, Journal, Ml,
        Model, Mqtt, Preprocessing, Registry,
    },
};

/// The data directory.
const DATA: &str = "./casement-data";

impl Default for Mqtt {
    fn default() -> Self {
        let listen = Broker::default().addr;
        let broker = BrokerUrl::tcp(listen.ip().to_string(), listen.port());
        let connection = ConnectionOptions::new(broker.clone(), "");
        Self {
            broker,
            protocol: connection.protocol,
            username: connection.username,
            password: connection.password,
            password_file: None,
            ca_file: None,
            keep_alive_s: seconds(connection.keep_alive),
            topics: TopicPatterns::default(),
            diagnostic_topics: None,
        }
    }
}

impl Default for ClickHouse {
    fn default() -> Self {
        Self {
            addr: Engine::default().addr.to_string(),
            database: "iot".into(),
            user: "default".into(),
            password: None,
            password_file: None,
            ca_file: None,
        }
    }
}

impl Default for Accounts {
    fn default() -> Self {
        Self {
            path: format!("{DATA}/accounts").into(),
            failures_per_address: LoginLimits::default().failures_of_address,
            failures_per_account: LoginLimits::default().failures_of_account,
            longest_pause_s: seconds(LoginLimits::default().longest_pause),
        }
    }
}

impl Default for Registry {
    fn default() -> Self {
        Self {
            path: format!("{DATA}/registry").into(),
        }
    }
}

impl Default for ChangeDetection {
    fn default() -> Self {
        let threshold = |quantity: Quantity| {
            quantity
                .default_threshold()
                .expect("the specification's quantities have thresholds")
        };
        Self {
            temperature_threshold: threshold(Quantity::Temperature),
            humidity_threshold: threshold(Quantity::Humidity),
            audio_always_trigger: Thresholds::default().audio_always,
        }
    }
}

impl Default for Model {
    fn default() -> Self {
        Self {
            path: "./models/window_regressor.pth".into(),
            version: "v1.0.0".into(),
            device: Device::default(),
            onnx_runtime: None,
            shadow: None,
        }
    }
}

impl Default for Audio {
    fn default() -> Self {
        let features = FeatureOptions::default();
        Self {
            sample_rate: features.rate.expect("the default names a rate"),
            store_raw: false,
            storage_path: "./audio_data/".into(),
            storage_max_bytes: 1 << 30,
            storage_max_age_days: 30,
            features: features.names,
            spectrum: true,
            n_mfcc: features.n_mfcc,
            n_fft: features.n_fft,
            hop_length: features.hop,
            frames: features.frames,
            preprocessing: Preprocessing::default(),
        }
    }
}

impl Default for Preprocessing {
    fn default() -> Self {
        let steps = audio::Preprocessing::default();
        Self {
            remove_dc: steps.remove_dc,
            noise_reduction: steps.noise_reduction,
            normalization: steps.normalization,
        }
    }
}

impl Default for Journal {
    fn default() -> Self {
        let path = format!("{DATA}/journal");
        Self {
            max_bytes: journal::Options::new(&path).max_bytes,
            path: path.into(),
        }
    }
}

impl Default for Engine {
    fn default() -> Self {
        let path = format!("{DATA}/engine");
        let options = engine::Options::new(&path, ([127, 0, 0, 1], 8123).into());
        Self {
            embedded: Embedded::default(),
            path: path.into(),
            addr: options.listen,
            library: options.library,
            password: None,
            password_file: None,
            reader_password: None,
            reader_password_file: None,
            allow_outside: options.allow_outside,
            backups: options.backups,
            limits: EngineLimits::default(),
        }
    }
}

impl Default for EngineLimits {
    fn default() -> Self {
        let limits = engine::Limits::default();
        Self {
            memory_bytes: limits.memory_bytes,
            queries: limits.queries,
            reader_queries: limits.reader_queries,
            inserts: limits.inserts,
            query_s: seconds(limits.query_time),
            reader_s: seconds(limits.reader_time),
            reader_memory_bytes: limits.reader_memory_bytes,
            reader_result_bytes: limits.reader_result_bytes,
        }
    }
}

impl Default for Broker {
    fn default() -> Self {
        Self {
            embedded: Embedded::default(),
            addr: BrokerOptions::default().listeners[0].address,
            path: format!("{DATA}/broker").into(),
            limits: BrokerLimits::default(),
            listeners: Vec::new(),
            anonymous: Anonymous::default(),
            registration: Registration::default(),
            mdns: false,
        }
    }
}

impl Default for Backend {
    fn default() -> Self {
        Self {
            max_devices: backend::TriggerOptions::default().max_devices,
        }
    }
}

impl Default for Retention {
    fn default() -> Self {
        let options = RetentionOptions::default();
        let days = |kept| options.days.get(&kept).copied().unwrap_or(0);
        Self {
            readings_days: days(Kept::Readings),
            rollups_days: days(Kept::Rollups),
            audio_days: days(Kept::Audio),
            predictions_days: days(Kept::Predictions),
            events_days: days(Kept::Events),
            errors_days: days(Kept::Errors),
            system_metrics_days: days(Kept::SystemMetrics),
            audit_days: days(Kept::Audit),
            min_free_bytes: options.min_free_bytes,
        }
    }
}

impl Default for Ml {
    fn default() -> Self {
        Self {
            embedded: true,
            min_confidence: Confidence::DEFAULT_FLOOR,
            understands_context: true,
            addr: ([127, 0, 0, 1], 8081).into(),
        }
    }
}

impl Default for HomeAssistant {
    /// Off: it retains messages in a tree that is another program's.
    fn default() -> Self {
        Self {
            enabled: false,
            prefix: Discovery::PREFIX.to_owned(),
            discovery: Form::default(),
            page_url: None,
        }
    }
}

pub(super) const fn seconds(time: Duration) -> u64 {
    time.as_secs()
}
