//! One statement of a migration, however long it takes.
//!
//! In: a statement. Out: its answer. While ClickHouse says that it runs, it is waited for, and its progress told; where
//! ClickHouse says nothing for half a minute, it is given up, and a later attempt does it again.

use std::{
    pin::pin,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use clickhouse::{Client, Row};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, interval_at, timeout};

use crate::StoreError;

/// The longest wait for a sign of life.
const SILENCE: Duration = Duration::from_secs(30);
/// How often ClickHouse is asked how far it has come.
const LOOK: Duration = Duration::from_secs(2);

/// A running statement, as ClickHouse sees it.
#[derive(Debug, Row, Serialize, Deserialize)]
struct Running {
    read: u64,
    of: u64,
}

/// Waits for an answer, but not for ever.
pub(super) async fn answered<T>(asking: impl Future<Output = T>) -> Result<T, StoreError> {
    timeout(SILENCE, asking).await.map_err(|_| StoreError::Timeout)
}

/// Runs a statement with these settings; `tell` hears how many percent of its rows are read.
pub(crate) async fn run(
    client: &Client,
    sql: &str,
    settings: &[(&str, &str)],
    tell: impl Fn(u8),
) -> Result<(), StoreError> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let id = format!("casement-schema-{}-{number}", std::process::id());
    // A question mark would otherwise be taken for a bound value.
    let mut query = client
        .query(&sql.replace('?', "??"))
        .with_setting("query_id", id.clone());
    for (name, value) in settings {
        query = query.with_setting(*name, *value);
    }
    let mut running = pin!(query.execute());
    let (mut heard, mut looks) = (Instant::now(), interval_at(Instant::now() + LOOK, LOOK));
    loop {
        tokio::select! {
            answer = &mut running => return Ok(answer?),
            _ = looks.tick() => {
                if let Some(seen) = look(client, &id).await {
                    heard = Instant::now();
                    tell(percent(&seen));
                } else if heard.elapsed() >= SILENCE {
                    return Err(StoreError::Timeout);
                }
            }
        }
    }
}

/// The statement of that id; `None` where ClickHouse does not say that it runs.
async fn look(client: &Client, id: &str) -> Option<Running> {
    let sql = "SELECT ?fields FROM (SELECT p.read_rows AS read, p.total_rows_approx AS of FROM system.processes AS p \
               WHERE p.query_id = ? LIMIT 1)";
    let asked = client.query(sql).bind(id).fetch_optional::<Running>();
    timeout(LOOK * 2, asked).await.ok()?.ok()?
}

/// ClickHouse's estimate may be too low: the statement is not over before its answer.
fn percent(seen: &Running) -> u8 {
    let percent = seen.read.saturating_mul(100) / seen.of.max(1);
    u8::try_from(percent).unwrap_or(u8::MAX).min(99)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_running_statement_is_never_complete() {
        for (read, of, expected) in [
            (0, 0, 0),
            (0, 10, 0),
            (5, 10, 50),
            (10, 10, 99),
            (u64::MAX, 1, 99),
        ] {
            assert_eq!(percent(&Running { read, of }), expected, "{read} of {of}");
        }
    }
}
