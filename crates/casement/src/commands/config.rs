//! `casement config`: prints the configuration in effect, or the schema of the file.

use crate::{
    cli,
    config::{self, Sources},
    output::{say, tell},
};

pub(super) fn run(flags: cli::Config) -> anyhow::Result<()> {
    if flags.schema {
        say!("{}", serde_json::to_string_pretty(&config::json_schema())?);
        return Ok(());
    }
    let (shown, warnings) = Sources::process(flags.config).show()?;
    for warning in warnings {
        tell!("warning: {warning}");
    }
    say!("{}", serde_json::to_string_pretty(&shown)?);
    Ok(())
}
