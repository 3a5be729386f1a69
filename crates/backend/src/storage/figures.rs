//! What was removed, as metrics.

use std::sync::atomic::AtomicU64;

use monitoring::Registry;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
};
use store::StoredMonth;

/// Why rows were removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// They were older than they are to be kept.
    Age,
    /// The disk ran short.
    Space,
}

impl Cause {
    const ALL: [Self; 2] = [Self::Age, Self::Space];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Age => "age",
            Self::Space => "space",
        }
    }

    /// The reason in `ingest_errors`.
    pub(super) const fn event(self) -> &'static str {
        match self {
            Self::Age => "removed_by_age",
            Self::Space => "removed_for_space",
        }
    }

    pub(super) const fn in_words(self) -> &'static str {
        match self {
            Self::Age => "removed because they were older than retention keeps them",
            Self::Space => "removed because the disk had less than retention.min_free_bytes left",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Label {
    cause: &'static str,
}

/// The metrics.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    rows: Family<Label, Counter>,
    bytes: Family<Label, Counter>,
    free: Gauge<u64, AtomicU64>,
}

impl Figures {
    /// Registers them.
    pub(crate) fn registered(registry: &mut Registry) -> Self {
        let figures = Self::default();
        for cause in Cause::ALL {
            let label = Label {
                cause: cause.as_str(),
            };
            drop(figures.rows.get_or_create(&label));
            drop(figures.bytes.get_or_create(&label));
        }
        registry.register(
            "removed_rows",
            "Rows removed from ClickHouse, because of their age or for space",
            figures.rows.clone(),
        );
        registry.register(
            "removed_bytes",
            "Bytes on disk of those rows",
            figures.bytes.clone(),
        );
        registry.register(
            "disk_free_bytes",
            "Free bytes on the disk of ClickHouse",
            figures.free.clone(),
        );
        figures
    }

    pub(super) fn removed(&self, cause: Cause, month: &StoredMonth) {
        let label = Label {
            cause: cause.as_str(),
        };
        self.rows.get_or_create(&label).inc_by(month.rows);
        self.bytes.get_or_create(&label).inc_by(month.bytes);
    }

    pub(super) fn disk_free(&self, bytes: u64) {
        self.free.set(bytes);
    }
}
