//! `casement evaluate`: evaluates a model against outcomes.

use anyhow::Context as _;
use model::Model;
use store::Outcome;

use super::{train::source, writable};
use crate::{
    assembly,
    cli::{Evaluate, Outcomes},
    config::{Reader, Sources},
    output::say,
};

pub(super) async fn run(flags: Evaluate) -> anyhow::Result<()> {
    if let Some(plot) = &flags.plot {
        writable::directory(plot)?;
    }
    let config = Sources::process(flags.examples.config.clone())
        .data(flags.examples.data.clone())
        .load_for(Reader::Models)?;
    let mut options = assembly::load_options(&config);
    if flags.model.is_some() {
        // A named file must exist.
        options.built_in_at = None;
    }
    let path = flags.model.unwrap_or(config.model.path);
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
