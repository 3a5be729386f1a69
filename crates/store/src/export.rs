//! Rows of a device as a file, handed on as they come.
//!
//! In: what, of when, in which format. Out: pieces of bytes; nothing is kept here. ClickHouse writes the format. A file that
//! it has to write in one piece (Parquet, Arrow) has a limit of rows, others have none. An error after the first piece is an
//! error of [`Export::next`]: whoever hands pieces on has to break off visibly.

use std::time::Duration;

use clickhouse::{Compression, query::BytesCursor};
use domain::{DeviceId, Quantity};
use tokio::sync::OwnedSemaphorePermit;

use crate::{Period, Store, StoreError};

/// Longest time of an export.
pub const LONGEST_EXPORT: Duration = Duration::from_mins(10);
/// Rows of a file that is written in one piece: 58 days of a reading a second.
pub const MOST_ROWS_IN_ONE_PIECE: u64 = 5_000_000;
/// Memory of an export, bytes.
const MEMORY: u64 = 1 << 30;
/// How long the first piece may be awaited.
const FIRST_PIECE: Duration = Duration::from_mins(1);

/// What is exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exported {
    /// Readings of one quantity: the value, and what was added to it as it came in.
    Quantity(Quantity),
    /// Readings of every quantity. Those of one are in the order of time, quantities in none.
    Readings,
    /// Clips: their features, not their sound.
    Clips,
    /// Positions that the window reported.
    Positions,
    /// Commands to the window.
    Commands,
    /// What models predicted.
    Predictions,
    /// What happened to the device.
    Events,
}

impl Exported {
    const OTHERS: [Self; 6] = [
        Self::Readings,
        Self::Clips,
        Self::Positions,
        Self::Commands,
        Self::Predictions,
        Self::Events,
    ];

    /// What that word means.
    pub fn from_word(word: &str) -> Option<Self> {
        let quantity = Quantity::from_word(word).map(Self::Quantity);
        quantity.or_else(|| Self::OTHERS.into_iter().find(|other| other.as_str() == word))
    }

    /// Every word.
    pub fn words() -> impl Iterator<Item = &'static str> {
        let quantities = Quantity::ALL.into_iter().map(Quantity::as_str);
        quantities.chain(Self::OTHERS.into_iter().map(Self::as_str))
    }

    /// The word for it in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Quantity(quantity) => quantity.as_str(),
            Self::Readings => "readings",
            Self::Clips => "clips",
            Self::Positions => "position",
            Self::Commands => "commanded",
            Self::Predictions => "predictions",
            Self::Events => "events",
        }
    }

    /// The statement, which binds device, beginning and end, and how often it does.
    fn sql(self) -> (String, usize) {
        let rows = |columns: &str, table: &str| {
            format!(
                "SELECT CAST(timestamp AS DateTime64(3, 'UTC')) AS time, toString(device_id) AS device_id, {columns}, \
                 CAST(received_at AS DateTime64(3, 'UTC')) AS received_at FROM {table} AS r WHERE r.device_id = ? \
                 AND r.timestamp >= fromUnixTimestamp64Milli(?) AND r.timestamp <= fromUnixTimestamp64Milli(?) \
                 ORDER BY r.timestamp"
            )
        };
        let readings = |quantity: Quantity| {
            rows(
                &format!("'{quantity}' AS quantity, value, offset"),
                quantity.table(),
            )
        };
        let one = match self {
            Self::Quantity(quantity) => readings(quantity),
            Self::Readings => {
                let all = Quantity::ALL.map(|quantity| format!("SELECT * FROM ({})", readings(quantity)));
                return (all.join(" UNION ALL "), all.len());
            }
            Self::Clips => rows(
                "sample_rate, duration, toString(format) AS format, audio_hash, level_dbfs, max_level_dbfs, rms, \
                 spectral_centroid, spectral_rolloff, spectral_bandwidth, spectral_flatness, zero_crossing_rate, mfcc",
                "sensor_audio",
            ),
            Self::Positions => rows("position", "window_states"),
            Self::Commands => rows(
                "position, confidence, toString(origin) AS origin, toString(model_version) AS model_version, \
                 toString(reason) AS reason, command_id, temperature, humidity, audio_hash, average, contribution_temperature, \
                 contribution_humidity, contribution_sound, toString(verdict) AS verdict, toString(cause) AS cause, model_confidence, \
                 largest_z",
                "window_actions",
            ),
            Self::Predictions => rows(
                "prediction, confidence, inference_time_ms, toString(model_version) AS model_version, held, command_id, \
                 average, contribution_temperature, contribution_humidity, contribution_sound, toString(verdict) AS verdict, reason, \
                 model_confidence, largest_z",
                "ml_predictions",
            ),
            Self::Events => rows("toString(event) AS event, detail", "device_events"),
        };
        (one, 1)
    }
}

