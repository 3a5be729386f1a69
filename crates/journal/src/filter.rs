//! What a slice of keys certainly does not hold, in memory: nearly every look-up is for a key that is nowhere.
//!
//! In: keys. Out: "perhaps" or "no". Bloom filters, each with twice the room of the one before, so that few keys cost
//! little; at the bound of memory the answer is always "perhaps".

use fastbloom::BloomFilter;
use xxhash_rust::xxh3::xxh3_64;

/// Keys in the first filter, and in the last: about eight million in all, in ten mebibytes.
const FIRST: usize = 1 << 12;
const LAST: usize = 1 << 22;
const FALSE_POSITIVES: f64 = 0.01;

#[derive(Debug, Default)]
pub(crate) struct Filter {
    layers: Vec<BloomFilter>,
    /// Keys that fit into the last layer.
    room: usize,
    /// There are keys that the layers do not know.
    blind: bool,
}

impl Filter {
    /// Knows nothing of the keys there are.
    pub(crate) fn blind() -> Self {
        Self {
            blind: true,
            ..Self::default()
        }
    }

    pub(crate) fn insert(&mut self, key: &[u8]) {
        if self.blind {
            return;
        }
        if self.room == 0 {
            let size = FIRST << self.layers.len();
            if size > LAST {
                *self = Self::blind();
                return;
            }
            let layer = BloomFilter::with_false_pos(FALSE_POSITIVES);
            self.layers.push(layer.expected_items(size));
            self.room = size;
        }
        self.room -= 1;
        if let Some(last) = self.layers.last_mut() {
            last.insert_hash(xxh3_64(key));
        }
    }

    /// `false` only for a key that was never inserted.
    pub(crate) fn may_hold(&self, key: &[u8]) -> bool {
        let hash = xxh3_64(key);
        self.blind || self.layers.iter().rev().any(|layer| layer.contains_hash(hash))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: usize) -> [u8; 16] {
        (n as u128).to_le_bytes()
    }

    #[test]
    fn no_key_is_forgotten_and_few_are_invented() {
        let mut filter = Filter::default();
        assert!(!filter.may_hold(&key(0)));
        let many = 100_000;
        for n in 0..many {
            filter.insert(&key(n));
        }
        assert!((0..many).all(|n| filter.may_hold(&key(n))));
        let invented = (many..2 * many).filter(|&n| filter.may_hold(&key(n))).count();
        assert!(invented < many / 15, "{invented}");
    }

    #[test]
    fn beyond_its_memory_it_knows_nothing() {
        let mut filter = Filter::default();
        for n in 0..2 * LAST {
            filter.insert(&key(n));
        }
        assert!(filter.layers.is_empty() && filter.may_hold(&key(usize::MAX)));
        assert!(Filter::blind().may_hold(&key(0)));
    }
}
