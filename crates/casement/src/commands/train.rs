//! `casement train`: trains a model from labelled examples and writes it with its side-car and its report.

use std::{fs, fs::File, io::BufWriter, path::Path};

use anyhow::Context as _;
use simulator::dataset::DatasetOptions;
use store::Outcome;
use training::{Epoch, Example, Trained, TrainingOptions};

use super::writable;
use crate::{
    cli::{Examples, Train},
    config::Sources,
    examples::Source,
    output::{say, tell},
};

/// Returns the source of examples that the flags name.
pub(super) fn source(flags: Examples, seed: u64, outcome: Outcome) -> Source {
    match flags.from.as_str() {
        "simulator" => Source::Simulator(DatasetOptions {
            rooms: flags.rooms,
            days: flags.days,
            alarms: flags.alarms,
            ..DatasetOptions::new(seed)
        }),
        "clickhouse" => Source::ClickHouse {
            config: Sources::process(flags.config).data(flags.data),
            outcome,
            since: flags.since.unwrap_or(domain::Timestamp::from_millis(0)),
        },
        file => Source::File(file.into()),
    }
}

pub(super) async fn run(flags: Train) -> anyhow::Result<()> {
    let source = source(flags.examples, flags.seed, Outcome::Chosen);
    let training_data = source.describe();
    let out = flags.out.map(|out| {
        let report = flags.report.unwrap_or_else(|| out.with_extension("report"));
        (out, report)
    });
    // The work takes minutes.
    if let Some(file) = &flags.export {
        writable::file(file)?;
    }
    if let Some((out, report)) = &out {
        writable::file_anywhere(out)?;
        writable::file_anywhere(&model::sidecar_path(out))?;
        writable::directory(report)?;
    }
    tell!("collecting examples: {training_data}");
    let examples = source.load().await?;
    if let Some(file) = &flags.export {
        export(file, &examples)?;
    }
    let Some((out, report)) = out else { return Ok(()) };
    let stem = out.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let options = TrainingOptions {
        seed: flags.seed,
        version: flags.version.unwrap_or(stem),
        training_data,
        epochs: flags.epochs,
        hidden: flags.hidden,
        balance: flags.balance,
        ..TrainingOptions::default()
    };
    tell!("training on {} examples, seed {}", examples.len(), options.seed);
    let mut curve = Vec::new();
    let trained = training::train(&examples, &options, &mut |epoch| {
        curve.push(epoch.validation_crps);
        show(epoch, options.epochs, &curve);
    })?;
    write(&trained, &out, &report)?;
    summarise(&trained, &out, &report);
    Ok(())
}

fn show(epoch: &Epoch, epochs: usize, curve: &[f64]) {
    tell!(
        "epoch {:>3}/{epochs}  loss {:>8.4}  validation CRPS {:>6.3}  MAE {:>6.3} points {} {}",
        epoch.number,
        epoch.loss,
        epoch.validation_crps,
        epoch.validation_mae,
        if epoch.best { "*" } else { " " },
        sparkline(curve)
    );
}

/// Returns the last forty values as a bar chart.
fn sparkline(values: &[f64]) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let span = (high - low).max(1e-12);
    values[values.len().saturating_sub(40)..]
        .iter()
        .map(|value| BARS[((value - low) / span * 7.0).round() as usize])
        .collect()
}

fn export(file: &Path, examples: &[Example]) -> anyhow::Result<()> {
    let name = file.display();
    let out = File::create(file).with_context(|| format!("cannot write {name}"))?;
    training::write_jsonl(BufWriter::new(out), examples)?;
    tell!("{} examples written to {name}", examples.len());
    Ok(())
}

/// The side-car is written first and renamed last, so that a model is never beside the side-car of another.
fn write(trained: &Trained, out: &Path, report: &Path) -> anyhow::Result<()> {
    let put = |path: &Path, bytes: &[u8]| {
        fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
    };
    if let Some(parent) = out.parent() {
        fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
    }
    let sidecar = model::sidecar_path(out);
    let _ = fs::remove_file(&sidecar);
    put(out, &trained.pth)?;
    put(
        &sidecar,
        format!("{}\n", serde_json::to_string_pretty(&trained.sidecar)?).as_bytes(),
    )?;
    training::plot_report(&trained.report, report)?;
    put(
        &report.join("report.json"),
        format!("{}\n", serde_json::to_string_pretty(&trained.report)?).as_bytes(),
    )?;
    put(&report.join("report.md"), trained.report.markdown().as_bytes())
}

fn summarise(trained: &Trained, out: &Path, report: &Path) {
    let (test, base) = (&trained.report.test, &trained.report.baselines);
    say!(
        "{}: MAE {:.2} points (linear {:.2}, constant {:.2}), ECE {:.3}, Brier {:.3} (base rate {:.3}), AUROC {:.2}, \
         95 % interval holds {:.1} %; report in {}",
        out.display(),
        test.errors.mae,
        base.linear.mae,
        base.constant.mae,
        test.ece,
        test.brier,
        test.brier_of_base_rate,
        test.auroc.unwrap_or(0.5),
        100.0 * test.coverage_95(),
        report.display()
    );
}
