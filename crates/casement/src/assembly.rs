//! The assembly of each service's options from the configuration.
//!
//! In: a checked [`Config`]. Out: options. This is the only place that connects configuration keys to the code they
//! configure.

use std::{path::Path, time::Duration};

use accounts::{AccountsFile, LoginLimits, TopicRules};
use anyhow::Context as _;
use audio::{FeatureOptions, Preprocessing, archive::ArchiveOptions};
use backend::{BackendOptions, HomeAssistantOptions, LocalOptions, RetentionOptions, TriggerOptions};
use broker::{BrokerOptions, ListenerOptions, RateLimits};
use domain::{DeviceId, FeatureName, Quantity, Thresholds};
use ml::MlOptions;
use model::LoadOptions;
use mqtt::{ConnectionOptions, TopicKind, Topics, homeassistant::Discovery};
use people::{PeopleOptions, RequestLimits};
use secrecy::{ExposeSecret as _, SecretString};
use simulator::SimulationOptions;
use store::{Kept, StoreOptions};

use crate::{
    config::{Anonymous, Audio, ClickHouse, Config, Engine, Mqtt, Retention},
    data_dir,
};

/// Time for which a broker keeps the backend's session, so that messages during its absence are not missed.
const SESSION: Duration = Duration::from_hours(7 * 24);

/// Returns the topics of the configuration.
pub fn topics(config: &Mqtt) -> anyhow::Result<Topics> {
    Topics::new(&config.topics).context("mqtt.topics cannot be used")
}

/// Returns the options of a role's connection to the configured broker.
pub fn connection(config: &Mqtt, client_id: &str) -> anyhow::Result<ConnectionOptions> {
    let mut options = ConnectionOptions::new(config.broker.clone(), client_id);
    options.protocol = config.protocol;
    options.username.clone_from(&config.username);
    options.password.clone_from(&config.password);
    options.keep_alive = Duration::from_secs(config.keep_alive_s);
    if config.broker.tls() {
        options.trusted_certificates_pem = certificates("mqtt.ca_file", config.ca_file.as_deref())?;
    }
    Ok(options)
}

/// Reads the certificates in the file that `key` names, in PEM.
fn certificates(key: &str, file: Option<&Path>) -> anyhow::Result<Option<Vec<u8>>> {
    const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";
    let Some(path) = file else { return Ok(None) };
    let pem = std::fs::read(path).with_context(|| format!("{key} {} cannot be read", path.display()))?;
    anyhow::ensure!(
        pem.windows(BEGIN.len()).any(|window| window == BEGIN),
        "{key} {} holds no certificate: it has to be PEM, which begins with -----BEGIN CERTIFICATE-----",
        path.display()
    );
    Ok(Some(pem))
}

/// Returns the options of the backend's connection. Its session outlives a restart. Its packet limit is above the limit
/// of messages, so that messages that are too large are received and recorded.
pub fn backend_connection(config: &Mqtt) -> anyhow::Result<ConnectionOptions> {
    let mut options = connection(config, "casement-backend")?.persistent(SESSION);
    options.max_packet_bytes = 32 << 20;
    Ok(options)
}

/// Returns the options of the connection that finds messages one slip away from the configured topics, and its filters,
/// if they are configured.
pub fn diagnosis(config: &Mqtt) -> anyhow::Result<(ConnectionOptions, Option<Vec<String>>)> {
    let mut options = connection(config, &mqtt::random_client_id("diagnosis"))?;
    options.max_packet_bytes = 32 << 20;
    let filters = config.diagnostic_topics.clone();
    if let Some(wrong) = filters
        .iter()
        .flatten()
        .find(|filter| !mqtt::is_topic_filter(filter))
    {
        anyhow::bail!("mqtt.diagnostic_topics: '{wrong}' is no topic filter; filters are like sensor/#");
    }
    Ok((options, filters))
}

