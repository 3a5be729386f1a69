//! Lists of what happened, newest first, page by page.
//!
//! In: a list, filters, where the page before ended. Out: at most so many rows, and where they end. A place in a list is a time
//! and a hash of the row, so that rows that come meanwhile move nothing. Rows that are equal in everything share a place.

use clickhouse::{Row, RowOwned, RowRead};
use domain::DeviceId;
use serde::Deserialize;

use crate::{AuditRow, DeviceEventRow, IngestErrorRow, Period, Store, StoreError};

/// A place in a list. Its text is opaque to whoever holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    time: i64,
    hash: u64,
}

impl Place {
    /// Reads what [`std::fmt::Display`] writes.
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 16];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        let (time, hash) = bytes.split_at(8);
        Some(Self {
            time: i64::from_be_bytes(time.try_into().ok()?),
            hash: u64::from_be_bytes(hash.try_into().ok()?),
        })
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:016x}{:016x}", self.time, self.hash)
    }
}

/// Which page of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageQuery {
    /// When it happened.
    pub period: Period,
    /// Only what stands after this place, which is older.
    pub before: Option<Place>,
    /// Most rows.
    pub limit: u32,
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    /// Its rows, newest first.
    pub rows: Vec<T>,
    /// Where it ends; `None` if nothing comes after it.
    pub next: Option<Place>,
}

/// A command to a window, as it is listed.
#[derive(Debug, Clone, PartialEq, Deserialize, Row)]
pub struct ListedCommand {
    /// Time of the decision, ms.
    pub timestamp: i64,
    /// Id of the command; empty if the sender gave none.
    pub command_id: String,
    /// % open, 0–100.
    pub position: f64,
    /// Confidence, 0–1.
    pub confidence: f64,
    /// `model`, `person`, `schedule` or `interlock`; empty if the sender did not state it.
    pub origin: String,
    /// Version of the model that decided; empty if none did.
    pub model_version: String,
    /// Reason of the decision; empty if the sender gave none.
    pub reason: String,
    /// The prediction for the average of the model's training, % open; NaN if unknown.
    pub average: f32,
    /// What temperature added to it, points; NaN if unknown.
    pub contribution_temperature: f32,
    /// What humidity added to it, points; NaN if unknown.
    pub contribution_humidity: f32,
    /// What the clip added to it, points; NaN if unknown.
    pub contribution_sound: f32,
    /// What the law of moves said; empty if unknown.
    pub verdict: String,
    /// Which interlock or schedule it is of; empty where neither moved the window.
    pub cause: String,
    /// The model's confidence before it was lowered for an input far from the training data, 0–1; NaN if unknown.
    pub model_confidence: f64,
    /// The largest distance of an input from its mean in the training data, standard deviations; NaN if unknown.
    pub largest_z: f32,
    /// Temperature that it is based on, °C; NaN if unknown.
    pub temperature: f64,
    /// Humidity that it is based on, %; NaN if unknown.
    pub humidity: f64,
}

/// A prediction, as it is listed.
#[derive(Debug, Clone, PartialEq, Deserialize, Row)]
pub struct ListedPrediction {
    /// Time of the prediction, ms.
    pub timestamp: i64,
    /// Id of the command that carried it, or beside which a candidate predicted; empty without one.
    pub command_id: String,
    /// % open, 0–100.
    pub prediction: f64,
    /// Confidence, 0–1.
    pub confidence: f64,
    /// Inference time, ms; NaN if unknown.
    pub inference_time_ms: f64,
    /// Version of the model.
    pub model_version: String,
    /// Whether it moved no window: its confidence was too low, or the law of moves kept the window.
    pub held: bool,
    /// The prediction for the average of the model's training, % open; NaN if unknown.
    pub average: f32,
    /// What temperature added to it, points; NaN if unknown.
    pub contribution_temperature: f32,
    /// What humidity added to it, points; NaN if unknown.
    pub contribution_humidity: f32,
    /// What the clip added to it, points; NaN if unknown.
    pub contribution_sound: f32,
    /// What the law of moves said; empty if unknown.
    pub verdict: String,
    /// Temperature that it is based on, °C; NaN if unknown.
    pub temperature: f64,
    /// Humidity that it is based on, %; NaN if unknown.
    pub humidity: f64,
    /// Why it was held, in words; empty for what was carried out.
    pub reason: String,
    /// The model's confidence before it was lowered for an input far from the training data, 0–1; NaN if unknown.
    pub model_confidence: f64,
    /// The largest distance of an input from its mean in the training data, standard deviations; NaN if unknown.
    pub largest_z: f32,
}

