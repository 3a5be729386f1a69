//! Pixels, and the few shapes that a plot consists of.

use std::convert::Infallible;

use embedded_graphics::{
    Pixel,
    draw_target::DrawTarget,
    geometry::{OriginDimensions, Point, Size},
    mono_font::{MonoTextStyle, ascii::FONT_7X13},
    pixelcolor::{Rgb888, RgbColor as _},
    prelude::Drawable as _,
    text::{Alignment, Text},
};

pub(super) type Colour = [u8; 3];

const INK: Colour = [40, 40, 40];
const GRID: Colour = [225, 225, 225];
/// Anchors of the colour scale, from quiet to loud (after matplotlib's magma).
const HEAT: [Colour; 6] = [
    [0, 0, 4],
    [59, 15, 112],
    [140, 41, 129],
    [222, 73, 104],
    [254, 159, 109],
    [252, 253, 191],
];
/// Decibels from the darkest to the brightest.
const HEAT_DB: f32 = 80.0;

/// An RGB picture, white at first.
pub(super) struct Canvas {
    width: usize,
    height: usize,
    pixels: Vec<Colour>,
}

/// A rectangle that data is drawn in.
pub(super) struct Panel {
    pub(super) left: usize,
    pub(super) top: usize,
    pub(super) width: usize,
    pub(super) height: usize,
}

impl Panel {
    /// The row of a value, 0 (bottom) to 1 (top); what lies outside is put at the edge.
    fn row(&self, share: f64) -> usize {
        self.top + self.height - 1 - (share.clamp(0.0, 1.0) * (self.height - 1) as f64).round() as usize
    }

    fn column(&self, share: f64) -> usize {
        self.left + (share.clamp(0.0, 1.0) * (self.width - 1) as f64).round() as usize
    }
}

impl Canvas {
    pub(super) fn new(width: usize, height: usize) -> Self {
        Self {
            width,
            height,
            pixels: vec![[255; 3]; width * height],
        }
    }

    fn set(&mut self, x: usize, y: usize, colour: Colour) {
        if x < self.width && y < self.height {
            self.pixels[y * self.width + x] = colour;
        }
    }

    fn vertical(&mut self, x: usize, from: usize, to: usize, colour: Colour) {
        for y in from.min(to)..=from.max(to) {
            self.set(x, y, colour);
        }
    }

    fn horizontal(&mut self, y: usize, from: usize, to: usize, colour: Colour) {
        for x in from..=to {
            self.set(x, y, colour);
        }
    }

    /// Text whose baseline begins at the point.
    pub(super) fn text(&mut self, x: usize, y: usize, text: &str) {
        self.aligned(x, y, text, Alignment::Left);
    }

    fn aligned(&mut self, x: usize, y: usize, text: &str, alignment: Alignment) {
        // The font has ASCII alone.
        let text: String = text
            .chars()
            .map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' })
            .collect();
        let style = MonoTextStyle::new(&FONT_7X13, Rgb888::new(INK[0], INK[1], INK[2]));
        let at = Point::new(x as i32, y as i32);
        let _ = Text::with_alignment(&text, at, style, alignment).draw(self);
    }

    /// Borders, a caption, the range at the left and seconds below.
    pub(super) fn frame(&mut self, panel: &Panel, caption: &str, (low, high): (f64, f64), seconds: f64) {
        let ticks = [0.0, 0.5, 1.0].map(|share| (share, number(low + share * (high - low))));
        self.frame_with(panel, caption, seconds, &ticks);
    }

    pub(super) fn frame_with(&mut self, panel: &Panel, caption: &str, seconds: f64, ticks: &[(f64, String)]) {
        let (right, bottom) = (panel.left + panel.width, panel.top + panel.height);
        self.text(panel.left, panel.top - 6, caption);
        for y in [panel.top - 1, bottom] {
            self.horizontal(y, panel.left - 1, right, INK);
        }
        for x in [panel.left - 1, right] {
            self.vertical(x, panel.top - 1, bottom, INK);
        }
        for (share, label) in ticks {
            let y = panel.row(*share);
            self.horizontal(y, panel.left - 5, panel.left - 1, INK);
            self.aligned(panel.left - 8, y + 4, label, Alignment::Right);
        }
        for step in 0..=8 {
            let share = f64::from(step) / 8.0;
            let x = panel.column(share);
            self.vertical(x, bottom, bottom + 4, INK);
            self.aligned(x, bottom + 16, &number(share * seconds), Alignment::Center);
        }
    }

