-- How each quantity is rolled up: made for every quantity in domain/quantity.rs, see src/rollups.rs.
CREATE MATERIALIZED VIEW IF NOT EXISTS {table}_by_time TO readings_by_time AS
SELECT step, '{quantity}' AS quantity, device_id, toDateTime(intDiv(toUInt32(minute), step) * step, 'UTC') AS time,
    sum(m.readings) AS readings, sum(m.total) AS total, min(m.lowest) AS lowest, max(m.highest) AS highest,
    max(m.newest) AS newest
FROM (
    SELECT device_id, toStartOfMinute(timestamp) AS minute, count() AS readings, sum(value) AS total,
        min(value) AS lowest, max(value) AS highest, max((timestamp, value)) AS newest
    FROM {table} GROUP BY device_id, minute
) AS m
ARRAY JOIN [60, 3600, 86400]::Array(UInt32) AS step
GROUP BY step, device_id, time;

-- Questions about when readings came read the granules that can hold them.
ALTER TABLE {table} ADD INDEX IF NOT EXISTS received_at_range received_at TYPE minmax GRANULARITY 1;
