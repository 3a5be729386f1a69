//! `casement backend`: the backend against a broker and a ClickHouse.

use std::time::Duration;

use backend::{Backend, Door, HttpListener};

use crate::{assembly, cli, config::Sources, output::announce, shutdown};

const DRAIN: Duration = Duration::from_secs(4);

pub(super) async fn run(flags: cli::Backend) -> anyhow::Result<()> {
    let shutdown = shutdown::on_signal()?;
    let config = Sources::process(flags.config)
        .flag("http.addr", flags.http.map(|addr| addr.to_string()))
        .load()?;
    let listener = HttpListener::bind(config.http.addr).await?;
    let http = listener.addr();
    assembly::create_dir(&config.journal.path)?;
    // After a crash the journal repairs itself first, which may take a second.
    let options = assembly::backend(&config)?;
    let mut backend = tokio::task::block_in_place(|| Backend::open(options))?;
    backend.serve_http(listener, Vec::new());
    backend.connect(assembly::backend_connection(&config.mqtt)?, &Door::Subscription);
    announce!(
        "casement backend is running: broker {}, ClickHouse {}, page http://{http}, journal {}",
        config.mqtt.broker,
        config.clickhouse.addr,
        config.journal.path.display()
    );
    shutdown.cancelled().await;
    let left = backend.stop(DRAIN).await;
    if left > 0 {
        announce!("{left} records wait in the journal and are stored at the next start");
    }
    Ok(())
}
