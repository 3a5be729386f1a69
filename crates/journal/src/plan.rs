//! Batch plans: ranges of records that leave the journal together, with boundaries that survive a crash.
//!
//! In: a plan's boundaries and the storage. Out: its records, and a report of each one that cannot be read.

use std::ops::RangeInclusive;

use crate::{
    JournalError, PlanLimits,
    checkpoint::Boundaries,
    record::{self, cost, seq_key},
    storage::Storage,
};

/// A record that cannot be delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// First sequence number concerned.
    pub first: u64,
    /// Last sequence number concerned; the same as `first` for a single record.
    pub last: u64,
    /// What is wrong.
    pub reason: String,
}

/// A batch of records to store together. After a crash it is returned again, with the same boundaries and token.
#[derive(Debug, Clone)]
pub struct Plan {
    /// First sequence number, included.
    pub first: u64,
    /// Last sequence number, included.
    pub last: u64,
    /// The readable records in order: sequence number and payload.
    pub records: Vec<(u64, Vec<u8>)>,
    /// The records of `first..=last` that cannot be read.
    pub damaged: Vec<Damage>,
    /// The note passed to [`crate::Journal::split`]; empty for a plan that was never split.
    pub note: Vec<u8>,
    pub(crate) token: String,
    pub(crate) bytes: u64,
}

impl Plan {
    /// Returns the plan's unique token, `journal-id/first-last`, which no other plan ever has.
    pub fn token(&self) -> &str {
        &self.token
    }
}

pub(crate) fn token(id: &str, boundaries: &Boundaries) -> String {
    let Boundaries {
        first, last, epoch, ..
    } = boundaries;
    match epoch {
        0 => format!("{id}/{first}-{last}"),
        epoch => format!("{id}.{epoch}/{first}-{last}"),
    }
}

/// The content of a range of sequence numbers.
#[derive(Debug, Default)]
pub(crate) struct Run {
    pub(crate) records: Vec<(u64, Vec<u8>)>,
    pub(crate) damaged: Vec<Damage>,
    /// Cost of everything read, damaged records included.
    pub(crate) bytes: u64,
    /// Last sequence number accounted for.
    pub(crate) last: u64,
}

impl Run {
    fn damage(&mut self, first: u64, last: u64, reason: impl Into<String>) {
        let reason = reason.into();
        match self.damaged.last_mut() {
            Some(previous) if previous.last + 1 == first && previous.reason == reason => previous.last = last,
            _ => self.damaged.push(Damage { first, last, reason }),
        }
    }

    fn take(&mut self, seq: u64, value: &[u8]) {
        match record::decode(seq, value) {
            Ok(payload) => {
                self.bytes += cost(payload.len());
                self.records.push((seq, payload.to_vec()));
            }
            Err(reason) => {
                self.bytes += value.len() as u64;
                self.damage(seq, seq, reason);
            }
        }
        self.last = seq;
    }
}

/// Reads `range` up to `limits`; numbers are contiguous, so a missing one is damage, not emptiness.
pub(crate) fn read(
    storage: &Storage,
    range: RangeInclusive<u64>,
    limits: PlanLimits,
) -> Result<Run, JournalError> {
    let mut run = Run {
        last: range.start() - 1,
        ..Run::default()
    };
    let mut payload_bytes = 0;
    let end = *range.end();
    while run.last < end {
        let from = run.last + 1;
        let mut unreadable = true;
        for record in storage.segments.range(from..=end) {
            // An unreadable block hides all its records: they are read one by one below.
            let Ok((seq, value)) = record else { break };
            if !run.records.is_empty()
                && (run.records.len() >= limits.max_records || payload_bytes + value.len() > limits.max_bytes)
            {
                return Ok(run);
            }
            if seq > run.last + 1 {
                run.damage(run.last + 1, seq - 1, "record is missing");
            }
            payload_bytes += value.len();
            run.take(seq, &value);
            unreadable = run.last < end;
        }
        if unreadable && run.last < end {
            read_next(storage, &mut run, end)?;
        }
        if run.records.len() >= limits.max_records {
            break;
        }
    }
    Ok(run)
}

/// Reads the record after `run.last`, which the range scan did not reach.
fn read_next(storage: &Storage, run: &mut Run, end: u64) -> Result<(), JournalError> {
    let seq = run.last + 1;
    let found = storage
        .segments
        .holding(seq)
        .map(|segment| segment.get(seq_key(seq)))
        .transpose();
    match found.map(Option::flatten) {
        Ok(Some(value)) => run.take(seq, &value),
        Ok(None) => {
            // Nothing here and nothing after: the rest of the range is gone.
            let is_last = storage.segments.range(seq..=end).next().is_none();
            let last = if is_last { end } else { seq };
            run.damage(seq, last, "record is missing");
            run.last = last;
        }
        Err(error @ fjall::Error::Poisoned) => return Err(JournalError::read(error)),
        Err(error) => {
            run.damage(seq, seq, format!("unreadable: {error}"));
            run.last = seq;
        }
    }
    Ok(())
}
