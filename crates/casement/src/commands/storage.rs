//! `casement storage`: what the tables take on disk, by month, and what a year will need.
//!
//! In: ClickHouse's account of its parts, the rows of the last full days. Out: tables, or one JSON object. It changes
//! nothing.

use std::time::Duration;

use anyhow::anyhow;
use serde_json::{Value, json};
use store::{Disk, Growth, Kept, Store, StoreError, StoredMonth};

use super::sql::{Unreachable, sources};
use crate::{
    assembly, cli,
    config::{Reader, Retention},
    output::say,
    table,
};

/// Long enough for the days of a large installation, short enough for a person who waits.
const PATIENCE: Duration = Duration::from_mins(2);
const YEAR_DAYS: f64 = 365.0;
/// Rows that go by whole months stay for up to this much longer.
const MONTH_DAYS: f64 = 31.0;

pub(super) async fn run(flags: cli::Storage) -> anyhow::Result<()> {
    let config = sources(flags.server)?
        .flag("clickhouse.database", flags.database)
        .load_for(Reader::Storage)?;
    let url = config.clickhouse.url();
    let database = config.clickhouse.database.clone();
    let store = Store::new(assembly::store(&config.clickhouse)?)?;
    let asking = async {
        let months = store.stored_months().await?;
        let growth = store.growth(jiff::Timestamp::now().as_millisecond()).await?;
        Ok::<_, StoreError>((months, growth, store.disk().await?))
    };
    let answer = tokio::time::timeout(PATIENCE, asking)
        .await
        .map_err(|_| unreachable(&url, "it does not answer in time"))?;
    let (months, growth, disk) = answer.map_err(|error| explain(error, &url, &database))?;
    let report = Report {
        months,
        growth,
        disk,
        retention: config.retention,
    };
    if flags.json {
        say!("{}", report.json());
    } else if report.months.is_empty() {
        say!("nothing is stored in the database {database} at {url} yet");
    } else {
        report.print();
    }
    Ok(())
}

fn unreachable(url: &str, reason: &str) -> anyhow::Error {
    Unreachable::new(url.to_owned(), reason.to_owned()).into()
}

/// Says what a failed question means to the person who asked.
fn explain(error: StoreError, url: &str, database: &str) -> anyhow::Error {
    let is_away = matches!(error, StoreError::Unavailable(_) | StoreError::Timeout);
    let error = anyhow!(error);
    if is_away {
        return unreachable(url, &error.root_cause().to_string());
    }
    // UNKNOWN_DATABASE
    if error.root_cause().to_string().contains("Code: 81.") {
        return anyhow!(
            "there is no database '{database}' at {url}; 'casement up' makes it, and clickhouse.database names another"
        );
    }
    error.context(format!("ClickHouse at {url} cannot be queried"))
}

/// Everything that is known.
struct Report {
    months: Vec<StoredMonth>,
    growth: Vec<Growth>,
    disk: Option<Disk>,
    retention: Retention,
}

/// One table, all months together.
struct Sum<'a> {
    table: &'a str,
    rows: u64,
    bytes: u64,
    /// Days for which its rows are kept; 0: for ever.
    kept_days: u32,
    year: Option<Year>,
}

/// What a table will hold a year from an empty start.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Year {
    rows_a_day: f64,
    bytes: f64,
    /// The full days that the rate is of.
    days: u32,
}

