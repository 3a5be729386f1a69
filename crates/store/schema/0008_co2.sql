-- CO₂, in a table of the same shape as every reading; see 0002_readings.sql.
CREATE TABLE IF NOT EXISTS sensor_co2 (
    timestamp DateTime64(3) CODEC(Delta(8), ZSTD(3)),
    device_id LowCardinality(String),
    value Float64 CODEC(ZSTD(3)),                   -- ppm
    received_at DateTime64(3) DEFAULT now64(3) CODEC(Delta(8), ZSTD(3))
) ENGINE = MergeTree
ORDER BY (device_id, timestamp)
PARTITION BY toYYYYMM(timestamp)
SETTINGS non_replicated_deduplication_window = 1000;
