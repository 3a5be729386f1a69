//! Why a model predicts what it predicts: how much of the distance from the training's average is temperature, humidity, sound.
//!
//! In: a model and an input. Out: contributions in points of the position, which add up to the difference. Integrated gradients
//! (Sundararajan, Taly, Yan: Axiomatic Attribution for Deep Networks, 2017, eq. 1) from the mean of the training data to the
//! input. Dense layers with `ReLU` are linear by pieces, on which the integral is exact. Other models are followed in steps: each
//! step's change of the position is shared out by the slopes at its ends, so that the sum is exact.

use domain::Contributions;
use serde::Serialize;

use crate::{
    InputError, Model,
    model::Computation,
    network::{DIRECTIONS, Network, Piece, Scratch, Tangents},
};

/// Steps of the way, where it is not followed by pieces. Parts of the built-in model are then within a point and a half of those
/// with a thousand steps.
const STEPS: usize = 20;
/// How near to the prediction the end of the pieces is, points.
const ARRIVED: f64 = 0.05;
/// A change of the mean head below which a piece counts as flat.
const FLAT: f64 = 1e-6;
/// Half the width of a difference, as a share of the way, where a model's slopes are not known.
const NUDGE: f32 = 0.01;

/// What moves a prediction away from the average.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Explanation {
    /// The position that the model predicts for the mean of its training data, %.
    pub average: f64,
    /// What temperature adds to it, points.
    pub temperature: f64,
    /// What humidity adds to it, points.
    pub humidity: f64,
    /// What the clip adds to it, points; 0 without a clip.
    pub sound: f64,
}

impl Explanation {
    /// The position that it explains, %.
    pub fn position(&self) -> f64 {
        self.average + self.temperature + self.humidity + self.sound
    }
}

impl From<Explanation> for Contributions {
    fn from(explained: Explanation) -> Self {
        Self {
            average: explained.average,
            temperature: explained.temperature,
            humidity: explained.humidity,
            sound: explained.sound,
        }
    }
}

/// The model's mean output, before the sigmoid, at one point of the way, and its slopes along the parts of the way:
/// temperature, humidity, sound.
#[derive(Debug, Clone, Copy)]
struct Point {
    mean: f64,
    slopes: [f64; DIRECTIONS],
}

impl Model {
    /// Returns what moves the prediction for [`crate::INPUTS`] numbers away from that for the mean of the training data.
    pub fn explain(&self, input: &[f32]) -> Result<Explanation, InputError> {
        // Checked as for a prediction.
        let position = self.predict(input)?.position;
        let explained = match self.computation() {
            Computation::Dense(network) => {
                let directions = directions(network, input);
                let pieces = network.pieces(&directions).as_deref().map(by_pieces);
                // Rounding may lead the way to the wrong side of a crossing.
                let exact = pieces.filter(|exact| (exact.position() - position).abs() < ARRIVED);
                exact.unwrap_or_else(|| shared_out(&by_slopes(network, &directions)))
            }
            Computation::Onnx(_) => shared_out(&self.by_differences(input)?),
        };
        if explained.position().is_finite() {
            Ok(explained)
        } else {
            Err(InputError::Overflow { row: 0 })
        }
    }

    /// The points of a model that is known by its outputs alone.
    fn by_differences(&self, input: &[f32]) -> Result<Vec<Point>, InputError> {
        let average = self.feature_mean();
        let at = |shares: [f32; DIRECTIONS]| -> Vec<f32> {
            let row = average.iter().zip(input).enumerate();
            row.map(|(place, (mean, x))| mean + (x - mean) * shares[part(place)])
                .collect()
        };
        let mut rows = Vec::new();
        for share in shares() {
            rows.push(at([share; DIRECTIONS]));
            for direction in 0..DIRECTIONS {
                for nudge in [-NUDGE, NUDGE] {
                    let mut shares = [share; DIRECTIONS];
                    shares[direction] += nudge;
                    rows.push(at(shares));
                }
            }
        }
        let predictions = self.predict_batch(rows.iter().map(Vec::as_slice))?;
        let means: Vec<f64> = predictions
            .iter()
            .map(|prediction| logit(prediction.position))
            .collect();
        let point = |means: &[f64]| Point {
            mean: means[0],
            slopes: std::array::from_fn(|direction| {
                (means[2 + 2 * direction] - means[1 + 2 * direction]) / f64::from(2.0 * NUDGE)
            }),
        };
        Ok(means.chunks_exact(1 + 2 * DIRECTIONS).map(point).collect())
    }
}

