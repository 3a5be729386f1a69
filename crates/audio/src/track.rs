//! One feature over the frames of a clip, and its summary.

use domain::Summary;

/// The values of one feature, `frames × width`.
#[derive(Debug)]
pub(crate) struct Track {
    pub(crate) width: usize,
    pub(crate) values: Vec<f64>,
}

impl Track {
    /// Returns the mean over frames of a feature of one coefficient.
    pub(crate) fn mean(&self) -> f64 {
        self.values.iter().sum::<f64>() / self.values.len().max(1) as f64
    }

    /// Returns mean and population deviation over frames, for each coefficient.
    pub(crate) fn summary(self, keep_frames: bool) -> Summary {
        let frames = (self.values.len() / self.width).max(1) as f64;
        let mut mean = vec![0.0; self.width];
        for frame in self.values.chunks_exact(self.width) {
            for (sum, value) in mean.iter_mut().zip(frame) {
                *sum += value;
            }
        }
        for sum in &mut mean {
            *sum /= frames;
        }
        let mut std = vec![0.0; self.width];
        for frame in self.values.chunks_exact(self.width) {
            for ((sum, value), mean) in std.iter_mut().zip(frame).zip(&mean) {
                *sum += (value - mean) * (value - mean);
            }
        }
        for sum in &mut std {
            *sum = (*sum / frames).sqrt();
        }
        let kept = || {
            let frame = |values: &[f64]| values.iter().map(|value| *value as f32).collect();
            self.values.chunks_exact(self.width).map(frame).collect()
        };
        Summary {
            mean,
            std,
            frames: keep_frames.then(kept),
        }
    }
}
