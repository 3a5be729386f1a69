//! Predicting: one row, many rows, and the JSON of `casement predict`.

use serde::{Deserialize, Serialize};

use crate::{
    InputError, Model, confidence, guard,
    network::{Outputs, Scratch},
};

/// PyTorch clamps the log variance to this before it is used.
const LOG_VARIANCE: (f64, f64) = (-6.0, 8.0);

/// What a model says about one input.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Prediction {
    /// How far to open, 0 to 100 percent.
    pub position: f64,
    /// Natural logarithm of the error's variance in squared points, −6 to 8.
    pub log_variance: f64,
    /// P(|error| ≤ 10 points), lowered where the input lies far from the training data. 0 to 1.
    pub confidence: f64,
    /// The same before the guard lowered it. 0 to 1.
    pub model_confidence: f64,
    /// The largest |z| of the normalised inputs, which the guard looks at.
    pub largest_z: f64,
}

impl Prediction {
    /// position = 100·sigmoid(mean); `None` where the network overflowed.
    fn new(outputs: Outputs) -> Option<Self> {
        let (mean, log_variance) = (f64::from(outputs.mean), f64::from(outputs.log_variance));
        if mean.is_nan() || log_variance.is_nan() {
            return None;
        }
        let log_variance = log_variance.clamp(LOG_VARIANCE.0, LOG_VARIANCE.1);
        let largest_z = f64::from(outputs.largest_z);
        let model_confidence = confidence(log_variance);
        Some(Self {
            position: 100.0 / (1.0 + (-mean).exp()),
            log_variance,
            confidence: model_confidence * guard(largest_z),
            model_confidence,
            largest_z,
        })
    }
}

impl Model {
    /// One prediction from [`crate::INPUTS`] numbers.
    pub fn predict(&self, input: &[f32]) -> Result<Prediction, InputError> {
        self.predict_row(0, input, &mut Scratch::default())
    }

    /// A prediction for each row. The first bad row refuses all.
    pub fn predict_batch<'a>(
        &self,
        rows: impl IntoIterator<Item = &'a [f32]>,
    ) -> Result<Vec<Prediction>, InputError> {
        let mut scratch = Scratch::default();
        rows.into_iter()
            .enumerate()
            .map(|(row, input)| self.predict_row(row, input, &mut scratch))
            .collect()
    }

    fn predict_row(
        &self,
        row: usize,
        input: &[f32],
        scratch: &mut Scratch,
    ) -> Result<Prediction, InputError> {
        if input.len() != self.inputs() {
            return Err(InputError::Length {
                row,
                found: input.len(),
                expected: self.inputs(),
            });
        }
        if let Some(index) = input.iter().position(|x| !x.is_finite()) {
            return Err(InputError::NotFinite {
                row,
                index,
                value: f64::from(input[index]),
            });
        }
        Prediction::new(self.network().forward(input, scratch)).ok_or(InputError::Overflow { row })
    }
}

/// The input file of `casement predict`; other fields are ignored.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct PredictRequest {
    /// Rows of 50 numbers: temperature, humidity, then the 48 audio numbers.
    pub input: Vec<Vec<f64>>,
}

/// The output of `casement predict`; one entry for each row.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PredictResponse {
    /// Percent open.
    pub position: Vec<f64>,
    /// Confidence, 0 to 1, with the guard.
    pub confidence: Vec<f64>,
    /// Log variance, clamped.
    pub log_variance: Vec<f64>,
    /// Confidence without the guard.
    pub model_confidence: Vec<f64>,
    /// The model's version.
    pub model_version: String,
}

/// What `casement predict` prints: a prediction for every row, or which row is wrong.
pub fn answer(model: &Model, request: &PredictRequest) -> Result<PredictResponse, InputError> {
    let mut rows = Vec::with_capacity(request.input.len());
    for (row, input) in request.input.iter().enumerate() {
        // A number beyond 32 bits becomes infinite and is refused, with the number as it was given.
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
    Ok(PredictResponse {
        position: column(|p| p.position),
        confidence: column(|p| p.confidence),
        log_variance: column(|p| p.log_variance),
        model_confidence: column(|p| p.model_confidence),
        model_version: model.version().to_owned(),
    })
}
