-- Readings that are possible but typical of a faulty sensor: apart from the others, so that charts and models do not see
-- them, and complete, so that a wrong suspicion costs nothing: INSERT INTO sensor_temperature SELECT timestamp, device_id,
-- value, received_at FROM suspect_readings WHERE ...
-- ORDER BY (device_id, timestamp): one device's faults.
CREATE TABLE IF NOT EXISTS suspect_readings (
    timestamp DateTime64(3) CODEC(Delta(8), ZSTD(3)),
    device_id LowCardinality(String),
    quantity LowCardinality(String),                -- temperature, humidity, ...
    value Float64 CODEC(ZSTD(3)),                   -- in the quantity's unit
    reason LowCardinality(String),                  -- in words
    received_at DateTime64(3) DEFAULT now64(3) CODEC(Delta(8), ZSTD(3))
) ENGINE = MergeTree
ORDER BY (device_id, timestamp)
PARTITION BY toYYYYMM(timestamp)
SETTINGS non_replicated_deduplication_window = 1000;
