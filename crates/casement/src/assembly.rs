//! From the configuration to the options of each service.
//!
//! In: a checked [`Config`]. Out: options. This is the one place where a configuration key meets the code it sets.

use std::{path::Path, time::Duration};

use anyhow::{Context as _, bail};
use audio::{FeatureOptions, Normalization, Preprocessing, archive::ArchiveOptions};
use backend::{BackendOptions, LocalOptions, TriggerOptions};
use domain::{FeatureName, Quantity, Thresholds};
use ml::MlOptions;
use model::LoadOptions;
use mqtt::{BrokerUrl, ConnectionOptions, Protocol, Topics};
use store::StoreOptions;

use crate::config::{Audio, Config, Engine, Model, Mqtt, Secret};

/// How long a broker keeps the backend's session: what arrives while the backend is away is not missed.
const SESSION: Duration = Duration::from_hours(7 * 24);

/// The topics of the configuration.
pub fn topics(config: &Mqtt) -> anyhow::Result<Topics> {
    Topics::new(&config.topics).context("mqtt.topics cannot be used")
}

/// The connection of a role to the configured broker.
pub fn connection(config: &Mqtt, client_id: &str) -> anyhow::Result<ConnectionOptions> {
    let broker = BrokerUrl::parse(&config.broker).context("mqtt.broker cannot be used")?;
    let mut options = ConnectionOptions::new(broker, client_id);
    options.protocol = match config.protocol.as_str() {
        "auto" => Protocol::Auto,
        "5" => Protocol::V5,
        "3.1.1" => Protocol::V311,
        other => bail!("mqtt.protocol is auto, 5 or 3.1.1, not '{other}'"),
    };
    options.username.clone_from(&config.username);
    options.keep_alive = Duration::from_secs(config.keep_alive_s.max(5));
    options.trusted_certificates_pem = config
        .ca_file
        .as_ref()
        .map(|path| {
            std::fs::read(path).with_context(|| format!("mqtt.ca_file {} cannot be read", path.display()))
        })
        .transpose()?;
    options.password = config
        .password
        .as_ref()
        .map(|secret| mqtt::Secret::new(secret.reveal()));
    Ok(options)
}

/// A client id for one run: nobody can guess it to push the service off the broker, and several services get along.
pub fn passing_client_id(role: &str) -> String {
    format!("{role}-{}", uuid::Uuid::new_v4().simple())
}

/// The backend's connection: its session outlives a restart. It takes more than a message may have, so that it hears of
/// messages that are too large.
pub fn backend_connection(config: &Mqtt) -> anyhow::Result<ConnectionOptions> {
    let mut options = connection(config, "casement-backend")?.persistent(SESSION);
    options.max_packet_bytes = 32 << 20;
    Ok(options)
}

/// The backend's options.
pub fn backend(config: &Config) -> anyhow::Result<BackendOptions> {
    Ok(BackendOptions {
        topics: topics(&config.mqtt)?,
        trigger: TriggerOptions {
            thresholds: thresholds(config),
            ..TriggerOptions::default()
        },
        features: features(&config.audio)?,
        archive: archive(&config.audio),
        ..BackendOptions::default()
    })
}

/// Where the backend keeps and stores.
pub fn local(config: &Config) -> LocalOptions {
    let mut journal = journal::Options::new(&config.journal.path);
    journal.max_bytes = config.journal.max_bytes;
    LocalOptions {
        journal,
        store: store(config),
    }
}

fn thresholds(config: &Config) -> Thresholds {
    let change = &config.change_detection;
    let mut thresholds = Thresholds::default()
        .with_change(Quantity::Temperature, change.temperature_threshold)
        .with_change(Quantity::Humidity, change.humidity_threshold);
    thresholds.audio_always = change.audio_always_trigger;
    thresholds
}

