//! Small filters that shape noise into sources.
//!
//! In: one sample at a time at 16 kHz. Out: the filtered sample.

use super::SAMPLE_RATE;

/// One pole: lets low frequencies through.
#[derive(Debug, Clone)]
pub(super) struct LowPass {
    share: f64,
    state: f64,
}

impl LowPass {
    pub(super) fn new(hertz: f64) -> Self {
        Self {
            share: 1.0 - (-std::f64::consts::TAU * hertz / f64::from(SAMPLE_RATE)).exp(),
            state: 0.0,
        }
    }

    pub(super) fn next(&mut self, x: f64) -> f64 {
        self.state += self.share * (x - self.state);
        self.state
    }
}

/// What the low pass leaves: lets high frequencies through.
#[derive(Debug, Clone)]
pub(super) struct HighPass(LowPass);

impl HighPass {
    pub(super) fn new(hertz: f64) -> Self {
        Self(LowPass::new(hertz))
    }

    pub(super) fn next(&mut self, x: f64) -> f64 {
        x - self.0.next(x)
    }
}

/// A resonance with unit gain at 0 Hz, as in Klatt's synthesiser (1980).
#[derive(Debug, Clone)]
pub(super) struct Resonator {
    a: f64,
    b: f64,
    c: f64,
    y1: f64,
    y2: f64,
}

impl Resonator {
    pub(super) fn new(hertz: f64, bandwidth: f64) -> Self {
        let mut resonator = Self {
            a: 0.0,
            b: 0.0,
            c: 0.0,
            y1: 0.0,
            y2: 0.0,
        };
        resonator.tune(hertz, bandwidth);
        resonator
    }

    /// Moves the resonance without a click.
    pub(super) fn tune(&mut self, hertz: f64, bandwidth: f64) {
        let period = 1.0 / f64::from(SAMPLE_RATE);
        let radius = (-std::f64::consts::PI * bandwidth * period).exp();
        self.c = -radius * radius;
        self.b = 2.0 * radius * (std::f64::consts::TAU * hertz * period).cos();
        self.a = 1.0 - self.b - self.c;
    }

    pub(super) fn next(&mut self, x: f64) -> f64 {
        let y = self.a * x + self.b * self.y1 + self.c * self.y2;
        self.y2 = self.y1;
        self.y1 = y;
        y
    }
}

/// What passes a window: a shut one keeps out what lies above a few hundred hertz.
pub(super) fn muffle(mut source: Vec<f64>, opening: f64) -> Vec<f64> {
    let mut low_pass = LowPass::new(700.0 + 6_500.0 * opening.clamp(0.0, 1.0).sqrt());
    for x in &mut source {
        *x = low_pass.next(*x);
    }
    source
}
