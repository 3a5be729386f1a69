//! `casement models`: the versions of the model that serves.

use anyhow::Context as _;
use model::Registry;

use crate::{
    cli::{Models, ModelsCommand},
    config::Sources,
};

pub(super) fn run(flags: Models) -> anyhow::Result<()> {
    let config = Sources::process(flags.config).load()?;
    let registry = Registry::beside(&config.model.path);
    match flags.command {
        ModelsCommand::List => {
            for version in registry.list()? {
                println!("{}", serde_json::to_string(&version)?);
            }
        }
        ModelsCommand::Show { version } => {
            println!("{}", serde_json::to_string_pretty(&registry.show(&version)?)?);
        }
        ModelsCommand::Add { file, version } => {
            let added = registry
                .add(&file, version.as_deref())
                .with_context(|| format!("{} cannot be added", file.display()))?;
            println!(
                "added {}; it serves after: casement models promote {}",
                added.version, added.version
            );
        }
        ModelsCommand::Promote { version } => {
            let before = registry.promote(&version, &config.model.version)?;
            println!(
                "{version} serves now{}",
                before
                    .map(|before| format!(", in place of {before}"))
                    .unwrap_or_default()
            );
        }
        ModelsCommand::Rollback => println!("{} serves again", registry.rollback()?),
        ModelsCommand::Remove { version } => {
            registry.remove(&version)?;
            println!("removed {version}");
        }
    }
    Ok(())
}
