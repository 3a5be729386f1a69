//! A panel of a clip's plot: a caption, axes with seconds below, and data.

use std::error::Error;

use plot::{
    Area, DrawResult,
    plotters::{
        chart::{ChartBuilder, ChartContext},
        coord::{cartesian::Cartesian2d, types::RangedCoordf64},
        element::{PathElement, Rectangle, Text},
        prelude::{BitMapBackend, Color as _, LineSeries, RGBColor},
        style::text_anchor::{HPos, Pos, VPos},
    },
    scale, text,
};

pub(super) const WIDTH: u32 = 1_200;
pub(super) const LEFT: i32 = 90;
const RIGHT: u32 = 120;
const INNER_WIDTH: u32 = WIDTH - LEFT as u32 - RIGHT;
/// The column after the data.
const END: i32 = LEFT + INNER_WIDTH as i32;
const X_LABELS: u32 = 22;
const WAVE: RGBColor = RGBColor(70, 120, 180);
const GRID: RGBColor = RGBColor(225, 225, 225);
const INK: RGBColor = RGBColor(40, 40, 40);
/// Decibels from the darkest colour to the brightest.
const SCALE_DB: f32 = 80.0;

/// A line of a panel: its name, its colour, one value for each frame.
pub(super) type Line<'a> = (&'a str, RGBColor, &'a [f64]);

/// A rectangle of the picture for one kind of data.
pub(super) struct Panel<'a, 'p> {
    pub(super) area: &'a Area<'p>,
    pub(super) name: &'a str,
    pub(super) top: i32,
    pub(super) height: u32,
    pub(super) seconds: f64,
}

type Chart<'a, 'p> = ChartContext<'a, BitMapBackend<'p>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

