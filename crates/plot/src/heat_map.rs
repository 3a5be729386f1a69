//! A map of cells over time: one row for each band or bin, colours from dark to bright.

use plotters::{
    chart::ChartBuilder,
    element::{Rectangle, Text},
    prelude::{Color as _, RGBColor},
};

use crate::{
    Area, DrawResult, TimeAxis,
    axis::Ticked,
    scale, text,
    time_chart::{INK, LABELS, LEFT, MARGIN, TITLE},
};

/// The most labels of rows.
const ROW_LABELS: usize = 8;

/// Shades of colour: enough to tell apart, and few enough for a small file.
const SHADES: f64 = 12.0;

/// A cell of a map.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cell {
    /// Its begin.
    pub time: f64,
    /// Its row, from 0 at the bottom.
    pub row: usize,
    /// 0 (dark) to 1 (bright).
    pub brightness: f64,
}

/// A map of cells over time.
#[derive(Debug, Clone)]
pub struct HeatMap<'a> {
    /// Above the map.
    pub title: &'a str,
    /// The horizontal axis.
    pub time: &'a TimeAxis,
    /// How long a cell is.
    pub cell_width: f64,
    /// The names of the rows, the lowest first.
    pub rows: &'a [String],
    /// The cells.
    pub cells: &'a [Cell],
}

impl HeatMap<'_> {
    /// Fills `area` with the map.
    pub fn draw(&self, area: &Area<'_>) -> DrawResult {
        area.draw(&Text::new(self.title.to_owned(), (LEFT as i32, 4), text(15)))?;
        let count = self.rows.len().max(1);
        let labelled = (0..count).step_by(count.div_ceil(ROW_LABELS));
        let rows = Ticked {
            range: 0.0..count as f64,
            ticks: labelled.map(|row| row as f64 + 0.5).collect(),
        };
        let mut chart = ChartBuilder::on(area)
            .margin_top(TITLE)
            .margin_right(2 * MARGIN)
            .margin_bottom(2)
            .x_label_area_size(LABELS)
            .y_label_area_size(LEFT)
            .build_cartesian_2d(self.time.ticked(), rows)?;
        let row = |at: &f64| self.rows.get(*at as usize).cloned().unwrap_or_default();
        chart
            .configure_mesh()
            .disable_mesh()
            .x_label_formatter(&|time| self.time.label(*time))
            .y_label_formatter(&row)
            .axis_style(INK)
            .label_style(text(12))
            .draw()?;
        let cells = self
            .cells
            .iter()
            .filter(|cell| cell.brightness.is_finite() && cell.row < count);
        let drawn = cells.map(|cell| {
            let ends =
                [cell.time, cell.time + self.cell_width].map(|time| time.clamp(self.time.from, self.time.to));
            let colour: RGBColor = scale(((cell.brightness * SHADES).round() / SHADES) as f32);
            let corners = [(ends[0], cell.row as f64), (ends[1], cell.row as f64 + 1.0)];
            Rectangle::new(corners, colour.filled())
        });
        chart.draw_series(drawn)?;
        Ok(())
    }
}
