//! The uncertainty of a model that states none, measured on examples.
//!
//! In: positions that the model predicted, and those that were right. Out: for each range of predicted positions, the
//! log variance whose confidence is the share of predictions that were right. Without examples it is unknown, and the
//! confidence is 0.

use serde::{Deserialize, Serialize};

use crate::confidence::{TOLERANCE_POINTS, confidence};

/// The fewest examples that say anything: the share of right ones is then known to about ±0.2.
const FEWEST: usize = 20;
/// The examples of a range: the share of right ones is then known to about ±0.1.
const IN_A_RANGE: usize = 100;
/// The most ranges.
const MOST_RANGES: usize = 10;
/// The logs of the variance between which a confidence is sought: from 1.00 to 0.001.
const SOUGHT: (f64, f64) = (-6.0, 18.0);

/// The errors of predictions within one range of positions.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ErrorRange {
    /// The largest predicted position of this range, in percent. The last range goes on to 100.
    pub up_to: f64,
    /// The log variance of the errors in squared points.
    pub log_variance: f64,
    /// The number of examples.
    pub examples: usize,
}

/// The uncertainty of a model, measured on examples that it was not trained on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Uncertainty {
    /// Where the examples are from, in words.
    pub source: String,
    /// By predicted position, ascending.
    pub ranges: Vec<ErrorRange>,
}

/// There are too few examples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} examples say too little about a model's confidence; at least {FEWEST} are needed")]
pub struct TooFewExamples(pub usize);

impl Uncertainty {
    /// Measures it on pairs of a predicted and a right position, in percent. Each confidence is the share of right
    /// predictions in its range, by the rule of succession (Laplace 1814), so that no share is 0 or 1.
    pub fn measure(source: &str, pairs: &[(f64, f64)]) -> Result<Self, TooFewExamples> {
        if pairs.len() < FEWEST {
            return Err(TooFewExamples(pairs.len()));
        }
        let mut sorted = pairs.to_vec();
        sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
        let ranges = (sorted.len() / IN_A_RANGE).clamp(1, MOST_RANGES);
        let ranges = sorted.chunks(sorted.len().div_ceil(ranges)).map(|chunk| {
            let right = chunk
                .iter()
                .filter(|(said, wanted)| (said - wanted).abs() <= TOLERANCE_POINTS)
                .count();
            ErrorRange {
                up_to: chunk.last().map_or(100.0, |last| last.0),
                log_variance: log_variance((right + 1) as f64 / (chunk.len() + 2) as f64),
                examples: chunk.len(),
            }
        });
        Ok(Self {
            source: source.to_owned(),
            ranges: ranges.collect(),
        })
    }

    /// Returns the log variance of a prediction's error; `None` if there is no range.
    pub(crate) fn log_variance(&self, position: f64) -> Option<f64> {
        let range = self.ranges.iter().find(|range| position <= range.up_to);
        range.or(self.ranges.last()).map(|range| range.log_variance)
    }

    /// Returns the number of examples.
    pub fn examples(&self) -> usize {
        self.ranges.iter().map(|range| range.examples).sum()
    }

    /// Returns the mean confidence over the examples.
    pub fn mean_confidence(&self) -> f64 {
        let weighted = |range: &ErrorRange| confidence(range.log_variance) * range.examples as f64;
        self.ranges.iter().map(weighted).sum::<f64>() / self.examples().max(1) as f64
    }
}

/// Returns the log variance with this confidence, by bisection: the confidence falls as the variance grows.
fn log_variance(wanted: f64) -> f64 {
    let (mut low, mut high) = SOUGHT;
    for _ in 0..50 {
        let middle = f64::midpoint(low, high);
        if confidence(middle) > wanted {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_confidence_is_the_share_of_right_predictions() {
        // Low positions are right in 9 of 10 cases, high ones in 1 of 10.
        let pairs: Vec<(f64, f64)> = (0..400)
            .map(|i| {
                let said = f64::from(i) / 4.0;
                let right = if i < 200 { i % 10 != 0 } else { i % 10 == 0 };
                (said, if right { said } else { said + 30.0 })
            })
            .collect();
        let measured = Uncertainty::measure("tests", &pairs).unwrap();
        assert_eq!((measured.examples(), measured.ranges.len()), (400, 4));
        let sure = |position| confidence(measured.log_variance(position).unwrap());
        for position in [0.0, 10.0, 49.0] {
            assert!((sure(position) - 0.9).abs() < 0.02, "{}", sure(position));
        }
        for position in [50.0, 99.0, 100.0] {
            assert!((sure(position) - 0.1).abs() < 0.02, "{}", sure(position));
        }
        assert!((measured.mean_confidence() - 0.5).abs() < 0.02);
    }

    #[test]
    fn few_examples_say_nothing() {
        assert_eq!(
            Uncertainty::measure("tests", &[(1.0, 1.0); 19]),
            Err(TooFewExamples(19))
        );
        let always = Uncertainty::measure("tests", &[(50.0, 50.0); 20]).unwrap();
        let sure = confidence(always.log_variance(50.0).unwrap());
        assert!((sure - 21.0 / 22.0).abs() < 1e-6, "{sure}");
    }

    proptest! {
        #[test]
        fn a_log_variance_has_the_wanted_confidence(wanted in 0.002_f64..0.999) {
            prop_assert!((confidence(log_variance(wanted)) - wanted).abs() < 1e-6);
        }
    }
}