/// A clip, as it is listed.
#[derive(Debug, Clone, PartialEq, Deserialize, Row)]
pub struct ListedClip {
    /// Time of the clip, ms.
    pub timestamp: i64,
    /// Samples a second.
    pub sample_rate: u32,
    /// Length, s.
    pub duration: f64,
    /// `wav`, `flac` or `pcm`.
    pub format: String,
    /// SHA-256 of the recording in hex.
    pub audio_hash: String,
    /// Where the recording was kept, below the folder of recordings; empty if it was not.
    pub raw_path: String,
    /// Equivalent level, dB re full scale; NaN if unknown.
    pub level_dbfs: f32,
    /// Level of the loudest eighth of a second, likewise.
    pub max_level_dbfs: f32,
}

/// A table that is listed.
struct List {
    table: &'static str,
    /// The column of the time.
    time: &'static str,
    /// Columns that tell rows of one time apart.
    told_apart_by: &'static str,
}

impl Store {
    /// Returns what happened to devices, or to one.
    pub async fn device_events(
        &self,
        device: Option<&DeviceId>,
        page: &PageQuery,
    ) -> Result<Page<DeviceEventRow>, StoreError> {
        let list = List {
            table: "device_events",
            time: "timestamp",
            told_apart_by: "device_id, event, detail, received_at",
        };
        let device = device.map(|device| ("device_id", device.as_str()));
        self.page(&list, &[device], page).await
    }

    /// Returns the commands to the window of `device`, whoever gave them.
    pub async fn commands(
        &self,
        device: &DeviceId,
        page: &PageQuery,
    ) -> Result<Page<ListedCommand>, StoreError> {
        let list = List {
            table: "window_actions",
            time: "timestamp",
            told_apart_by: "command_id, position, confidence, model_version, reason, origin, received_at",
        };
        self.page(&list, &[Some(("device_id", device.as_str()))], page)
            .await
    }

    /// Returns the predictions for `device`: of the model that served, of candidates, and those that were held.
    pub async fn predictions(
        &self,
        device: &DeviceId,
        version: Option<&str>,
        page: &PageQuery,
    ) -> Result<Page<ListedPrediction>, StoreError> {
        let list = List {
            table: "ml_predictions",
            time: "timestamp",
            told_apart_by: "command_id, model_version, prediction, confidence, held, received_at",
        };
        let version = version.map(|version| ("model_version", version));
        self.page(&list, &[Some(("device_id", device.as_str())), version], page)
            .await
    }

    /// Returns the clips of `device`; only those whose recording was kept, if `kept` says so.
    pub async fn clips(
        &self,
        device: &DeviceId,
        kept: bool,
        page: &PageQuery,
    ) -> Result<Page<ListedClip>, StoreError> {
        let table = if kept {
            "(SELECT * FROM sensor_audio WHERE raw_path != '')"
        } else {
            "sensor_audio"
        };
        let list = List {
            table,
            time: "timestamp",
            told_apart_by: "audio_hash, received_at",
        };
        self.page(&list, &[Some(("device_id", device.as_str()))], page)
            .await
    }

