//! `casement config`: prints the configuration in effect, or the schema of the file.

use crate::{
    cli,
    config::{self, Sources},
    output::say,
};

pub(super) fn run(flags: cli::Config) -> anyhow::Result<()> {
    if flags.schema {
        say!("{}", serde_json::to_string_pretty(&config::json_schema())?);
        return Ok(());
    }
    let config = Sources::process(flags.config).load()?;
    say!("{}", serde_json::to_string_pretty(&config)?);
    Ok(())
}
