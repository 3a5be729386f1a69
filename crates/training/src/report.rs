//! The report of a training and of its model, as JSON and as Markdown.
//!
//! It contains no times and no paths, so that the same training produces the same report.

use std::fmt::{self, Write as _};

use serde::{Deserialize, Serialize};

use crate::{Baselines, Curve, Epoch, Metrics, TrainingOptions};

/// Sizes of the parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sizes {
    /// Number of devices.
    pub devices: usize,
    /// Examples to fit the weights.
    pub train: usize,
    /// Examples to stop early and to calibrate.
    pub validation: usize,
    /// Examples for the figures.
    pub test: usize,
}

/// A bar of the histogram of errors.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bar {
    /// Lower bound in points (prediction minus outcome). Each bar is 2 wide; the outermost include everything beyond.
    pub from: f64,
    /// Number of test examples in it.
    pub count: usize,
}

/// A training and its model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The model's version.
    pub version: String,
    /// SHA-256 of the `.pth`.
    pub sha256: String,
    /// Options of the training.
    pub options: TrainingOptions,
    /// Sizes of the parts.
    pub examples: Sizes,
    /// Share of test labels that are 0.
    pub shut: f64,
    /// Every epoch.
    pub epochs: Vec<Epoch>,
    /// The calibration of the log variance.
    pub curve: Curve,
    /// Mean log score of the confidence on the validation part, before and after.
    pub log_score: (f64, f64),
    /// On the test part.
    pub test: Metrics,
    /// On the test part.
    pub baselines: Baselines,
    /// Errors on the test part.
    pub histogram: Vec<Bar>,
}

/// Counts errors (points) in bars of two points from −40 to 40.
pub(crate) fn histogram(errors: &[f64]) -> Vec<Bar> {
    let mut bars: Vec<Bar> = (-20..20)
        .map(|n| Bar {
            from: f64::from(n) * 2.0,
            count: 0,
        })
        .collect();
    for error in errors {
        let place = ((error + 40.0) / 2.0).floor().clamp(0.0, 39.0) as usize;
        bars[place].count += 1;
    }
    bars
}

impl Report {
    /// Returns the report as Markdown, which refers to plots beside it.
    pub fn markdown(&self) -> String {
        let mut text = String::new();
        self.write(&mut text).expect("writing to a string cannot fail");
        text
    }

    fn write(&self, text: &mut String) -> fmt::Result {
        let (m, b, n) = (&self.test, &self.baselines, &self.examples);
        writeln!(text, "# Model {}\n", self.version)?;
        writeln!(
            text,
            "`{}`\n\nTrained on {}.",
            self.sha256, self.options.training_data
        )?;
        writeln!(
            text,
            "{} devices: {} examples to learn from, {} to stop and calibrate, {} for the figures below\n\
             (devices the model has not met, and the last twentieth of the others' time); seed {}, {} epochs of at most {}.\n",
            n.devices,
            n.train,
            n.validation,
            n.test,
            self.options.seed,
            self.epochs.len(),
            self.options.epochs
        )?;
        writeln!(
            text,
            "| on the test part | model | linear | constant |\n|---|---|---|---|"
        )?;
        writeln!(
            text,
            "| mean absolute error, points | **{:.2}** | {:.2} | {:.2} |",
            m.errors.mae, b.linear.mae, b.constant.mae
        )?;
        writeln!(
            text,
            "| root mean squared error, points | **{:.2}** | {:.2} | {:.2} |",
            m.errors.rmse, b.linear.rmse, b.constant.rmse
        )?;
        writeln!(
            text,
            "| within 10 points | **{:.1} %** | {:.1} % | {:.1} % |\n",
            100.0 * m.errors.right,
            100.0 * b.linear.right,
            100.0 * b.constant.right
        )?;
        writeln!(
            text,
            "{:.0} % of the test labels are 0; the constant is the median, the linear model is ridge regression.\n",
            100.0 * self.shut
        )?;
        writeln!(text, "| confidence | |\n|---|---|")?;
        writeln!(text, "| expected calibration error (15 bins) | {:.4} |", m.ece)?;
        writeln!(
            text,
            "| Brier score (always the base rate: {:.4}) | {:.4} |",
            m.brier_of_base_rate, m.brier
        )?;
        let auroc = m.auroc.map_or("–".to_owned(), |area| format!("{area:.3}"));
        writeln!(
            text,
            "| AUROC of confidence for being within 10 points | {auroc} |"
        )?;
        for interval in &m.coverage {
            writeln!(
                text,
                "| outcomes in the {:.0} % interval | {:.1} % |",
                100.0 * interval.nominal,
                100.0 * interval.found
            )?;
        }
        writeln!(text, "| mean CRPS, points | {:.2} |", m.crps)?;
        writeln!(
            text,
            "| confidences lowered by the guard | {:.2} % |\n",
            100.0 * m.guarded
        )?;
        writeln!(
            text,
            "Calibration on the validation part, by a curve of {} pieces that is the last hidden layer of the file: log score\n\
             {:.4} → {:.4}.\n",
            self.curve.knots.len() - 1,
            self.log_score.0,
            self.log_score.1
        )?;
        for (name, title) in [
            ("errors", "Errors"),
            ("reliability", "Reliability"),
            ("learning", "Learning curve"),
        ] {
            writeln!(text, "![{title}]({name}.png)")?;
        }
        Ok(())
    }
}
