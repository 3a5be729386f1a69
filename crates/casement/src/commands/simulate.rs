//! `casement simulate`: simulates rooms at any broker.

use simulator::SimulationOptions;

use crate::{cli::Simulate, config::secret_in, output::announce, shutdown};

pub(super) async fn run(flags: Simulate) -> anyhow::Result<()> {
    let shutdown = shutdown::on_signal()?;
    anyhow::ensure!(
        flags.speed.is_finite() && flags.speed > 0.0,
        "--speed {} is not a positive number",
        flags.speed
    );
    let mishaps = flags.mishaps.parse()?;
    announce!(
        "{} virtual devices at {}; stop with Ctrl-C",
        flags.devices,
        flags.broker
    );
    let password = flags.password_file.as_deref().map(secret_in).transpose();
    let options = SimulationOptions {
        username: flags.username,
        password: password.map_err(anyhow::Error::msg)?,
        devices: flags.devices,
        seed: flags.seed,
        speed: flags.speed,
        mishaps,
        ..SimulationOptions::new(flags.broker)
    };
    let summary = simulator::run(options, shutdown).await?;
    announce!("{summary}");
    Ok(())
}
