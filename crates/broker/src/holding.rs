//! Memory for packets that have arrived in part, of all connections together.
//!
//! In: how much each connection holds. Out: whether it may hold that. While the total is within its bound everybody may;
//! beyond, those may who hold no more than an equal share, so that a few who send large packets slowly do not keep the
//! others out.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

/// What everybody may hold.
const LEAST_SHARE: usize = 4 << 10;

/// The total.
#[derive(Debug)]
pub(crate) struct Holdings {
    max: usize,
    bytes: AtomicUsize,
    holders: AtomicUsize,
}

/// What one connection holds.
#[derive(Debug)]
pub(crate) struct Holding {
    total: Arc<Holdings>,
    bytes: usize,
}

impl Holdings {
    pub(crate) fn new(max: usize) -> Arc<Self> {
        Arc::new(Self {
            max,
            bytes: AtomicUsize::new(0),
            holders: AtomicUsize::new(0),
        })
    }

    /// Bytes that are held.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.load(Relaxed)
    }

    /// Counts a connection in.
    pub(crate) fn enter(self: &Arc<Self>) -> Holding {
        self.holders.fetch_add(1, Relaxed);
        Holding {
            total: Arc::clone(self),
            bytes: 0,
        }
    }
}

impl Holding {
    /// Says how much the connection holds now; `false` where that is too much.
    pub(crate) fn update(&mut self, bytes: usize) -> bool {
        if bytes == self.bytes {
            return true;
        }
        let total = &self.total;
        if bytes < self.bytes {
            total.bytes.fetch_sub(self.bytes - bytes, Relaxed);
            self.bytes = bytes;
            return true;
        }
        let more = bytes - self.bytes;
        self.bytes = bytes;
        let sum = total.bytes.fetch_add(more, Relaxed) + more;
        sum <= total.max || bytes <= LEAST_SHARE.max(total.max / total.holders.load(Relaxed).max(1))
    }
}

impl Drop for Holding {
    fn drop(&mut self) {
        self.total.bytes.fetch_sub(self.bytes, Relaxed);
        self.total.holders.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beyond_the_total_an_equal_share_is_left_to_everybody() {
        let total = Holdings::new(1 << 20);
        let mut large = total.enter();
        let mut small = total.enter();
        let _others: Vec<Holding> = (0..6).map(|_| total.enter()).collect();
        assert!(large.update(1 << 20), "just within");
        assert!(!large.update((1 << 20) + 1), "just outside");
        assert!(small.update(128 << 10), "an eighth");
        assert!(!small.update((128 << 10) + 1));
        drop(large);
        assert!(small.update((128 << 10) + 2), "there is room again");
        drop(small);
        assert_eq!(total.bytes(), 0);
    }
}
