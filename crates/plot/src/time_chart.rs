//! A chart over time: bands, lines, steps and dots of several series, with a legend at the right.
//!
//! In: series and an axis whose ticks are labelled by who knows the time zone. Out: a part of a picture.

use plotters::{
    chart::{ChartBuilder, ChartContext},
    coord::{cartesian::Cartesian2d, types::RangedCoordf64},
    element::{Circle, PathElement, Polygon, Rectangle, Text},
    prelude::{BitMapBackend, Color as _, RGBColor},
};

use crate::{Area, DrawResult, TimeAxis, axis::Ticked, text};

pub(crate) const TITLE: u32 = 22;
pub(crate) const LEFT: u32 = 62;
pub(crate) const LABELS: u32 = 22;
pub(crate) const MARGIN: u32 = 10;
const GRID: RGBColor = RGBColor(228, 228, 228);
pub(crate) const INK: RGBColor = RGBColor(60, 60, 60);
/// Pixels from one line of a legend to the next.
const LEGEND_STEP: i32 = 17;
/// About the width of a character of a legend.
const CHARACTER: u32 = 7;
const SWATCH: i32 = 16;
/// The most labels of the vertical axis.
const MOST_TICKS: u32 = 5;
/// How much of its colour a band has.
const BAND: f64 = 0.2;

/// A value at a time, or over an interval that begins then.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TimePoint {
    /// When.
    pub time: f64,
    /// What is drawn as a line or a dot.
    pub value: f64,
    /// The lowest value of the interval.
    pub low: f64,
    /// The highest.
    pub high: f64,
}

/// How a series is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// Joined points above a band from their lowest to their highest values.
    Line,
    /// A value holds until the next one.
    Steps,
    /// A dot for each point.
    Dots,
    /// A bar from zero for each point, as wide as the two nearest points are apart.
    Bars,
}

/// A line of a chart.
#[derive(Debug, Clone, PartialEq)]
pub struct TimeSeries {
    /// Its name in the legend.
    pub name: String,
    /// Its colour.
    pub colour: RGBColor,
    /// How it is drawn.
    pub mark: Mark,
    /// Its points, by time.
    pub points: Vec<TimePoint>,
}

/// A chart over time.
#[derive(Debug, Clone)]
pub struct TimeChart<'a> {
    /// Above the chart, with the unit.
    pub title: &'a str,
    /// The horizontal axis.
    pub time: &'a TimeAxis,
    /// Whether its ticks are labelled here, or in a chart below.
    pub time_labels: bool,
    /// The vertical axis; without it, that of the values.
    pub range: Option<(f64, f64)>,
    /// Points that are farther apart are not joined.
    pub longest_gap: f64,
    /// The series.
    pub series: &'a [TimeSeries],
    /// Pixels that the legend takes; 0: none is drawn.
    pub legend: u32,
}

type Chart<'a, 'p> = ChartContext<'a, BitMapBackend<'p>, Cartesian2d<Ticked, RangedCoordf64>>;

