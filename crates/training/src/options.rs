//! How to train.

use serde::{Deserialize, Serialize};

use crate::TrainingError;

/// Options of a training. Start from the defaults and change what differs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainingOptions {
    /// The same seed and examples give the same bytes.
    pub seed: u64,
    /// What predictions will be labelled with.
    pub version: String,
    /// In words, where the examples come from.
    pub training_data: String,
    /// Widths of the hidden layers.
    pub hidden: Vec<usize>,
    /// At most this many passes over the training part.
    pub epochs: usize,
    /// Epochs without progress on the validation part after which it ends.
    pub patience: usize,
    /// Examples a step.
    pub batch: usize,
    /// At the beginning; it falls with half a cosine.
    pub learning_rate: f64,
    /// The optimiser's (`AdamW`).
    pub weight_decay: f32,
    /// Share of clips that are forgotten in training, for devices without a microphone.
    pub forget_clips: f64,
    /// 0 takes examples as they come; 1 lets every tenth of the positions count the same in the loss. Calibration and
    /// figures always see examples as they come.
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
