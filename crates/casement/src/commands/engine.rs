//! `casement engine`: the embedded ClickHouse as a process of its own.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use engine::{Options, Password};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{
    assembly, cli,
    config::{Reader, Sources},
    data_dir,
    engine_users::{Handed, Readers},
    output::announce,
    shutdown,
    telemetry::{self, panics},
};

/// How long the parent may take to say who may read.
const FIRST_LINE: Duration = Duration::from_secs(10);

/// An engine that is about to run.
pub(super) struct Prepared {
    options: Options,
    supervised: bool,
    handed: bool,
}

/// Reads the configuration and, before there is a second thread, sandboxes the process.
pub(super) fn prepare(flags: cli::Engine) -> anyhow::Result<Prepared> {
    let config = Sources::process(flags.config)
        .data(flags.data)
        .flag("engine.addr", flags.clickhouse.map(|addr| addr.to_string()))
        .load_for(Reader::Engine)?;
    data_dir::create(&config.engine.path)?;
    let options = assembly::engine(&config.engine);
    options
        .backups
        .iter()
        .for_each(|backups| data_dir::close(backups));
    if !options.allow_outside {
        engine::confine(&options)?;
    }
    Ok(Prepared {
        options,
        supervised: flags.supervised,
        handed: flags.handed,
    })
}

pub(super) async fn run(prepared: Prepared) -> anyhow::Result<()> {
    let Prepared {
        mut options,
        supervised: quiet,
        handed,
    } = prepared;
    let shutdown = if quiet {
        shutdown::with_parent()?
    } else {
        shutdown::on_signal()?
    };
    if quiet {
        let lines = from_parent(shutdown.clone());
        if handed {
            learn_users(&mut options, lines).await?;
        }
    }
    let data = options.data_dir.display().to_string();
    engine::serve(options, shutdown, move |addr| {
        if !quiet {
            announce!("casement engine is running: ClickHouse http://{addr}, data {data}. Try: curl 'http://{addr}/?query=SELECT+version()'");
        }
    })
    .await?;
    telemetry::flush();
    engine::leave(if panics::happened() {
        panics::EXIT_CODE.into()
    } else {
        0
    })
}

/// The lines that the parent writes. The engine ends with the last of them.
fn from_parent(shutdown: CancellationToken) -> mpsc::UnboundedReceiver<String> {
    let (sender, lines) = mpsc::unbounded_channel();
    engine::follow_parent(shutdown, move |line| drop(sender.send(line.to_owned())));
    lines
}

/// Takes who may read from the parent's first line, and follows the others.
async fn learn_users(
    options: &mut Options,
    mut lines: mpsc::UnboundedReceiver<String>,
) -> anyhow::Result<()> {
    let first = tokio::time::timeout(FIRST_LINE, lines.recv()).await;
    let first = first.ok().flatten();
    let handed = Handed::parse(&first.context("the parent process does not say who may read")?)?;
    if options.users.default.is_none() {
        options.users.default = handed.writer.as_deref().and_then(Password::new);
    }
    let readers = Readers::new(handed)?;
    options.users.accounts = Some(Arc::new(readers.clone()));
    tokio::spawn(async move {
        while let Some(line) = lines.recv().await {
            readers.take(&line);
        }
    });
    Ok(())
}
