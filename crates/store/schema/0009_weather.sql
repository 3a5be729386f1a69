-- Pressure, light, rain and wind, in tables of the same shape as every reading; see 0002_readings.sql.
CREATE TABLE IF NOT EXISTS sensor_pressure (
    timestamp DateTime64(3) CODEC(Delta(8), ZSTD(3)),
    device_id LowCardinality(String),
    value Float64 CODEC(ZSTD(3)),                   -- hPa
    received_at DateTime64(3) DEFAULT now64(3) CODEC(Delta(8), ZSTD(3))
) ENGINE = MergeTree
ORDER BY (device_id, timestamp)
PARTITION BY toYYYYMM(timestamp)
SETTINGS non_replicated_deduplication_window = 1000;

CREATE TABLE IF NOT EXISTS sensor_illuminance (
    timestamp DateTime64(3) CODEC(Delta(8), ZSTD(3)),
    device_id LowCardinality(String),
    value Float64 CODEC(ZSTD(3)),                   -- lx
    received_at DateTime64(3) DEFAULT now64(3) CODEC(Delta(8), ZSTD(3))
) ENGINE = MergeTree
ORDER BY (device_id, timestamp)
PARTITION BY toYYYYMM(timestamp)
SETTINGS non_replicated_deduplication_window = 1000;

CREATE TABLE IF NOT EXISTS sensor_rain (
    timestamp DateTime64(3) CODEC(Delta(8), ZSTD(3)),
    device_id LowCardinality(String),
    value Float64 CODEC(ZSTD(3)),                   -- mm/h
    received_at DateTime64(3) DEFAULT now64(3) CODEC(Delta(8), ZSTD(3))
) ENGINE = MergeTree
ORDER BY (device_id, timestamp)
PARTITION BY toYYYYMM(timestamp)
SETTINGS non_replicated_deduplication_window = 1000;

CREATE TABLE IF NOT EXISTS sensor_wind (
    timestamp DateTime64(3) CODEC(Delta(8), ZSTD(3)),
    device_id LowCardinality(String),
    value Float64 CODEC(ZSTD(3)),                   -- m/s
    received_at DateTime64(3) DEFAULT now64(3) CODEC(Delta(8), ZSTD(3))
) ENGINE = MergeTree
ORDER BY (device_id, timestamp)
PARTITION BY toYYYYMM(timestamp)
SETTINGS non_replicated_deduplication_window = 1000;
