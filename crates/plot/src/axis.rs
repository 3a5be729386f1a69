//! Axes whose ticks are given by who draws, in place of those that plotters finds for numbers.

use std::ops::Range;

use plotters::coord::{
    ranged1d::{DefaultFormatting, KeyPointHint},
    types::RangedCoordf64,
};
use plotters::prelude::Ranged;

/// A stretch of time, in any unit, and its labelled ticks.
#[derive(Debug, Clone, PartialEq)]
pub struct TimeAxis {
    /// Its begin.
    pub from: f64,
    /// Its end.
    pub to: f64,
    /// Times with their labels.
    pub ticks: Vec<(f64, String)>,
}

impl TimeAxis {
    pub(crate) fn ticked(&self) -> Ticked {
        Ticked {
            range: self.from..self.to,
            ticks: self.ticks.iter().map(|(time, _)| *time).collect(),
        }
    }

    /// Returns the label of the tick next to `time`.
    pub(crate) fn label(&self, time: f64) -> String {
        let distance = |tick: &(f64, String)| (tick.0 - time).abs();
        let next = self
            .ticks
            .iter()
            .min_by(|a, b| distance(a).total_cmp(&distance(b)));
        next.map_or_else(String::new, |(_, label)| label.clone())
    }
}

/// A range of numbers with given ticks.
pub(crate) struct Ticked {
    pub(crate) range: Range<f64>,
    pub(crate) ticks: Vec<f64>,
}

impl Ranged for Ticked {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        RangedCoordf64::from(self.range.clone()).map(value, limit)
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        if hint.weight().allow_light_points() {
            Vec::new()
        } else {
            self.ticks.clone()
        }
    }

    fn range(&self) -> Range<f64> {
        self.range.clone()
    }
}