impl TimeChart<'_> {
    /// Fills `area` with the chart.
    pub fn draw(&self, area: &Area<'_>) -> DrawResult {
        let (width, _) = area.dim_in_pixel();
        area.draw(&Text::new(self.title.to_owned(), (LEFT as i32, 4), text(15)))?;
        let (low, high) = self.range.unwrap_or_else(|| values_range(self.series));
        let mut chart = ChartBuilder::on(area)
            .margin_top(TITLE)
            .margin_right(self.legend.max(MARGIN) + MARGIN)
            .margin_bottom(if self.time_labels { 2 } else { MARGIN })
            .x_label_area_size(if self.time_labels { LABELS } else { 0 })
            .y_label_area_size(LEFT)
            .build_cartesian_2d(self.time.ticked(), low..high)?;
        chart
            .configure_mesh()
            .y_labels(MOST_TICKS as usize)
            .x_label_formatter(&|time| self.time.label(*time))
            .y_label_formatter(&|value| told_apart(*value, (high - low) / f64::from(MOST_TICKS + 1)))
            .axis_style(INK)
            .bold_line_style(GRID)
            .light_line_style(GRID.mix(0.0))
            .label_style(text(12))
            .draw()?;
        for series in self.series {
            self.draw_series(&mut chart, series, (low, high))?;
        }
        if self.series.iter().all(|series| series.points.is_empty()) {
            let (width, height) = chart.plotting_area().dim_in_pixel();
            let middle = ((LEFT + width / 2) as i32 - 22, (TITLE + height / 2) as i32 - 7);
            area.draw(&Text::new("no data", middle, text(12)))?;
        }
        if self.legend > 0 {
            draw_legend(area, self.series, (width - self.legend) as i32, TITLE as i32 + 2)?;
        }
        Ok(())
    }

    fn draw_series(
        &self,
        chart: &mut Chart<'_, '_>,
        series: &TimeSeries,
        (low, high): (f64, f64),
    ) -> DrawResult {
        let colour = series.colour;
        let within = |value: f64| value.clamp(low, high);
        let shown = |point: &&TimePoint| {
            point.value.is_finite() && (self.time.from..=self.time.to).contains(&point.time)
        };
        let points: Vec<&TimePoint> = series.points.iter().filter(shown).collect();
        let line = colour.stroke_width(1);
        match series.mark {
            Mark::Dots => {
                let dots = points
                    .iter()
                    .map(|point| Circle::new((point.time, within(point.value)), 2, colour.filled()));
                chart.draw_series(dots)?;
            }
            Mark::Bars => {
                let gaps = points.windows(2).map(|pair| pair[1].time - pair[0].time);
                let width = gaps.fold(self.time.to - self.time.from, f64::min);
                let bars = points.iter().map(|point| {
                    let end = (point.time + width).min(self.time.to);
                    Rectangle::new(
                        [(point.time, within(0.0)), (end, within(point.value))],
                        colour.mix(0.8).filled(),
                    )
                });
                chart.draw_series(bars)?;
            }
            Mark::Steps => {
                let mut path = Vec::with_capacity(2 * points.len() + 1);
                for (number, point) in points.iter().enumerate() {
                    let end = points.get(number + 1).map_or(self.time.to, |next| next.time);
                    path.extend([point.time, end].map(|time| (time, within(point.value))));
                }
                chart.draw_series([PathElement::new(path, line)])?;
            }
            Mark::Line => {
                for part in points.chunk_by(|a, b| b.time - a.time <= self.longest_gap) {
                    let above = part.iter().map(|point| (point.time, within(point.high)));
                    let below = part.iter().rev().map(|point| (point.time, within(point.low)));
                    let band: Vec<_> = above.chain(below).collect();
                    chart.draw_series([Polygon::new(band, colour.mix(BAND).filled())])?;
                    if let [alone] = part {
                        chart.draw_series([Circle::new(
                            (alone.time, within(alone.value)),
                            2,
                            colour.filled(),
                        )])?;
                    }
                    let path: Vec<_> = part
                        .iter()
                        .map(|point| (point.time, within(point.value)))
                        .collect();
                    chart.draw_series([PathElement::new(path, line)])?;
                }
            }
        }
        Ok(())
    }
}

/// Returns the pixels that a legend of these names takes.
pub fn legend_width<'a>(names: impl IntoIterator<Item = &'a str>) -> u32 {
    let longest = names.into_iter().map(|name| name.chars().count()).max();
    longest.map_or(0, |longest| SWATCH as u32 + 14 + CHARACTER * longest as u32)
}

fn draw_legend(area: &Area<'_>, series: &[TimeSeries], left: i32, top: i32) -> DrawResult {
    let (_, height) = area.dim_in_pixel();
    let room = ((height as i32 - top) / LEGEND_STEP).max(0) as usize;
    for (row, series) in series.iter().take(room).enumerate() {
        let y = top + LEGEND_STEP * row as i32 + 7;
        let colour = series.colour;
        if series.mark == Mark::Dots {
            area.draw(&Circle::new((left + SWATCH / 2, y), 3, colour.filled()))?;
        } else {
            let corners = [(left, y - 1), (left + SWATCH, y + 2)];
            area.draw(&Rectangle::new(corners, colour.filled()))?;
        }
        area.draw(&Text::new(
            series.name.clone(),
            (left + SWATCH + 6, y - 7),
            text(12),
        ))?;
    }
    Ok(())
}

/// Returns a range that holds every value, with some room.
fn values_range(series: &[TimeSeries]) -> (f64, f64) {
    let points = series.iter().flat_map(|series| &series.points);
    let ends = points.flat_map(|point| [point.low, point.high, point.value]);
    let (low, high) = ends
        .filter(|value| value.is_finite())
        .fold((f64::MAX, f64::MIN), |(low, high), value| {
            (low.min(value), high.max(value))
        });
    if low > high {
        return (0.0, 1.0);
    }
    let room = if high > low {
        (high - low) * 0.06
    } else {
        (high.abs() * 0.05).max(0.5)
    };
    // What is never negative needs no room below zero.
    let least = if low < 0.0 { f64::MIN } else { 0.0 };
    ((low - room).max(least), high + room)
}

