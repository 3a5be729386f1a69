-- What was decided, commanded and reported about windows.
-- ORDER BY (device_id, timestamp) throughout: a window's history, or a device's last hour.
CREATE TABLE IF NOT EXISTS window_actions (
    timestamp DateTime64(3) CODEC(Delta(8), ZSTD(3)),
    device_id LowCardinality(String),
    position Float64 CODEC(ZSTD(3)),                -- percent open, 0-100
    confidence Float64 CODEC(ZSTD(3)),              -- 0-1
    temperature Float64 CODEC(ZSTD(3)),             -- the input it was decided from, nan when unknown
    humidity Float64 CODEC(ZSTD(3)),                -- the input it was decided from, nan when unknown
    audio_hash String CODEC(ZSTD(1)),               -- the clip it was decided from, empty without one
    command_id String DEFAULT '' CODEC(ZSTD(1)),
    model_version LowCardinality(String) DEFAULT '',
    reason LowCardinality(String) DEFAULT '',
    received_at DateTime64(3) DEFAULT now64(3) CODEC(Delta(8), ZSTD(3))
) ENGINE = MergeTree
ORDER BY (device_id, timestamp)
PARTITION BY toYYYYMM(timestamp)
SETTINGS non_replicated_deduplication_window = 1000;

CREATE TABLE IF NOT EXISTS ml_predictions (
    timestamp DateTime64(3) CODEC(Delta(8), ZSTD(3)),
    device_id LowCardinality(String),
    prediction Float64 CODEC(ZSTD(3)),              -- percent open, 0-100
    confidence Float64 CODEC(ZSTD(3)),              -- 0-1
    inference_time_ms Float64 CODEC(ZSTD(3)),
    model_version LowCardinality(String),
    command_id String DEFAULT '' CODEC(ZSTD(1)),
    received_at DateTime64(3) DEFAULT now64(3) CODEC(Delta(8), ZSTD(3))
) ENGINE = MergeTree
ORDER BY (device_id, timestamp)
PARTITION BY toYYYYMM(timestamp)
SETTINGS non_replicated_deduplication_window = 1000;

-- The position a window reports about itself.
CREATE TABLE IF NOT EXISTS window_states (
    timestamp DateTime64(3) CODEC(Delta(8), ZSTD(3)),
    device_id LowCardinality(String),
    position Float64 CODEC(ZSTD(3)),                -- percent open, 0-100
    received_at DateTime64(3) DEFAULT now64(3) CODEC(Delta(8), ZSTD(3))
) ENGINE = MergeTree
ORDER BY (device_id, timestamp)
PARTITION BY toYYYYMM(timestamp)
SETTINGS non_replicated_deduplication_window = 1000;
