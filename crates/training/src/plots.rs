//! Plots of reports: errors, reliability of the confidence, learning curve.
//!
//! In: figures. Out: PNG files of 720 × 480.

use std::{fs, path::Path};

use plot::{
    Area, Axis, BLUE, DrawResult, GREY, LineChart, ORANGE, Series,
    plotters::{
        chart::ChartBuilder,
        prelude::{BLACK, Color as _, LineSeries, RGBColor, Rectangle, WHITE},
    },
    text,
};

use crate::{Bin, Evaluation, Report, TrainingError};

const SIZE: (u32, u32) = (720, 480);
const FEWEST_IN_BIN: usize = 20;

type Points = Vec<(f64, f64)>;

fn axis(name: &str, from: f64, to: f64) -> Axis<'_> {
    Axis { name, from, to }
}

fn series(name: &str, colour: RGBColor, points: Points) -> Series<'_> {
    Series { name, colour, points }
}

fn write(path: &Path, draw: impl FnOnce(&Area<'_>) -> DrawResult) -> Result<(), TrainingError> {
    let bytes = plot::png(SIZE, draw).map_err(|error| TrainingError::Plot {
        path: path.to_owned(),
        reason: error.to_string(),
    })?;
    fs::write(path, bytes).map_err(|source| TrainingError::File {
        path: path.to_owned(),
        source,
    })
}

fn reliability(area: &Area<'_>, title: &str, bins: &[Bin]) -> DrawResult {
    // A share of very few predictions has no meaning.
    let enough = bins.iter().filter(|bin| bin.count >= FEWEST_IN_BIN);
    let points = enough.map(|bin| (bin.confidence, bin.right)).collect();
    LineChart {
        title,
        x: axis("confidence", 0.0, 1.0),
        y: axis("share within 10 points", 0.0, 1.0),
        series: vec![
            series("perfect", GREY, vec![(0.0, 0.0), (1.0, 1.0)]),
            series("model", BLUE, points),
        ],
        markers: true,
    }
    .draw(area)
}

fn errors(area: &Area<'_>, report: &Report) -> DrawResult {
    let most = report
        .histogram
        .iter()
        .map(|bar| bar.count)
        .max()
        .unwrap_or(0)
        .max(1);
    let title = format!(
        "Errors on the test part: mean absolute error {:.2} points",
        report.test.errors.mae
    );
    let mut chart = ChartBuilder::on(area)
        .caption(title, text(20))
        .margin(14)
        .x_label_area_size(42)
        .y_label_area_size(64)
        .build_cartesian_2d(-40.0..40.0, 0.0..most as f64 * 1.05)?;
    chart
        .configure_mesh()
        .x_desc("predicted − wanted position, points (bars of 2)")
        .y_desc("examples")
        .label_style(text(13))
        .axis_desc_style(text(14))
        .light_line_style(WHITE)
        .draw()?;
    chart.draw_series(report.histogram.iter().map(|bar| {
        let right = (-10.0..10.0).contains(&bar.from);
        let colour = if right { BLUE } else { ORANGE };
        Rectangle::new(
            [(bar.from + 0.15, 0.0), (bar.from + 1.85, bar.count as f64)],
            colour.filled(),
        )
    }))?;
    chart.draw_series(LineSeries::new(
        [(0.0, 0.0), (0.0, most as f64 * 1.05)],
        BLACK.mix(0.4),
    ))?;
    Ok(())
}

fn learning(area: &Area<'_>, report: &Report) -> DrawResult {
    let of = |f: &dyn Fn(&crate::Epoch) -> f64| -> Points {
        report.epochs.iter().map(|e| (e.number as f64, f(e))).collect()
    };
    let (mae, crps) = (of(&|e| e.validation_mae), of(&|e| e.validation_crps));
    let top = mae.iter().map(|p| p.1).fold(0.0, f64::max).max(1e-3);
    LineChart {
        title: "Learning curve on the validation part",
        x: axis("epoch", 1.0, (report.epochs.len() as f64).max(2.0)),
        y: axis("points", 0.0, top * 1.1),
        series: vec![
            series("mean absolute error", ORANGE, mae),
            series("CRPS", BLUE, crps),
        ],
        markers: false,
    }
    .draw(area)
}

fn make(directory: &Path) -> Result<(), TrainingError> {
    fs::create_dir_all(directory).map_err(|source| TrainingError::File {
        path: directory.to_owned(),
        source,
    })
}

/// Writes `errors.png`, `reliability.png` and `learning.png`.
pub fn plot_report(report: &Report, directory: &Path) -> Result<(), TrainingError> {
    make(directory)?;
    write(&directory.join("errors.png"), |area| errors(area, report))?;
    write(&directory.join("reliability.png"), |area| {
        let title = format!("Reliability on the test part: ECE {:.3}", report.test.ece);
        reliability(area, &title, &report.test.reliability)
    })?;
    write(&directory.join("learning.png"), |area| learning(area, report))
}

/// Writes `reliability.png`, `weeks.png` (error and calibration) and `drift.png`.
pub fn plot_evaluation(evaluation: &Evaluation, directory: &Path) -> Result<(), TrainingError> {
    make(directory)?;
    write(&directory.join("reliability.png"), |area| {
        let title = format!(
            "Reliability of {}: ECE {:.3}",
            evaluation.model_version, evaluation.overall.ece
        );
        reliability(area, &title, &evaluation.overall.reliability)
    })?;
    write(&directory.join("weeks.png"), |area| weeks(area, evaluation))?;
    write(&directory.join("drift.png"), |area| drift(area, evaluation))
}

fn by_week(evaluation: &Evaluation, f: &dyn Fn(&crate::Week) -> Option<f64>) -> Points {
    let points = evaluation.weeks.iter().enumerate();
    points
        .filter_map(|(n, week)| Some((n as f64 + 1.0, f(week)?)))
        .collect()
}

fn week_axis(evaluation: &Evaluation) -> f64 {
    (evaluation.weeks.len() as f64).max(2.0)
}

fn weeks(area: &Area<'_>, evaluation: &Evaluation) -> DrawResult {
    let mae = by_week(evaluation, &|w| Some(w.metrics.errors.mae));
    let ece = by_week(evaluation, &|w| Some(100.0 * w.metrics.ece));
    let top = mae.iter().chain(&ece).map(|p| p.1).fold(1.0, f64::max);
    LineChart {
        title: "Error and calibration by week",
        x: axis("week", 1.0, week_axis(evaluation)),
        y: axis("points; percent", 0.0, top * 1.2),
        series: vec![
            series("mean absolute error, points", ORANGE, mae),
            series("calibration error, %", BLUE, ece),
        ],
        markers: true,
    }
    .draw(area)
}

fn drift(area: &Area<'_>, evaluation: &Evaluation) -> DrawResult {
    const COLOURS: [RGBColor; 8] = [
        ORANGE,
        BLUE,
        RGBColor(60, 150, 80),
        RGBColor(150, 60, 150),
        RGBColor(180, 40, 40),
        RGBColor(120, 100, 60),
        RGBColor(0, 150, 160),
        BLACK,
    ];
    let groups: Vec<String> = evaluation.drift.iter().map(|d| d.group.clone()).collect();
    let lines: Vec<_> = groups
        .iter()
        .zip(COLOURS)
        .enumerate()
        .map(|(n, (group, colour))| series(group, colour, by_week(evaluation, &|w| w.drift[n].psi)))
        .collect();
    let top = lines
        .iter()
        .flat_map(|line| &line.points)
        .map(|p| p.1)
        .fold(0.3, f64::max);
    let title = format!("Drift of the inputs against {}", evaluation.drift_against);
    LineChart {
        title: &title,
        x: axis("week", 1.0, week_axis(evaluation)),
        y: axis("population stability index", 0.0, top * 1.5),
        series: lines,
        markers: true,
    }
    .draw(area)
}