/// The features that rows carry: those asked for, and those that models read.
pub fn features(config: &Audio) -> anyhow::Result<FeatureOptions> {
    let mut names = FeatureName::SPECIFIED.to_vec();
    for name in &config.features {
        let name: FeatureName = name.parse().map_err(anyhow::Error::msg)?;
        if !names.contains(&name) {
            names.push(name);
        }
    }
    Ok(FeatureOptions {
        rate: Some(config.sample_rate),
        names,
        n_mfcc: config.n_mfcc,
        n_fft: config.n_fft,
        hop: config.hop_length,
        frames: config.frames,
        preprocessing: Preprocessing {
            remove_dc: config.preprocessing.remove_dc,
            noise_reduction: config.preprocessing.noise_reduction,
            normalization: match config.preprocessing.normalization.as_str() {
                "peak" => Some(Normalization::Peak),
                "rms" => Some(Normalization::Rms),
                _ => None,
            },
        },
    })
}

/// Where recordings are kept, if they are.
fn archive(config: &Audio) -> Option<ArchiveOptions> {
    const DAY: u64 = 24 * 60 * 60;
    let limit = |value: u64| (value > 0).then_some(value);
    config.store_raw.then(|| ArchiveOptions {
        path: config.storage_path.clone(),
        max_bytes: limit(config.storage_max_bytes),
        max_age: limit(config.storage_max_age_days)
            .map(|days| std::time::Duration::from_secs(days.saturating_mul(DAY))),
    })
}

/// How to reach ClickHouse.
pub fn store(config: &Config) -> StoreOptions {
    let clickhouse = &config.clickhouse;
    let url = if clickhouse.addr.contains("://") {
        clickhouse.addr.clone()
    } else {
        format!("http://{}", clickhouse.addr)
    };
    let mut options = StoreOptions::new(url, &clickhouse.database);
    options.user.clone_from(&clickhouse.user);
    options.password = clickhouse
        .password
        .as_ref()
        .map(|secret| secret.reveal().to_owned())
        .unwrap_or_default();
    options
}

/// The embedded engine's options.
pub fn engine(config: &Engine) -> engine::Options {
    let password = |secret: &Option<Secret>| secret.as_ref().map(|s| engine::Password::new(s.reveal()));
    let limits = &config.limits;
    let mut options = engine::Options::new(&config.path, config.addr);
    options.library.clone_from(&config.library);
    options.allow_outside = config.allow_outside;
    let beside = || config.path.with_file_name("backups");
    options.backups = Some(config.backups.clone().unwrap_or_else(beside));
    options.users = engine::Users {
        default: password(&config.password),
        reader: password(&config.reader_password),
    };
    options.limits = engine::Limits {
        memory_bytes: limits.memory_bytes,
        queries: limits.queries,
        reader_queries: limits.reader_queries,
        inserts: limits.inserts,
        query_time: Duration::from_secs(limits.query_s),
        reader_time: Duration::from_secs(limits.reader_s),
        reader_memory_bytes: limits.reader_memory_bytes,
        reader_result_bytes: limits.reader_result_bytes,
        ..engine::Limits::default()
    };
    options
}

/// How models are loaded.
pub fn load_options(config: &Model) -> anyhow::Result<LoadOptions> {
    Ok(LoadOptions {
        device: config.device.parse().context("model.device cannot be used")?,
        onnx_runtime: config.onnx_runtime.clone(),
    })
}

/// The ML service's options.
pub fn ml(config: &Config) -> anyhow::Result<MlOptions> {
    let connection = connection(&config.mqtt, &passing_client_id("casement-ml"))?;
    let mut options = MlOptions::new(
        connection,
        topics(&config.mqtt)?,
        &config.model.path,
        &config.model.version,
    );
    options.load = load_options(&config.model)?;
    options.shadow.clone_from(&config.model.shadow);
    options.features = features(&config.audio)?;
    options.store_raw = archive(&config.audio);
    Ok(options)
}

/// Makes `dir`, and says in one line what to do where that fails.
pub fn make_dir(dir: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(dir).with_context(|| {
        format!(
            "the data directory {} cannot be made; choose another with --data DIR",
            dir.display()
        )
    })
}