/// The format of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportFormat {
    /// Comma-separated values, with a line of names.
    Csv,
    /// One JSON object a line.
    JsonLines,
    /// Apache Parquet.
    Parquet,
    /// A stream of Apache Arrow.
    Arrow,
}

impl ExportFormat {
    /// Every format.
    pub const ALL: [Self; 4] = [Self::Csv, Self::JsonLines, Self::Parquet, Self::Arrow];

    /// Its word, which is also the end of a file's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::JsonLines => "jsonl",
            Self::Parquet => "parquet",
            Self::Arrow => "arrow",
        }
    }

    /// Its media type.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::JsonLines => "application/x-ndjson",
            Self::Parquet => "application/vnd.apache.parquet",
            Self::Arrow => "application/vnd.apache.arrow.stream",
        }
    }

    const fn clickhouse(self) -> &'static str {
        match self {
            Self::Csv => "CSVWithNames",
            Self::JsonLines => "JSONEachRow",
            Self::Parquet => "Parquet",
            Self::Arrow => "ArrowStream",
        }
    }

    const fn is_one_piece(self) -> bool {
        matches!(self, Self::Parquet | Self::Arrow)
    }
}

/// A file on its way. While it lives, it has one of the few turns.
pub struct Export {
    first: Option<bytes::Bytes>,
    cursor: BytesCursor,
    _turn: OwnedSemaphorePermit,
}

impl std::fmt::Debug for Export {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Export").finish_non_exhaustive()
    }
}

impl Export {
    /// Returns the next piece; `None` where the file is complete.
    pub async fn next(&mut self) -> Result<Option<bytes::Bytes>, StoreError> {
        match self.first.take() {
            Some(first) => Ok(Some(first)),
            None => Ok(self.cursor.next().await?),
        }
    }
}

impl Store {
    /// Begins an export. What is wrong from the beginning is an error here.
    pub async fn export(
        &self,
        device: &DeviceId,
        exported: Exported,
        period: Period,
        format: ExportFormat,
    ) -> Result<Export, StoreError> {
        let turn = self.turns.export()?;
        let (sql, times) = exported.sql();
        let plain = self.client.clone().with_compression(Compression::None);
        let mut query = plain
            .query(&sql)
            .with_setting("max_execution_time", LONGEST_EXPORT.as_secs().to_string())
            .with_setting("max_memory_usage", MEMORY.to_string())
            .with_setting("max_threads", "1")
            .with_setting("date_time_output_format", "iso")
            .with_setting("output_format_json_quote_64bit_integers", "0");
        if format.is_one_piece() {
            query = query.with_setting("max_result_rows", MOST_ROWS_IN_ONE_PIECE.to_string());
        }
        for _ in 0..times {
            query = query.bind(device.as_str()).bind(period.since).bind(period.until);
        }
        let mut cursor = query.fetch_bytes(format.clickhouse())?;
        let first = tokio::time::timeout(FIRST_PIECE, cursor.next()).await;
        Ok(Export {
            first: first.map_err(|_| StoreError::Timeout)??,
            cursor,
            _turn: turn,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_means_something_else() {
        for word in Exported::words() {
            assert_eq!(Exported::from_word(word).map(Exported::as_str), Some(word));
        }
        assert_eq!(Exported::from_word("system.tables"), None);
    }

    #[test]
    fn a_statement_binds_as_often_as_it_says() {
        for word in Exported::words() {
            let (sql, times) = Exported::from_word(word).unwrap().sql();
            assert_eq!(sql.matches('?').count(), 3 * times, "{word}");
        }
    }
}
