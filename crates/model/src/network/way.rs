//! The straight way from the mean of the training data to an input, through dense layers with `ReLU`: pieces on which the mean
//! head is linear.
//!
//! In: a normalised input. Out: each piece's ends and slopes, so that whoever integrates along the way is exact. Every neuron is
//! a line over the way, cut off at zero; a piece ends where the next of them crosses zero (Montúfar, Pascanu, Cho, Bengio: On the
//! Number of Linear Regions of Deep Neural Networks, 2014).

use super::{
    DIRECTIONS, Head, Layer, Network, Tangents,
    columns::{Columns, LINES},
};

/// Pieces after which a network counts as too bent to be followed, for each of its neurons.
const PIECES_PER_NEURON: usize = 8;

/// A part of the way on which the mean head is linear.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Piece {
    /// Its share of the way.
    pub(crate) share: f64,
    /// The mean head's output at its ends, before the sigmoid.
    pub(crate) ends: (f64, f64),
    /// What each direction adds to it over the whole way.
    pub(crate) slopes: [f64; DIRECTIONS],
}

/// A network's dense layers, cut to the neurons that the mean head depends on.
#[derive(Debug, Clone)]
pub(crate) struct Way {
    layers: Vec<Columns>,
    /// The mean head: one weight for each neuron of the last layer, zero where it is padded.
    head: Vec<f32>,
    bias: f32,
}

/// A layer's neurons as lines over the way: at share s, `base + s · sum(slopes)` before the cut at zero. Rows are padded as the
/// layer's columns are; a padded line is zero and never crosses.
struct Stage<'a> {
    layer: &'a Columns,
    /// `base`, then the slopes along the directions.
    lines: [Vec<f32>; LINES],
    /// 1 above zero, 0 below.
    gates: Vec<f32>,
    /// Where each crosses zero next; infinite where it does not.
    crossings: Vec<f32>,
    /// The least of them.
    nearest: f32,
}

/// The mean head as such a line.
#[derive(Clone, Copy)]
struct Line {
    base: f64,
    slopes: [f64; DIRECTIONS],
}

impl Line {
    fn at(&self, share: f64) -> f64 {
        self.base + share * self.slopes.iter().sum::<f64>()
    }
}

impl Network {
    /// Returns the pieces of the way from zero to `directions`, together; `None` where the network has other layers, or more
    /// pieces than can be followed in little time.
    pub(crate) fn pieces(&self, directions: &Tangents) -> Option<Vec<Piece>> {
        let way = self.way.get_or_init(|| Way::of(self));
        way.as_ref()?.pieces(directions)
    }
}

impl Way {
    /// Returns a network's way; `None` where it has other layers.
    fn of(network: &Network) -> Option<Self> {
        let Head::Row { weight, bias } = &network.mean_head else {
            return None;
        };
        let mut kept: Vec<usize> = (0..weight.len()).filter(|place| weight[*place] != 0.0).collect();
        let mut head: Vec<f32> = kept.iter().map(|place| weight[*place]).collect();
        let mut layers = Vec::with_capacity(network.hidden.len());
        for (place, layer) in network.hidden.iter().enumerate().rev() {
            let Layer::DenseRelu(dense) = layer else {
                return None;
            };
            let inputs: Vec<usize> = if place == 0 {
                (0..dense.inputs()).collect()
            } else {
                (0..dense.inputs())
                    .filter(|input| kept.iter().any(|output| dense.weight(*output, *input) != 0.0))
                    .collect()
            };
            layers.push(Columns::new(dense, &kept, &inputs));
            kept = inputs;
        }
        layers.reverse();
        head.resize(layers.last()?.width(), 0.0);
        Some(Self {
            layers,
            head,
            bias: *bias,
        })
    }

