//! The log of one machine: the journal.
//!
//! In: events and plans. Out: the journal's entries and plans. Boundaries of plans are sequence numbers of the journal.

use std::time::Duration;

use async_trait::async_trait;
use journal::{Entry, Journal, JournalError, Key};
use tokio::time::{Instant, timeout_at};

use crate::log::{
    Appended, Backlog, EventRows, LogError, Plan, PlanLimits, Plans, Record, RepeatKey, Repeats, Split,
    Unreadable,
};

/// How long an event waits for room in a full journal.
const FULL_WAIT: Duration = Duration::from_secs(5);

impl From<JournalError> for LogError {
    fn from(error: JournalError) -> Self {
        match error {
            JournalError::Full { .. } => Self::Full,
            other => Self::Unavailable(Box::new(other)),
        }
    }
}

/// The row number `index` of an event has a key of its own: an event of several rows repeats as a whole.
fn key_of_row(key: RepeatKey, index: usize) -> Key {
    let RepeatKey(mut bytes) = key;
    bytes[15] ^= index as u8;
    Key(bytes)
}

fn entries(key: Option<RepeatKey>, rows: Vec<Vec<u8>>) -> Vec<Entry> {
    let entry = |(index, payload)| Entry {
        key: key.map(|key| key_of_row(key, index)),
        payload,
    };
    rows.into_iter().enumerate().map(entry).collect()
}

fn backlog(journal: &Journal) -> Backlog {
    let stats = journal.stats();
    Backlog {
        records: stats.records,
        bytes: stats.bytes,
        max_bytes: stats.max_bytes,
        plans: stats.plans,
        refused_full: stats.full_rejections,
        write_failures: stats.write_failures,
        damaged: stats.damaged + stats.log_damages,
    }
}

#[async_trait]
impl Repeats for Journal {
    async fn append(&self, key: Option<RepeatKey>, rows: Vec<Vec<u8>>) -> Result<Appended, LogError> {
        let bytes = rows.iter().map(Vec::len).sum();
        let entries = entries(key, rows);
        let deadline = Instant::now() + FULL_WAIT;
        loop {
            match Self::append(self, entries.clone()).await {
                Ok(appended) if appended.first() == Some(&journal::Appended::Duplicate) => {
                    return Ok(Appended::Repeated);
                }
                Ok(_) => return Ok(Appended::Stored),
                Err(JournalError::Full { .. }) if Instant::now() < deadline => {
                    let _ = timeout_at(deadline, self.wait_for_room(bytes)).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    async fn append_all(&self, events: Vec<EventRows>) -> Result<Vec<Appended>, LogError> {
        let (mut firsts, mut all) = (Vec::with_capacity(events.len()), Vec::with_capacity(events.len()));
        for (key, rows) in events {
            firsts.push(all.len());
            all.extend(entries(key, rows));
        }
        let appended = Self::append(self, all).await?;
        let outcome = |first: usize| match appended.get(first) {
            Some(journal::Appended::Duplicate) => Appended::Repeated,
            _ => Appended::Stored,
        };
        Ok(firsts.into_iter().map(outcome).collect())
    }

    fn backlog(&self) -> Backlog {
        backlog(self)
    }
}

#[async_trait]
impl Plans for Journal {
    type Key = journal::Plan;

    fn backlog(&self) -> Backlog {
        backlog(self)
    }

    async fn wait_for_records(&self) {
        Self::wait_for_records(self).await;
    }

    async fn next(&self, limits: PlanLimits) -> Result<Option<Plan<journal::Plan>>, LogError> {
        let limits = journal::PlanLimits {
            max_records: limits.records,
            max_bytes: limits.bytes,
        };
        let Some(mut plan) = self.next_plan(limits).await? else {
            return Ok(None);
        };
        let records = std::mem::take(&mut plan.records);
        let record = |(position, payload)| Record { position, payload };
        let unreadable = plan.damaged.iter().map(|damage| Unreadable {
            position: damage.first,
            reason: damage.reason.clone(),
        });
        Ok(Some(Plan {
            token: plan.token().to_owned(),
            note: plan.note.clone(),
            records: records.into_iter().map(record).collect(),
            unreadable: unreadable.collect(),
            key: plan,
        }))
    }

    async fn split(&self, plan: &journal::Plan, note: &[u8]) -> Result<Split, LogError> {
        if plan.first >= plan.last {
            return Ok(Split::Indivisible);
        }
        let middle = plan.first + (plan.last - plan.first) / 2;
        Self::split(self, plan, middle, note).await?;
        Ok(Split::Halved)
    }

    async fn finish(&self, plan: &journal::Plan, instead: Vec<Vec<u8>>) -> Result<(), LogError> {
        Ok(self.finish_with(plan, entries(None, instead)).await?)
    }
}
