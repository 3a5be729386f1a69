-- Readings by minute, hour and day, for long ranges: one table, so that an insert of readings makes one part more, not
-- three. step: 60, 3600 or 86400 seconds; rows of the same key are parts of one bucket until they are merged, so
-- whoever reads sums them. newest: the latest reading by time, as (time, value).
-- ORDER BY (step, quantity, device_id, time): every question names a step and a quantity.
--
-- The window makes a batch that is sent again count once here as well: deduplicate_blocks_in_dependent_materialized_views
-- gives each view's block the token of its batch.
CREATE TABLE IF NOT EXISTS readings_by_time (
    step UInt32 CODEC(ZSTD(1)),
    quantity LowCardinality(String),
    device_id LowCardinality(String),
    time DateTime('UTC') CODEC(Delta(4), ZSTD(3)),
    readings SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(3)),
    total SimpleAggregateFunction(sum, Float64) CODEC(ZSTD(3)),
    lowest SimpleAggregateFunction(min, Float64) CODEC(ZSTD(3)),
    highest SimpleAggregateFunction(max, Float64) CODEC(ZSTD(3)),
    newest SimpleAggregateFunction(max, Tuple(DateTime64(3), Float64)) CODEC(ZSTD(3))
) ENGINE = AggregatingMergeTree
ORDER BY (step, quantity, device_id, time)
PARTITION BY toYYYYMM(time)
SETTINGS non_replicated_deduplication_window = 1000;

CREATE MATERIALIZED VIEW IF NOT EXISTS sensor_temperature_by_time TO readings_by_time AS
SELECT step, 'temperature' AS quantity, device_id, toDateTime(intDiv(toUInt32(minute), step) * step, 'UTC') AS time,
    sum(m.readings) AS readings, sum(m.total) AS total, min(m.lowest) AS lowest, max(m.highest) AS highest,
    max(m.newest) AS newest
FROM (
    SELECT device_id, toStartOfMinute(timestamp) AS minute, count() AS readings, sum(value) AS total,
        min(value) AS lowest, max(value) AS highest, max((timestamp, value)) AS newest
    FROM sensor_temperature GROUP BY device_id, minute
) AS m
ARRAY JOIN [60, 3600, 86400]::Array(UInt32) AS step
GROUP BY step, device_id, time;

CREATE MATERIALIZED VIEW IF NOT EXISTS sensor_humidity_by_time TO readings_by_time AS
SELECT step, 'humidity' AS quantity, device_id, toDateTime(intDiv(toUInt32(minute), step) * step, 'UTC') AS time,
    sum(m.readings) AS readings, sum(m.total) AS total, min(m.lowest) AS lowest, max(m.highest) AS highest,
    max(m.newest) AS newest
FROM (
    SELECT device_id, toStartOfMinute(timestamp) AS minute, count() AS readings, sum(value) AS total,
        min(value) AS lowest, max(value) AS highest, max((timestamp, value)) AS newest
    FROM sensor_humidity GROUP BY device_id, minute
) AS m
ARRAY JOIN [60, 3600, 86400]::Array(UInt32) AS step
GROUP BY step, device_id, time;

CREATE MATERIALIZED VIEW IF NOT EXISTS sensor_co2_by_time TO readings_by_time AS
SELECT step, 'co2' AS quantity, device_id, toDateTime(intDiv(toUInt32(minute), step) * step, 'UTC') AS time,
    sum(m.readings) AS readings, sum(m.total) AS total, min(m.lowest) AS lowest, max(m.highest) AS highest,
    max(m.newest) AS newest
FROM (
    SELECT device_id, toStartOfMinute(timestamp) AS minute, count() AS readings, sum(value) AS total,
        min(value) AS lowest, max(value) AS highest, max((timestamp, value)) AS newest
    FROM sensor_co2 GROUP BY device_id, minute
) AS m
ARRAY JOIN [60, 3600, 86400]::Array(UInt32) AS step
GROUP BY step, device_id, time;

CREATE MATERIALIZED VIEW IF NOT EXISTS sensor_pressure_by_time TO readings_by_time AS
SELECT step, 'pressure' AS quantity, device_id, toDateTime(intDiv(toUInt32(minute), step) * step, 'UTC') AS time,
    sum(m.readings) AS readings, sum(m.total) AS total, min(m.lowest) AS lowest, max(m.highest) AS highest,
    max(m.newest) AS newest
FROM (
    SELECT device_id, toStartOfMinute(timestamp) AS minute, count() AS readings, sum(value) AS total,
        min(value) AS lowest, max(value) AS highest, max((timestamp, value)) AS newest
    FROM sensor_pressure GROUP BY device_id, minute
) AS m
ARRAY JOIN [60, 3600, 86400]::Array(UInt32) AS step
GROUP BY step, device_id, time;