impl Report {
    /// The tables, the largest first.
    fn sums(&self) -> Vec<Sum<'_>> {
        let mut names: Vec<&str> = self.months.iter().map(|month| month.table.as_str()).collect();
        names.dedup();
        let mut sums: Vec<Sum<'_>> = names.into_iter().map(|table| self.sum(table)).collect();
        sums.sort_by_key(|sum| std::cmp::Reverse(sum.bytes));
        sums
    }

    fn sum<'a>(&'a self, table: &'a str) -> Sum<'a> {
        let months: Vec<&StoredMonth> = self.months.iter().filter(|month| month.table == table).collect();
        let kept = Kept::of(table);
        let kept_days = kept.map_or(0, |kept| self.retention.days(kept));
        let by_day = kept.is_some_and(|kept| kept.time_to_live().is_some());
        let growth = self.growth.iter().find(|growth| growth.table == table);
        // The newest month was written with the present codecs.
        let newest = months.iter().rfind(|month| month.rows > 0);
        let year = growth.zip(newest).map(|(growth, newest)| Year {
            rows_a_day: growth.rows_a_day,
            bytes: growth.rows_a_day * days_held(kept_days, by_day) * bytes_a_row(newest.bytes, newest.rows),
            days: growth.days,
        });
        Sum {
            table,
            rows: months.iter().map(|month| month.rows).sum(),
            bytes: months.iter().map(|month| month.bytes).sum(),
            kept_days,
            year,
        }
    }

    fn json(&self) -> Value {
        let sums = self.sums();
        let months = self.months.iter().map(|month| {
            json!({
                "table": month.table,
                "month": (month.month > 0).then(|| month_name(month.month)),
                "rows": month.rows,
                "bytes": month.bytes,
                "bytes_a_row": bytes_a_row(month.bytes, month.rows),
            })
        });
        let tables = sums.iter().map(|sum| {
            json!({
                "table": sum.table,
                "rows": sum.rows,
                "bytes": sum.bytes,
                "bytes_a_row": bytes_a_row(sum.bytes, sum.rows),
                "kept_days": (sum.kept_days > 0).then_some(sum.kept_days),
                "days_measured": sum.year.map(|year| year.days),
                "rows_a_day": sum.year.map(|year| year.rows_a_day),
                "bytes_in_a_year": sum.year.map(|year| year.bytes.round()),
            })
        });
        json!({
            "months": months.collect::<Vec<_>>(),
            "tables": tables.collect::<Vec<_>>(),
            "rows": sums.iter().map(|sum| sum.rows).sum::<u64>(),
            "bytes": sums.iter().map(|sum| sum.bytes).sum::<u64>(),
            "bytes_in_a_year": year_of(&sums).map(f64::round),
            "disk": self.disk,
            "min_free_bytes": self.retention.min_free_bytes,
        })
    }

    fn print(&self) {
        let rows = self.months.iter().map(|month| {
            let name = match month.month {
                0 => "-".to_owned(),
                number => month_name(number),
            };
            [
                month.table.clone(),
                name,
                grouped(month.rows),
                size(month.bytes as f64),
                ratio(month.bytes, month.rows),
            ]
        });
        say!(
            "{}\n",
            table::format(["TABLE", "MONTH", "ROWS", "BYTES", "BYTES A ROW"], 2..5, rows)
        );
        let sums = self.sums();
        let rows = sums.iter().map(|sum| {
            let or_unknown = |text: Option<String>| text.unwrap_or_else(|| "?".to_owned());
            [
                sum.table.to_owned(),
                grouped(sum.rows),
                size(sum.bytes as f64),
                ratio(sum.bytes, sum.rows),
                match sum.kept_days {
                    0 => "for ever".to_owned(),
                    days => format!("{days} days"),
                },
                or_unknown(sum.year.map(|year| grouped(year.rows_a_day.round() as u64))),
                or_unknown(sum.year.map(|year| size(year.bytes))),
            ]
        });
        let (all_rows, all_bytes) = sums
            .iter()
            .fold((0, 0), |(rows, bytes), sum| (rows + sum.rows, bytes + sum.bytes));
        let year = year_of(&sums);
        let total = [
            "all".to_owned(),
            grouped(all_rows),
            size(all_bytes as f64),
            String::new(),
            String::new(),
            String::new(),
            year.map_or_else(|| "?".to_owned(), size),
        ];
        let head = [
            "TABLE",
            "ROWS",
            "BYTES",
            "BYTES A ROW",
            "KEPT",
            "ROWS A DAY",
            "A YEAR",
        ];
        say!("{}\n", table::format(head, 1..7, rows.chain([total])));
        match year {
            Some(_) => {
                let days = sums.iter().filter_map(|sum| sum.year).map(|year| year.days).max();
                say!(
                    "A year: rows a day, the mean of the last {} full days (UTC; at most 7), times the bytes a row of the \
                     newest month, times 365 or the days for which they are kept.",
                    days.unwrap_or_default()
                );
            }
            None => say!("A year: not enough data yet; a full day (UTC) of the last seven is needed."),
        }
        if let Some(Disk {
            name,
            free_bytes,
            total_bytes,
        }) = &self.disk
        {
            let guard = match self.retention.min_free_bytes {
                0 => "nothing is removed for space (retention.min_free_bytes is 0)".to_owned(),
                mark => format!(
                    "old readings are removed below {} (retention.min_free_bytes)",
                    size(mark as f64)
                ),
            };
            say!(
                "Disk '{name}': {} free of {}; {guard}.",
                size(*free_bytes as f64),
                size(*total_bytes as f64)
            );
        }
    }
}