    fn pieces(&self, directions: &Tangents) -> Option<Vec<Piece>> {
        let mut stages = self.stages(directions);
        let neurons: usize = self.layers.iter().map(Columns::outputs).sum();
        let mut pieces = Vec::with_capacity(neurons);
        let mut here = 0.0_f32;
        loop {
            let head = self.line(stages.last()?);
            let nearest = stages.iter().map(|stage| stage.nearest).enumerate();
            let (stage, at) = nearest.min_by(|(_, one), (_, other)| one.total_cmp(other))?;
            let end = at.min(1.0);
            let (from, to) = (f64::from(here), f64::from(end));
            pieces.push(Piece {
                share: to - from,
                ends: (head.at(from), head.at(to)),
                slopes: head.slopes,
            });
            if end >= 1.0 {
                return Some(pieces);
            }
            if pieces.len() > PIECES_PER_NEURON * neurons {
                return None;
            }
            here = end;
            cross(&mut stages[stage..], here)?;
        }
    }

    fn stages(&self, directions: &Tangents) -> Vec<Stage<'_>> {
        let mut stages: Vec<Stage<'_>> = Vec::with_capacity(self.layers.len());
        for layer in &self.layers {
            let mut stage = Stage::new(layer);
            match stages.last() {
                // At the beginning the input is zero.
                None => {
                    for (line, direction) in stage.lines[1..].iter_mut().zip(directions) {
                        layer.add_sum(direction, line);
                    }
                }
                Some(before) => layer.add_sums(&before.lines, &before.gates, &mut stage.lines),
            }
            stage.start();
            stages.push(stage);
        }
        stages
    }

    fn line(&self, last: &Stage<'_>) -> Line {
        let mut sums = [0.0_f32; LINES];
        for (sum, line) in sums.iter_mut().zip(&last.lines) {
            let numbers = line.iter().zip(&last.gates).zip(&self.head);
            *sum = numbers.map(|((x, gate), weight)| x * gate * weight).sum();
        }
        let [base, slopes @ ..] = sums.map(f64::from);
        Line {
            base: base + f64::from(self.bias),
            slopes,
        }
    }
}

