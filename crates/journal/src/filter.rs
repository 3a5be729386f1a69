//! An in-memory filter over one slice of keys: most look-ups are for absent keys, and need not go to disk.
//!
//! In: keys. Out: "perhaps" or "no". A scalable Bloom filter: each layer has twice the capacity of the one before, so
//! that few keys cost little memory. At its bound of memory it always answers "perhaps".

use fastbloom::BloomFilter;
use xxhash_rust::xxh3::xxh3_64;

/// Keys in the first filter, and in the last: about eight million in all, in ten mebibytes.
const FIRST: usize = 1 << 12;
const LAST: usize = 1 << 22;
const FALSE_POSITIVES: f64 = 0.01;

#[derive(Debug, Default)]
pub(crate) struct Filter {
    layers: Vec<BloomFilter>,
    /// Keys that still fit into the last layer.
    free: usize,
    /// Some keys are in no layer: the answer is always "perhaps".
    is_saturated: bool,
}

impl Filter {
    /// A filter that excludes no key.
    pub(crate) fn saturated() -> Self {
        Self {
            is_saturated: true,
            ..Self::default()
        }
    }

    pub(crate) fn insert(&mut self, key: &[u8]) {
        if self.is_saturated {
            return;
        }
        if self.free == 0 {
            let size = FIRST << self.layers.len();
            if size > LAST {
                *self = Self::saturated();
                return;
            }
            let layer = BloomFilter::with_false_pos(FALSE_POSITIVES);
            self.layers.push(layer.expected_items(size));
            self.free = size;
        }
        self.free -= 1;
        if let Some(last) = self.layers.last_mut() {
            last.insert_hash(xxh3_64(key));
        }
    }

    /// `false` only for a key that was never inserted.
    pub(crate) fn may_contain(&self, key: &[u8]) -> bool {
        let hash = xxh3_64(key);
        self.is_saturated || self.layers.iter().rev().any(|layer| layer.contains_hash(hash))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: usize) -> [u8; 16] {
        (n as u128).to_le_bytes()
    }

    #[test]
    fn inserted_keys_are_found_and_few_others() {
        let mut filter = Filter::default();
        assert!(!filter.may_contain(&key(0)));
        let many = 100_000;
        for n in 0..many {
            filter.insert(&key(n));
        }
        assert!((0..many).all(|n| filter.may_contain(&key(n))));
        let false_positives = (many..2 * many).filter(|&n| filter.may_contain(&key(n))).count();
        assert!(false_positives < many / 15, "{false_positives}");
    }

    #[test]
    fn at_its_bound_it_excludes_nothing() {
        let mut filter = Filter::default();
        for n in 0..2 * LAST {
            filter.insert(&key(n));
        }
        assert!(filter.layers.is_empty() && filter.may_contain(&key(usize::MAX)));
        assert!(Filter::saturated().may_contain(&key(0)));
    }
}
