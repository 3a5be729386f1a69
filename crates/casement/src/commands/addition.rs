//! `casement models add` and `calibrate`: a model becomes a version, with what its file does not say.
//!
//! In: a file, its scale, examples. Out: a version whose side-car has the measured confidence, and in words what
//! Casement takes the file for.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use model::{Details, LoadOptions, Model, OutputScale, Registry, Version};
use simulator::dataset::DatasetOptions;
use store::Outcome;

use super::runtime::block_on;
use crate::{config::Sources, examples::Source, output::say};

/// The simulated rooms: not those of the default model's training.
const SIMULATOR_SEED: u64 = 2;
const SIMULATOR_ROOMS: usize = 40;
const SIMULATOR_DAYS: u32 = 4;

/// A model that becomes a version.
#[derive(Debug)]
pub(super) struct Newcomer {
    pub(super) file: PathBuf,
    pub(super) version: Option<String>,
    pub(super) output_scale: Option<OutputScale>,
    pub(super) examples: Option<Source>,
}

/// Returns the source of examples that a flag names.
pub(super) fn source(from: &str, config: Sources) -> Source {
    match from {
        "simulator" => Source::Simulator(DatasetOptions {
            rooms: SIMULATOR_ROOMS,
            days: SIMULATOR_DAYS,
            ..DatasetOptions::new(SIMULATOR_SEED)
        }),
        "clickhouse" => Source::ClickHouse {
            config,
            outcome: Outcome::Chosen,
            since: domain::Timestamp::from_millis(0),
        },
        file => Source::File(file.into()),
    }
}

pub(super) fn add(newcomer: Newcomer, registry: &Registry, options: &LoadOptions) -> anyhow::Result<()> {
    let refused = || format!("{} cannot be added", newcomer.file.display());
    let options = LoadOptions {
        output_scale: newcomer.output_scale,
        // A named file must exist.
        built_in_at: None,
        ..options.clone()
    };
    let model = Model::load_with(&newcomer.file, &options).with_context(refused)?;
    if newcomer.output_scale.is_some() && model.format() != "onnx" {
        bail!(
            "--output-scale is for .onnx models; a .pth file has the documented heads, and Casement applies the sigmoid"
        );
    }
    let details = match newcomer.examples {
        Some(source) => Details {
            output_scale: newcomer.output_scale,
            ..measured(&model, source)?
        },
        None => Details {
            output_scale: newcomer.output_scale,
            ..Details::default()
        },
    };
    let added = registry
        .add_with(&newcomer.file, newcomer.version.as_deref(), details)
        .with_context(|| format!("{} cannot be added", newcomer.file.display()))?;
    say!(
        "added {}; it serves after: casement models promote {}",
        added.version,
        added.version
    );
    describe(&added, &load(&added.path, &options)?);
    Ok(())
}

pub(super) fn calibrate(
    version: &str,
    source: Source,
    registry: &Registry,
    options: &LoadOptions,
) -> anyhow::Result<()> {
    let known = registry.show(version)?;
    let model = load(&known.path, options)?;
    let known = registry.describe_version(version, measured(&model, source)?)?;
    describe(&known, &load(&known.path, options)?);
    Ok(())
}

fn load(path: &Path, options: &LoadOptions) -> anyhow::Result<Model> {
    Model::load_with(path, options).with_context(|| format!("the model {} cannot be used", path.display()))
}

/// Measures the confidence of a model that states none.
fn measured(model: &Model, source: Source) -> anyhow::Result<Details> {
    if model.states_variance() {
        bail!(
            "the model states its own confidence, which examples do not replace; judge it with: casement evaluate \
             --model FILE --from SOURCE"
        );
    }
    let described = source.describe();
    let mut examples = None;
    block_on(async {
        examples = Some(source.load().await?);
        Ok(())
    })?;
    let measured = training::measure(model, &examples.unwrap_or_default(), &described)?;
    Ok(Details {
        output_scale: None,
        uncertainty: Some(measured.uncertainty),
        calibration: measured.figures,
    })
}

/// Says what Casement takes the model for.
fn describe(version: &Version, model: &Model) {
    if !model.layers().is_empty() {
        say!(
            "layers: {}; then mean_head and logvar_head",
            model.layers().join(", ")
        );
    }
    if model.assumes_relu() {
        say!(
            "activations: ReLU, as documented, because a state dict names none; if they are others, save the whole module: \
             torch.save(model, PATH)"
        );
    }
    if let Some(scale) = version.sidecar.output_scale {
        say!("outputs: {scale}, as declared");
    }
    match model.uncertainty() {
        _ if model.states_variance() => say!("confidence: the model states it"),
        Some(known) => say!(
            "confidence: measured on {} examples ({}), {:.2} on average",
            known.examples(),
            known.source,
            known.mean_confidence()
        ),
        None => say!(
            "confidence: unknown, so 0: below ml.min_confidence, decisions are kept and shown, but not carried out; measure \
             it with: casement models calibrate {} --examples FILE (or clickhouse)",
            version.version
        ),
    }
}