/// The file of accounts; `by` is who changes them.
pub fn accounts(config: &Config, by: &str) -> AccountsFile {
    AccountsFile::new(&config.accounts_dir(), by)
}

/// Who may read page, API and metrics without an account, and how often somebody may ask.
pub fn people(config: &Config) -> PeopleOptions {
    PeopleOptions {
        local_reads: config.http.anonymous == Anonymous::Loopback,
        limits: RequestLimits {
            per_s: config.http.limits.requests_per_s,
            burst: config.http.limits.burst,
        },
    }
}

/// How often somebody may be wrong.
pub fn login_limits(config: &Config) -> LoginLimits {
    LoginLimits {
        failures_of_address: config.accounts.failures_per_address,
        failures_of_account: config.accounts.failures_per_account,
        longest_pause: Duration::from_secs(config.accounts.longest_pause_s),
    }
}

/// What devices and services may say and hear: the rules' own topics, and those of the configuration.
pub fn topic_rules(config: &Config) -> anyhow::Result<TopicRules> {
    const SOMEBODY: &str = "somebody";
    let topics = topics(&config.mqtt)?;
    let prefix = &config.home_assistant.prefix;
    let somebody = DeviceId::parse(SOMEBODY).expect("a device id");
    let mut rules = TopicRules::of_home_assistant(prefix);
    for kind in TopicKind::ALL {
        let of_device = || topics.topic_for(kind, &somebody).replace(SOMEBODY, "{id}");
        let of_all = || topics.filter(kind);
        match kind {
            TopicKind::Reading(_)
            | TopicKind::Audio
            | TopicKind::WindowState
            | TopicKind::DeviceStatus
            | TopicKind::Telemetry
            | TopicKind::ConfigAck
            | TopicKind::TimeRequest => {
                rules.device_publish.push(of_device());
            }
            TopicKind::DeviceConfig | TopicKind::DeviceTime => {
                rules.device_subscribe.push(of_device());
                rules.backend_publish.push(of_all());
                rules.backend_alone.push(of_all());
            }
            TopicKind::WindowControl => {
                rules.device_subscribe.push(of_device());
                rules.ml_publish.push(of_all());
                rules.backend_publish.push(of_all());
            }
            TopicKind::WindowSet | TopicKind::Alarm => rules.wishes.push(of_all()),
            TopicKind::WindowOverride => {
                rules.backend_publish.push(of_all());
                rules.backend_alone.push(of_all());
            }
            TopicKind::RoomState => rules.backend_publish.push(of_all()),
            TopicKind::InferenceRequest => {
                rules.ml_subscribe.push(of_all());
                rules.backend_publish.push(of_all());
            }
            TopicKind::ShadowPrediction | TopicKind::Prediction => rules.ml_publish.push(of_all()),
        }
    }
    rules.tidy();
    Ok(rules)
}

/// Returns the backend's options.
pub fn backend(config: &Config) -> anyhow::Result<BackendOptions> {
    Ok(BackendOptions {
        topics: topics(&config.mqtt)?,
        trigger: TriggerOptions {
            thresholds: thresholds(config),
            max_devices: config.backend.max_devices,
            ..TriggerOptions::default()
        },
        features: features(&config.audio),
        spectrum: config.audio.spectrum,
        archive: archive(&config.audio),
        ml_understands_context: config.ml.understands_context,
        retention: retention(&config.retention),
        windows: config.windows.settings(),
        max_devices: config.backend.max_devices,
        ..BackendOptions::default()
    })
}

fn retention(config: &Retention) -> RetentionOptions {
    RetentionOptions {
        days: Kept::ALL.map(|kept| (kept, config.days(kept))).into(),
        min_free_bytes: config.min_free_bytes,
        ..RetentionOptions::default()
    }
}

/// Returns the backend's options for its journal and its database.
pub fn local(config: &Config) -> anyhow::Result<LocalOptions> {
    let mut journal = journal::Options::new(&config.journal.path);
    journal.max_bytes = config.journal.max_bytes;
    Ok(LocalOptions {
        journal,
        store: store(&config.clickhouse)?,
        registry: config.registry_dir(),
    })
}

