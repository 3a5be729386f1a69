//! `casement evaluate`: evaluates a model against outcomes.

use anyhow::Context as _;
use model::{LoadOptions, Model};
use store::Outcome;

use super::train::source;
use crate::{
    assembly,
    cli::{Evaluate, Outcomes},
    config::{Reader, Sources},
    output::say,
};

pub(super) async fn run(flags: Evaluate) -> anyhow::Result<()> {
    let (path, options) = if let Some(path) = flags.model {
        (path, LoadOptions::default())
    } else {
        let config = Sources::process(flags.examples.config.clone())
            .load_for(Reader::Models)?
            .model;
        let options = assembly::load_options(&config);
        (config.path, options)
    };
    let model = Model::load_with(&path, &options)
        .with_context(|| format!("the model {} cannot be used", path.display()))?;
    let outcome = match flags.outcomes {
        Outcomes::Chosen => Outcome::Chosen,
        Outcomes::Reported => Outcome::Reported,
    };
    let examples = source(flags.examples, flags.seed, outcome).load().await?;
    let evaluation = training::evaluate(&model, &examples)?;
    if let Some(directory) = &flags.plot {
        training::plot_evaluation(&evaluation, directory)?;
    }
    if flags.json {
        say!("{}", serde_json::to_string_pretty(&evaluation)?);
    } else {
        say!("{evaluation}");
    }
    Ok(())
}