    /// Lowest and highest sample of each column.
    pub(super) fn waveform(&mut self, panel: &Panel, samples: &[f32], peak: f32, colour: Colour) {
        let row = |sample: f32| panel.row(f64::from(sample / peak).midpoint(1.0));
        self.horizontal(row(0.0), panel.left, panel.left + panel.width - 1, GRID);
        for column in 0..panel.width {
            let begin = column * samples.len() / panel.width;
            let end = ((column + 1) * samples.len() / panel.width).max(begin + 1);
            let Some(part) = samples.get(begin..end.min(samples.len())) else {
                continue;
            };
            let low = part.iter().copied().fold(f32::MAX, f32::min);
            let high = part.iter().copied().fold(f32::MIN, f32::max);
            self.vertical(panel.left + column, row(low), row(high), colour);
        }
    }

    /// Frames of levels in decibels, lowest band first, against the loudest of all. A frame is drawn around its middle.
    pub(super) fn heat(&mut self, panel: &Panel, frames: &[Vec<f32>], frame_seconds: f64, seconds: f64) {
        let loudest = frames.iter().flatten().copied().fold(f32::MIN, f32::max);
        for column in 0..panel.width {
            let at = column as f64 / panel.width as f64 * seconds / frame_seconds;
            let Some(frame) = frames.get((at.round() as usize).min(frames.len().saturating_sub(1))) else {
                continue;
            };
            for row in 0..panel.height {
                let band = (panel.height - 1 - row) * frame.len() / panel.height;
                let brightness = 1.0 + (frame[band] - loudest) / HEAT_DB;
                self.set(panel.left + column, panel.top + row, heat(brightness));
            }
        }
    }

    /// The colours of [`Self::heat`] at the right, with what the highest and the lowest mean.
    pub(super) fn scale(&mut self, panel: &Panel, [highest, lowest]: [&str; 2]) {
        let left = panel.left + panel.width + 14;
        for row in 0..panel.height {
            let brightness = 1.0 - row as f32 / (panel.height - 1) as f32;
            self.horizontal(panel.top + row, left, left + 14, heat(brightness));
        }
        self.text(left + 20, panel.top + 10, highest);
        self.text(left + 20, panel.top + panel.height, lowest);
    }

    /// Values joined by lines; the n-th stands at n times `step` of the panel's width.
    pub(super) fn line(
        &mut self,
        panel: &Panel,
        values: &[f64],
        step: f64,
        (low, high): (f64, f64),
        colour: Colour,
    ) {
        let point = |index: usize| {
            let share = (values[index] - low) / (high - low);
            (panel.column(index as f64 * step), panel.row(share))
        };
        for index in 0..values.len() {
            let (x, y) = point(index);
            let (next_x, next_y) = if index + 1 < values.len() {
                point(index + 1)
            } else {
                (x, y)
            };
            let width = next_x.saturating_sub(x).max(1);
            let between =
                |column: usize| (y * (width - column.min(width)) + next_y * column.min(width)) / width;
            for column in 0..width {
                let (from, to) = (between(column), between(column + 1));
                self.vertical(x + column, from, to, colour);
                self.set(x + column, from + 1, colour);
            }
        }
    }

    /// What each colour means, right of the panel.
    pub(super) fn legend(&mut self, panel: &Panel, entries: [(&str, Colour); 2]) {
        let left = panel.left + panel.width + 14;
        for (row, (name, colour)) in entries.into_iter().enumerate() {
            let y = panel.top + 10 + 18 * row;
            for thickness in 0..3 {
                self.horizontal(y + thickness, left, left + 20, colour);
            }
            self.text(left + 28, y + 6, name);
        }
    }

    pub(super) fn png(&self) -> Result<Vec<u8>, png::EncodingError> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, self.width as u32, self.height as u32);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(self.pixels.as_flattened())?;
        writer.finish()?;
        Ok(bytes)
    }
}

impl OriginDimensions for Canvas {
    fn size(&self) -> Size {
        Size::new(self.width as u32, self.height as u32)
    }
}

impl DrawTarget for Canvas {
    type Color = Rgb888;
    type Error = Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<Rgb888>>>(&mut self, pixels: I) -> Result<(), Infallible> {
        for Pixel(point, colour) in pixels {
            if let (Ok(x), Ok(y)) = (usize::try_from(point.x), usize::try_from(point.y)) {
                self.set(x, y, [colour.r(), colour.g(), colour.b()]);
            }
        }
        Ok(())
    }
}

fn heat(brightness: f32) -> Colour {
    let place = brightness.clamp(0.0, 1.0) * (HEAT.len() - 1) as f32;
    let below = (place as usize).min(HEAT.len() - 2);
    let share = place - below as f32;
    std::array::from_fn(|channel| {
        let (low, high) = (
            f32::from(HEAT[below][channel]),
            f32::from(HEAT[below + 1][channel]),
        );
        (low + (high - low) * share).round() as u8
    })
}

/// As few digits as tell neighbours apart.
fn number(value: f64) -> String {
    let digits = match value.abs() {
        size if size >= 100.0 || size == 0.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 0.1 => 2,
        _ => 4,
    };
    format!("{value:.digits$}")
}
