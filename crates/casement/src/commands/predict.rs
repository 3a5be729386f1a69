//! `casement predict`: a model's answers to given inputs.

use std::fs;

use anyhow::Context as _;
use model::{Model, PredictRequest};

use crate::cli::Predict;

pub(super) fn run(flags: &Predict) -> anyhow::Result<()> {
    let model = Model::load(&flags.model)
        .with_context(|| format!("the model {} cannot be used", flags.model.display()))?;
    let name = flags.input.display();
    let text = fs::read_to_string(&flags.input).with_context(|| format!("cannot read {name}"))?;
    let request: PredictRequest = serde_json::from_str(&text)
        .with_context(|| format!("{name} is not {{\"input\": [[numbers], …]}}"))?;
    println!("{}", serde_json::to_string(&model::answer(&model, &request)?)?);
    Ok(())
}
