//! Records: what callers append, and its encoding on disk.
//!
//! On disk a record is a version byte, a 64-bit xxh3 over its sequence number and payload, and the payload. The
//! checksum covers the number, so that a record in another's place is damage, too.

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

const VERSION: u8 = 1;
const HEADER: usize = 9;

/// Bytes the journal counts for a record beyond its payload: sequence number, checksum, key, index share.
pub(crate) const OVERHEAD: u64 = 40;

/// A deduplication key: a hash, chosen by the caller, that is equal for repeats of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(pub [u8; 16]);

impl Key {
    /// The value stored with the key, by which keys are found in a damaged log.
    pub(crate) fn checksum(&self) -> [u8; 4] {
        (xxh3_64(&self.0) as u32).to_le_bytes()
    }

    /// Returns the key of a stored pair; `None` when the pair is something else or damaged.
    pub(crate) fn parse(key: &[u8], value: &[u8]) -> Option<Self> {
        let key = Self(key.try_into().ok()?);
        (value == key.checksum()).then_some(key)
    }
}

/// One record to append.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The key that recognises repeats within the key retention; without one, the record is always stored.
    pub key: Option<Key>,
    /// Opaque bytes.
    pub payload: Vec<u8>,
}

impl Entry {
    pub(crate) fn cost(&self) -> u64 {
        cost(self.payload.len())
    }
}

pub(crate) fn cost(payload_len: usize) -> u64 {
    payload_len as u64 + OVERHEAD
}

/// The outcome of one entry. In both cases the record is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appended {
    /// Stored under this sequence number.
    Stored(u64),
    /// Its key was seen before; the original is durable and nothing new was stored.
    Duplicate,
}

/// Sequence numbers as keys: big-endian, so that byte order is number order.
pub(crate) fn seq_key(seq: u64) -> [u8; 8] {
    seq.to_be_bytes()
}

pub(crate) fn parse_seq_key(key: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(key.try_into().ok()?))
}

pub(crate) fn encode(seq: u64, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER + payload.len());
    bytes.push(VERSION);
    bytes.extend_from_slice(&checksum(seq, payload).to_le_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

/// Returns the payload, or what is wrong with the record.
pub(crate) fn decode(seq: u64, bytes: &[u8]) -> Result<&[u8], String> {
    let Some((header, payload)) = bytes.split_at_checked(HEADER) else {
        return Err(format!("record is only {} bytes long", bytes.len()));
    };
    if header[0] != VERSION {
        return Err(format!("unknown record version {}", header[0]));
    }
    if header[1..] != checksum(seq, payload).to_le_bytes() {
        return Err("checksum mismatch".to_owned());
    }
    Ok(payload)
}

fn checksum(seq: u64, payload: &[u8]) -> u64 {
    xxh3_64_with_seed(payload, seq)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_flipped_bit_is_noticed(seq: u64, payload: Vec<u8>, at: prop::sample::Index) {
            let mut bytes = encode(seq, &payload);
            prop_assert_eq!(decode(seq, &bytes).unwrap(), &payload[..]);
            let bit = at.index(bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(decode(seq, &bytes).is_err());
        }

        #[test]
        fn arbitrary_bytes_never_panic(seq: u64, bytes: Vec<u8>) {
            let _ = decode(seq, &bytes);
        }
    }

    #[test]
    fn a_record_in_anothers_place_is_damage() {
        assert!(decode(8, &encode(7, b"payload")).is_err());
    }
}
