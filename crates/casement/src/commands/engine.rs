//! `casement engine`: the embedded ClickHouse as a process of its own.

use crate::{assembly, cli, config::Sources, shutdown};

pub(super) async fn run(flags: cli::Engine) -> anyhow::Result<()> {
    let shutdown = shutdown::on_signal()?;
    let path = flags.data.map(|data| data.join("engine").display().to_string());
    let config = Sources::process(flags.config)
        .flag("engine.path", path)
        .flag("engine.addr", flags.clickhouse.map(|addr| addr.to_string()))
        .load()?;
    assembly::make_dir(&config.engine.path)?;
    let mut options = engine::Options::new(&config.engine.path, config.engine.addr);
    options.library = config.engine.library;
    options.stop_with_parent = flags.supervised;
    let data = config.engine.path.display().to_string();
    let quiet = flags.supervised;
    engine::serve(options, shutdown, move |addr| {
        if !quiet {
            println!("casement engine is running: ClickHouse http://{addr}, data {data}. Try: curl 'http://{addr}/?query=SELECT+version()'");
        }
    })
    .await?;
    engine::leave(0)
}
