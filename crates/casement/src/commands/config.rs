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
    let shown = Sources::process(flags.config).data(flags.data).show()?;
    for warning in shown.warnings {
        tell!("warning: {warning}");
    }
    if !shown.of_dotenv.is_empty() {
        let keys: Vec<_> = shown.of_dotenv.into_iter().collect();
        tell!("note: .env in this directory sets {}", keys.join(", "));
    }
    say!("{}", serde_json::to_string_pretty(&shown.value)?);
    Ok(())
}
