//! The checkpoint: how far a journal has come, written with every group of records.
//!
//! In: the changes of one group. Out: the new checkpoint, as one checksummed value. Records outside `oldest..next` do
//! not exist, whatever lies on disk: a plan is finished by moving `oldest`.

use std::path::Path;

use xxhash_rust::xxh3::xxh3_64;

use crate::JournalError;

/// The checkpoint's key in the storage. Its value on disk is older than the name.
pub(crate) const KEY: &str = "ledger";

/// In every version the first byte is the version and the last eight are the checksum, so that an older program can
/// tell newer data from damage. A change to the encoding of records raises it, too.
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
pub(crate) struct Checkpoint {
    /// The next sequence number; never goes back, so that no number is used twice.
    pub(crate) next: u64,
    /// The oldest number not yet finished; `next` when empty.
    pub(crate) oldest: u64,
    /// Cost of the waiting records.
    pub(crate) bytes: u64,
    /// Raised when damage may cause sequence numbers to be used again, so that tokens stay unique.
    pub(crate) epoch: u32,
    /// Raised with every write; the newer of two checkpoints has the higher one.
    pub(crate) revision: u64,
    /// Unfinished plans, consecutive from `oldest`.
    pub(crate) plans: Vec<Boundaries>,
}

impl Checkpoint {
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

    /// The error says what is wrong with the bytes.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, &'static str> {
        let mut reader = Reader(checked_body(bytes)?);
        (|| {
            let version = reader.take::<1>()?[0];
            let mut checkpoint = Self {
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
                checkpoint.plans.push(Boundaries {
                    first,
                    last,
                    epoch,
                    note: reader.slice(note_len)?.to_vec(),
                });
            }
            (version == VERSION && checkpoint.oldest <= checkpoint.next).then_some(checkpoint)
        })()
        .ok_or("not a checkpoint of a known version")
    }

    /// Returns the version of an encoded checkpoint; `None` when it is damaged.
    pub(crate) fn version(bytes: &[u8]) -> Option<u8> {
        checked_body(bytes).ok()?.first().copied()
    }
}

/// Refuses a checkpoint, found in `path`, that another version of the program wrote.
pub(crate) fn expect_version(path: &Path, version: u8) -> Result<(), JournalError> {
    if version == VERSION {
        Ok(())
    } else {
        Err(JournalError::unknown_format(path, version))
    }
}

fn checked_body(bytes: &[u8]) -> Result<&[u8], &'static str> {
    let (body, checksum) = bytes.split_last_chunk::<8>().ok_or("too short")?;
    if xxh3_64(body) == u64::from_le_bytes(*checksum) {
        Ok(body)
    } else {
        Err("checksum mismatch")
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

    fn checkpoint_with_plan() -> Checkpoint {
        let mut checkpoint = Checkpoint {
            next: 11,
            bytes: 400,
            ..Checkpoint::new()
        };
        checkpoint.begin(1, 8).unwrap();
        checkpoint
    }

    #[test]
    fn survives_its_encoding() {
        let mut checkpoint = checkpoint_with_plan();
        checkpoint.split(1, 8, 3, b"note").unwrap();
        assert_eq!(Checkpoint::decode(&checkpoint.encode()).unwrap(), checkpoint);
    }

    #[test]
    fn only_the_plan_in_progress_can_be_finished() {
        let mut checkpoint = checkpoint_with_plan();
        assert!(checkpoint.begin(1, 2).is_err());
        assert!(checkpoint.finish(1, 7, 0).is_err());
        checkpoint.split(1, 8, 3, b"").unwrap();
        assert!(checkpoint.finish(4, 8, 0).is_err());
        checkpoint.finish(1, 3, 120).unwrap();
        checkpoint.finish(4, 8, 200).unwrap();
        assert_eq!(
            (checkpoint.oldest, checkpoint.records(), checkpoint.bytes),
            (9, 2, 80)
        );
    }

    #[test]
    fn a_single_record_cannot_be_split() {
        let mut checkpoint = Checkpoint {
            next: 2,
            ..Checkpoint::new()
        };
        checkpoint.begin(1, 1).unwrap();
        assert!(checkpoint.split(1, 1, 1, b"").is_err());
    }

    proptest! {
        #[test]
        fn arbitrary_and_flipped_bytes_are_refused(noise: Vec<u8>, at: prop::sample::Index) {
            prop_assert!(Checkpoint::decode(&noise).is_err());
            let mut bytes = checkpoint_with_plan().encode();
            let bit = at.index(bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(Checkpoint::decode(&bytes).is_err());
        }
    }
}
