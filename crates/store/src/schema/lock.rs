//! One process at a time changes the schema.
//!
//! In: a database. Out: a turn, held until it is released. Turns are numbered, and a turn is taken by a row whose
//! deduplication token is the turn's: of several takers ClickHouse stores one. A holder that has ended, or that shows no
//! sign of life for a while, loses its turn to the next.

use std::time::Duration;

use clickhouse::{Client, Row, error::Error};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, interval_at, sleep};
use tokio_util::sync::CancellationToken;

use super::{
    process::{self, Name},
    progress::{Phase, Progress, Tell},
    statement::answered,
};
use crate::StoreError;

/// After so long without a sign of life a holder has lost its turn.
const LEASE: Duration = Duration::from_secs(15);
const BEAT: Duration = Duration::from_secs(3);
/// How often a taken turn is looked at.
const LOOK: Duration = Duration::from_millis(250);

/// The newest turn.
#[derive(Debug, Clone, Default, PartialEq, Eq, Row, Serialize, Deserialize)]
#[expect(clippy::struct_field_names, reason = "the names of the table's columns")]
struct Turn {
    turn: u32,
    holder: String,
    beats: u64,
    released: u64,
}

/// A row of the table.
#[derive(Debug, Row, Serialize, Deserialize)]
struct Note {
    turn: u32,
    what: String,
    holder: String,
}

/// The turn of this process.
#[derive(Debug)]
pub(super) struct Lock {
    client: Client,
    turn: u32,
    name: Name,
    /// Cancelled when another process has the turn.
    lost: CancellationToken,
    /// Cancelled with the lock: its signs of life end.
    over: CancellationToken,
}

impl Lock {
    /// Waits for a turn. `tell` hears who has it meanwhile.
    pub(super) async fn take(client: &Client, tell: Tell<'_>) -> Result<Self, StoreError> {
        let name = Name::new();
        let (mut seen, mut since) = (Turn::default(), Instant::now());
        let (mut told, mut used) = (false, 0);
        loop {
            let newest = newest(client).await?;
            if newest != seen {
                (seen, since) = (newest, Instant::now());
            }
            let is_free = seen.turn == 0 || seen.released > 0 || process::has_ended(&seen.holder);
            if is_free || since.elapsed() >= LEASE {
                let turn = seen.turn.max(used) + 1;
                let token = format!("schema-lock/{turn}");
                note(client, turn, "taken", name.as_str(), Some(&token)).await?;
                if self::newest(client).await?.holder == name.as_str() {
                    return Ok(Self::held(client, turn, name));
                }
                // Somebody else has it; or somebody has emptied the table, and ClickHouse knows the token still.
                used = turn;
                sleep(LOOK).await;
                continue;
            }
            if !std::mem::replace(&mut told, true) {
                let progress = Progress {
                    phase: Phase::Waiting,
                    step: 0,
                    of: 0,
                    name: process::for_people(&seen.holder),
                    percent: None,
                };
                tracing::info!("{progress}");
                tell(&progress);
            }
            sleep(LOOK).await;
        }
    }

    fn held(client: &Client, turn: u32, name: Name) -> Self {
        let lock = Self {
            client: client.clone(),
            turn,
            name,
            lost: CancellationToken::new(),
            over: CancellationToken::new(),
        };
        let (client, name) = (client.clone(), lock.name.as_str().to_owned());
        let (lost, over) = (lock.lost.clone(), lock.over.clone());
        tokio::spawn(async move {
            let beating = beat(&client, turn, &name);
            if over.run_until_cancelled(beating).await.is_some() {
                lost.cancel();
            }
        });
        lock
    }

    /// Runs `work` while the turn is this process's, then releases it.
    pub(super) async fn hold<T>(
        self,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let done = self.lost.run_until_cancelled(work).await;
        self.over.cancel();
        let Some(done) = done else {
            return Err(StoreError::Overtaken);
        };
        let released = note(&self.client, self.turn, "released", self.name.as_str(), None).await;
        // Without it the turn ends with the lease.
        if let Err(error) = released {
            tracing::debug!(%error, "the turn to change the schema was not released");
        }
        done
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        self.over.cancel();
    }
}

/// Shows signs of life; returns when another process has the turn.
async fn beat(client: &Client, turn: u32, name: &str) {
    let mut beats = interval_at(Instant::now() + BEAT, BEAT);
    let mut heard = Instant::now();
    loop {
        beats.tick().await;
        // While ClickHouse is away, nobody takes the turn; but it may be back for others first.
        if note(client, turn, "beat", name, None).await.is_ok()
            && let Ok(newest) = newest(client).await
        {
            if newest.turn != turn {
                return;
            }
            heard = Instant::now();
        }
        if heard.elapsed() >= LEASE {
            return;
        }
    }
}

async fn newest(client: &Client) -> Result<Turn, StoreError> {
    let sql = "SELECT ?fields FROM (SELECT l.turn AS turn, anyIf(l.holder, l.what = 'taken') AS holder, \
               countIf(l.what = 'beat') AS beats, countIf(l.what = 'released') AS released \
               FROM schema_lock AS l GROUP BY turn ORDER BY turn DESC LIMIT 1)";
    Ok(answered(client.query(sql).fetch_optional::<Turn>())
        .await??
        .unwrap_or_default())
}

/// Writes a row; with a token it is stored only where no other row has it.
async fn note(
    client: &Client,
    turn: u32,
    what: &str,
    holder: &str,
    token: Option<&str>,
) -> Result<(), StoreError> {
    let writing = async {
        let insert = client.insert::<Note>("schema_lock").await?;
        let insert = insert.with_setting("async_insert", "0");
        let mut insert = match token {
            Some(token) => insert
                .with_setting("insert_deduplicate", "1")
                .with_setting("insert_deduplication_token", token),
            None => insert.with_setting("insert_deduplicate", "0"),
        };
        insert
            .write(&Note {
                turn,
                what: what.to_owned(),
                holder: holder.to_owned(),
            })
            .await?;
        insert.end().await
    };
    let written: Result<(), Error> = answered(writing).await?;
    Ok(written?)
}
