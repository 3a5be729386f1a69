//! Pictures: a drawing surface with a font of its own, and charts of lines and over time.
//!
//! In: a size and what to draw. Out: the bytes of a PNG. The font is embedded, so that pictures look the same on every
//! machine.

mod axis;
mod heat_map;
mod lines;
mod picture;
mod ticks;
mod time_chart;

pub use axis::TimeAxis;
pub use heat_map::{Cell, HeatMap};
pub use lines::{Axis, LineChart, Series};
pub use picture::{Area, BLUE, DrawResult, GREY, ORANGE, PALETTE, PlotError, png, scale, text};
pub use plotters;
pub use ticks::{time_axis, zone_name};
pub use time_chart::{Mark, TimeChart, TimePoint, TimeSeries, legend_width, short};
