-- Devices as they are known now: one row a device after merging, the one last seen wins. Read with FINAL.
-- ORDER BY device_id: it is what makes two rows the same device.
CREATE TABLE IF NOT EXISTS device_registry (
    device_id String,
    name String,
    location String,
    registered_at DateTime64(3),
    last_seen DateTime64(3),
    is_active Bool,
    config String                                   -- JSON
) ENGINE = ReplacingMergeTree(last_seen)
ORDER BY device_id
SETTINGS non_replicated_deduplication_window = 1000;

-- What happened to devices: registered, online, offline, inactive.
-- ORDER BY (device_id, timestamp): one device's story.
CREATE TABLE IF NOT EXISTS device_events (
    timestamp DateTime64(3) CODEC(Delta(8), ZSTD(3)),
    device_id LowCardinality(String),
    event LowCardinality(String),
    detail String DEFAULT '' CODEC(ZSTD(3)),
    received_at DateTime64(3) DEFAULT now64(3) CODEC(Delta(8), ZSTD(3))
) ENGINE = MergeTree
ORDER BY (device_id, timestamp)
PARTITION BY toYYYYMM(timestamp)
SETTINGS non_replicated_deduplication_window = 1000;
