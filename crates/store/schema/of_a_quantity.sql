-- What each quantity has beside its table: made for every quantity in domain/quantity.rs, see src/quantities.rs.
-- Its rollup.
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

-- Codecs, of which docs/storage.md has the measurements: 1.20 bytes a reading of a temperature at a jitter of ±15 ms, where
-- Delta + ZSTD(3) and ZSTD(3) took 1.34, and half the processor time to read, for more of it to write. T64 puts the bytes
-- of like place side by side, so that ZSTD meets the noise of a difference apart from its zeros. Larger blocks give it more
-- to compare. Only new parts are written so, and old ones where they are merged: nothing is rewritten now.
ALTER TABLE {table}
    MODIFY COLUMN IF EXISTS timestamp CODEC(Delta(8), T64, ZSTD(5)),
    MODIFY COLUMN IF EXISTS value CODEC(ZSTD(10)),
    MODIFY SETTING min_compress_block_size = 262144, max_compress_block_size = 262144;

-- As readings_over, of this quantity alone: ClickHouse plans the tables of all quantities for that one, which takes longer
-- than the answer.
CREATE OR REPLACE VIEW {table}_over AS
SELECT quantity, device_id, CAST(r.time AS DateTime64(3, 'UTC')) AS time, r.readings AS readings, r.total AS total,
    r.lowest AS lowest, r.highest AS highest, r.newest AS newest
FROM readings_by_time AS r
WHERE {step:UInt32} >= 60 AND quantity = '{quantity}'
    AND step = multiIf({step:UInt32} >= 86400, 86400, {step:UInt32} >= 3600, 3600, 60)
UNION ALL SELECT '{quantity}', device_id, timestamp, 1, value, value, value, (timestamp, value)
FROM {table} WHERE {step:UInt32} < 60;
