-- Clips: a hash and features for each; raw audio only as a path, and only when storing it is switched on.
-- ORDER BY (device_id, timestamp): as for readings.
CREATE TABLE IF NOT EXISTS sensor_audio (
    timestamp DateTime64(3) CODEC(Delta(8), ZSTD(3)),
    device_id LowCardinality(String),
    sample_rate UInt32 CODEC(ZSTD(3)),
    duration Float64 CODEC(ZSTD(3)),                -- seconds
    format LowCardinality(String),                  -- wav, pcm
    audio_hash String CODEC(ZSTD(1)),
    features String CODEC(ZSTD(3)),                 -- JSON
    raw_path String DEFAULT '' CODEC(ZSTD(3)),      -- empty: not stored
    received_at DateTime64(3) DEFAULT now64(3) CODEC(Delta(8), ZSTD(3))
) ENGINE = MergeTree
ORDER BY (device_id, timestamp)
PARTITION BY toYYYYMM(timestamp)
SETTINGS non_replicated_deduplication_window = 1000;
