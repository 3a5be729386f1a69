-- How the system itself does: a row of each backend every ten seconds, for a month. Counts are those of the interval.
-- ORDER BY timestamp: it is read for a span of time.
CREATE TABLE IF NOT EXISTS system_metrics (
    timestamp DateTime64(3) CODEC(Delta(8), ZSTD(3)),
    instance LowCardinality(String),                    -- which backend
    interval_s Float32 CODEC(ZSTD(3)),                  -- since its row before
    uptime_s UInt32 CODEC(Delta(4), ZSTD(3)),           -- falls where it was restarted
    messages Map(LowCardinality(String), UInt64) CODEC(ZSTD(3)),   -- accepted, by kind
    refused Map(LowCardinality(String), UInt64) CODEC(ZSTD(3)),    -- by reason
    duplicates UInt64 CODEC(T64, ZSTD(3)),
    rows_stored UInt64 CODEC(T64, ZSTD(3)),
    store_failures UInt64 CODEC(T64, ZSTD(3)),
    requests UInt64 CODEC(T64, ZSTD(3)),                -- inference requests published
    requests_dropped UInt64 CODEC(T64, ZSTD(3)),
    commands UInt64 CODEC(T64, ZSTD(3)),                -- window commands logged
    reconnects UInt64 CODEC(T64, ZSTD(3)),              -- to the broker
    journal_records UInt64 CODEC(T64, ZSTD(3)),
    journal_bytes UInt64 CODEC(T64, ZSTD(3)),
    journal_max_bytes UInt64 CODEC(T64, ZSTD(3)),
    row_delay_ms Float64 CODEC(ZSTD(3)),                -- from receipt to stored, the longest; nan: nothing was stored
    decision_ms Float64 CODEC(ZSTD(3)),                 -- from request to command, mean; nan: none
    inference_ms Float64 CODEC(ZSTD(3)),                -- as the model's service states it, mean; nan: none
    devices_active UInt32 CODEC(T64, ZSTD(3)),
    devices_known UInt32 CODEC(T64, ZSTD(3)),
    database_memory_bytes UInt64 CODEC(T64, ZSTD(3)),   -- 0: ClickHouse did not answer
    database_disk_bytes UInt64 CODEC(T64, ZSTD(3)),
    disk_free_bytes UInt64 CODEC(T64, ZSTD(3))
) ENGINE = MergeTree
ORDER BY timestamp
PARTITION BY toYYYYMM(timestamp)
TTL toDateTime(timestamp) + INTERVAL 30 DAY
SETTINGS non_replicated_deduplication_window = 1000;
