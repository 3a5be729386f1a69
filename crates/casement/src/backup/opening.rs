//! Opens an installation that is not at work, for a backup: its engine and its journal, without any door.
//!
//! In: a configuration. Out: a [`Source`]. What waits in the journal is stored as a start would store it.

use std::time::Duration;

use anyhow::{Context as _, bail};
use backend::Backend;
use engine::Supervisor;
use monitoring::Registry;
use store::Store;
use tokio::{
    task::block_in_place,
    time::{Instant, timeout},
};

use super::{parts::Places, source::Source};
use crate::{assembly, config::Config, engine_part, system::this_program};

const IN_USE: &str = "the installation cannot be opened for a backup; if a service is starting or stopping, try again in a moment";
/// How long ClickHouse may take to open its tables.
const READY: Duration = Duration::from_mins(5);
const RECORD_END: Duration = Duration::from_secs(5);
const ENGINE_END: Duration = Duration::from_secs(10);

/// An installation that is open for a backup alone.
pub(crate) struct Opened {
    engine: Supervisor,
    backend: Backend,
    pub(crate) source: Source,
}

impl Opened {
    /// Opens it. Nothing else may have it open.
    pub(crate) async fn open(mut config: Config, places: Places) -> anyhow::Result<Self> {
        config.engine.addr = engine_part::free_address()?;
        let engine = engine_part::start_plain(&config, this_program()?)
            .await
            .context(IN_USE)?;
        config.clickhouse.addr = engine.listen().to_string();
        config.clickhouse.user = "default".into();
        config.clickhouse.password.clone_from(&config.engine.password);
        match open_backend(&config).await {
            Ok((backend, store)) => {
                let standstills = backend.standstills().context("the log is no journal")?;
                Ok(Self {
                    engine,
                    backend,
                    source: Source::new(places, store, standstills, None),
                })
            }
            Err(error) => {
                engine.stop(Instant::now() + ENGINE_END).await;
                Err(error)
            }
        }
    }

    /// Closes it.
    pub(crate) async fn close(self) {
        drop(self.source);
        self.backend.stop(RECORD_END).await;
        self.engine.stop(Instant::now() + ENGINE_END).await;
    }
}

/// Why nothing can be backed up of `places`.
pub(crate) fn nothing_in(places: &Places) -> String {
    format!(
        "there is no installation in {}: name its directory with --data DIR",
        places.data.display()
    )
}

async fn open_backend(config: &Config) -> anyhow::Result<(Backend, Store)> {
    let (options, local) = (assembly::backend(config)?, assembly::local(config)?);
    let store = Store::new(local.store.clone())?;
    let backend = block_in_place(|| Backend::open(options, local, &mut Registry::default()));
    let backend = backend.context(IN_USE)?;
    if timeout(READY, backend.ready()).await.is_err() {
        backend.stop(RECORD_END).await;
        bail!("ClickHouse does not open its tables; see `casement doctor`");
    }
    Ok((backend, store))
}