/// Formats a value with few digits: `21.5`, `12k`.
pub fn short(value: f64) -> String {
    told_apart(value, f64::INFINITY)
}

/// The same, with as many digits as tell it from the next tick, `step` away.
fn told_apart(value: f64, step: f64) -> String {
    let size = value.abs();
    let (scale, suffix) = match size {
        size if size >= 1e9 => (1e9, "G"),
        size if size >= 1e6 => (1e6, "M"),
        size if size >= 1e4 => (1e3, "k"),
        _ => (1.0, ""),
    };
    let (value, step) = (value / scale, step / scale);
    let needed = if step > 0.0 {
        (-step.log10()).ceil().clamp(0.0, 9.0) as usize
    } else {
        0
    };
    let digits = match value.abs() {
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 1.0 => 2,
        _ => 3,
    };
    let text = format!("{value:.0$}", digits.max(needed));
    let text = if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.')
    } else {
        &text
    };
    format!("{}{suffix}", if text == "-0" { "0" } else { text })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BLUE, png};

    #[test]
    fn numbers_are_short() {
        for (value, expected) in [
            (0.0, "0"),
            (-0.0, "0"),
            (21.50, "21.5"),
            (0.125, "0.125"),
            (1_500.0, "1500"),
            (12_340.0, "12.3k"),
            (-60.0, "-60"),
            (2.5e9, "2.5G"),
        ] {
            assert_eq!(short(value), expected);
        }
    }

    #[test]
    fn ticks_of_a_small_range_differ() {
        let labels = [1_013.2, 1_013.4, 1_013.6].map(|tick| told_apart(tick, 0.2));
        assert_eq!(labels, ["1013.2", "1013.4", "1013.6"]);
        assert_eq!(
            [12_345.0, 12_350.0].map(|tick| told_apart(tick, 5.0)),
            ["12.345k", "12.35k"]
        );
        assert_eq!(told_apart(0.000_2, 0.000_1), "0.0002");
        assert_eq!(told_apart(21.5, 10.0), "21.5");
    }

    #[test]
    fn a_range_has_room_and_ends_at_zero() {
        let range = |values: &[f64]| {
            let point = |&value: &f64| TimePoint {
                time: 0.0,
                value,
                low: value,
                high: value,
            };
            values_range(&[TimeSeries {
                name: String::new(),
                colour: BLUE,
                mark: Mark::Line,
                points: values.iter().map(point).collect(),
            }])
        };
        assert_eq!(range(&[]), (0.0, 1.0));
        assert_eq!(range(&[0.0, 0.0]), (0.0, 0.5));
        assert_eq!(range(&[20.0, 20.0]), (19.0, 21.0));
        assert_eq!(range(&[0.0, 100.0]), (0.0, 106.0));
        assert_eq!(range(&[-100.0, 0.0]), (-106.0, 6.0));
    }

    /// The number of pixels of the series' colour.
    fn coloured(mark: Mark, points: &[(f64, f64)]) -> usize {
        let points = points.iter().map(|&(time, value)| TimePoint {
            time,
            value,
            low: value,
            high: value,
        });
        let series = TimeSeries {
            name: "a".into(),
            colour: BLUE,
            mark,
            points: points.collect(),
        };
        let time = TimeAxis {
            from: 0.0,
            to: 100.0,
            ticks: vec![(50.0, "half".into())],
        };
        let bytes = png((400, 160), |area| {
            let chart = TimeChart {
                title: "t",
                time: &time,
                time_labels: true,
                range: Some((0.0, 1.0)),
                longest_gap: 10.0,
                series: &[series],
                legend: 0,
            };
            chart.draw(area)
        });
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes.unwrap()))
            .read_info()
            .unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        pixels
            .chunks_exact(3)
            .filter(|pixel| *pixel == [BLUE.0, BLUE.1, BLUE.2])
            .count()
    }

    #[test]
    fn gaps_are_not_joined_and_steps_hold() {
        let ends = [(0.0, 0.5), (100.0, 0.5)];
        let (gap, steps) = (coloured(Mark::Line, &ends), coloured(Mark::Steps, &ends));
        let joined: Vec<_> = (0..=10).map(|tenth| (f64::from(tenth) * 10.0, 0.5)).collect();
        let joined = coloured(Mark::Line, &joined);
        assert!(gap * 4 < joined && steps * 2 > joined, "{gap} {joined} {steps}");
        assert_eq!(coloured(Mark::Line, &[]), 0);
        assert_eq!(
            coloured(Mark::Dots, &[(200.0, 0.5), (50.0, f64::NAN)]),
            0,
            "outside, or nothing"
        );
    }
}