/// Returns the changes that make a decision due where a device has no others.
pub fn thresholds(config: &Config) -> Thresholds {
    let change = &config.change_detection;
    let mut thresholds = Thresholds::default()
        .with_change(Quantity::Temperature, change.temperature_threshold)
        .with_change(Quantity::Humidity, change.humidity_threshold);
    thresholds.audio_always = change.audio_always_trigger;
    thresholds
}

/// Returns the embedded broker's options.
pub fn broker(config: &Config, listeners: Vec<ListenerOptions>) -> BrokerOptions {
    let defaults = BrokerOptions::default();
    let limits = &config.broker.limits;
    // Every device that gets decisions can connect, as far as there are descriptors.
    let wanted = limits
        .connections
        .unwrap_or_else(|| defaults.max_connections.max(config.backend.max_devices));
    let max_connections = wanted.min(connections(monitoring::raise_descriptor_limit()));
    BrokerOptions {
        listeners,
        max_packet_bytes: limits.packet_bytes,
        max_greeting_bytes: limits.greeting_bytes,
        max_will_bytes: limits.will_bytes,
        max_partial_bytes: limits.partial_bytes,
        rates: RateLimits {
            packets_per_s: limits.packets_per_s,
            bytes_per_s: limits.bytes_per_s,
            burst_s: limits.burst_s,
        },
        limit_rates_of_loopback: false,
        max_topic_levels: limits.topic_levels,
        max_retained_bytes: limits.retained_payload_bytes,
        max_connections,
        // Whatever one host does, others can still connect.
        max_connections_per_address: limits
            .connections_per_address
            .unwrap_or(max_connections - max_connections / 10),
        max_unidentified_per_address: limits.unidentified_per_address,
        connect_timeout: Duration::from_secs(limits.handshake_s),
        max_inflight: limits.inflight,
        max_queued_messages: limits.queued_messages,
        max_queued_bytes: limits.queued_bytes,
        max_sessions: limits.sessions,
        max_subscriptions: limits.subscriptions,
        session_expiry: Duration::from_secs(limits.session_expiry_s),
        max_retained_messages: limits.retained_messages,
        max_retained_total_bytes: limits.retained_bytes,
        storage: Some(config.broker.path.clone()),
        max_stored_bytes: limits.stored_bytes,
        ..defaults
    }
}

/// How many of the process's descriptors clients may take; the others are for the journal, recordings, the page and the
/// database.
fn connections(descriptors: u64) -> usize {
    let reserved = (descriptors / 4).clamp(128, 1_024);
    usize::try_from(descriptors.saturating_sub(reserved))
        .unwrap_or(usize::MAX)
        .max(1)
}

/// Returns the options of the simulated rooms of `casement up`, at the configured broker.
pub fn simulation(config: &Mqtt, devices: usize) -> anyhow::Result<SimulationOptions> {
    let mut options = SimulationOptions::new(config.broker.clone());
    options.devices = devices;
    options.topics = topics(config)?;
    options.username.clone_from(&config.username);
    options.password.clone_from(&config.password);
    if config.broker.tls() {
        options.trusted_certificates_pem = certificates("mqtt.ca_file", config.ca_file.as_deref())?;
    }
    Ok(options)
}

/// Returns the features that rows have: the configured ones and those that models read.
pub fn features(config: &Audio) -> FeatureOptions {
    let mut names = FeatureName::SPECIFIED.to_vec();
    for name in &config.features {
        if !names.contains(name) {
            names.push(*name);
        }
    }
    FeatureOptions {
        rate: Some(config.sample_rate),
        names,
        n_mfcc: config.n_mfcc,
        n_fft: config.n_fft,
        hop: config.hop_length,
        frames: config.frames,
        preprocessing: Preprocessing {
            remove_dc: config.preprocessing.remove_dc,
            noise_reduction: config.preprocessing.noise_reduction,
            normalization: config.preprocessing.normalization,
        },
    }
}

