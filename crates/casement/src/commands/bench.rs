//! `casement bench`: from flags to a bench.

use std::time::Duration;

use crate::{
    bench::{faults, ingest},
    cli::{self, BenchCommand},
};

pub(super) async fn run(flags: cli::Bench) -> anyhow::Result<()> {
    match flags.command {
        BenchCommand::Faults {
            rounds,
            only,
            away,
            decisions,
            json,
        } => {
            let options = faults::Options {
                rounds,
                only,
                away: Duration::from_secs(away),
                decisions: decisions.max(1),
                json,
            };
            faults::run(options).await
        }
        BenchCommand::Ingest {
            seconds,
            rounds,
            only,
            decisions,
            json,
        } => {
            let options = ingest::Options {
                time: Duration::from_secs(seconds.max(1)),
                rounds,
                only,
                decisions,
                json,
            };
            ingest::run(options).await
        }
    }
}
