//! What a model reads: 50 numbers in a fixed order.

use domain::MODEL_AUDIO_INPUTS;

/// The number of inputs: temperature, humidity and the audio numbers.
pub const INPUTS: usize = 2 + MODEL_AUDIO_INPUTS;
