//! Backups of the running service: the door at which commands ask for snapshots, and the schedule.
//!
//! In: the configuration, the backend and the broker at work. Out: a socket in the data directory, and backups by the clock.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context as _;
use backend::Backend;
use broker::Broker;
use monitoring::{HealthSource, Registry};
use store::Store;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::{
    assembly,
    backup::{
        door::{self, Offer},
        parts::Places,
        schedule::{self, Plan, Schedule},
        source::Source,
    },
    config::Config,
    supervision::Tasks,
};

/// Backups of one service.
pub(crate) struct Backups {
    places: Places,
    schedule: Option<Schedule>,
    embeds_engine: bool,
}

impl Backups {
    /// Backups of a service whose configuration was read from `file`.
    pub(crate) fn of(config: &Config, file: Option<&Path>, embeds_engine: bool) -> Self {
        let places = Places::of(config, file);
        let schedule = config.backup.every.period().map(|every| {
            Schedule::new(Plan {
                every,
                shelf: shelf(config, &places),
                keep: config.backup.keep as usize,
                incrementals: config.backup.incrementals as usize,
            })
        });
        Self {
            places,
            schedule,
            embeds_engine,
        }
    }

    /// Adds the schedule's metrics to `registry`, and returns its health if there is a schedule.
    pub(crate) fn register(&self, registry: &mut Registry) -> Option<HealthSource> {
        let schedule = self.schedule.clone();
        let health = schedule.as_ref().map(Schedule::health);
        registry
            .sub_registry_with_prefix("casement_backup")
            .register_collector(monitoring::collector(move || {
                schedule::samples(schedule.as_ref())
            }));
        health
    }

    /// Opens the door and begins the schedule, until `stopping`.
    pub(crate) async fn begin(
        self,
        config: &Config,
        (backend, broker): (&Backend, Option<&Broker>),
        (tasks, stopping): (&mut Tasks, &CancellationToken),
    ) -> anyhow::Result<()> {
        let offer = if self.embeds_engine {
            let store = Store::new(assembly::store(&config.clickhouse)?)?;
            let standstills = backend.standstills().context("the log is no journal")?;
            let keep = broker.and_then(Broker::keep);
            let source = Source::new(self.places.clone(), store, standstills, keep);
            if let Err(error) = source.clean().await {
                warn!("what an earlier backup left is still there: {error:#}");
            }
            Offer::Snapshots(Arc::new(source))
        } else {
            Offer::Refusal(refusal(config).into())
        };
        let socket = self.places.door();
        match door::open(&socket) {
            Ok(listener) => {
                let (offer, stopping) = (offer.clone(), stopping.clone());
                tasks.add("the door for backups", async move {
                    door::serve(listener, offer, stopping).await;
                    Ok(())
                });
            }
            Err(error) => warn!(
                "`casement backup` cannot ask this service, as {} cannot be made: {error}",
                socket.display()
            ),
        }
        match (self.schedule, offer) {
            (Some(schedule), Offer::Snapshots(source)) => {
                let stopping = stopping.clone();
                tasks.add("the schedule of backups", async move {
                    schedule.run(source, stopping).await;
                    Ok(())
                });
            }
            (Some(_), Offer::Refusal(reason)) => warn!("backup.every does nothing: {reason}"),
            (None, _) => {}
        }
        Ok(())
    }
}

/// Where backups go by default.
pub(crate) fn shelf(config: &Config, places: &Places) -> PathBuf {
    config.backup.path.clone().unwrap_or_else(|| places.shelf())
}

/// Why an installation whose ClickHouse runs elsewhere is not backed up here.
pub(crate) fn refusal(config: &Config) -> String {
    format!(
        "ClickHouse runs elsewhere ({}), and its files are out of reach: back it up there with its statement BACKUP, and the data \
         directory of this service while it is stopped; docs/backup.md says how",
        config.clickhouse.url()
    )
}