impl<'p> Panel<'_, 'p> {
    /// Draws the lowest and the highest sample of each column.
    pub(super) fn waveform(&self, samples: &[f32]) -> DrawResult {
        let peak = samples
            .iter()
            .fold(1e-3_f32, |peak, sample| peak.max(sample.abs()));
        let peak = f64::from(peak);
        let width = INNER_WIDTH as usize;
        let columns = (0..width).filter_map(|column| {
            let begin = column * samples.len() / width;
            let end = ((column + 1) * samples.len() / width).max(begin + 1);
            let part = samples.get(begin..end.min(samples.len()))?;
            let low = part.iter().copied().fold(f32::MAX, f32::min);
            let high = part.iter().copied().fold(f32::MIN, f32::max);
            let time = (column as f64 + 0.5) / width as f64 * self.seconds;
            let ends = [(time, f64::from(low)), (time, f64::from(high))];
            Some(PathElement::new(ends, WAVE))
        });
        let mut chart = self.chart((-peak, peak), &middle(-peak, peak))?;
        chart.draw_series(columns)?;
        Ok(())
    }

    /// Draws levels in decibels relative to the loudest one: frames with their lowest band first. A frame is drawn
    /// around its middle.
    pub(super) fn spectrogram(
        &self,
        frames: &[Vec<f32>],
        frame_seconds: f64,
        ticks: &[(f64, String)],
    ) -> DrawResult {
        self.chart((0.0, 1.0), ticks)?;
        let loudest = frames.iter().flatten().copied().fold(f32::MIN, f32::max);
        let (width, height) = (INNER_WIDTH as usize, self.height as usize);
        for column in 0..width {
            let at = column as f64 / width as f64 * self.seconds / frame_seconds;
            let Some(frame) = frames.get((at.round() as usize).min(frames.len().saturating_sub(1))) else {
                continue;
            };
            for row in 0..height {
                let band = (height - 1 - row) * frame.len() / height;
                let colour = scale(1.0 + (frame[band] - loudest) / SCALE_DB);
                let pixel = (LEFT + column as i32, self.top + row as i32);
                self.area.draw_pixel(pixel, &colour)?;
            }
        }
        self.scale_legend()
    }

    /// Draws two lines and their legend.
    pub(super) fn lines(
        &self,
        lines: [Line<'_>; 2],
        frame_seconds: f64,
        (low, high): (f64, f64),
    ) -> DrawResult {
        let mut chart = self.chart((low, high), &middle(low, high))?;
        for (row, (name, colour, values)) in lines.into_iter().enumerate() {
            let point = |(n, value): (usize, &f64)| (n as f64 * frame_seconds, value.clamp(low, high));
            let points = values.iter().enumerate().map(point);
            chart.draw_series(LineSeries::new(points, colour.stroke_width(2)))?;
            let (left, y) = (END + 14, self.top + 12 + 18 * row as i32);
            let sample = PathElement::new([(left, y), (left + 20, y)], colour.stroke_width(3));
            self.area.draw(&sample)?;
            self.area.draw(&Text::new(name, (left + 26, y - 7), text(13)))?;
        }
        Ok(())
    }

    /// Draws caption, border and axes; `ticks` are values of the vertical axis and their labels.
    fn chart(
        &self,
        (low, high): (f64, f64),
        ticks: &[(f64, String)],
    ) -> Result<Chart<'_, 'p>, Box<dyn Error>> {
        let caption = Text::new(self.name, (LEFT, self.top - 19), text(13));
        self.area.draw(&caption)?;
        let corners = [(LEFT - 1, self.top - 1), (END, self.top + self.height as i32)];
        self.area.draw(&Rectangle::new(corners, INK))?;
        let style = text(12).pos(Pos::new(HPos::Right, VPos::Center));
        for (value, label) in ticks {
            let share = (value - low) / (high - low);
            let y = self.top + ((1.0 - share) * f64::from(self.height - 1)).round() as i32;
            let mark = PathElement::new([(LEFT - 5, y), (LEFT - 1, y)], INK);
            self.area.draw(&mark)?;
            let label = Text::new(label.as_str(), (LEFT - 8, y), style.clone());
            self.area.draw(&label)?;
        }
        let outer = self
            .area
            .clone()
            .shrink((0, self.top), (END as u32, self.height + X_LABELS));
        let mut chart = ChartBuilder::on(&outer)
            .x_label_area_size(X_LABELS)
            .y_label_area_size(LEFT)
            .build_cartesian_2d(0.0..self.seconds, low..high)?;
        chart
            .configure_mesh()
            .disable_y_mesh()
            .y_labels(0)
            .x_labels(9)
            .axis_style(INK)
            .bold_line_style(GRID)
            .light_line_style(GRID.mix(0.0))
            .label_style(text(12))
            .draw()?;
        Ok(chart)
    }

    /// Draws the colours of [`Self::spectrogram`] at the right, with the highest and the lowest level.
    fn scale_legend(&self) -> DrawResult {
        let (left, bottom) = (END + 14, self.top + self.height as i32);
        for row in 0..self.height {
            let colour = scale(1.0 - row as f32 / (self.height - 1) as f32);
            let y = self.top + row as i32;
            self.area
                .draw(&PathElement::new([(left, y), (left + 14, y)], colour))?;
        }
        self.area.draw(&Text::new("0", (left + 20, self.top), text(12)))?;
        let lowest = format!("-{SCALE_DB}");
        self.area
            .draw(&Text::new(lowest, (left + 20, bottom - 14), text(12)))?;
        Ok(())
    }
}

/// Returns ticks at both ends and in the middle.
fn middle(low: f64, high: f64) -> [(f64, String); 3] {
    [low, low.midpoint(high), high].map(|value| (value, number(value)))
}

/// Formats with as few digits as distinguish neighbours.
fn number(value: f64) -> String {
    let digits = match value.abs() {
        size if size >= 100.0 || size == 0.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 0.1 => 2,
        _ => 4,
    };
    format!("{value:.digits$}")
}
