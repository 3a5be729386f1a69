//! `casement doctor`: examines an installation, and reports.
//!
//! In: the flags of the service, its configuration. Out: a table, or JSON. Exit codes: 0 nothing failed, 1 something failed.

use std::{
    io::{IsTerminal as _, Write as _},
    sync::Arc,
};

use anyhow::Context as _;

use super::{Finished, up};
use crate::{
    asking, cli,
    config::{Config, Reader, Sources},
    doctor::{self, Check, Context, Finding, Group, Outcome, Setup, State, Target},
    noted,
    output::say,
    shutdown,
};

const FAILED: u8 = 1;

pub(super) async fn run(flags: cli::Doctor) -> anyhow::Result<()> {
    let (setup, quick, json) = (flags.role, flags.quick, flags.json);
    let checks = doctor::of_installation(setup, quick);
    reported(target(flags)?, checks, quick, json).await
}

/// Examines a target by these checks and prints the report; `quiet` shows no progress. The error is that something failed.
pub(super) async fn reported(
    target: Result<Target, Finding>,
    checks: Vec<Check>,
    quiet: bool,
    json: bool,
) -> anyhow::Result<()> {
    let shutdown = shutdown::on_signal()?;
    let findings = match target {
        Err(finding) => vec![finding],
        Ok(target) => {
            let context = tokio::task::spawn_blocking(move || Context::open(target)).await?;
            let shows = !json && !quiet && std::io::stderr().is_terminal();
            let told = |done: usize, count: usize, finding: &Finding| {
                if shows {
                    progress(&format!("{done} of {count}: {}", finding.name));
                }
            };
            let examined = doctor::examine(Arc::new(context), checks, told);
            let examined = shutdown.run_until_cancelled(examined).await;
            if shows {
                progress("");
            }
            examined.context("stopped before the end; what was made for a check is removed")?
        }
    };
    if json {
        say!("{}", serde_json::to_string_pretty(&doctor::as_json(&findings))?);
    } else {
        say!("{}", doctor::as_table(&findings));
    }
    if findings.iter().any(|finding| finding.state == State::Failed) {
        return Err(Finished::with(FAILED).into());
    }
    Ok(())
}

/// A line on the terminal that the next one replaces.
fn progress(text: &str) {
    let mut err = std::io::stderr().lock();
    let _ = write!(err, "\r\x1b[K{text}");
    let _ = err.flush();
}

/// What is to be examined; a finding where the configuration cannot be used.
pub(super) fn target(flags: cli::Doctor) -> anyhow::Result<Result<Target, Finding>> {
    let token = asking::token(flags.token_file.as_deref())?;
    let (setup, quick, page_is_named) = (flags.role, flags.quick, flags.installation.http.is_some());
    Ok(match configuration(setup, flags.installation) {
        Ok(config) => Ok(Target {
            config,
            setup,
            quick,
            token,
            page_is_named,
        }),
        Err(error) => Err(Finding::new(
            "configuration",
            Group::Configuration,
            Outcome::failed(
                format!("{error:#}"),
                "Correct it; `casement config` shows every key. Nothing else was looked at.",
            ),
        )),
    })
}

fn configuration(setup: Setup, flags: cli::Installation) -> anyhow::Result<Config> {
    match setup {
        Setup::Up => {
            let lan = flags.lan;
            let mut config = up::configuration(noted::with_endpoints(flags)?)?;
            if lan {
                config.open_to_lan()?;
            }
            Ok(config)
        }
        Setup::Backend => Ok(noted::with_addresses(sources(&flags))?.load_for(Reader::Backend)?),
        Setup::Ml => {
            let sources = Sources::process(flags.config).data(flags.data);
            Ok(noted::with_addresses(sources)?
                .flag("ml.addr", flags.http.map(|addr| addr.to_string()))
                .load_for(Reader::Ml)?)
        }
        Setup::Engine => {
            let addr = flags.clickhouse.and_then(|endpoint| match endpoint {
                cli::Endpoint::Listen(addr) => Some(addr.to_string()),
                cli::Endpoint::Url(_) => None,
            });
            Ok(Sources::process(flags.config)
                .data(flags.data)
                .flag("engine.addr", addr)
                .load_for(Reader::Engine)?)
        }
    }
}

/// The layers of `casement backend`.
fn sources(flags: &cli::Installation) -> Sources {
    Sources::process(flags.config.clone())
        .data(flags.data.clone())
        .flag("http.addr", flags.http.map(|addr| addr.to_string()))
}
