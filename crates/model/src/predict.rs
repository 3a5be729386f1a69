//! Prediction of one row or many, and the JSON of `casement predict`.

use domain::MODEL_AUDIO_INPUTS;
use serde::{Deserialize, Serialize};

use crate::{
    Explanation, INPUTS, InputError, Model, Uncertainty, confidence, guard,
    model::Computation,
    network::{Network, Outputs, Scratch},
    onnx::Answer,
};

/// Bounds to which the log variance is clamped, as in PyTorch.
pub const LOG_VARIANCE: (f64, f64) = (-6.0, 8.0);

/// The prediction for one input: a mean and its variance, both learned (Nix and Weigend, Estimating the mean and
/// variance of the target probability distribution, 1994).
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Prediction {
    /// Position, 0 to 100 percent.
    pub position: f64,
    /// Natural logarithm of the error's variance in squared points, −6 to 8; `None` if the model does not know it.
    pub log_variance: Option<f64>,
    /// P(|error| ≤ 10 points), lowered if the input lies far from the training data. 0 to 1.
    pub confidence: f64,
    /// The confidence before the guard. 0 to 1.
    pub model_confidence: f64,
    /// The largest |z| of the normalised inputs, on which the guard depends.
    pub largest_z: f64,
}

impl Prediction {
    /// Computes position = 100·sigmoid(mean); `None` if the network overflowed.
    fn new(outputs: Outputs) -> Option<Self> {
        let position = 100.0 / (1.0 + (-f64::from(outputs.mean)).exp());
        let log_variance = f64::from(outputs.log_variance);
        let clamped = log_variance.clamp(LOG_VARIANCE.0, LOG_VARIANCE.1);
        Self::at(position, Some(clamped), outputs.largest_z)
    }

    /// Creates a prediction from a position in percent; `None` if the network overflowed.
    fn at(position: f64, log_variance: Option<f64>, largest_z: f32) -> Option<Self> {
        if position.is_nan() || log_variance.is_some_and(f64::is_nan) {
            return None;
        }
        let largest_z = f64::from(largest_z);
        let model_confidence = log_variance.map_or(0.0, confidence);
        Some(Self {
            position,
            log_variance: log_variance.map(|number| number.clamp(LOG_VARIANCE.0, LOG_VARIANCE.1)),
            confidence: model_confidence * guard(largest_z),
            model_confidence,
            largest_z,
        })
    }
}

/// Returns a model's input: temperature (°C), humidity (%), then the audio numbers in the order of
/// [`domain::ClipFeatures::model_inputs`]. Without a clip they are the means of the training data, which are neutral.
pub fn input(
    temperature: f64,
    humidity: f64,
    audio: Option<&[f64; MODEL_AUDIO_INPUTS]>,
    model: &Model,
) -> [f32; INPUTS] {
    let mut input = [0.0; INPUTS];
    input[0] = temperature as f32;
    input[1] = humidity as f32;
    match audio {
        Some(numbers) => input[2..]
            .iter_mut()
            .zip(numbers)
            .for_each(|(x, number)| *x = *number as f32),
        None => input[2..].copy_from_slice(&model.feature_mean()[2..]),
    }
    input
}

impl Model {
    /// Predicts from [`crate::INPUTS`] numbers.
    pub fn predict(&self, input: &[f32]) -> Result<Prediction, InputError> {
        match self.computation() {
            Computation::Dense(network) => predict_row(network, 0, input, &mut Scratch::default()),
            Computation::Onnx(network) => {
                let predictions = predict_by_onnx(network, self.uncertainty(), &[input])?;
                Ok(predictions[0])
            }
        }
    }

    /// Returns a prediction for each row, or the error of the first bad row.
    pub fn predict_batch<'a>(
        &self,
        rows: impl IntoIterator<Item = &'a [f32]>,
    ) -> Result<Vec<Prediction>, InputError> {
        match self.computation() {
            Computation::Dense(network) => {
                let mut scratch = Scratch::default();
                rows.into_iter()
                    .enumerate()
                    .map(|(row, input)| predict_row(network, row, input, &mut scratch))
                    .collect()
            }
            Computation::Onnx(network) => {
                let rows: Vec<_> = rows.into_iter().collect();
                predict_by_onnx(network, self.uncertainty(), &rows)
            }
        }
    }
}

