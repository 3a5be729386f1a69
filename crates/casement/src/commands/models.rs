//! `casement models`: manages the versions of the model.

use model::{Registry, Version};

use super::{
    addition::{self, Newcomer},
    compare,
    runtime::block_on,
};
use crate::{
    assembly,
    cli::{Models, ModelsCommand},
    config::{Reader, Sources},
    noted,
    output::say,
    table,
};

pub(super) fn run(flags: Models) -> anyhow::Result<()> {
    let sources = || Sources::process(flags.config.clone()).data(flags.data.clone());
    let config = sources().load_for(Reader::Models)?;
    let options = assembly::load_options(&config);
    let registry = Registry::beside(&config.model.path).with_options(options.clone());
    match flags.command {
        ModelsCommand::List { json } => {
            let mut versions: Vec<Version> = registry.plain(&config.model.version).into_iter().collect();
            versions.extend(registry.list()?);
            list(&versions, json)?;
        }
        ModelsCommand::Show { version } => {
            say!("{}", serde_json::to_string_pretty(&registry.show(&version)?)?);
        }
        ModelsCommand::Add {
            file,
            version,
            output_scale,
            examples,
        } => {
            let newcomer = Newcomer {
                file,
                version,
                output_scale,
                examples: examples.map(|from| addition::source(&from, sources())),
            };
            addition::add(newcomer, &registry, &options)?;
        }
        ModelsCommand::Calibrate { version, examples } => {
            let source = addition::source(&examples, sources());
            addition::calibrate(&version, source, &registry, &options)?;
        }
        ModelsCommand::Promote { version } => {
            let before = registry.promote(&version, &config.model.version)?;
            say!(
                "{version} serves now{}",
                before
                    .map(|before| format!(", in place of {before}"))
                    .unwrap_or_default()
            );
        }
        ModelsCommand::Rollback => say!("{} serves again", registry.rollback()?),
        ModelsCommand::Shadow { version, .. } => match version {
            Some(version) => {
                registry.shadow(&version)?;
                say!("{version} predicts beside the model that serves; see: casement models compare");
            }
            None => match registry.unshadow()? {
                Some(version) => say!("{version} predicts no more"),
                None => say!("no version predicts beside the model that serves"),
            },
        },
        ModelsCommand::Compare { a, b, days, json } => {
            let asked = noted::with_clickhouse(sources())?.load_for(Reader::ClickHouse)?;
            let (store, since) = (assembly::store(&asked.clickhouse)?, compare::days_ago(days));
            block_on(compare::run(store, compare::query(a, b, since), json))?;
        }
        ModelsCommand::Remove { version } => {
            registry.remove(&version)?;
            say!("removed {version}");
        }
    }
    Ok(())
}

fn list(versions: &[Version], json: bool) -> anyhow::Result<()> {
    if json {
        for version in versions {
            say!("{}", serde_json::to_string(version)?);
        }
        return Ok(());
    }
    if versions.is_empty() {
        say!("no model and no versions yet; the first one: casement models add FILE --version NAME");
        return Ok(());
    }
    let figure = |version: &Version, pick: fn(&model::Calibration) -> f64, digits: usize| {
        let known = version.sidecar.calibration.as_ref().map(pick);
        known.map_or_else(|| "?".to_owned(), |figure| format!("{figure:.digits$}"))
    };
    let rows = versions.iter().map(|version| {
        let role = match (version.serves, version.shadows) {
            (true, _) if version.built_in => "built in",
            (true, _) => "serves",
            (_, true) => "shadows",
            _ => "",
        };
        let sha256 = match &version.problem {
            Some(problem) => format!("refused: {problem}"),
            None => version.sidecar.sha256.chars().take(12).collect(),
        };
        [
            version.version.clone(),
            role.to_owned(),
            figure(version, |c| c.mae, 2),
            figure(version, |c| c.ece, 3),
            sha256,
        ]
    });
    say!(
        "{}",
        table::format(["VERSION", "ROLE", "MAE", "ECE", "SHA-256"], 2..4, rows)
    );
    Ok(())
}
