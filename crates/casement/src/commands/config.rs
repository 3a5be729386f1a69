//! `casement config`: what is in effect, after all layers.

use crate::{cli::ConfigFile, config::Sources, output::say};

pub(super) fn run(flags: ConfigFile) -> anyhow::Result<()> {
    let config = Sources::process(flags.config).load()?;
    say!("{}", serde_json::to_string_pretty(&config)?);
    Ok(())
}
