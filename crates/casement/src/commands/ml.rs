//! `casement ml`: runs the ML service with a broker.

use ::ml::Ml;
use monitoring::{HttpListener, Monitor, Registry};
use tokio::sync::oneshot;
use tracing::warn;

use crate::{
    assembly, cli,
    config::{self, Config, Reader, Sources},
    output::announce,
    service_manager, shutdown,
    supervision::Tasks,
    telemetry::redaction,
};

pub(super) async fn run(flags: cli::Ml) -> anyhow::Result<()> {
    let shutdown = shutdown::on_signal()?;
    let config = Sources::process(flags.config)
        .data(flags.data)
        .flag("ml.addr", flags.http.map(|addr| addr.to_string()))
        .load_for(Reader::Ml)?;
    let listener = listen(&config).await?;
    let metrics = listener.as_ref().map_or_else(
        || "no metrics".to_owned(),
        |listener| format!("metrics http://{}/metrics", listener.addr()),
    );
    let mut registry = Registry::default();
    let ml = Ml::open(assembly::ml(&config)?, &mut registry)?;
    let monitor = Monitor::new(registry, vec![redaction::health(ml.health())]);
    let mut tasks = Tasks::default();
    if let Some(listener) = listener {
        tasks.serve(listener, monitor.routes(), shutdown.clone());
    }
    let model = ml.models().current();
    let (ready, is_ready) = oneshot::channel();
    let broker = config.mqtt.broker.clone();
    // A broker that is away is waited for, which is no failed start.
    service_manager::ready(&format!("waiting for the broker {broker}"));
    tokio::spawn(async move {
        if is_ready.await.is_ok() {
            let status = format!(
                "broker {broker}, model {} ({}), {metrics}",
                model.version(),
                model.origin()
            );
            announce!("casement ml is running: {status}");
            service_manager::status(&status);
        }
    });
    let running = ml.run(shutdown.clone(), ready);
    let mut running = std::pin::pin!(running);
    let ran = tokio::select! {
        ran = &mut running => Ok(ran?),
        failed = tasks.run_until(&shutdown) => {
            shutdown.cancel();
            running.await?;
            failed
        }
    };
    let _ = tasks.join(shutdown::HTTP_END).await;
    ran
}

/// Takes the address of metrics and health. The default one may belong to another ML service of this machine: this one
/// then runs without.
async fn listen(config: &Config) -> anyhow::Result<Option<HttpListener>> {
    match HttpListener::bind(config.ml.addr, "ml.addr").await {
        Ok(listener) => Ok(Some(listener)),
        Err(error) if config.ml.addr == config::Ml::default().addr => {
            warn!("{error}; running without metrics and health");
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}
