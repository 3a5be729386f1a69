//! Options of a training.

use serde::{Deserialize, Serialize};

use crate::TrainingError;

/// Options of a training. Start from the defaults and change what differs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainingOptions {
    /// Seed. The same seed and examples produce the same bytes.
    pub seed: u64,
    /// Version of the model, stated with its predictions.
    pub version: String,
    /// Source of the examples, in words.
    pub training_data: String,
    /// Widths of the hidden layers.
    pub hidden: Vec<usize>,
    /// Largest number of passes over the training part.
    pub epochs: usize,
    /// Epochs without progress on the validation part after which training stops.
    pub patience: usize,
    /// Examples in a batch.
    pub batch: usize,
    /// Initial learning rate; it falls with half a cosine.
    pub learning_rate: f64,
    /// Weight decay of the optimiser (`AdamW`).
    pub weight_decay: f32,
    /// Share of clips that are dropped in training, for devices without a microphone.
    pub forget_clips: f64,
    /// Weighting in the loss: 0 weighs all examples alike, 1 weighs every tenth of the positions alike. Calibration and
    /// figures are not weighted.
    pub balance: f64,
}

impl Default for TrainingOptions {
    fn default() -> Self {
        Self {
            seed: 1,
            version: "v1".into(),
            training_data: "examples".into(),
            hidden: vec![64, 64],
            epochs: 40,
            patience: 12,
            batch: 256,
            learning_rate: 3e-3,
            weight_decay: 1e-1,
            forget_clips: 0.05,
            balance: 0.0,
        }
    }
}

impl TrainingOptions {
    /// Refuses options that no training can follow.
    pub(crate) fn check(&self) -> Result<(), TrainingError> {
        let refuse = |reason| Err(TrainingError::Options(reason));
        if self.hidden.is_empty() || self.hidden.iter().any(|width| !(1..=1024).contains(width)) {
            return refuse("hidden layers are one or more, 1 to 1024 wide");
        }
        if self.epochs == 0 || self.batch == 0 {
            return refuse("epochs and batch are at least 1");
        }
        if !(self.learning_rate > 0.0 && self.learning_rate <= 1.0) {
            return refuse("the learning rate lies between 0 and 1");
        }
        if !(0.0..=1.0).contains(&self.forget_clips) || !(0.0..=1.0).contains(&self.balance) {
            return refuse("forget_clips and balance are 0 to 1");
        }
        Ok(())
    }
}
