//! `casement ml`: the ML service against a broker.

use ::ml::Ml;
use monitoring::Registry;
use tokio::sync::oneshot;

use crate::{assembly, cli::ConfigFile, config::Sources, output::announce, shutdown};

pub(super) async fn run(flags: ConfigFile) -> anyhow::Result<()> {
    let shutdown = shutdown::on_signal()?;
    let config = Sources::process(flags.config).load()?;
    let mut registry = Registry::default();
    let ml = Ml::open(assembly::ml(&config)?, &mut registry)?;
    let model = ml.models().current();
    let (ready, is_ready) = oneshot::channel();
    let broker = config.mqtt.broker.clone();
    tokio::spawn(async move {
        if is_ready.await.is_ok() {
            announce!(
                "casement ml is running: broker {broker}, model {} ({})",
                model.version(),
                model.origin()
            );
        }
    });
    ml.run(shutdown, ready).await?;
    Ok(())
}
