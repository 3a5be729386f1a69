//! The picture of a device: its quantities, sound, window and decisions over time, below each other.
//!
//! In: histories from ClickHouse. Out: the bytes of a PNG.

use domain::Quantity;
use plot::{
    BLUE, GREY, Mark, ORANGE, PALETTE, PlotError, TimeAxis, TimeChart, TimePoint, TimeSeries, legend_width,
    plotters::element::Text, text,
};
use store::HistoryPoint;

const HEAD: u32 = 50;
const LEFT: i32 = 62;
/// Room for the labels of the time axis, below the last chart.
const LABELS: u32 = 22;
/// Clips may be this far apart, ms, and are one line.
const GAP_MS: f64 = 1_800_000.0;

/// What the picture shows.
#[derive(Debug)]
pub(crate) struct Days {
    /// The device, its name and location.
    pub(crate) title: String,
    /// The span of time and its zone.
    pub(crate) subtitle: String,
    pub(crate) axis: TimeAxis,
    /// Length of an interval, ms.
    pub(crate) interval_ms: i64,
    pub(crate) quantities: Vec<(Quantity, Vec<HistoryPoint>)>,
    pub(crate) sound: Vec<HistoryPoint>,
    pub(crate) told: Vec<HistoryPoint>,
    pub(crate) reported: Vec<HistoryPoint>,
    pub(crate) confidence: Vec<HistoryPoint>,
}

struct Chart {
    title: String,
    range: Option<(f64, f64)>,
    series: Vec<TimeSeries>,
}

impl Days {
    /// Whether there is nothing to draw.
    pub(crate) fn is_empty(&self) -> bool {
        let tracks = [&self.sound, &self.told, &self.reported, &self.confidence];
        tracks
            .into_iter()
            .chain(self.quantities.iter().map(|(_, points)| points))
            .all(Vec::is_empty)
    }

    /// Draws a picture of `size` pixels.
    pub(crate) fn draw(&self, size: (u32, u32)) -> Result<Vec<u8>, PlotError> {
        let charts = self.charts();
        let names = charts
            .iter()
            .flat_map(|chart| &chart.series)
            .map(|series| series.name.as_str());
        let legend = legend_width(names);
        plot::png(size, |area| {
            area.draw(&Text::new(self.title.clone(), (LEFT, 6), text(19)))?;
            area.draw(&Text::new(
                self.subtitle.clone(),
                (LEFT, 30),
                text(12).color(&GREY),
            ))?;
            let count = charts.len() as u32;
            let height = (size.1 - HEAD - LABELS) / count;
            for (row, chart) in (0..).zip(&charts) {
                let is_last = row + 1 == count;
                let top = (HEAD + row * height) as i32;
                let part = area
                    .clone()
                    .shrink((0, top), (size.0, height + if is_last { LABELS } else { 0 }));
                let chart = TimeChart {
                    title: &chart.title,
                    time: &self.axis,
                    time_labels: is_last,
                    range: chart.range,
                    longest_gap: GAP_MS.max(3.0 * self.interval_ms as f64),
                    series: &chart.series,
                    legend,
                };
                chart.draw(&part)?;
            }
            Ok(())
        })
    }

    fn charts(&self) -> Vec<Chart> {
        let chart = |title: &str, range, series| Chart {
            title: title.to_owned(),
            range,
            series,
        };
        let mut charts: Vec<Chart> = self
            .quantities
            .iter()
            .enumerate()
            .map(|(number, (quantity, points))| {
                let colour = PALETTE[number % PALETTE.len()];
                let series = self.series(("mean, min to max", colour), Mark::Line, points);
                chart(
                    &format!("{}, {}", quantity.name(), quantity.unit()),
                    None,
                    vec![series],
                )
            })
            .collect();
        let sound = self.series(("level, to loudest", PALETTE[3]), Mark::Line, &self.sound);
        charts.push(chart("Sound level, dB re full scale", None, vec![sound]));
        let told = self.series(("told", ORANGE), Mark::Steps, &self.told);
        let reported = self.series(("reported", BLUE), Mark::Steps, &self.reported);
        charts.push(chart("Window, % open", Some((-3.0, 103.0)), vec![told, reported]));
        let decisions = self.series(("confidence", PALETTE[4]), Mark::Dots, &self.confidence);
        charts.push(chart(
            "Decisions of the model: confidence, 0 to 1",
            Some((-0.03, 1.03)),
            vec![decisions],
        ));
        charts
    }

    fn series(
        &self,
        (name, colour): (&str, plot::plotters::style::RGBColor),
        mark: Mark,
        points: &[HistoryPoint],
    ) -> TimeSeries {
        // What is of an interval stands in its middle; a position holds from the interval in which it was told.
        let shift = if mark == Mark::Steps {
            0
        } else {
            self.interval_ms / 2
        };
        let point = |point: &HistoryPoint| TimePoint {
            time: ((point.time + shift) as f64).clamp(self.axis.from, self.axis.to),
            value: point.mean,
            low: point.lowest,
            high: point.highest,
        };
        TimeSeries {
            name: name.to_owned(),
            colour,
            mark,
            points: points.iter().map(point).collect(),
        }
    }
}
