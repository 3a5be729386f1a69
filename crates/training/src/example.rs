//! Labelled examples: the measurements of a device and the right position of its window.

use domain::{MODEL_AUDIO_INPUTS, Quantity, Timestamp};
use model::INPUTS;
use serde::{Deserialize, Serialize};

use crate::TrainingError;

/// A labelled example; in JSON, a line of a data set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Example {
    /// The device.
    pub device_id: String,
    /// Time in RFC 3339.
    pub timestamp: Timestamp,
    /// Temperature in degrees Celsius.
    pub temperature: f64,
    /// Relative humidity in percent.
    pub humidity: f64,
    /// The 48 audio numbers in the order of [`domain::ClipFeatures::model_inputs`]; absent or null without a clip.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio: Option<Vec<f64>>,
    /// The label: the right position in percent.
    pub position: f64,
}

impl Example {
    /// Returns the inputs; NaN in place of an absent clip.
    pub(crate) fn row(&self) -> [f32; INPUTS] {
        let mut row = [f32::NAN; INPUTS];
        row[0] = self.temperature as f32;
        row[1] = self.humidity as f32;
        if let Some(audio) = &self.audio {
            row[2..].iter_mut().zip(audio).for_each(|(x, a)| *x = *a as f32);
        }
        row
    }

    /// Returns the inputs as a service computes them for `model`: without a clip, the training means.
    pub(crate) fn input(&self, model: &model::Model) -> [f32; INPUTS] {
        let audio = self
            .audio
            .as_deref()
            .and_then(|numbers| <&[f64; MODEL_AUDIO_INPUTS]>::try_from(numbers).ok());
        model::input(self.temperature, self.humidity, audio, model)
    }

    fn fault(&self) -> Option<String> {
        let numbers = [
            ("temperature", self.temperature, Quantity::Temperature.range()),
            ("humidity", self.humidity, Quantity::Humidity.range()),
            ("position", self.position, (0.0, 100.0)),
        ];
        for (name, value, (low, high)) in numbers {
            if !(low..=high).contains(&value) {
                return Some(format!("{name} is {value}, possible are {low} to {high}"));
            }
        }
        let audio = self.audio.as_ref()?;
        if audio.len() != MODEL_AUDIO_INPUTS {
            return Some(format!(
                "audio has {} numbers, a clip has {MODEL_AUDIO_INPUTS}",
                audio.len()
            ));
        }
        let index = audio.iter().position(|x| !(*x as f32).is_finite())?;
        Some(format!("audio number {index} is not finite"))
    }

    /// Refuses the first example with an impossible number.
    pub(crate) fn check_all(examples: &[Self]) -> Result<(), TrainingError> {
        for (index, example) in examples.iter().enumerate() {
            if let Some(reason) = example.fault() {
                return Err(TrainingError::Impossible {
                    number: index + 1,
                    device_id: example.device_id.clone(),
                    reason,
                });
            }
        }
        Ok(())
    }
}
