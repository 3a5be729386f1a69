-- Who came in, who did not, and what was done to accounts. The accounts' own file keeps their newest changes and tells them
-- again after a restart that came too early: rows of one time, kind, account and number are one row.
-- ORDER BY timestamp: it is read backwards from now.
CREATE TABLE IF NOT EXISTS audit_log (
    timestamp DateTime64(3) CODEC(Delta(8), ZSTD(3)),
    kind LowCardinality(String),                    -- a small fixed set of codes
    account String CODEC(ZSTD(3)),                  -- whom it happened to
    actor String CODEC(ZSTD(3)),                    -- who did it
    address String CODEC(ZSTD(3)),                  -- where it came from
    detail String CODEC(ZSTD(3)),                   -- in words
    number UInt64 CODEC(ZSTD(3))
) ENGINE = ReplacingMergeTree
ORDER BY (timestamp, kind, account, number)
PARTITION BY toYYYYMM(timestamp)
TTL toDateTime(timestamp) + INTERVAL 365 DAY
SETTINGS non_replicated_deduplication_window = 1000;
