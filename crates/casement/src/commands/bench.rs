//! `casement bench`: runs a benchmark.

use std::{
    io::{self, ErrorKind},
    time::Duration,
};

use bench::{codecs, faults, ingest, panels, pictures, strangers};
use testkit::Casement;

use crate::{
    cli::{self, BenchCommand, BenchStrangers},
    system::this_program,
};

pub(super) async fn run(flags: cli::Bench) -> anyhow::Result<()> {
    let casement = Casement::new(this_program()?);
    // Standard output writes each line as soon as it is complete.
    let out = &mut io::stdout();
    let result = match flags.command {
        BenchCommand::Faults {
            rounds,
            only,
            away,
            saturated,
            decisions,
            json,
        } => {
            let options = faults::Options {
                casement,
                rounds,
                only,
                away: Duration::from_secs(away),
                saturated: Duration::from_secs(saturated),
                decisions: decisions.max(1),
                json,
            };
            faults::run(options, out).await
        }
        BenchCommand::Pictures {
            dashboards,
            out: folder,
            days,
        } => {
            let options = pictures::Options {
                casement,
                dashboards,
                out: folder,
                days,
            };
            pictures::run(&options, out)
        }
        BenchCommand::Ingest {
            seconds,
            rounds,
            only,
            window,
            rate,
            telegraf,
            decisions,
            json,
        } => {
            let options = ingest::Options {
                casement,
                time: Duration::from_secs(seconds.max(1)),
                rounds,
                only,
                window,
                rate,
                telegraf,
                decisions,
                json,
            };
            ingest::run(options, out).await
        }
        BenchCommand::Codecs {
            devices,
            seconds,
            jitter_ms,
            seed,
            json,
        } => {
            let options = codecs::Options {
                casement,
                devices: devices.into(),
                seconds: seconds.into(),
                jitter_ms: jitter_ms.into(),
                seed,
                json,
            };
            tokio::task::block_in_place(|| codecs::run(&options, out))
        }
        BenchCommand::Strangers(flags) => strangers::run(of_strangers(&flags, casement), out).await,
        BenchCommand::Panels {
            dashboards,
            clickhouse,
            rounds,
            until,
            json,
        } => {
            let options = panels::Options {
                dashboards,
                clickhouse: url(clickhouse),
                password: std::env::var("CASEMENT_CLICKHOUSE_READER_PASSWORD").unwrap_or_default(),
                rounds,
                until: until.unwrap_or_else(now),
                json,
            };
            panels::run(&options, out)
        }
    };
    match result {
        // The reader of our output wants no more.
        Err(error) if is_broken_pipe(&error) => Ok(()),
        other => other,
    }
}

fn of_strangers(flags: &BenchStrangers, casement: Casement) -> strangers::Options {
    strangers::Options {
        casement,
        rounds: flags.rounds.max(1),
        decisions: flags.decisions.max(1),
        sockets: flags.sockets as usize,
        storm: flags.storm as usize,
        json: flags.json,
    }
}

fn url(address: String) -> String {
    if address.contains("://") {
        address
    } else {
        format!("http://{address}")
    }
}

/// Seconds since 1970.
fn now() -> u64 {
    jiff::Timestamp::now().as_second().unsigned_abs()
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let error = error.downcast_ref::<io::Error>();
    error.is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
}