CREATE MATERIALIZED VIEW IF NOT EXISTS sensor_illuminance_by_time TO readings_by_time AS
SELECT step, 'illuminance' AS quantity, device_id, toDateTime(intDiv(toUInt32(minute), step) * step, 'UTC') AS time,
    sum(m.readings) AS readings, sum(m.total) AS total, min(m.lowest) AS lowest, max(m.highest) AS highest,
    max(m.newest) AS newest
FROM (
    SELECT device_id, toStartOfMinute(timestamp) AS minute, count() AS readings, sum(value) AS total,
        min(value) AS lowest, max(value) AS highest, max((timestamp, value)) AS newest
    FROM sensor_illuminance GROUP BY device_id, minute
) AS m
ARRAY JOIN [60, 3600, 86400]::Array(UInt32) AS step
GROUP BY step, device_id, time;

CREATE MATERIALIZED VIEW IF NOT EXISTS sensor_rain_by_time TO readings_by_time AS
SELECT step, 'rain' AS quantity, device_id, toDateTime(intDiv(toUInt32(minute), step) * step, 'UTC') AS time,
    sum(m.readings) AS readings, sum(m.total) AS total, min(m.lowest) AS lowest, max(m.highest) AS highest,
    max(m.newest) AS newest
FROM (
    SELECT device_id, toStartOfMinute(timestamp) AS minute, count() AS readings, sum(value) AS total,
        min(value) AS lowest, max(value) AS highest, max((timestamp, value)) AS newest
    FROM sensor_rain GROUP BY device_id, minute
) AS m
ARRAY JOIN [60, 3600, 86400]::Array(UInt32) AS step
GROUP BY step, device_id, time;

CREATE MATERIALIZED VIEW IF NOT EXISTS sensor_wind_by_time TO readings_by_time AS
SELECT step, 'wind' AS quantity, device_id, toDateTime(intDiv(toUInt32(minute), step) * step, 'UTC') AS time,
    sum(m.readings) AS readings, sum(m.total) AS total, min(m.lowest) AS lowest, max(m.highest) AS highest,
    max(m.newest) AS newest
FROM (
    SELECT device_id, toStartOfMinute(timestamp) AS minute, count() AS readings, sum(value) AS total,
        min(value) AS lowest, max(value) AS highest, max((timestamp, value)) AS newest
    FROM sensor_wind GROUP BY device_id, minute
) AS m
ARRAY JOIN [60, 3600, 86400]::Array(UInt32) AS step
GROUP BY step, device_id, time;

-- What every chart and the API ask: SELECT … FROM readings_over(step = 600) gives the coarsest rows that are not coarser
-- than ten minutes; below a minute, the readings themselves. Sum readings and total, take min(lowest), max(highest).
CREATE VIEW IF NOT EXISTS readings_over AS
SELECT quantity, device_id, toDateTime64(r.time, 3, 'UTC') AS time, r.readings AS readings, r.total AS total,
    r.lowest AS lowest, r.highest AS highest, r.newest AS newest
FROM readings_by_time AS r
WHERE {step:UInt32} >= 60
    AND step = multiIf({step:UInt32} >= 86400, 86400, {step:UInt32} >= 3600, 3600, 60)
UNION ALL
SELECT 'temperature', device_id, timestamp, 1, value, value, value, (timestamp, value)
FROM sensor_temperature WHERE {step:UInt32} < 60
UNION ALL
SELECT 'humidity', device_id, timestamp, 1, value, value, value, (timestamp, value)
FROM sensor_humidity WHERE {step:UInt32} < 60
UNION ALL
SELECT 'co2', device_id, timestamp, 1, value, value, value, (timestamp, value)
FROM sensor_co2 WHERE {step:UInt32} < 60
UNION ALL
SELECT 'pressure', device_id, timestamp, 1, value, value, value, (timestamp, value)
FROM sensor_pressure WHERE {step:UInt32} < 60
UNION ALL
SELECT 'illuminance', device_id, timestamp, 1, value, value, value, (timestamp, value)
FROM sensor_illuminance WHERE {step:UInt32} < 60
UNION ALL
SELECT 'rain', device_id, timestamp, 1, value, value, value, (timestamp, value)
FROM sensor_rain WHERE {step:UInt32} < 60
UNION ALL
SELECT 'wind', device_id, timestamp, 1, value, value, value, (timestamp, value)
FROM sensor_wind WHERE {step:UInt32} < 60;
