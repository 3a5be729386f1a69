//! The parts of an installation that a backup holds, and where each of them is.
//!
//! In: a configuration. Out: places. Of a part that runs elsewhere there is none.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::{certificates, config::Config};

/// What ClickHouse backed up.
pub(crate) const CLICKHOUSE: &str = "clickhouse";
/// What is accepted and not stored yet.
pub(crate) const JOURNAL: &str = "journal";
/// Sessions and retained messages of the embedded broker.
pub(crate) const BROKER: &str = "broker";
/// Recordings, if they are kept.
pub(crate) const RECORDINGS: &str = "recordings";
/// Configuration files and the files that they name.
pub(crate) const CONFIGURATION: &str = "configuration";
/// The model that serves, and its versions.
pub(crate) const MODELS: &str = "models";
/// Every part, which is also the name of its directory in a backup.
pub(crate) const ALL: [&str; 9] = [
    CLICKHOUSE,
    JOURNAL,
    BROKER,
    "accounts",
    "registry",
    "tls",
    MODELS,
    RECORDINGS,
    CONFIGURATION,
];

/// Where the parts are. Paths are absolute.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Places {
    /// The data directory.
    pub(crate) data: PathBuf,
    /// ClickHouse's own files.
    pub(crate) engine: PathBuf,
    pub(crate) journal: PathBuf,
    /// The one folder of ClickHouse's `BACKUP`.
    pub(crate) clickhouse_backups: PathBuf,
    pub(crate) broker: Option<PathBuf>,
    pub(crate) accounts: PathBuf,
    pub(crate) registry: PathBuf,
    pub(crate) tls: PathBuf,
    /// The file of the model that serves.
    pub(crate) model: PathBuf,
    pub(crate) recordings: Option<PathBuf>,
    /// Configuration files, and files that they name.
    pub(crate) configuration: Vec<PathBuf>,
}

impl Places {
    /// The places of a configuration that was read from `file`.
    pub(crate) fn of(config: &Config, file: Option<&Path>) -> Self {
        let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.into());
        let beside = || config.engine.path.with_file_name("backups");
        let backups = config.engine.backups.clone().unwrap_or_else(beside);
        let named = [
            &config.clickhouse.ca_file,
            &config.clickhouse.password_file,
            &config.engine.password_file,
            &config.engine.reader_password_file,
            &config.mqtt.ca_file,
            &config.mqtt.password_file,
            &config.tls.certificate_file,
            &config.tls.client_ca_file,
            &config.tls.key_file,
        ];
        let own = [file.map(Path::to_path_buf), Some(".env".into())];
        let files = own
            .into_iter()
            .flatten()
            .chain(named.into_iter().flatten().cloned());
        Self {
            data: absolute(&config.data()),
            engine: absolute(&config.engine.path),
            journal: absolute(&config.journal.path),
            clickhouse_backups: absolute(&backups),
            broker: config.embeds_broker().then(|| absolute(&config.broker.path)),
            accounts: absolute(&config.accounts_dir()),
            registry: absolute(&config.registry_dir()),
            tls: absolute(&certificates::directory(config)),
            model: absolute(&config.model.path),
            recordings: config
                .audio
                .store_raw
                .then(|| absolute(&config.audio.storage_path)),
            configuration: files
                .map(|path| absolute(&path))
                .filter(|path| path.is_file())
                .collect(),
        }
    }

    /// Where everything but ClickHouse's backup waits to be written: one backup at a time.
    pub(crate) fn staging(&self) -> PathBuf {
        self.data.join("backup-staging")
    }

    /// The directories of which backups are copies. In all of them but [`Places::shelf`] a backup has no place.
    pub(crate) fn copied(&self) -> impl Iterator<Item = &Path> {
        let always = [
            &self.data,
            &self.engine,
            &self.journal,
            &self.accounts,
            &self.registry,
            &self.tls,
            &self.clickhouse_backups,
        ];
        let others = [&self.broker, &self.recordings];
        always
            .into_iter()
            .chain(others.into_iter().flatten())
            .map(PathBuf::as_path)
    }

    /// Where the running service is asked.
    pub(crate) fn door(&self) -> PathBuf {
        self.data.join("backup.sock")
    }

    /// Where backups go by default.
    pub(crate) fn shelf(&self) -> PathBuf {
        self.data.join("archives")
    }
}
