//! What comes into question: codecs of a time and of a value, and whole tables.

use std::fmt;

/// A codec, and the size of the blocks that it compresses.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate {
    pub(super) codec: &'static str,
    /// Of a compressed block before compression.
    kib: u32,
}

impl Candidate {
    /// With ClickHouse's blocks: at least 64 KiB, a granule of 8-byte values.
    const fn new(codec: &'static str) -> Self {
        Self { codec, kib: 64 }
    }

    const fn in_blocks(codec: &'static str, kib: u32) -> Self {
        Self { codec, kib }
    }

    /// Settings of its table. Columns are files of their own, as in every part above 10 MB.
    pub(super) fn settings(&self) -> String {
        let bytes = self.kib * 1_024;
        let blocks = if self.kib == 64 {
            String::new()
        } else {
            format!(", min_compress_block_size = {bytes}, max_compress_block_size = {bytes}")
        };
        format!("min_bytes_for_wide_part = 0, allow_experimental_codecs = 1{blocks}")
    }
}

impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { codec, kib } = self;
        f.pad(&format!("{codec}; {kib} KiB"))
    }
}

/// Codecs of `timestamp`.
pub(super) const TIME: [Candidate; 29] = [
    Candidate::new("ZSTD(3)"),
    Candidate::new("Delta(8), ZSTD(1)"),
    Candidate::new("Delta(8), ZSTD(3)"),
    Candidate::new("Delta(8), ZSTD(6)"),
    Candidate::new("Delta(8), ZSTD(9)"),
    Candidate::new("Delta(8), ZSTD(12)"),
    Candidate::new("Delta(4), ZSTD(3)"),
    Candidate::new("Delta(2), ZSTD(3)"),
    Candidate::new("Delta(1), ZSTD(3)"),
    Candidate::new("Delta(8), LZ4HC(9)"),
    Candidate::new("DoubleDelta"),
    Candidate::new("DoubleDelta, ZSTD(1)"),
    Candidate::new("DoubleDelta, ZSTD(3)"),
    Candidate::new("GCD, Delta(8), ZSTD(3)"),
    Candidate::new("T64, ZSTD(3)"),
    Candidate::new("T64('bit'), ZSTD(3)"),
    Candidate::new("Delta(8), T64, ZSTD(1)"),
    Candidate::new("Delta(8), T64, ZSTD(3)"),
    Candidate::new("Delta(8), T64('bit'), ZSTD(1)"),
    Candidate::new("Delta(8), T64('bit'), ZSTD(9)"),
    Candidate::in_blocks("Delta(8), ZSTD(1)", 256),
    Candidate::in_blocks("Delta(8), ZSTD(3)", 256),
    Candidate::in_blocks("Delta(8), T64, ZSTD(1)", 256),
    Candidate::in_blocks("Delta(8), T64, ZSTD(5)", 256),
    Candidate::in_blocks("Delta(8), T64, ZSTD(9)", 256),
    Candidate::in_blocks("Delta(8), T64, ZSTD(12)", 256),
    Candidate::in_blocks("Delta(8), T64, ZSTD(16)", 256),
    Candidate::in_blocks("Delta(8), T64, ZSTD(1)", 1_024),
    Candidate::in_blocks("Delta(8), T64, ZSTD(12)", 1_024),
];

/// Codecs of `value`. T64, GCD and `DoubleDelta` refuse floating-point numbers.
pub(super) const VALUE: [Candidate; 17] = [
    Candidate::new("ZSTD(1)"),
    Candidate::new("ZSTD(3)"),
    Candidate::new("ZSTD(6)"),
    Candidate::new("ZSTD(9)"),
    Candidate::new("ZSTD(12)"),
    Candidate::new("Delta(8), ZSTD(3)"),
    Candidate::new("Gorilla, ZSTD(3)"),
    Candidate::new("FPC(12), ZSTD(3)"),
    Candidate::new("ALP"),
    Candidate::new("ALP, ZSTD(1)"),
    Candidate::new("ALP, ZSTD(9)"),
    Candidate::in_blocks("ZSTD(3)", 256),
    Candidate::in_blocks("ZSTD(7)", 256),
    Candidate::in_blocks("ZSTD(9)", 256),
    Candidate::in_blocks("ZSTD(10)", 256),
    Candidate::in_blocks("ZSTD(12)", 256),
    Candidate::in_blocks("ZSTD(9)", 1_024),
];

/// A table of readings.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) time: Candidate,
    pub(super) value: Candidate,
    pub(super) order: &'static str,
}

const BY_DEVICE: &str = "(device_id, timestamp)";

/// Whole tables, time / value: the first as they were, the third as they are.
pub(super) const TABLES: [Table; 7] = [
    Table {
        name: "Delta(8), ZSTD(3) / ZSTD(3)",
        time: Candidate::new("Delta(8), ZSTD(3)"),
        value: Candidate::new("ZSTD(3)"),
        order: BY_DEVICE,
    },
    Table {
        name: "Delta(8), T64, ZSTD(1) / ZSTD(9); 256 KiB",
        time: Candidate::in_blocks("Delta(8), T64, ZSTD(1)", 256),
        value: Candidate::in_blocks("ZSTD(9)", 256),
        order: BY_DEVICE,
    },
    Table {
        name: "Delta(8), T64, ZSTD(5) / ZSTD(10); 256 KiB",
        time: Candidate::in_blocks("Delta(8), T64, ZSTD(5)", 256),
        value: Candidate::in_blocks("ZSTD(10)", 256),
        order: BY_DEVICE,
    },
    Table {
        name: "Delta(8), T64, ZSTD(6) / ZSTD(10); 512 KiB",
        time: Candidate::in_blocks("Delta(8), T64, ZSTD(6)", 512),
        value: Candidate::in_blocks("ZSTD(10)", 512),
        order: BY_DEVICE,
    },
    Table {
        name: "Delta(8), T64, ZSTD(12) / ZSTD(10); 512 KiB",
        time: Candidate::in_blocks("Delta(8), T64, ZSTD(12)", 512),
        value: Candidate::in_blocks("ZSTD(10)", 512),
        order: BY_DEVICE,
    },
    Table {
        name: "Delta(8), T64, ZSTD(12) / ZSTD(12); 256 KiB",
        time: Candidate::in_blocks("Delta(8), T64, ZSTD(12)", 256),
        value: Candidate::in_blocks("ZSTD(12)", 256),
        order: BY_DEVICE,
    },
    Table {
        name: "the first, ORDER BY (timestamp, device_id)",
        time: Candidate::new("Delta(8), ZSTD(3)"),
        value: Candidate::new("ZSTD(3)"),
        order: "(timestamp, device_id)",
    },
];
