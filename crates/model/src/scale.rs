//! The scale of a model's position, as its author declares it.
//!
//! In: the word of a flag, a side-car or a file's metadata. Out: positions in percent. A scale is never guessed.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// The range of `position` in an `.onnx` model; `log_variance` is on the same scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum OutputScale {
    /// 0 to 1.
    #[serde(rename = "0-1")]
    Share,
    /// 0 to 100.
    #[serde(rename = "0-100")]
    Percent,
}

/// The text names no scale.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no output scale, expected 0-1 or 0-100")]
pub struct UnknownScale(String);

impl OutputScale {
    /// Converts a position to percent.
    pub(crate) fn percent(self, position: f32) -> f64 {
        match self {
            Self::Share => f64::from(position) * 100.0,
            Self::Percent => f64::from(position),
        }
    }

    /// Converts the log variance of an error to squared points: a factor of the error is squared in its variance.
    pub(crate) fn squared_points(self, log_variance: f32) -> f32 {
        match self {
            Self::Share => log_variance + 2.0 * 100.0_f32.ln(),
            Self::Percent => log_variance,
        }
    }
}

impl FromStr for OutputScale {
    type Err = UnknownScale;
    fn from_str(text: &str) -> Result<Self, UnknownScale> {
        match text {
            "0-1" => Ok(Self::Share),
            "0-100" => Ok(Self::Percent),
            _ => Err(UnknownScale(text.chars().take(40).collect())),
        }
    }
}

impl fmt::Display for OutputScale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Share => "0-1",
            Self::Percent => "0-100",
        })
    }
}