    /// Returns the clip of `device` of this time (ms) whose recording was kept.
    pub async fn kept_clip(
        &self,
        device: &DeviceId,
        timestamp: i64,
    ) -> Result<Option<ListedClip>, StoreError> {
        let sql = "SELECT ?fields FROM sensor_audio WHERE device_id = ? AND timestamp = fromUnixTimestamp64Milli(?) \
                   AND raw_path != '' ORDER BY received_at DESC LIMIT 1";
        let query = self.question(sql).bind(device.as_str()).bind(timestamp);
        Ok(self.answers(query).await?.into_iter().next())
    }

    /// Returns messages and rows that were refused, of one reason or topic where they are given.
    pub async fn ingest_errors(
        &self,
        reason: Option<&str>,
        topic: Option<&str>,
        page: &PageQuery,
    ) -> Result<Page<IngestErrorRow>, StoreError> {
        let list = List {
            table: "ingest_errors",
            time: "received_at",
            told_apart_by: "topic, reason, detail, first_bytes",
        };
        let (reason, topic) = (
            reason.map(|reason| ("reason", reason)),
            topic.map(|topic| ("topic", topic)),
        );
        self.page(&list, &[reason, topic], page).await
    }

    /// Returns the audit log, of one kind or account where they are given.
    pub async fn audit(
        &self,
        kind: Option<&str>,
        account: Option<&str>,
        page: &PageQuery,
    ) -> Result<Page<AuditRow>, StoreError> {
        let list = List {
            table: "audit_log FINAL",
            time: "timestamp",
            told_apart_by: "kind, account, number",
        };
        let (kind, account) = (
            kind.map(|kind| ("kind", kind)),
            account.map(|account| ("account", account)),
        );
        self.page(&list, &[kind, account], page).await
    }

    /// Returns a page of the rows whose columns have these values.
    async fn page<T>(
        &self,
        list: &List,
        wanted: &[Option<(&'static str, &str)>],
        page: &PageQuery,
    ) -> Result<Page<T>, StoreError>
    where
        T: Row + 'static,
        (T, i64, u64): RowOwned + RowRead,
    {
        let List {
            table,
            time,
            told_apart_by,
        } = list;
        let mut conditions = vec![format!(
            "{time} >= fromUnixTimestamp64Milli(?) AND {time} <= fromUnixTimestamp64Milli(?)"
        )];
        let wanted = wanted.iter().flatten();
        conditions.extend(wanted.clone().map(|(column, _)| format!("{column} = ?")));
        if page.before.is_some() {
            conditions.push(format!("(toUnixTimestamp64Milli({time}), hash) < (?, ?)"));
        }
        let sql = format!(
            "SELECT ?fields, toUnixTimestamp64Milli({time}) AS at, cityHash64({told_apart_by}) AS hash FROM {table} \
             WHERE {} ORDER BY {time} DESC, hash DESC LIMIT ?",
            conditions.join(" AND ")
        );
        let until = page
            .before
            .map_or(page.period.until, |place| place.time.min(page.period.until));
        let mut query = self.question(&sql).bind(page.period.since).bind(until);
        for (_, value) in wanted {
            query = query.bind(*value);
        }
        if let Some(place) = page.before {
            query = query.bind(place.time).bind(place.hash);
        }
        // One more says whether another page follows.
        let limit = page.limit as usize;
        let mut found: Vec<(T, i64, u64)> = self.answers(query.bind(limit + 1)).await?;
        let more = found.len() > limit;
        found.truncate(limit);
        let end = found.last().map(|&(_, time, hash)| Place { time, hash });
        Ok(Page {
            next: end.filter(|_| more),
            rows: found.into_iter().map(|(row, ..)| row).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_its_text_and_nothing_else_is_one() {
        for (time, hash) in [(0, 0), (1_761_307_200_000, u64::MAX), (-1, 7)] {
            let place = Place { time, hash };
            assert_eq!(Place::parse(&place.to_string()), Some(place));
        }
        for text in [
            "",
            "0",
            "g000000000000000",
            "1' OR '1'='1",
            &"0".repeat(31),
            &"0".repeat(33),
        ] {
            assert_eq!(Place::parse(text), None, "{text}");
        }
    }
}
