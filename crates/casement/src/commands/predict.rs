//! `casement predict`: prints a model's predictions for given inputs.

use std::{fs, io, io::Read as _, path::Path};

use anyhow::Context as _;
use model::{Model, PredictRequest};
use serde_json::json;

use crate::{
    assembly,
    cli::Predict,
    config::{Reader, Sources},
    output::say,
};

const SHAPE: &str = r#"{"input": [[50 numbers], …]}"#;

pub(super) fn run(flags: Predict) -> anyhow::Result<()> {
    let config = Sources::process(flags.config)
        .data(flags.data)
        .load_for(Reader::Models)?;
    let mut options = assembly::load_options(&config);
    if flags.model.is_some() {
        // A named file must exist.
        options.built_in_at = None;
    }
    let path = flags.model.unwrap_or(config.model.path);
    let model = Model::load_with(&path, &options)
        .with_context(|| format!("the model {} cannot be used", path.display()))?;
    // If one input cannot be answered, none is: a partial answer would look complete.
    let answers: Vec<String> = flags
        .input
        .iter()
        .map(|input| answer(&model, input, flags.explain, flags.input.len() > 1))
        .collect::<Result<_, _>>()?;
    for line in answers {
        say!("{line}");
    }
    Ok(())
}

/// Returns one line of JSON, with the input's name if there are several.
fn answer(model: &Model, input: &Path, explained: bool, named: bool) -> anyhow::Result<String> {
    let name = if is_stdin(input) {
        "standard input".to_owned()
    } else {
        input.display().to_string()
    };
    let text = read(input).with_context(|| format!("cannot read {name}"))?;
    let request: PredictRequest = serde_json::from_str(&text)
        .map_err(|error| anyhow::anyhow!("{name} is not {SHAPE}: {}", model::explain_json(&error)))?;
    let answer = if explained {
        model::answer_with_reasons
    } else {
        model::answer
    };
    let response = answer(model, &request).with_context(|| format!("{name} cannot be answered"))?;
    let mut line = serde_json::to_value(&response)?;
    if named {
        line["file"] = json!(name);
    }
    Ok(line.to_string())
}

fn read(input: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    if is_stdin(input) {
        io::stdin().read_to_end(&mut bytes)?;
    } else {
        bytes = fs::read(input)?;
    }
    let text = String::from_utf8(bytes);
    text.map_err(|_| io::Error::other("it is not UTF-8 text; save it as UTF-8"))
}

fn is_stdin(input: &Path) -> bool {
    input == Path::new("-")
}