/// The days of rows that are held at the end of a year.
fn days_held(kept_days: u32, by_day: bool) -> f64 {
    match kept_days {
        0 => YEAR_DAYS,
        days if by_day => YEAR_DAYS.min(f64::from(days)),
        days => YEAR_DAYS.min(f64::from(days) + MONTH_DAYS),
    }
}

/// The bytes of all tables in a year; `None` where no table's are known.
fn year_of(sums: &[Sum<'_>]) -> Option<f64> {
    let mut years = sums.iter().filter_map(|sum| sum.year).peekable();
    years.peek()?;
    Some(years.map(|year| year.bytes).sum())
}

fn bytes_a_row(bytes: u64, rows: u64) -> f64 {
    bytes as f64 / rows.max(1) as f64
}

fn ratio(bytes: u64, rows: u64) -> String {
    format!("{:.3}", bytes_a_row(bytes, rows))
}

fn month_name(month: u32) -> String {
    format!("{:04}-{:02}", month / 100, month % 100)
}

/// `1,234,567`
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .map(|group| std::str::from_utf8(group).expect("digits"))
        .collect();
    groups.join(",")
}

/// `1.2 GB`, in powers of a thousand.
fn size(bytes: f64) -> String {
    let mut size = bytes;
    for unit in ["B", "kB", "MB", "GB"] {
        if size < 999.95 {
            let decimals = usize::from(unit != "B");
            return format!("{size:.decimals$} {unit}");
        }
        size /= 1_000.0;
    }
    format!("{size:.1} TB")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn month(table: &str, month: u32, rows: u64, bytes: u64) -> StoredMonth {
        StoredMonth {
            table: table.into(),
            month,
            rows,
            bytes,
        }
    }

    #[test]
    fn numbers_are_written_for_people() {
        assert_eq!(
            [0, 999, 1_000, 12_345_678].map(grouped),
            ["0", "999", "1,000", "12,345,678"]
        );
        assert_eq!(
            [0.0, 999.0, 1_000.0, 999_960.0, 2_147_483_648.0, 3e15].map(size),
            ["0 B", "999 B", "1.0 kB", "1.0 MB", "2.1 GB", "3000.0 TB"]
        );
    }

    #[test]
    fn a_year_is_rate_times_the_newest_bytes_a_row_times_the_days_held() {
        let growth = |table: &str, rows_a_day| Growth {
            table: table.into(),
            days: 7,
            rows_a_day,
        };
        let report = Report {
            months: vec![
                month("sensor_temperature", 202_509, 100, 1_000),
                month("sensor_temperature", 202_510, 100, 200),
                month("system_metrics", 202_510, 10, 100),
                month("device_registry", 0, 3, 30),
            ],
            growth: vec![growth("sensor_temperature", 50.0), growth("system_metrics", 10.0)],
            disk: None,
            retention: Retention::default(),
        };
        let sums = report.sums();
        assert_eq!(
            sums.iter()
                .map(|sum| (sum.table, sum.rows, sum.bytes))
                .collect::<Vec<_>>(),
            [
                ("sensor_temperature", 200, 1_200),
                ("system_metrics", 10, 100),
                ("device_registry", 3, 30)
            ]
        );
        let bytes = |sum: &Sum<'_>| sum.year.map(|year| year.bytes.round() as u64);
        // 50 × 2 bytes × 365 days; 10 × 10 bytes × 30 days.
        assert_eq!(
            sums.iter().map(bytes).collect::<Vec<_>>(),
            [Some(36_500), Some(3_000), None]
        );
        let json = report.json();
        assert_eq!(json["bytes_in_a_year"], 39_500.0);
        assert_eq!(json["months"][3]["month"], Value::Null);
        assert_eq!(json["tables"][0]["bytes_a_row"], 6.0);
    }

    #[test]
    fn what_goes_by_months_is_held_a_month_longer() {
        let held = |days, by_day| days_held(days, by_day) as u32;
        let kept = [(0, false), (7, false), (30, true), (360, false), (400, true)];
        assert_eq!(
            kept.map(|(days, by_day)| held(days, by_day)),
            [365, 38, 30, 365, 365]
        );
    }
}
