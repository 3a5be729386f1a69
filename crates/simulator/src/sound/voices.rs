//! Sources of sound other than people: the room itself, traffic, rain, a smoke alarm.
//!
//! In: a number of samples and a generator. Out: samples of any loudness; the mix sets the level.

use rand::Rng;
use std::f64::consts::TAU;

use super::{
    SAMPLE_RATE,
    filter::{HighPass, LowPass, Resonator},
};

const RATE: f64 = SAMPLE_RATE as f64;

fn white(rng: &mut impl Rng) -> f64 {
    rng.random_range(-1.0..1.0)
}

/// Air and machines: soft low noise with a trace of mains hum.
pub(super) fn room_noise(samples: usize, rng: &mut impl Rng) -> Vec<f64> {
    let mut soft = LowPass::new(rng.random_range(250.0..600.0));
    let mut hiss = LowPass::new(4_000.0);
    let hum = rng.random_range(0.01..0.06);
    let phase = rng.random_range(0.0..TAU);
    (0..samples)
        .map(|i| {
            let t = i as f64 / RATE;
            soft.next(white(rng)) + 0.05 * hiss.next(white(rng)) + hum * (TAU * 100.0 * t + phase).sin()
        })
        .collect()
}

/// Traffic: rumble, and now and then a car that passes.
pub(super) fn street(samples: usize, rng: &mut impl Rng) -> Vec<f64> {
    let seconds = samples as f64 / RATE;
    let cars: Vec<(f64, f64, f64)> = (0..rng.random_range(0..3))
        .map(|_| {
            (
                rng.random_range(0.0..seconds.max(0.1)),
                rng.random_range(0.25..0.8),
                rng.random_range(0.5..2.0),
            )
        })
        .collect();
    let mut rumble = LowPass::new(rng.random_range(300.0..700.0));
    let mut no_infrasound = HighPass::new(50.0);
    let mut tyres = LowPass::new(rng.random_range(1_500.0..2_800.0));
    let mut tyres_above = HighPass::new(500.0);
    let swell = (rng.random_range(0.2..0.6), rng.random_range(0.0..TAU));
    (0..samples)
        .map(|i| {
            let t = i as f64 / RATE;
            let passing: f64 = cars
                .iter()
                .map(|(at, width, loud)| loud * (-0.5 * ((t - at) / width).powi(2)).exp())
                .sum();
            let traffic = 1.0 + 0.3 * (TAU * swell.0 * t + swell.1).sin();
            let engine = no_infrasound.next(rumble.next(white(rng)));
            let tyre = tyres_above.next(tyres.next(white(rng)));
            engine * (traffic + 0.7 * passing) + tyre * (0.3 + passing)
        })
        .collect()
}

/// Rain: a rush of high frequencies, and drops that strike something near.
pub(super) fn rain(samples: usize, rng: &mut impl Rng) -> Vec<f64> {
    let mut above = HighPass::new(rng.random_range(900.0..1_800.0));
    let mut below = LowPass::new(6_500.0);
    let drops_per_s = rng.random_range(15.0..60.0);
    let mut drop = Resonator::new(rng.random_range(2_000.0..5_000.0), 500.0);
    (0..samples)
        .map(|_| {
            let rush = below.next(above.next(white(rng)));
            let strike = if rng.random::<f64>() < drops_per_s / RATE {
                drop.tune(rng.random_range(1_800.0..5_500.0), rng.random_range(300.0..900.0));
                rng.random_range(0.3..1.8)
            } else {
                0.0
            };
            rush + drop.next(strike)
        })
        .collect()
}

/// A smoke alarm: 3 kHz in three bursts of half a second (the temporal pattern of ISO 8201).
pub(super) fn alarm(samples: usize, rng: &mut impl Rng) -> Vec<f64> {
    let hertz = rng.random_range(2_950.0..3_150.0);
    let start = rng.random_range(0.0..1.0);
    (0..samples)
        .map(|i| {
            let t = i as f64 / RATE;
            let within = (t + start).rem_euclid(4.0);
            let sounding = within < 3.0 && within.fract() < 0.5;
            let wave = (TAU * hertz * t).sin() + 0.25 * (TAU * 2.0 * hertz * t).sin();
            if sounding { wave } else { 0.0 }
        })
        .collect()
}
