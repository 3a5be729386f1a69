//! Pictures: a drawing surface with a font of its own, and charts of lines.
//!
//! In: a size and what to draw. Out: the bytes of a PNG. The font is embedded, so that pictures look the same on every
//! machine.

mod lines;
mod picture;

pub use lines::{Axis, LineChart, Series};
pub use picture::{Area, BLUE, DrawResult, GREY, ORANGE, PlotError, png, text};
pub use plotters;
