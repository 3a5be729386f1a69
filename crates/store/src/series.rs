//! Everything that a device has a history of, by its word: quantities and tracks.

use std::fmt;

use domain::{DeviceId, Quantity};

use crate::{HistoryPoint, Period, Store, StoreError, Track};

/// A quantity or a track.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Series {
    /// Readings.
    Quantity(Quantity),
    /// Anything else.
    Track(Track),
}

impl Series {
    /// The series of that word.
    pub fn from_word(word: &str) -> Option<Self> {
        let quantity = Quantity::from_word(word).map(Self::Quantity);
        quantity.or_else(|| Track::from_word(word).map(Self::Track))
    }

    /// Every word but for the coefficients `mfcc_0`, `mfcc_1`, ….
    pub fn words() -> impl Iterator<Item = String> {
        let tracks = Track::NAMED.into_iter().map(Track::word);
        Quantity::ALL
            .into_iter()
            .map(|quantity| quantity.to_string())
            .chain(tracks)
    }

    /// The unit of its values; empty where they have none.
    pub const fn unit(self) -> &'static str {
        match self {
            Self::Quantity(quantity) => quantity.unit(),
            Self::Track(track) => track.unit(),
        }
    }
}

impl fmt::Display for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Quantity(quantity) => quantity.fmt(f),
            Self::Track(track) => f.write_str(&track.word()),
        }
    }
}

impl Store {
    /// Returns a series of `device` in `period`, by time, in intervals of that many seconds. Intervals without anything are
    /// left out.
    pub async fn series(
        &self,
        device: &DeviceId,
        series: Series,
        period: Period,
        interval_s: u64,
    ) -> Result<Vec<HistoryPoint>, StoreError> {
        match series {
            Series::Quantity(quantity) => self.history_every(device, quantity, period, interval_s).await,
            Series::Track(track) => self.track_every(device, track, period, interval_s).await,
        }
    }

    /// Returns whether anything of `device` is stored.
    pub async fn knows(&self, device: &DeviceId) -> Result<bool, StoreError> {
        let tables = [
            "readings_by_time WHERE step = 86400 AND",
            "sound_by_time WHERE step = 86400 AND",
            "window_states WHERE",
            "window_actions WHERE",
            "ml_predictions WHERE",
            "device_events WHERE",
            "suspect_readings WHERE",
            "device_registry WHERE",
        ];
        let any = tables.map(|table| format!("SELECT 1 FROM {table} device_id = ? LIMIT 1"));
        let sql = format!("SELECT count() FROM ({})", any.join(" UNION ALL "));
        let query = tables
            .iter()
            .fold(self.question(&sql), |query, _| query.bind(device.as_str()));
        let counts: Vec<u64> = self.answers(query).await?;
        Ok(counts.first().is_some_and(|&count| count > 0))
    }
}
