//! Rollups of rows that were stored before the rollups existed.
//!
//! In: the materialized views of the schema, which say how a rollup follows from its source. Out: every rollup complete.
//! It runs before anything is inserted, one target and one month at a time: a month that was interrupted is dropped and
//! done again, so that no row counts twice.

use std::time::Instant;

use clickhouse::{Client, error::Error};
use domain::Quantity;
use serde::{Deserialize, Serialize};

use crate::{
    StoreError,
    schema::{Phase, Progress, Tell, Told, statement},
};

/// The rollups, and the tables that each of them follows from.
fn targets() -> [(&'static str, Vec<&'static str>); 5] {
    [
        ("readings_by_time", Quantity::ALL.map(Quantity::table).to_vec()),
        ("sound_by_time", vec!["sensor_audio"]),
        ("predictions_by_time", vec!["ml_predictions"]),
        ("commands_by_time", vec!["window_actions"]),
        ("positions_by_hour", vec!["window_states", "window_actions"]),
    ]
}

/// Stands for a target of which nothing is left to do.
const ALL_MONTHS: u32 = 0;

#[derive(Debug, clickhouse::Row, Serialize, Deserialize)]
struct Done {
    target: String,
    /// `YYYYMM`, or [`ALL_MONTHS`].
    month: u32,
}

/// How a view makes a rollup of its source.
#[derive(Debug, clickhouse::Row, Serialize, Deserialize)]
struct View {
    name: String,
    /// Its SELECT, as ClickHouse writes it.
    as_select: String,
}

/// Whether a rollup is not complete yet.
pub(crate) async fn is_due(client: &Client) -> Result<bool, StoreError> {
    let exists =
        "SELECT count() FROM system.tables WHERE database = currentDatabase() AND name = 'rollup_backfill'";
    if client.query(exists).fetch_one::<u64>().await? == 0 {
        return Ok(true);
    }
    let complete = complete(client).await?;
    Ok(targets()
        .iter()
        .any(|(target, _)| !complete.iter().any(|complete| complete == target)))
}

/// Completes every rollup that is not complete yet. Only one process may do so at a time.
pub(crate) async fn run(client: &Client, database: &str, tell: Tell<'_>) -> Result<(), StoreError> {
    let done = client
        .query("SELECT DISTINCT ?fields FROM rollup_backfill")
        .fetch_all::<Done>()
        .await?;
    let is_done = |target: &str, month| {
        done.iter()
            .any(|done| done.target == target && done.month == month)
    };
    let mut due = Vec::new();
    for (target, sources) in targets() {
        if !is_done(target, ALL_MONTHS) {
            let mut months = months_of(client, &sources).await?;
            months.retain(|month| !is_done(target, *month));
            due.push((target, sources, months));
        }
    }
    let of: usize = due.iter().map(|(_, _, months)| months.len()).sum();
    let mut step = 0;
    for (target, sources, months) in due {
        for month in months {
            step += 1;
            let progress = Progress {
                phase: Phase::Rollup,
                step,
                of,
                name: format!("{target} {month}"),
                percent: None,
            };
            let started = Instant::now();
            tracing::info!("{progress}");
            tell(&progress);
            let told = Told::new(tell, progress.clone());
            let filled = fill(client, database, target, &sources, month, |percent| {
                told.tell(percent);
            })
            .await;
            filled.map_err(|error| failed(error, target, month))?;
            record(client, target, month).await?;
            let ms = started.elapsed().as_millis() as u64;
            tracing::debug!(ms, "{progress}: done");
        }
        record(client, target, ALL_MONTHS).await?;
    }
    Ok(())
}

fn failed(error: StoreError, target: &'static str, month: u32) -> StoreError {
    match error {
        StoreError::Query(source)
        | StoreError::TooLarge(source)
        | StoreError::Unavailable(source @ Error::BadResponse(_)) => StoreError::Rollup {
            target,
            month,
            source,
        },
        other => other,
    }
}

/// The rollups that are complete.
async fn complete(client: &Client) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT DISTINCT target FROM rollup_backfill WHERE month = ?";
    Ok(client.query(sql).bind(ALL_MONTHS).fetch_all().await?)
}

/// Whether every rollup that follows from `table` is complete.
pub(crate) async fn is_complete(client: &Client, table: &str) -> Result<bool, StoreError> {
    let complete = complete(client).await?;
    let mut rollups = targets()
        .into_iter()
        .filter(|(_, sources)| sources.contains(&table));
    Ok(rollups.all(|(target, _)| complete.iter().any(|complete| complete == target)))
}

/// The months that the sources have rows in, as `YYYYMM`, oldest first.
async fn months_of(client: &Client, sources: &[&str]) -> Result<Vec<u32>, StoreError> {
    let selects = sources
        .iter()
        .map(|source| format!("SELECT toYYYYMM(timestamp, 'UTC') AS month FROM {source} GROUP BY month"));
    let sql = format!(
        "SELECT DISTINCT month FROM ({}) ORDER BY month",
        selects.collect::<Vec<_>>().join(" UNION ALL ")
    );
    Ok(client.query(&sql).fetch_all::<u32>().await?)
}

/// Replaces one month of `target` by what its views make of the sources.
async fn fill(
    client: &Client,
    database: &str,
    target: &str,
    sources: &[&str],
    month: u32,
    tell: impl Fn(u8),
) -> Result<(), StoreError> {
    let drop = format!("ALTER TABLE {target} DROP PARTITION {month}");
    client.query(&drop).execute().await?;
    let count = sources.len();
    for (index, source) in sources.iter().enumerate() {
        let view = view_of(client, target, source).await?;
        // The view's own words, over one month of its source.
        let whole = format!("{database}.{source}");
        let one_month = format!("(SELECT * FROM {whole} WHERE toYYYYMM(timestamp, 'UTC') = {month})");
        let select = view.as_select.replacen(&whole, &one_month, 1);
        let insert = format!("INSERT INTO {target} {select}");
        let of_all = |percent: u8| tell(((index * 100 + usize::from(percent)) / count) as u8);
        // Blocks of the same content are not repeats here.
        statement::run(client, &insert, &[("insert_deduplicate", "0")], of_all).await?;
    }
    Ok(())
}

/// The view that fills `target` from `source`.
async fn view_of(client: &Client, target: &str, source: &str) -> Result<View, StoreError> {
    let name = match target.strip_suffix("_by_hour") {
        Some(_) => format!("{source}_by_hour"),
        None => format!("{source}_by_time"),
    };
    let sql = "SELECT ?fields FROM system.tables WHERE database = currentDatabase() AND name = ?";
    Ok(client.query(sql).bind(name).fetch_one().await?)
}

async fn record(client: &Client, target: &str, month: u32) -> Result<(), StoreError> {
    let insert = client.insert::<Done>("rollup_backfill").await?;
    let mut insert = insert.with_setting("insert_deduplicate", "0");
    let target = target.to_owned();
    insert.write(&Done { target, month }).await?;
    Ok(insert.end().await?)
}
