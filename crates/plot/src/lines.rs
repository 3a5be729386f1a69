//! A chart of lines with a title, described axes and a legend.

use plotters::{
    chart::{ChartBuilder, SeriesLabelPosition},
    prelude::{Circle, Color as _, LineSeries, PathElement, RGBColor, WHITE},
};

use crate::{Area, DrawResult, GREY, text};

/// An axis: its description and its range.
#[derive(Debug, Clone, Copy)]
pub struct Axis<'a> {
    /// What it shows, with the unit.
    pub name: &'a str,
    /// The lowest value.
    pub from: f64,
    /// The highest value.
    pub to: f64,
}

/// One line.
#[derive(Debug, Clone)]
pub struct Series<'a> {
    /// Its name in the legend.
    pub name: &'a str,
    /// Its colour.
    pub colour: RGBColor,
    /// Its points, joined in this order.
    pub points: Vec<(f64, f64)>,
}

/// A chart of lines.
#[derive(Debug, Clone)]
pub struct LineChart<'a> {
    /// Above the chart.
    pub title: &'a str,
    /// The horizontal axis.
    pub x: Axis<'a>,
    /// The vertical axis.
    pub y: Axis<'a>,
    /// The lines.
    pub series: Vec<Series<'a>>,
    /// Whether points are marked.
    pub markers: bool,
}

impl LineChart<'_> {
    /// Fills `area` with the chart.
    pub fn draw(&self, area: &Area<'_>) -> DrawResult {
        let mut chart = ChartBuilder::on(area)
            .caption(self.title, text(20))
            .margin(14)
            .x_label_area_size(42)
            .y_label_area_size(58)
            .build_cartesian_2d(self.x.from..self.x.to, self.y.from..self.y.to)?;
        chart
            .configure_mesh()
            .x_desc(self.x.name)
            .y_desc(self.y.name)
            .label_style(text(13))
            .axis_desc_style(text(14))
            .light_line_style(WHITE)
            .draw()?;
        for Series { name, colour, points } in &self.series {
            let colour = *colour;
            chart
                .draw_series(LineSeries::new(points.iter().copied(), colour.stroke_width(2)))?
                .label(*name)
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
            if self.markers {
                chart.draw_series(points.iter().map(|&point| Circle::new(point, 3, colour.filled())))?;
            }
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperLeft)
            .margin(12)
            .background_style(WHITE.mix(0.9))
            .border_style(GREY)
            .label_font(text(13))
            .draw()?;
        Ok(())
    }
}
