//! How a file of what must not be lost does, as a part of the health.

use monitoring::{Link, Part};

/// How such a file does.
#[derive(Debug)]
pub(crate) struct Keeping {
    /// Writing it.
    pub(crate) writes: Link,
    /// Having read it.
    pub(crate) reads: Link,
}

impl Keeping {
    /// That of the part of this name, well so far.
    pub(crate) const fn of(part: &'static str) -> Self {
        Self {
            writes: Link::met(part),
            reads: Link::wanted(part),
        }
    }

    /// As a part of the health.
    pub(crate) fn part(&self) -> Part {
        if self.writes.is_up() {
            self.reads.part()
        } else {
            self.writes.part()
        }
    }
}
