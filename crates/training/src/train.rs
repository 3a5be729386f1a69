//! The training of a model: split, normalise, fit, calibrate, write, evaluate.

use model::{Model, Sidecar};

use crate::{
    Baselines, Curve, Epoch, Example, Metrics, Reference, Report, TrainingError, TrainingOptions,
    evaluation::predictions,
    export,
    fit::fit,
    normalisation::Normalisation,
    part::Part,
    report::{Sizes, histogram},
    split,
};

/// Smallest number of examples.
const FEWEST: usize = 100;

/// A finished model.
#[derive(Debug, Clone)]
pub struct Trained {
    /// The `.pth` file.
    pub pth: Vec<u8>,
    /// Its side-car.
    pub sidecar: Sidecar,
    /// The report of the training.
    pub report: Report,
}

/// Trains a model. `watch` is called after every epoch.
pub fn train(
    examples: &[Example],
    options: &TrainingOptions,
    watch: &mut dyn FnMut(&Epoch),
) -> Result<Trained, TrainingError> {
    options.check()?;
    check(examples)?;
    let parts = split(examples, options.seed)?;
    let raw: Vec<_> = examples.iter().map(Example::row).collect();
    let train_rows: Vec<_> = parts.train.iter().map(|&index| raw[index]).collect();
    let normalisation = Normalisation::fit(&train_rows);
    let part = |indices: &[usize]| Part {
        rows: indices.iter().map(|&i| normalisation.apply(&raw[i])).collect(),
        positions: indices.iter().map(|&i| examples[i].position).collect(),
        weights: Vec::new(),
    };
    let (mut training, validation, test) = (part(&parts.train), part(&parts.validation), part(&parts.test));
    training.balance(options.balance);
    let (network, epochs) = fit(&training, &validation, options, watch)?;

    // Calibration uses the written file, so that it includes the guard and the rounding as a service does.
    let load = |bytes: &[u8]| Model::from_bytes(bytes).map_err(TrainingError::Written);
    let chosen =
        |indices: &[usize]| -> Vec<Example> { indices.iter().map(|&i| examples[i].clone()).collect() };
    let plain = load(&export::pth_bytes(&network, &normalisation, &Curve::straight()))?;
    let residuals: Vec<_> = predictions(&plain, &chosen(&parts.validation))?
        .iter()
        .zip(&validation.positions)
        .filter_map(|(said, wanted)| Some((said.position - wanted, said.log_variance?)))
        .collect();
    let curve = Curve::fit(&residuals);
    let pth = export::pth_bytes(&network, &normalisation, &curve);
    let model = load(&pth)?;
    let said = predictions(&model, &chosen(&parts.test))?;
    let metrics = Metrics::of(&said, &test.positions);
    let errors: Vec<f64> = said
        .iter()
        .zip(&test.positions)
        .map(|(p, y)| p.position - y)
        .collect();
    let reference = Reference::of(&chosen(&parts.train));
    let report = Report {
        version: options.version.clone(),
        sha256: model.sha256().to_owned(),
        options: options.clone(),
        examples: Sizes {
            devices: devices(examples),
            train: parts.train.len(),
            validation: parts.validation.len(),
            test: parts.test.len(),
        },
        shut: test.positions.iter().filter(|p| **p <= 0.0).count() as f64 / test.positions.len() as f64,
        epochs,
        log_score: (Curve::straight().score(&residuals), curve.score(&residuals)),
        curve,
        baselines: Baselines::fit(&training, &test),
        histogram: histogram(&errors),
        test: metrics,
    };
    Ok(Trained {
        sidecar: export::sidecar(options, model.sha256(), &report.test, &reference),
        pth,
        report,
    })
}

fn devices(examples: &[Example]) -> usize {
    let ids: std::collections::BTreeSet<&str> = examples.iter().map(|e| e.device_id.as_str()).collect();
    ids.len()
}

fn check(examples: &[Example]) -> Result<(), TrainingError> {
    if examples.len() < FEWEST {
        return Err(TrainingError::TooFew {
            found: examples.len(),
            needed: FEWEST,
        });
    }
    Example::check_all(examples)?;
    let first = examples[0].position;
    if examples.iter().all(|e| (e.position - first).abs() < 1e-9) {
        return Err(TrainingError::ConstantLabels { position: first });
    }
    Ok(())
}