/// Returns the options of the archive of recordings, if they are kept.
fn archive(config: &Audio) -> Option<ArchiveOptions> {
    const DAY: u64 = 24 * 60 * 60;
    let limit = |value: u64| (value > 0).then_some(value);
    if config.store_raw {
        data_dir::close(&config.storage_path);
    }
    config.store_raw.then(|| ArchiveOptions {
        path: config.storage_path.clone(),
        max_bytes: limit(config.storage_max_bytes),
        max_age: limit(config.storage_max_age_days)
            .map(|days| std::time::Duration::from_secs(days.saturating_mul(DAY))),
    })
}

/// Returns whether and how rooms are announced to Home Assistant, and the options of the connection that does it. `page` is
/// where the page is in the network, if it is.
pub fn home_assistant(
    config: &Config,
    page: Option<String>,
) -> anyhow::Result<(HomeAssistantOptions, ConnectionOptions)> {
    let section = &config.home_assistant;
    let page = section.page_url.clone().or(page);
    let discovery = Discovery::new(&section.prefix, section.discovery, topics(&config.mqtt)?, page)
        .context("home_assistant.prefix cannot be used")?;
    let options = HomeAssistantOptions {
        enabled: section.enabled,
        discovery,
        notes: config.registry_dir().join("home_assistant.json"),
    };
    // Discovery messages that others have retained may be of any size.
    let mut connection = connection(&config.mqtt, &mqtt::random_client_id("homeassist"))?;
    connection.max_packet_bytes = 32 << 20;
    Ok((options, connection))
}

/// Returns the options of the connection to ClickHouse.
pub fn store(config: &ClickHouse) -> anyhow::Result<StoreOptions> {
    let mut options = StoreOptions::new(config.url(), &config.database);
    options.user.clone_from(&config.user);
    if let Some(password) = &config.password {
        password.expose_secret().clone_into(&mut options.password);
    }
    if options.url.starts_with("https://") {
        options.trusted_certificates_pem = certificates("clickhouse.ca_file", config.ca_file.as_deref())?;
    }
    Ok(options)
}

/// Returns the embedded engine's options.
pub fn engine(config: &Engine) -> engine::Options {
    let password = |secret: &Option<SecretString>| {
        let secret = secret.as_ref()?.expose_secret();
        Some(engine::Password::new(secret).expect("the configuration holds no blank secret"))
    };
    let limits = &config.limits;
    let mut options = engine::Options::new(&config.path, config.addr);
    options.library.clone_from(&config.library);
    options.allow_outside = config.allow_outside;
    let beside = || config.path.with_file_name("backups");
    options.backups = Some(config.backups.clone().unwrap_or_else(beside));
    options.users = engine::Users {
        default: password(&config.password),
        reader: password(&config.reader_password),
        ..engine::Users::default()
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

/// Returns the options of loading models. The default path means the built-in model while there is no file.
pub fn load_options(config: &Config) -> LoadOptions {
    LoadOptions {
        device: config.model.device,
        onnx_runtime: config.model.onnx_runtime.clone(),
        output_scale: None,
        built_in_at: config.built_in_model_path(),
    }
}

/// Returns the ML service's options.
pub fn ml(config: &Config) -> anyhow::Result<MlOptions> {
    let connection = connection(&config.mqtt, &mqtt::random_client_id("casementml"))?;
    let mut options = MlOptions::new(
        connection,
        topics(&config.mqtt)?,
        &config.model.path,
        &config.model.version,
    );
    options.load = load_options(config);
    options.shadow.clone_from(&config.model.shadow);
    options.features = features(&config.audio);
    options.store_raw = archive(&config.audio);
    options.min_confidence = config.ml.min_confidence;
    Ok(options)
}