/// The way from the mean of the training data to the input, normalised, by its parts.
fn directions(network: &Network, input: &[f32]) -> Tangents {
    let scaled = input.iter().zip(&network.feature_mean).zip(&network.feature_std);
    let mut directions: Tangents = std::array::from_fn(|_| vec![0.0; input.len()]);
    for (place, ((x, mean), std)) in scaled.enumerate() {
        directions[part(place)][place] = (x - mean) / std;
    }
    directions
}

/// The integral over pieces on which the mean head is linear: there the position's change is shared out by the slopes.
fn by_pieces(pieces: &[Piece]) -> Explanation {
    let first = pieces.first().map_or(f64::NAN, |piece| piece.ends.0);
    let average = position(first);
    let (mut parts, mut from) = ([0.0; DIRECTIONS], average);
    for piece in pieces {
        let to = position(piece.ends.1);
        let change = piece.ends.1 - piece.ends.0;
        let steepness = if change.abs() > FLAT {
            (to - from) / change
        } else {
            let share = position(f64::midpoint(piece.ends.0, piece.ends.1)) / 100.0;
            100.0 * share * (1.0 - share)
        };
        for (part, slope) in parts.iter_mut().zip(piece.slopes) {
            *part += slope * piece.share * steepness;
        }
        from = to;
    }
    let [temperature, humidity, sound] = parts;
    Explanation {
        average,
        temperature,
        humidity,
        sound,
    }
}

/// The points of a network whose slopes are computed.
fn by_slopes(network: &Network, directions: &Tangents) -> Vec<Point> {
    let [temperature, humidity, sound] = directions;
    let sums = temperature.iter().zip(humidity).zip(sound);
    let way: Vec<f32> = sums.map(|((a, b), c)| a + b + c).collect();
    let (mut scratch, mut row) = (Scratch::default(), Vec::with_capacity(way.len()));
    let point = |share: f32| {
        row.clear();
        row.extend(way.iter().map(|x| x * share));
        let slope = network.slope(&row, directions, &mut scratch);
        Point {
            mean: f64::from(slope.mean),
            slopes: slope.along.map(f64::from),
        }
    };
    shares().map(point).collect()
}

/// The points of the way, from 0 to 1.
fn shares() -> impl Iterator<Item = f32> {
    (0..=STEPS).map(|step| step as f32 / STEPS as f32)
}

/// Which part of the way an input belongs to.
const fn part(place: usize) -> usize {
    if place < DIRECTIONS { place } else { DIRECTIONS - 1 }
}

/// Shares each step's change of the position out among the parts, by the mean of the slopes at its ends.
fn shared_out(points: &[Point]) -> Explanation {
    let mut parts = [0.0; DIRECTIONS];
    for ends in points.windows(2) {
        let (from, to) = (ends[0], ends[1]);
        let change = position(to.mean) - position(from.mean);
        let slopes: [f64; DIRECTIONS] =
            std::array::from_fn(|part| f64::midpoint(from.slopes[part], to.slopes[part]));
        // What the slopes alone would give; the rest is shared out by their sizes, so that nothing is missing.
        let middle = position(f64::midpoint(from.mean, to.mean)) / 100.0;
        let steepness = 100.0 * middle * (1.0 - middle) / STEPS as f64;
        let missing = change - slopes.iter().sum::<f64>() * steepness;
        let size: f64 = slopes.iter().map(|slope| slope.abs()).sum();
        for (part, slope) in parts.iter_mut().zip(slopes) {
            let share = if size > 0.0 {
                slope.abs() / size
            } else {
                1.0 / DIRECTIONS as f64
            };
            *part += slope * steepness + missing * share;
        }
    }
    let [temperature, humidity, sound] = parts;
    Explanation {
        average: points.first().map_or(f64::NAN, |point| position(point.mean)),
        temperature,
        humidity,
        sound,
    }
}

