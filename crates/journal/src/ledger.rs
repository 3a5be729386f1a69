//! The ledger: the few numbers and plans that say what a journal's records mean, written with every group.
//!
//! In: the changes of one group. Out: the new ledger, as one checksummed value. Records outside `oldest..next` do not
//! exist, whatever lies on disk: finishing a plan is moving `oldest`.

use xxhash_rust::xxh3::xxh3_64;

use crate::JournalError;

const VERSION: u8 = 1;

/// A plan's boundaries as they are stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Boundaries {
    pub(crate) first: u64,
    pub(crate) last: u64,
    /// The epoch in which it was made; part of its token.
    pub(crate) epoch: u32,
    pub(crate) note: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Ledger {
    /// The next sequence number; never goes back, so that no number is used twice.
    pub(crate) next: u64,
    /// The oldest number not yet finished; `next` when empty.
    pub(crate) oldest: u64,
    /// Cost of the waiting records.
    pub(crate) bytes: u64,
    /// Raised when damage may have made sequence numbers come back, so that tokens never do.
    pub(crate) epoch: u32,
    /// Raised with every write: of two ledgers, which is newer.
    pub(crate) revision: u64,
    /// Unfinished plans, consecutive from `oldest`.
    pub(crate) plans: Vec<Boundaries>,
}

impl Ledger {
    pub(crate) fn new() -> Self {
        Self {
            next: 1,
            oldest: 1,
            ..Self::default()
        }
    }

    pub(crate) fn records(&self) -> u64 {
        self.next - self.oldest
    }

    pub(crate) fn has_work(&self) -> bool {
        self.records() > 0
    }

    /// Starts the plan `oldest..=last`; there must be no other.
    pub(crate) fn begin(&mut self, first: u64, last: u64) -> Result<(), JournalError> {
        if !self.plans.is_empty() || first != self.oldest || last < first || last >= self.next {
            return Err(JournalError::StalePlan { first, last });
        }
        self.plans.push(Boundaries {
            first,
            last,
            epoch: self.epoch,
            note: Vec::new(),
        });
        Ok(())
    }

    /// Removes the plan in progress with its records, which cost `bytes`.
    pub(crate) fn finish(&mut self, first: u64, last: u64, bytes: u64) -> Result<(), JournalError> {
        self.current(first, last)?;
        self.plans.remove(0);
        self.oldest = last + 1;
        self.bytes = if self.records() == 0 {
            0
        } else {
            self.bytes.saturating_sub(bytes)
        };
        Ok(())
    }

    /// Replaces the plan in progress by `first..=boundary` and `boundary+1..=last`, both with `note`.
    pub(crate) fn split(
        &mut self,
        first: u64,
        last: u64,
        boundary: u64,
        note: &[u8],
    ) -> Result<(), JournalError> {
        self.current(first, last)?;
        if boundary < first || boundary >= last {
            return Err(JournalError::StalePlan { first, last });
        }
        let left = Boundaries {
            last: boundary,
            note: note.to_vec(),
            ..self.plans[0].clone()
        };
        let right = Boundaries {
            first: boundary + 1,
            note: note.to_vec(),
            ..self.plans[0].clone()
        };
        self.plans.splice(0..1, [left, right]);
        Ok(())
    }

    fn current(&self, first: u64, last: u64) -> Result<(), JournalError> {
        match self.plans.first() {
            Some(plan) if plan.first == first && plan.last == last => Ok(()),
            _ => Err(JournalError::StalePlan { first, last }),
        }
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![VERSION];
        for number in [self.next, self.oldest, self.bytes, self.revision] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.extend_from_slice(&self.epoch.to_le_bytes());
        bytes.extend_from_slice(&(self.plans.len() as u32).to_le_bytes());
        for plan in &self.plans {
            bytes.extend_from_slice(&plan.first.to_le_bytes());
            bytes.extend_from_slice(&plan.last.to_le_bytes());
            bytes.extend_from_slice(&plan.epoch.to_le_bytes());
            bytes.extend_from_slice(&(plan.note.len() as u32).to_le_bytes());
            bytes.extend_from_slice(&plan.note);
        }
        let checksum = xxh3_64(&bytes);
        bytes.extend_from_slice(&checksum.to_le_bytes());
        bytes
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, JournalError> {
        let damaged = |reason: &str| JournalError::Ledger {
            reason: reason.to_owned(),
        };
        let (body, checksum) = bytes
            .split_last_chunk::<8>()
            .ok_or_else(|| damaged("too short"))?;
        if xxh3_64(body) != u64::from_le_bytes(*checksum) {
            return Err(damaged("checksum mismatch"));
        }
        let mut reader = Reader(body);
        (|| {
            let version = reader.take::<1>()?[0];
            let mut ledger = Self {
                next: reader.u64()?,
                oldest: reader.u64()?,
                bytes: reader.u64()?,
                revision: reader.u64()?,
                epoch: reader.u32()?,
                plans: Vec::new(),
            };
            for _ in 0..reader.u32()? {
                let (first, last, epoch) = (reader.u64()?, reader.u64()?, reader.u32()?);
                let note_len = reader.u32()? as usize;
                ledger.plans.push(Boundaries {
                    first,
                    last,
                    epoch,
                    note: reader.slice(note_len)?.to_vec(),
                });
            }
            (version == VERSION && ledger.oldest <= ledger.next).then_some(ledger)
        })()
        .ok_or_else(|| damaged("not a ledger of a known version"))
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn slice(&mut self, len: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(head)
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.slice(N)?.try_into().ok()
    }

    fn u64(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ledger_with_plan() -> Ledger {
        let mut ledger = Ledger {
            next: 11,
            bytes: 400,
            ..Ledger::new()
        };
        ledger.begin(1, 8).unwrap();
        ledger
    }

    #[test]
    fn survives_its_encoding() {
        let mut ledger = ledger_with_plan();
        ledger.split(1, 8, 3, b"note").unwrap();
        assert_eq!(Ledger::decode(&ledger.encode()).unwrap(), ledger);
    }

    #[test]
    fn only_the_plan_in_progress_can_be_finished() {
        let mut ledger = ledger_with_plan();
        assert!(ledger.begin(1, 2).is_err());
        assert!(ledger.finish(1, 7, 0).is_err());
        ledger.split(1, 8, 3, b"").unwrap();
        assert!(ledger.finish(4, 8, 0).is_err());
        ledger.finish(1, 3, 120).unwrap();
        ledger.finish(4, 8, 200).unwrap();
        assert_eq!((ledger.oldest, ledger.records(), ledger.bytes), (9, 2, 80));
    }

    #[test]
    fn a_single_record_cannot_be_split() {
        let mut ledger = Ledger {
            next: 2,
            ..Ledger::new()
        };
        ledger.begin(1, 1).unwrap();
        assert!(ledger.split(1, 1, 1, b"").is_err());
    }

    proptest! {
        #[test]
        fn arbitrary_and_flipped_bytes_are_refused(noise: Vec<u8>, at: prop::sample::Index) {
            prop_assert!(Ledger::decode(&noise).is_err());
            let mut bytes = ledger_with_plan().encode();
            let bit = at.index(bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(Ledger::decode(&bytes).is_err());
        }
    }
}
