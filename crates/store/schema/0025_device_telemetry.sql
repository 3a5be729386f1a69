-- What devices say of themselves. NaN and '' where they do not say it.
-- ORDER BY (device_id, timestamp): one device's story.
CREATE TABLE IF NOT EXISTS device_telemetry (
    timestamp DateTime64(3) CODEC(Delta(8), ZSTD(3)),
    device_id LowCardinality(String),
    battery_v Float32 CODEC(ZSTD(3)),               -- volts
    battery_percent Float32 CODEC(ZSTD(3)),         -- 0-100
    rssi_dbm Float32 CODEC(ZSTD(3)),
    free_heap_bytes Float64 CODEC(ZSTD(3)),
    uptime_s Float64 CODEC(ZSTD(3)),                -- since the device's start
    firmware LowCardinality(String),
    received_at DateTime64(3) DEFAULT now64(3) CODEC(Delta(8), ZSTD(3))
) ENGINE = MergeTree
ORDER BY (device_id, timestamp)
PARTITION BY toYYYYMM(timestamp)
SETTINGS non_replicated_deduplication_window = 1000;
