//! `casement simulate`: simulates rooms at any broker.

use simulator::SimulationOptions;

use crate::{cli::Simulate, output::announce, shutdown};

pub(super) async fn run(flags: Simulate) -> anyhow::Result<()> {
    let shutdown = shutdown::on_signal()?;
    anyhow::ensure!(
        flags.speed.is_finite() && flags.speed > 0.0,
        "--speed {} is not a positive number",
        flags.speed
    );
    announce!(
        "{} virtual devices at {}; stop with Ctrl-C",
        flags.devices,
        flags.broker
    );
    let options = SimulationOptions {
        devices: flags.devices,
        seed: flags.seed,
        speed: flags.speed,
        ..SimulationOptions::new(flags.broker)
    };
    let summary = simulator::run(options, shutdown).await?;
    announce!("{summary}");
    Ok(())
}
