//! What the tables hold on disk, month by month, how fast they grow, and what their disk has left.
//!
//! In: ClickHouse's own account of its parts and disks. Out: figures; nothing is changed here. Tables and their columns of
//! time are found in the database, so that a new table is counted without a line here.

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use crate::{Store, StoreError};

/// The full days that a rate is made of, at most.
const DAYS: u32 = 7;
/// Seconds after midnight until which the first row of a table makes its day a full one.
const FULL_FROM_S: u32 = 3_600;
const DAY_S: i64 = 86_400;

/// What one month of a table takes on disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Row)]
pub struct StoredMonth {
    /// The table.
    pub table: String,
    /// `YYYYMM`; 0 for a table that is not divided by month.
    pub month: u32,
    /// Rows.
    pub rows: u64,
    /// Bytes on disk: compressed columns, marks and indices.
    pub bytes: u64,
}

/// A disk that holds the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Row)]
pub struct Disk {
    /// ClickHouse's name of it.
    pub name: String,
    /// Bytes that are free.
    pub free_bytes: u64,
    /// Its size in bytes.
    pub total_bytes: u64,
}

/// How fast a table grows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Growth {
    /// The table.
    pub table: String,
    /// The full days (UTC) that were counted, up to yesterday.
    pub days: u32,
    /// Rows a day.
    pub rows_a_day: f64,
}

/// A table that is divided by month, and its column of time.
#[derive(Debug, Row, Serialize, Deserialize)]
struct Divided {
    table: String,
    time: String,
}

/// The rows of one day.
#[derive(Debug, Clone, Copy, Row, Serialize, Deserialize)]
struct RowsOfDay {
    /// Days since 1970-01-01.
    day: u32,
    rows: u64,
    /// The time of the first row, in seconds after midnight.
    first_s: u32,
}

impl Store {
    /// Returns what each month of each table takes, by table and month.
    pub async fn stored_months(&self) -> Result<Vec<StoredMonth>, StoreError> {
        let sql = "SELECT ?fields FROM (SELECT p.table AS table, \
                   if(length(p.partition) = 6, toUInt32OrZero(p.partition), 0) AS month, sum(p.rows) AS rows, \
                   sum(p.bytes_on_disk) AS bytes FROM system.parts AS p WHERE active AND database = currentDatabase() \
                   GROUP BY table, month ORDER BY table, month)";
        Ok(self.bounded(sql).fetch_all().await?)
    }

    /// Returns the fullest of the disks that hold the database; `None` before anything is stored.
    pub async fn disk(&self) -> Result<Option<Disk>, StoreError> {
        let sql = "SELECT ?fields FROM (SELECT d.name AS name, d.free_space AS free_bytes, d.total_space AS total_bytes \
                   FROM system.disks AS d WHERE d.name IN (SELECT disk_name FROM system.parts \
                   WHERE active AND database = currentDatabase()) ORDER BY free_bytes LIMIT 1)";
        Ok(self.bounded(sql).fetch_optional().await?)
    }

    /// Returns how fast each table that is divided by month grew in the last seven full days (UTC) before `now` (ms).
    /// Tables without a full day are left out.
    pub async fn growth(&self, now: i64) -> Result<Vec<Growth>, StoreError> {
        let sql = "SELECT ?fields FROM (SELECT name AS table, extract(partition_key, '^toYYYYMM\\\\((\\\\w+)\\\\)$') AS time \
                   FROM system.tables WHERE database = currentDatabase() AND time != '' ORDER BY table)";
        let tables: Vec<Divided> = self.bounded(sql).fetch_all().await?;
        let today = now.div_euclid(1_000).div_euclid(DAY_S);
        let mut growth = Vec::new();
        for Divided { table, time } in tables {
            let sql = format!(
                "SELECT ?fields FROM (SELECT toUInt32(intDiv(s, 86400)) AS day, count() AS rows, \
                 toUInt32(min(s) % 86400) AS first_s FROM (SELECT toInt64(toUnixTimestamp({time})) AS s FROM {table} \
                 WHERE {time} >= fromUnixTimestamp(?) AND {time} < fromUnixTimestamp(?)) GROUP BY day ORDER BY day)"
            );
            let query = self.bounded(&sql).bind((today - i64::from(DAYS)) * DAY_S);
            let days: Vec<RowsOfDay> = query.bind(today * DAY_S).fetch_all().await?;
            if let Some((days, rows_a_day)) = rate(&days, today as u32) {
                growth.push(Growth {
                    table,
                    days,
                    rows_a_day,
                });
            }
        }
        Ok(growth)
    }
}

/// The full days up to `today`, which is not counted, and the rows of each in the mean. Days without rows between them
/// count; a first day that began in its course does not.
fn rate(days: &[RowsOfDay], today: u32) -> Option<(u32, f64)> {
    let begun_in_its_course = days.first().is_some_and(|day| day.first_s > FULL_FROM_S);
    let full = &days[usize::from(begun_in_its_course)..];
    let span = today.checked_sub(full.first()?.day).filter(|span| *span > 0)?;
    let rows: u64 = full.iter().map(|day| day.rows).sum();
    Some((span, rows as f64 / f64::from(span)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn day(day: u32, rows: u64, first_s: u32) -> RowsOfDay {
        RowsOfDay { day, rows, first_s }
    }

    #[test]
    fn a_rate_is_of_full_days_and_of_days_without_rows_between_them() {
        assert_eq!(rate(&[], 10), None);
        assert_eq!(rate(&[day(9, 50, 40_000)], 10), None);
        assert_eq!(rate(&[day(9, 50, 0)], 10), Some((1, 50.0)));
        assert_eq!(rate(&[day(7, 7, 40_000), day(9, 50, 9_000)], 10), Some((1, 50.0)));
        assert_eq!(rate(&[day(6, 30, 3), day(9, 50, 9_000)], 10), Some((4, 20.0)));
    }
}
