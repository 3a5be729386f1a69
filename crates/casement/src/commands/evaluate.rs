//! `casement evaluate`: a model against what windows or people did.

use anyhow::Context as _;
use model::Model;
use store::Outcome;

use super::train::source;
use crate::{
    cli::{Evaluate, Outcomes},
    config::Sources,
    output::say,
};

pub(super) async fn run(flags: Evaluate) -> anyhow::Result<()> {
    let path = match flags.model {
        Some(path) => path,
        None => Sources::process(flags.examples.config.clone()).load()?.model.path,
    };
    let model = Model::load(&path).with_context(|| format!("the model {} cannot be used", path.display()))?;
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
