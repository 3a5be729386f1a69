//! Element-wise functions, by the formulas of PyTorch's documentation.
//!
//! In: a row of 32-bit floats. Out: each function of it, computed in 64 bits and rounded once, so that the result is
//! within the rounding of PyTorch's own.

use std::{f64::consts, fmt};

/// The constants of `SELU` (Klambauer et al. 2017, eq. 14).
const SELU_ALPHA: f64 = 1.673_263_242_354_377_2;
const SELU_SCALE: f64 = 1.050_700_987_355_480_5;
/// The cubic term of the tanh form of `GELU` (Hendrycks and Gimpel 2016).
const GELU_CUBIC: f64 = 0.044_715;
/// `RMSNorm` without a stated `eps` takes the precision of a 32-bit float.
pub(crate) const LEAST_RMS_EPS: f64 = f32::EPSILON as f64;

/// An element-wise function with its parameters, named as in `torch.nn`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Activation {
    Relu,
    /// `LeakyReLU`, and `RReLU` with the mean of its slopes.
    LeakyRelu(f64),
    Elu(f64),
    Celu(f64),
    Selu,
    Gelu,
    GeluTanh,
    Silu,
    Mish,
    Tanh,
    Sigmoid,
    LogSigmoid,
    Softplus {
        beta: f64,
        threshold: f64,
    },
    Softsign,
    /// `Hardtanh` and `ReLU6`.
    Clamp {
        low: f64,
        high: f64,
    },
    Hardswish,
    Hardsigmoid,
    Softshrink(f64),
    Hardshrink(f64),
    Tanhshrink,
    Threshold {
        threshold: f64,
        value: f64,
    },
}

impl Activation {
    /// Replaces every number of the row.
    pub(super) fn apply(self, row: &mut [f32]) {
        if self == Self::Relu {
            for x in row {
                *x = relu(*x);
            }
            return;
        }
        for x in row {
            *x = self.of(f64::from(*x)) as f32;
        }
    }

    pub(super) fn of(self, x: f64) -> f64 {
        match self {
            Self::Relu => f64::from(relu(x as f32)),
            Self::LeakyRelu(slope) => above_zero(x, |x| x * slope),
            Self::Elu(alpha) => above_zero(x, |x| alpha * x.exp_m1()),
            Self::Celu(alpha) => above_zero(x, |x| alpha * (x / alpha).exp_m1()),
            Self::Selu => SELU_SCALE * above_zero(x, |x| SELU_ALPHA * x.exp_m1()),
            Self::Gelu => 0.5 * x * (1.0 + libm::erf(x * consts::FRAC_1_SQRT_2)),
            Self::GeluTanh => {
                let inner = consts::FRAC_2_SQRT_PI * consts::FRAC_1_SQRT_2 * (x + GELU_CUBIC * x * x * x);
                0.5 * x * (1.0 + inner.tanh())
            }
            Self::Silu => x * sigmoid(x),
            Self::Mish => x * softplus(x).tanh(),
            Self::Tanh => x.tanh(),
            Self::Sigmoid => sigmoid(x),
            Self::LogSigmoid => -softplus(-x),
            Self::Softplus { beta, threshold } => {
                if x * beta > threshold {
                    x
                } else {
                    (x * beta).exp().ln_1p() / beta
                }
            }
            Self::Softsign => x / (1.0 + x.abs()),
            Self::Clamp { low, high } => clamped(x, low, high),
            Self::Hardswish => x * hard_sigmoid(x),
            Self::Hardsigmoid => hard_sigmoid(x),
            Self::Softshrink(lambda) => {
                if x > lambda {
                    x - lambda
                } else if x < -lambda {
                    x + lambda
                } else {
                    0.0
                }
            }
            Self::Hardshrink(lambda) => {
                if (-lambda..=lambda).contains(&x) {
                    0.0
                } else {
                    x
                }
            }
            Self::Tanhshrink => x - x.tanh(),
            Self::Threshold { threshold, value } => {
                if x > threshold {
                    x
                } else {
                    value
                }
            }
        }
    }
}

/// What is not a number stays so, as in PyTorch.
#[inline]
pub(super) fn relu(x: f32) -> f32 {
    if x < 0.0 { 0.0 } else { x }
}

fn clamped(x: f64, low: f64, high: f64) -> f64 {
    if x < low {
        low
    } else if x > high {
        high
    } else {
        x
    }
}

fn above_zero(x: f64, below: impl Fn(f64) -> f64) -> f64 {
    if x > 0.0 { x } else { below(x) }
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// Returns ln(1 + eˣ), which never overflows.
fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

fn hard_sigmoid(x: f64) -> f64 {
    clamped(x + 3.0, 0.0, 6.0) / 6.0
}

impl fmt::Display for Activation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Relu => f.write_str("ReLU"),
            Self::LeakyRelu(slope) => write!(f, "LeakyReLU({slope})"),
            Self::Elu(alpha) => write!(f, "ELU({alpha})"),
            Self::Celu(alpha) => write!(f, "CELU({alpha})"),
            Self::Selu => f.write_str("SELU"),
            Self::Gelu => f.write_str("GELU"),
            Self::GeluTanh => f.write_str("GELU(tanh)"),
            Self::Silu => f.write_str("SiLU"),
            Self::Mish => f.write_str("Mish"),
            Self::Tanh => f.write_str("Tanh"),
            Self::Sigmoid => f.write_str("Sigmoid"),
            Self::LogSigmoid => f.write_str("LogSigmoid"),
            Self::Softplus { beta, threshold } => write!(f, "Softplus({beta}, {threshold})"),
            Self::Softsign => f.write_str("Softsign"),
            Self::Clamp { low, high } => write!(f, "Hardtanh({low}, {high})"),
            Self::Hardswish => f.write_str("Hardswish"),
            Self::Hardsigmoid => f.write_str("Hardsigmoid"),
            Self::Softshrink(lambda) => write!(f, "Softshrink({lambda})"),
            Self::Hardshrink(lambda) => write!(f, "Hardshrink({lambda})"),
            Self::Tanhshrink => f.write_str("Tanhshrink"),
            Self::Threshold { threshold, value } => write!(f, "Threshold({threshold}, {value})"),
        }
    }
}
