//! `casement bench`: runs a benchmark.

use std::{
    io::{self, ErrorKind},
    time::Duration,
};

use bench::{backups, codecs, decisions, faults, history, ingest, panels, pictures, strangers, upgrade};
use testkit::Casement;

use super::writable;
use crate::{
    cli::{
        self, BenchBackup, BenchCommand, BenchDecisions, BenchHistory, BenchPanels, BenchStrangers,
        BenchUpgrade,
    },
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
            writable::directory(&folder)?;
            let options = pictures::Options {
                casement,
                dashboards,
                out: folder,
                days,
            };
            pictures::run(&options, out)
        }
        BenchCommand::Decisions(flags) => {
            if let Some(picture) = &flags.plot {
                writable::file(picture)?;
            }
            decisions::run(&of_decisions(flags), out)
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
        BenchCommand::Backup(flags) => backups::run(of_backup(&flags, casement), out).await,
        BenchCommand::History(flags) => {
            let options = of_history(&flags, casement);
            tokio::task::block_in_place(|| history::run(&options, out))
        }
        BenchCommand::Strangers(flags) => strangers::run(of_strangers(&flags, casement), out).await,
        BenchCommand::Upgrade(flags) => upgrade::run(of_upgrade(&flags, casement), out).await,
        BenchCommand::Panels(flags) => panels::run(&of_panels(flags), out),
    };
    match result {
        // The reader of our output wants no more.
        Err(error) if is_broken_pipe(&error) => Ok(()),
        other => other,
    }
}

fn of_decisions(flags: BenchDecisions) -> decisions::Options {
    decisions::Options {
        rooms: flags.rooms as usize,
        days: flags.days,
        seed: flags.seed,
        model: flags.model,
        clip_every: flags.clip_every,
        picture: flags.plot,
        json: flags.json,
    }
}

fn of_backup(flags: &BenchBackup, casement: Casement) -> backups::Options {
    backups::Options {
        casement,
        rate: flags.rate.into(),
        rows: flags.rows,
        time: Duration::from_secs(flags.seconds.max(1)),
        json: flags.json,
    }
}

fn of_history(flags: &BenchHistory, casement: Casement) -> history::Options {
    history::Options {
        casement,
        days: flags.days,
        questions: flags.questions.max(1),
        points: flags.points,
        json: flags.json,
    }
}

fn of_upgrade(flags: &BenchUpgrade, casement: Casement) -> upgrade::Options {
    upgrade::Options {
        casement,
        rows: flags.rows.into(),
        days: flags.days,
        from: flags.from,
        json: flags.json,
    }
}

fn of_panels(flags: BenchPanels) -> panels::Options {
    panels::Options {
        dashboards: flags.dashboards,
        clickhouse: url(flags.clickhouse),
        password: std::env::var("CASEMENT_CLICKHOUSE_READER_PASSWORD").unwrap_or_default(),
        rounds: flags.rounds,
        until: flags.until.unwrap_or_else(now),
        json: flags.json,
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
