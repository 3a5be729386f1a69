//! How the service itself did, at a chart's resolution: the rows of `system_metrics`, averaged by intervals.
//!
//! In: a span of time. Out: a point for each interval with rows. Rates of several backends are added up; of times and sizes
//! the mean or the worst counts.

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use crate::{Period, Store, StoreError};

/// How the service did in one interval. NaN: nothing is known of it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, Row)]
pub struct SystemPoint {
    /// Begin of the interval, ms.
    pub time: i64,
    /// Messages accepted a second.
    pub messages_per_s: f64,
    /// Messages refused a second.
    pub refused_per_s: f64,
    /// Rows stored a second.
    pub rows_per_s: f64,
    /// From a reading's own time to its row, ms, mean.
    pub reading_to_row_ms: f64,
    /// From receipt to row, ms, the longest.
    pub row_delay_ms: f64,
    /// From request to command, ms, mean.
    pub decision_ms: f64,
    /// As the model's service states it, ms, mean.
    pub inference_ms: f64,
    /// Records that waited in the journal, at most.
    pub journal_records: u64,
    /// Their size, bytes, at most.
    pub journal_bytes: u64,
    /// Inserts that failed.
    pub store_failures: u64,
    /// Connections to the broker that were made anew.
    pub reconnects: u64,
    /// Memory of ClickHouse, bytes, at most; 0: it did not answer.
    pub database_memory_bytes: u64,
    /// The database on disk, bytes, at most; 0: it did not answer.
    pub database_disk_bytes: u64,
    /// Free space on the disk of the database, bytes, at least; 0: unknown.
    pub disk_free_bytes: u64,
}

impl Store {
    /// Returns how the service did in `period`, by time, in intervals of that many seconds. Intervals without rows are left
    /// out.
    pub async fn system_metrics(
        &self,
        period: Period,
        interval_s: u64,
    ) -> Result<Vec<SystemPoint>, StoreError> {
        let mean = |column: &str| format!("avgIf(s.{column}, isFinite(s.{column}))");
        let sql = format!(
            "SELECT ?fields FROM (SELECT time, sum(messages) AS messages_per_s, sum(refused) AS refused_per_s, sum(stored) AS rows_per_s, \
             avgIf(a, isFinite(a)) AS reading_to_row_ms, maxOrNullIf(b, isFinite(b)) AS b_max, ifNull(b_max, nan) AS row_delay_ms, \
             avgIf(c, isFinite(c)) AS decision_ms, avgIf(d, isFinite(d)) AS inference_ms, sum(records) AS journal_records, \
             sum(waiting) AS journal_bytes, sum(failures) AS store_failures, sum(connects) AS reconnects, \
             max(memory) AS database_memory_bytes, max(disk) AS database_disk_bytes, \
             ifNull(minOrNullIf(free, free > 0), 0) AS disk_free_bytes FROM (\
             SELECT 1000 * toInt64(toUnixTimestamp(toStartOfInterval(s.timestamp, INTERVAL {interval_s} SECOND))) AS time, s.instance, \
             sum(arraySum(mapValues(s.messages))) / sum(s.interval_s) AS messages, \
             sum(arraySum(mapValues(s.refused))) / sum(s.interval_s) AS refused, sum(s.rows_stored) / sum(s.interval_s) AS stored, \
             {} AS a, maxIf(s.row_delay_ms, isFinite(s.row_delay_ms)) AS longest, \
             if(countIf(isFinite(s.row_delay_ms)) = 0, nan, longest) AS b, {} AS c, {} AS d, \
             max(s.journal_records) AS records, max(s.journal_bytes) AS waiting, sum(s.store_failures) AS failures, \
             sum(s.reconnects) AS connects, max(s.database_memory_bytes) AS memory, max(s.database_disk_bytes) AS disk, \
             minIf(s.disk_free_bytes, s.disk_free_bytes > 0) AS free \
             FROM system_metrics AS s WHERE s.timestamp >= fromUnixTimestamp64Milli(?) AND s.timestamp <= fromUnixTimestamp64Milli(?) \
             AND s.interval_s > 0 GROUP BY time, s.instance) GROUP BY time) ORDER BY time",
            mean("reading_to_row_ms"),
            mean("decision_ms"),
            mean("inference_ms"),
        );
        let query = self.question(&sql);
        self.answers(query.bind(period.since).bind(period.until)).await
    }
}