fn predict_row(
    network: &Network,
    row: usize,
    input: &[f32],
    scratch: &mut Scratch,
) -> Result<Prediction, InputError> {
    check(row, input)?;
    Prediction::new(network.forward(input, scratch)).ok_or(InputError::Overflow { row })
}

fn predict_by_onnx(
    network: &crate::onnx::OnnxNetwork,
    uncertainty: Option<&Uncertainty>,
    rows: &[&[f32]],
) -> Result<Vec<Prediction>, InputError> {
    for (row, input) in rows.iter().enumerate() {
        check(row, input)?;
    }
    let answers = network
        .forward(&rows.concat())
        .map_err(|error| InputError::Runtime(error.to_string()))?;
    let prediction = |(row, (input, (position, stated))): (usize, (&&[f32], Answer))| {
        // Rounding may move a sigmoid of 32 bits out of its bounds.
        let position = position.clamp(0.0, 100.0);
        let clamped = |number: f32| f64::from(number).clamp(LOG_VARIANCE.0, LOG_VARIANCE.1);
        let measured = || uncertainty.and_then(|known| known.log_variance(position));
        let log_variance = stated.map(clamped).or_else(measured);
        Prediction::at(position, log_variance, network.largest_z(input)).ok_or(InputError::Overflow { row })
    };
    rows.iter().zip(answers).enumerate().map(prediction).collect()
}

fn check(row: usize, input: &[f32]) -> Result<(), InputError> {
    if input.len() != INPUTS {
        return Err(InputError::Length {
            row,
            found: input.len(),
            expected: INPUTS,
        });
    }
    match input.iter().position(|x| !x.is_finite()) {
        Some(index) => Err(InputError::NotFinite {
            row,
            index,
            value: f64::from(input[index]),
        }),
        None => Ok(()),
    }
}

/// The input of `casement predict`; other fields are ignored.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct PredictRequest {
    /// Rows of 50 numbers: temperature, humidity, then the 48 audio numbers.
    pub input: Vec<Vec<f64>>,
}

/// The output of `casement predict`, one entry for each row.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PredictResponse {
    /// Positions in percent.
    pub position: Vec<f64>,
    /// Confidences, 0 to 1, with the guard.
    pub confidence: Vec<f64>,
    /// Log variances, clamped; `null` where the model does not know it.
    pub log_variance: Vec<Option<f64>>,
    /// Confidences without the guard.
    pub model_confidence: Vec<f64>,
    /// How far from the training data each row lies: the largest distance of an input from its mean, standard deviations.
    pub largest_z: Vec<f64>,
    /// The model's version.
    pub model_version: String,
    /// What moves each position away from the average, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explanation: Option<Vec<Explanation>>,
}

/// Returns what `casement predict` prints: a prediction for every row, or an error that names the wrong row.
pub fn answer(model: &Model, request: &PredictRequest) -> Result<PredictResponse, InputError> {
    let mut rows = Vec::with_capacity(request.input.len());
    for (row, input) in request.input.iter().enumerate() {
        // A number beyond the range of 32 bits becomes infinite and is refused; the error shows the original.
        if let Some(index) = input.iter().position(|x| !(*x as f32).is_finite()) {
            return Err(InputError::NotFinite {
                row,
                index,
                value: input[index],
            });
        }
        rows.push(input.iter().map(|x| *x as f32).collect::<Vec<f32>>());
    }
    let predictions = model.predict_batch(rows.iter().map(Vec::as_slice))?;
    let column = |field: fn(&Prediction) -> f64| predictions.iter().map(field).collect();
    let log_variance = predictions.iter().map(|p| p.log_variance).collect();
    Ok(PredictResponse {
        position: column(|p| p.position),
        confidence: column(|p| p.confidence),
        log_variance,
        model_confidence: column(|p| p.model_confidence),
        largest_z: column(|p| p.largest_z),
        model_version: model.version().to_owned(),
        explanation: None,
    })
}

/// Returns [`answer`] with what moves each position away from the average.
pub fn answer_with_reasons(model: &Model, request: &PredictRequest) -> Result<PredictResponse, InputError> {
    let answer = answer(model, request)?;
    let explain = |row: &Vec<f64>| {
        let row: Vec<f32> = row.iter().map(|x| *x as f32).collect();
        model.explain(&row)
    };
    let explanation = request.input.iter().map(explain).collect::<Result<_, _>>()?;
    Ok(PredictResponse {
        explanation: Some(explanation),
        ..answer
    })
}