fn position(mean: f64) -> f64 {
    100.0 / (1.0 + (-mean).exp())
}

fn logit(position: f64) -> f64 {
    // A position that rounding made certain.
    let share = (position / 100.0).clamp(1e-7, 1.0 - 1e-7);
    (share / (1.0 - share)).ln()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::INPUTS;

    /// The same with a thousand steps, by differences of the whole model. A difference over `h` is off by (slope × h)² / 6 where
    /// the position is steepest: 5e-3 was too wide for the steepest inputs.
    fn finely(model: &Model, input: &[f32]) -> [f64; DIRECTIONS] {
        const STEPS: usize = 1_000;
        let average = model.feature_mean();
        let at = |shares: [f64; DIRECTIONS]| {
            let row = average.iter().zip(input).enumerate();
            let row: Vec<f32> = row
                .map(|(place, (mean, x))| {
                    (f64::from(*mean) + f64::from(x - mean) * shares[part(place)]) as f32
                })
                .collect();
            model.predict(&row).unwrap().position
        };
        std::array::from_fn(|direction| {
            let step = |step: usize| {
                let share = (step as f64 + 0.5) / STEPS as f64;
                let nudged = |by: f64| {
                    let mut shares = [share; DIRECTIONS];
                    shares[direction] += by;
                    at(shares)
                };
                (nudged(1e-3) - nudged(-1e-3)) / 2e-3 / STEPS as f64
            };
            (0..STEPS).map(step).sum()
        })
    }

    /// Inputs around the average, `z` standard deviations away.
    fn away(model: &Model, z: &[f32]) -> Vec<f32> {
        let Computation::Dense(network) = model.computation() else {
            panic!("the built-in model is dense")
        };
        let numbers = network.feature_mean.iter().zip(&network.feature_std).zip(z);
        numbers.map(|((mean, std), z)| mean + std * z).collect()
    }

    #[test]
    fn the_average_needs_no_explanation() {
        let model = Model::built_in().unwrap();
        let explained = model.explain(model.feature_mean()).unwrap();
        let position = model.predict(model.feature_mean()).unwrap().position;
        assert!((explained.average - position).abs() < 1e-4);
        let parts = [explained.temperature, explained.humidity, explained.sound];
        assert!(parts.iter().all(|part| part.abs() < f64::EPSILON));
        assert!(model.explain(&[f32::NAN; INPUTS]).is_err() && model.explain(&[0.0]).is_err());
    }

    #[test]
    fn without_a_clip_sound_adds_nothing_and_warmth_opens() {
        let model = Model::built_in().unwrap();
        let warm = crate::input(29.0, 50.0, None, &model);
        let explained = model.explain(&warm).unwrap();
        assert!(explained.sound.abs() < f64::EPSILON);
        assert!(explained.temperature > 5.0, "{explained:?}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn contributions_add_up_and_are_the_integral(z in prop::collection::vec(-2.0_f32..2.0, INPUTS)) {
            let model = Model::built_in().unwrap();
            let input = away(&model, &z);
            let explained = model.explain(&input).unwrap();
            let position = model.predict(&input).unwrap().position;
            prop_assert!((explained.position() - position).abs() < 0.01, "{explained:?} {position}");
            let fine = finely(&model, &input);
            let parts = [explained.temperature, explained.humidity, explained.sound];
            for (part, fine) in parts.iter().zip(fine) {
                prop_assert!((part - fine).abs() < 1.5, "{explained:?} {fine:?}");
            }
        }
    }
}
