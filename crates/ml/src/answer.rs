//! What a decision consists of.

use domain::{MODEL_AUDIO_INPUTS, WindowAction};

/// Where the audio numbers of an answer came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeatureSource {
    /// They came with the request.
    Request,
    /// They were computed here.
    Computed,
    /// There was no clip; the training means stand in.
    NoClip,
}

impl FeatureSource {
    /// Every source.
    pub const ALL: [Self; 3] = [Self::Request, Self::Computed, Self::NoClip];

    /// The word for it in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Computed => "computed",
            Self::NoClip => "no_clip",
        }
    }
}

/// A command, and what else came of the request.
#[derive(Debug, Clone)]
pub struct Answer {
    /// What to tell the window.
    pub action: WindowAction,
    /// Where the audio numbers came from.
    pub source: FeatureSource,
    /// The recording's bytes, where they had to be decoded.
    pub recording: Option<Vec<u8>>,
    /// The model's audio numbers, where there was a clip.
    pub inputs: Option<[f64; MODEL_AUDIO_INPUTS]>,
}
