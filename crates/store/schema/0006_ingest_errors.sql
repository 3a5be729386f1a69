-- Messages that were refused, and rows that ClickHouse refused: sampled, for a person who asks why something is missing.
-- ORDER BY received_at: it is read backwards from now. A month is enough to notice.
CREATE TABLE IF NOT EXISTS ingest_errors (
    received_at DateTime64(3) CODEC(Delta(8), ZSTD(3)),
    topic String CODEC(ZSTD(3)),
    reason LowCardinality(String),                  -- a small fixed set of codes
    detail String CODEC(ZSTD(3)),                   -- in words, ClickHouse's own where it refused
    first_bytes String CODEC(ZSTD(3))               -- the beginning of the payload
) ENGINE = MergeTree
ORDER BY received_at
PARTITION BY toYYYYMM(received_at)
TTL toDateTime(received_at) + INTERVAL 30 DAY
SETTINGS non_replicated_deduplication_window = 1000;
