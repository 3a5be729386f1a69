//! Pictures of reports: what errors look like, whether confidence means what it says, how training went.
//!
//! In: figures. Out: PNG files of 720 × 480. The font is carried along, so that they look the same on every machine.

use std::{error::Error, fs, path::Path, sync::OnceLock};

use plotters::{
    chart::{ChartBuilder, SeriesLabelPosition},
    prelude::{
        BLACK, BitMapBackend, Circle, Color as _, IntoDrawingArea as _, LineSeries, PathElement, RGBColor,
        Rectangle, WHITE,
    },
    style::{FontStyle, register_font},
};

use crate::{Bin, Evaluation, Report, TrainingError};

static FONT: &[u8] = include_bytes!("../assets/DejaVuSans-subset.ttf");
const SIZE: (u32, u32) = (720, 480);
const FEWEST_IN_BIN: usize = 20;
const BLUE: RGBColor = RGBColor(31, 99, 168);
const ORANGE: RGBColor = RGBColor(214, 110, 26);
const GREY: RGBColor = RGBColor(130, 130, 130);

type Drawn = Result<(), Box<dyn Error>>;
type Points = Vec<(f64, f64)>;

/// What a chart shows: titles, ranges, lines.
struct Lines<'a> {
    title: &'a str,
    x: (&'a str, f64, f64),
    y: (&'a str, f64, f64),
    series: Vec<(&'a str, RGBColor, Points)>,
    dots: bool,
}

fn font() -> Drawn {
    static READY: OnceLock<bool> = OnceLock::new();
    let ready = *READY.get_or_init(|| register_font("sans-serif", FontStyle::Normal, FONT).is_ok());
    if ready {
        Ok(())
    } else {
        Err("the font cannot be used".into())
    }
}

fn draw(path: &Path, how: impl FnOnce(&Path) -> Drawn) -> Result<(), TrainingError> {
    let plot = |reason: String| TrainingError::Plot {
        path: path.to_owned(),
        reason,
    };
    font().map_err(|error| plot(error.to_string()))?;
    how(path).map_err(|error| plot(error.to_string()))
}

fn lines(path: &Path, chart: &Lines<'_>) -> Drawn {
    let root = BitMapBackend::new(path, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    let mut area = ChartBuilder::on(&root)
        .caption(chart.title, ("sans-serif", 20))
        .margin(14)
        .x_label_area_size(42)
        .y_label_area_size(58)
        .build_cartesian_2d(chart.x.1..chart.x.2, chart.y.1..chart.y.2)?;
    area.configure_mesh()
        .x_desc(chart.x.0)
        .y_desc(chart.y.0)
        .label_style(("sans-serif", 13))
        .axis_desc_style(("sans-serif", 14))
        .light_line_style(WHITE)
        .draw()?;
    for (name, colour, points) in &chart.series {
        let colour = *colour;
        area.draw_series(LineSeries::new(points.iter().copied(), colour.stroke_width(2)))?
            .label(*name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
        if chart.dots {
            area.draw_series(points.iter().map(|&point| Circle::new(point, 3, colour.filled())))?;
        }
    }
    area.configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .margin(12)
        .background_style(WHITE.mix(0.9))
        .border_style(GREY)
        .label_font(("sans-serif", 13))
        .draw()?;
    root.present()?;
    Ok(())
}

fn reliability(path: &Path, title: &str, bins: &[Bin]) -> Drawn {
    // A share of a handful says nothing and would look like a finding.
    let enough = bins.iter().filter(|bin| bin.count >= FEWEST_IN_BIN);
    let points = enough.map(|bin| (bin.confidence, bin.right)).collect();
    lines(
        path,
        &Lines {
            title,
            x: ("confidence", 0.0, 1.0),
            y: ("share within 10 points", 0.0, 1.0),
            series: vec![
                ("perfect", GREY, vec![(0.0, 0.0), (1.0, 1.0)]),
                ("model", BLUE, points),
            ],
            dots: true,
        },
    )
}

fn errors(path: &Path, report: &Report) -> Drawn {
    let most = report
        .histogram
        .iter()
        .map(|bar| bar.count)
        .max()
        .unwrap_or(0)
        .max(1);
    let root = BitMapBackend::new(path, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    let title = format!(
        "Errors on the test part: mean absolute error {:.2} points",
        report.test.errors.mae
    );
    let mut area = ChartBuilder::on(&root)
        .caption(title, ("sans-serif", 20))
        .margin(14)
        .x_label_area_size(42)
        .y_label_area_size(64)
        .build_cartesian_2d(-40.0..40.0, 0.0..most as f64 * 1.05)?;
    area.configure_mesh()
        .x_desc("predicted − wanted position, points (bars of 2)")
        .y_desc("examples")
        .label_style(("sans-serif", 13))
        .axis_desc_style(("sans-serif", 14))
        .light_line_style(WHITE)
        .draw()?;
    area.draw_series(report.histogram.iter().map(|bar| {
        let right = (-10.0..10.0).contains(&bar.from);
        let colour = if right { BLUE } else { ORANGE };
        Rectangle::new(
            [(bar.from + 0.15, 0.0), (bar.from + 1.85, bar.count as f64)],
            colour.filled(),
        )
    }))?;
    area.draw_series(LineSeries::new(
        [(0.0, 0.0), (0.0, most as f64 * 1.05)],
        BLACK.mix(0.4),
    ))?;
    root.present()?;
    Ok(())
}

fn learning(path: &Path, report: &Report) -> Drawn {
    let of = |f: &dyn Fn(&crate::Epoch) -> f64| -> Points {
        report.epochs.iter().map(|e| (e.number as f64, f(e))).collect()
    };
    let (mae, crps) = (of(&|e| e.validation_mae), of(&|e| e.validation_crps));
    let top = mae.iter().map(|p| p.1).fold(0.0, f64::max).max(1e-3);
    lines(
        path,
        &Lines {
            title: "Learning curve on the validation part",
            x: ("epoch", 1.0, (report.epochs.len() as f64).max(2.0)),
            y: ("points", 0.0, top * 1.1),
            series: vec![("mean absolute error", ORANGE, mae), ("CRPS", BLUE, crps)],
            dots: false,
        },
    )
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
    draw(&directory.join("errors.png"), |path| errors(path, report))?;
    draw(&directory.join("reliability.png"), |path| {
        let title = format!("Reliability on the test part: ECE {:.3}", report.test.ece);
        reliability(path, &title, &report.test.reliability)
    })?;
    draw(&directory.join("learning.png"), |path| learning(path, report))
}

/// Writes `reliability.png`, `weeks.png` (error and calibration) and `drift.png`.
pub fn plot_evaluation(evaluation: &Evaluation, directory: &Path) -> Result<(), TrainingError> {
    make(directory)?;
    draw(&directory.join("reliability.png"), |path| {
        let title = format!(
            "Reliability of {}: ECE {:.3}",
            evaluation.model_version, evaluation.overall.ece
        );
        reliability(path, &title, &evaluation.overall.reliability)
    })?;
    draw(&directory.join("weeks.png"), |path| weeks(path, evaluation))?;
    draw(&directory.join("drift.png"), |path| drift(path, evaluation))
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

fn weeks(path: &Path, evaluation: &Evaluation) -> Drawn {
    let mae = by_week(evaluation, &|w| Some(w.metrics.errors.mae));
    let ece = by_week(evaluation, &|w| Some(100.0 * w.metrics.ece));
    let top = mae.iter().chain(&ece).map(|p| p.1).fold(1.0, f64::max);
    lines(
        path,
        &Lines {
            title: "Error and calibration by week",
            x: ("week", 1.0, week_axis(evaluation)),
            y: ("points; percent", 0.0, top * 1.2),
            series: vec![
                ("mean absolute error, points", ORANGE, mae),
                ("calibration error, %", BLUE, ece),
            ],
            dots: true,
        },
    )
}

fn drift(path: &Path, evaluation: &Evaluation) -> Drawn {
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
    let series: Vec<_> = groups
        .iter()
        .zip(COLOURS)
        .enumerate()
        .map(|(n, (group, colour))| (group.as_str(), colour, by_week(evaluation, &|w| w.drift[n].psi)))
        .collect();
    let top = series.iter().flat_map(|s| &s.2).map(|p| p.1).fold(0.3, f64::max);
    let title = format!("Drift of the inputs against {}", evaluation.drift_against);
    lines(
        path,
        &Lines {
            title: &title,
            x: ("week", 1.0, week_axis(evaluation)),
            y: ("population stability index", 0.0, top * 1.5),
            series,
            dots: true,
        },
    )
}
