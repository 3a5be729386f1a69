//! Somebody talks: syllables of voiced vowels and noisy consonants, with pauses. It has no words.
//!
//! In: a number of samples and a generator. Out: samples. A pulse train through three formants (source and filter, Fant
//! 1960); vowels as Peterson and Barney (1952) measured them.

use rand::Rng;
use std::f64::consts::PI;

use super::{
    SAMPLE_RATE,
    filter::{HighPass, LowPass, Resonator},
};

const RATE: f64 = SAMPLE_RATE as f64;

/// Formants of the vowels in heed, head, had, hod, who'd, heard; Hz.
const VOWELS: [[f64; 3]; 6] = [
    [270.0, 2_290.0, 3_010.0],
    [530.0, 1_840.0, 2_480.0],
    [660.0, 1_720.0, 2_410.0],
    [730.0, 1_090.0, 2_440.0],
    [300.0, 870.0, 2_240.0],
    [490.0, 1_350.0, 1_690.0],
];
const BANDWIDTHS: [f64; 3] = [70.0, 90.0, 130.0];

struct Speaker {
    pitch: f64,
    tract: f64,
    phase: f64,
    glottis: LowPass,
    formants: [Resonator; 3],
    breath: HighPass,
}

/// Speech of one person; never silent all the time.
pub(super) fn speech(samples: usize, rng: &mut impl Rng) -> Vec<f64> {
    let high = rng.random_bool(0.5);
    let mut speaker = Speaker {
        pitch: if high {
            rng.random_range(170.0..240.0)
        } else {
            rng.random_range(90.0..150.0)
        },
        // A shorter vocal tract has higher formants.
        tract: if high { 1.15 } else { 1.0 },
        phase: 0.0,
        glottis: LowPass::new(350.0),
        formants: BANDWIDTHS.map(|bandwidth| Resonator::new(500.0, bandwidth)),
        breath: HighPass::new(3_000.0),
    };
    let mut out = Vec::with_capacity(samples);
    let mut pause = false;
    while out.len() < samples {
        if pause {
            let end = out.len() + (rng.random_range(0.08..0.35) * RATE) as usize;
            out.resize(end.min(samples), 0.0);
        } else {
            for _ in 0..rng.random_range(2..6) {
                speaker.syllable(&mut out, samples, rng);
            }
        }
        pause = !pause;
    }
    out
}

impl Speaker {
    fn syllable(&mut self, out: &mut Vec<f64>, samples: usize, rng: &mut impl Rng) {
        if rng.random_bool(0.6) {
            let length = (rng.random_range(0.03..0.1) * RATE) as usize;
            let loud = rng.random_range(0.02..0.12);
            for i in 0..length.min(samples - out.len()) {
                let shape = (PI * i as f64 / length as f64).sin();
                out.push(loud * shape * self.breath.next(rng.random_range(-1.0..1.0)));
            }
        }
        let vowel = VOWELS[rng.random_range(0..VOWELS.len())];
        for (formant, (hertz, bandwidth)) in self.formants.iter_mut().zip(vowel.iter().zip(BANDWIDTHS)) {
            formant.tune(hertz * self.tract, bandwidth);
        }
        let length = (rng.random_range(0.1..0.25) * RATE) as usize;
        let (from, to) = (rng.random_range(0.9..1.25), rng.random_range(0.8..1.1));
        for i in 0..length.min(samples - out.len()) {
            let x = i as f64 / length as f64;
            let shape = (PI * x).sin().sqrt();
            out.push(shape * self.voiced(self.pitch * (from + (to - from) * x)));
        }
    }

    fn voiced(&mut self, pitch: f64) -> f64 {
        self.phase += pitch / RATE;
        let pulse = if self.phase >= 1.0 {
            self.phase -= 1.0;
            1.0
        } else {
            0.0
        };
        let mut x = self.glottis.next(pulse) * 20.0;
        for formant in &mut self.formants {
            x = formant.next(x);
        }
        x
    }
}
