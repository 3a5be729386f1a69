//! The inputs of a model: 50 numbers in a fixed order.

use domain::MODEL_AUDIO_INPUTS;

/// Number of inputs: temperature, humidity and the audio numbers.
pub const INPUTS: usize = 2 + MODEL_AUDIO_INPUTS;
