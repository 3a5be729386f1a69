//! `casement ml`: runs the ML service with a broker.

use ::ml::Ml;
use monitoring::{HttpListener, Monitor, Registry};
use tokio::sync::oneshot;

use crate::{assembly, cli, config::Sources, output::announce, shutdown};

pub(super) async fn run(flags: cli::Ml) -> anyhow::Result<()> {
    let shutdown = shutdown::on_signal()?;
    let config = Sources::process(flags.config)
        .flag("ml.addr", flags.http.map(|addr| addr.to_string()))
        .load()?;
    let listener = HttpListener::bind(config.ml.addr, "ml.addr").await?;
    let http = listener.addr();
    let mut registry = Registry::default();
    let ml = Ml::open(assembly::ml(&config)?, &mut registry)?;
    let monitor = Monitor::new(registry, vec![ml.health()]);
    let serving = listener.spawn(monitor.routes(), shutdown.clone());
    let model = ml.models().current();
    let (ready, is_ready) = oneshot::channel();
    let broker = config.mqtt.broker.clone();
    tokio::spawn(async move {
        if is_ready.await.is_ok() {
            announce!(
                "casement ml is running: broker {broker}, model {} ({}), metrics http://{http}/metrics",
                model.version(),
                model.origin()
            );
        }
    });
    ml.run(shutdown, ready).await?;
    let _ = tokio::time::timeout(shutdown::HTTP_END, serving).await;
    Ok(())
}