/// The neuron of the first of these stages that is nearest to zero crosses it: it counts from here on, or no more. What comes after
/// it answers to each unit of it in the same way, by `response`. Returns `None` where lines are not numbers.
fn cross(stages: &mut [Stage<'_>], here: f32) -> Option<()> {
    let (first, rest) = stages.split_first_mut()?;
    let neuron = first.crossings.iter().position(|at| *at <= first.nearest)?;
    let gate = &mut first.gates[neuron];
    let sign = 1.0 - 2.0 * *gate;
    *gate = 1.0 - *gate;
    let line: [f32; LINES] = std::array::from_fn(|place| sign * first.lines[place][neuron]);
    first.crossings[neuron] = f32::INFINITY;
    first.nearest = least(&first.crossings);
    let mut response: Vec<f32> = Vec::new();
    for (place, stage) in rest.iter_mut().enumerate() {
        let answers = if place == 0 {
            stage.layer.column(neuron)
        } else {
            let mut sum = vec![0.0; stage.gates.len()];
            stage.layer.add_sum(&response, &mut sum);
            response = sum;
            &response
        };
        stage.add(answers, &line);
        stage.look(here);
        // What is below zero hands nothing on; the last stage has nobody to hand on to.
        response = answers
            .iter()
            .zip(&stage.gates)
            .map(|(x, gate)| x * gate)
            .collect();
    }
    Some(())
}

impl<'a> Stage<'a> {
    fn new(layer: &'a Columns) -> Self {
        let width = layer.width();
        let mut lines: [Vec<f32>; LINES] = std::array::from_fn(|_| vec![0.0; width]);
        lines[0].copy_from_slice(layer.biases());
        Self {
            layer,
            lines,
            gates: vec![0.0; width],
            crossings: vec![f32::INFINITY; width],
            nearest: f32::INFINITY,
        }
    }

    /// Adds `response` times a line.
    fn add(&mut self, response: &[f32], line: &[f32; LINES]) {
        for (numbers, factor) in self.lines.iter_mut().zip(line) {
            for (number, x) in numbers.iter_mut().zip(response) {
                *number += x * factor;
            }
        }
    }

    /// Notes which neurons are above zero at the beginning, and where they cross it.
    fn start(&mut self) {
        for (gate, base) in self.gates.iter_mut().zip(&self.lines[0]) {
            *gate = if *base > 0.0 { 1.0 } else { 0.0 };
        }
        self.look(0.0);
    }

    /// Notes where each neuron crosses zero next, from `here` on.
    fn look(&mut self, here: f32) {
        let [base, first, second, third] = &self.lines;
        let slopes = first.iter().zip(second).zip(third).map(|((a, b), c)| a + b + c);
        let lines = base.iter().zip(slopes).zip(&self.gates);
        for (crossing, ((base, slope), gate)) in self.crossings.iter_mut().zip(lines) {
            // Towards zero: falling above it, rising below it.
            let approach = slope * (1.0 - 2.0 * gate);
            let at = -base / slope;
            let at = if at < here { here } else { at };
            *crossing = if approach > 0.0 { at } else { f32::INFINITY };
        }
        self.nearest = least(&self.crossings);
    }
}

/// The least of numbers whose count is a multiple of the columns' padding.
fn least(numbers: &[f32]) -> f32 {
    const LANES: usize = super::columns::PAD;
    let mut lanes = [f32::INFINITY; LANES];
    for chunk in numbers.chunks_exact(LANES) {
        for (lane, number) in lanes.iter_mut().zip(chunk) {
            *lane = if *number < *lane { *number } else { *lane };
        }
    }
    lanes.into_iter().fold(f32::INFINITY, f32::min)
}

#[cfg(test)]
mod tests {
    use std::sync::OnceLock;

    use super::*;
    use crate::network::{Dense, Scratch};

    const WIDTH: usize = 40;

    fn numbers(seed: u32, count: usize) -> Vec<f32> {
        let number = |n: usize| ((seed as f32 + 1.3) * (n as f32 + 0.7) * 12.9898).sin();
        (0..count).map(number).collect()
    }

    fn network(depth: u32) -> Network {
        let layer = |seed| {
            let weight: Vec<f32> = numbers(seed, WIDTH * WIDTH).iter().map(|x| x / 4.0).collect();
            Layer::DenseRelu(Dense::new(&weight, &numbers(seed + 50, WIDTH)))
        };
        Network {
            feature_mean: vec![0.0; WIDTH],
            feature_std: vec![1.0; WIDTH],
            hidden: (0..depth).map(layer).collect(),
            mean_head: Head::Row {
                weight: numbers(3, WIDTH),
                bias: 0.1,
            },
            logvar_head: Head::Row {
                weight: vec![0.0; WIDTH],
                bias: 0.0,
            },
            assumes_relu: false,
            way: OnceLock::new(),
        }
    }

    #[test]
    fn pieces_are_the_networks_own_values_and_slopes() {
        for depth in 1..=4 {
            let network = network(depth);
            let directions = [12, 13, 14].map(|seed| numbers(seed, WIDTH));
            let pieces = network.pieces(&directions).unwrap();
            assert!(pieces.len() > 5, "{}", pieces.len());
            let mut share = 0.0;
            let row = |share: f64| -> Vec<f32> {
                let at = |n: usize| directions.iter().map(|d| d[n]).sum::<f32>() * share as f32;
                (0..WIDTH).map(at).collect()
            };
            for piece in &pieces {
                let middle = row(share + piece.share / 2.0);
                let truth = network.slope(&middle, &directions, &mut Scratch::default());
                let mean = f64::midpoint(piece.ends.0, piece.ends.1);
                assert!((f64::from(truth.mean) - mean).abs() < 1e-3, "{piece:?} {truth:?}");
                // On a piece as short as rounding, nobody knows on which side of a crossing the middle is.
                if piece.share > 1e-4 {
                    for (along, slope) in truth.along.iter().zip(piece.slopes) {
                        assert!(
                            (f64::from(*along) - slope).abs() < 1e-3,
                            "{depth}: {piece:?} {truth:?}"
                        );
                    }
                }
                share += piece.share;
            }
            assert!((share - 1.0).abs() < 1e-6);
        }
    }

    #[test]
    fn other_layers_are_not_followed() {
        let mut network = network(1);
        network.hidden.push(Layer::Slopes(numbers(1, WIDTH)));
        assert_eq!(network.pieces(&[1, 2, 3].map(|seed| numbers(seed, WIDTH))), None);
        network.hidden.clear();
        assert_eq!(network.pieces(&[1, 2, 3].map(|seed| numbers(seed, WIDTH))), None);
    }
}
