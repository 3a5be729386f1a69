//! `casement engine`: the embedded ClickHouse as a process of its own.

use engine::Options;

use crate::{
    assembly, cli,
    config::{Reader, Sources},
    data_dir,
    output::announce,
    shutdown,
    telemetry::{self, panics},
};

/// Reads the configuration and, before there is a second thread, sandboxes the process.
pub(super) fn prepare(flags: cli::Engine) -> anyhow::Result<Options> {
    let path = flags.data.map(|data| data.join("engine").display().to_string());
    let config = Sources::process(flags.config)
        .flag("engine.path", path)
        .flag("engine.addr", flags.clickhouse.map(|addr| addr.to_string()))
        .load_for(Reader::Engine)?;
    data_dir::create(&config.engine.path)?;
    let mut options = assembly::engine(&config.engine);
    options
        .backups
        .iter()
        .for_each(|backups| data_dir::close(backups));
    options.stop_with_parent = flags.supervised;
    if !options.allow_outside {
        engine::confine(&options)?;
    }
    Ok(options)
}

pub(super) async fn run(options: Options) -> anyhow::Result<()> {
    let quiet = options.stop_with_parent;
    let shutdown = if quiet {
        shutdown::with_parent()?
    } else {
        shutdown::on_signal()?
    };
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
