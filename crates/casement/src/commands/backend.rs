//! `casement backend`: runs the backend with a broker and a ClickHouse.

use std::time::Duration;

use backend::{Backend, Receive};
use monitoring::{HttpListener, Monitor, Registry};

use tokio_util::sync::CancellationToken;

use crate::{assembly, cli, config::Sources, output::announce, shutdown};

const DRAIN: Duration = Duration::from_secs(4);

pub(super) async fn run(flags: cli::Backend) -> anyhow::Result<()> {
    let shutdown = shutdown::on_signal()?;
    let config = Sources::process(flags.config)
        .flag("http.addr", flags.http.map(|addr| addr.to_string()))
        .load()?;
    let listener = HttpListener::bind(config.http.addr, "http.addr").await?;
    let http = listener.addr();
    assembly::create_dir(&config.journal.path)?;
    // After a crash the journal repairs itself first, which may take a second.
    let options = assembly::backend(&config)?;
    let local = assembly::local(&config)?;
    let mut registry = Registry::default();
    let mut backend = tokio::task::block_in_place(|| Backend::open(options, local, &mut registry))?;
    let monitor = Monitor::new(registry, vec![backend.health()]);
    let serving = CancellationToken::new();
    let http_server = listener.spawn(monitor.routes().merge(backend.routes()), serving.clone());
    backend.connect(assembly::backend_connection(&config.mqtt)?, Receive::Subscribe);
    let (diagnosis, filters) = assembly::diagnosis(&config.mqtt)?;
    backend.diagnose(diagnosis, filters);
    announce!(
        "casement backend is running: broker {}, ClickHouse {}, page http://{http}, journal {}",
        config.mqtt.broker,
        config.clickhouse.addr,
        config.journal.path.display()
    );
    shutdown.cancelled().await;
    serving.cancel();
    let left = backend.stop(DRAIN).await;
    let _ = tokio::time::timeout(shutdown::HTTP_END, http_server).await;
    if left > 0 {
        announce!("{left} records wait in the journal and are stored at the next start");
    }
    Ok(())
}
