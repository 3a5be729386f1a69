-- Questions about when rows came ("the last hour's messages") read the granules that can hold them; see
-- of_a_quantity.sql for the readings. Rows of before are indexed when their parts are merged.
ALTER TABLE sensor_audio ADD INDEX IF NOT EXISTS received_at_range received_at TYPE minmax GRANULARITY 1;
ALTER TABLE window_actions ADD INDEX IF NOT EXISTS received_at_range received_at TYPE minmax GRANULARITY 1;
ALTER TABLE window_states ADD INDEX IF NOT EXISTS received_at_range received_at TYPE minmax GRANULARITY 1;
ALTER TABLE ml_predictions ADD INDEX IF NOT EXISTS received_at_range received_at TYPE minmax GRANULARITY 1;
ALTER TABLE device_events ADD INDEX IF NOT EXISTS received_at_range received_at TYPE minmax GRANULARITY 1;
ALTER TABLE suspect_readings ADD INDEX IF NOT EXISTS received_at_range received_at TYPE minmax GRANULARITY 1;

-- Of the predictions of a bucket, those that were held: published for the record, without a command.
ALTER TABLE predictions_by_time ADD COLUMN IF NOT EXISTS held SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(3));

ALTER TABLE ml_predictions_by_time MODIFY QUERY
SELECT step, device_id, model_version,
    toDateTime(intDiv(toUInt32(toStartOfMinute(timestamp)), step) * step, 'UTC') AS time,
    count() AS predictions, sum(prediction) AS total, sum(p.confidence) AS confidence,
    sumMap(map(least(toUInt8(floor(p.confidence * 20)), 19), toUInt64(1))) AS confidence_bins,
    quantilesTDigestStateIf(0.5, 0.95, 0.99)(p.inference_time_ms, isFinite(p.inference_time_ms)) AS inference_time_ms,
    maxIf(p.inference_time_ms, isFinite(p.inference_time_ms)) AS slowest_ms,
    countIf(p.held) AS held
FROM ml_predictions AS p
ARRAY JOIN [60, 3600, 86400]::Array(UInt32) AS step
GROUP BY step, device_id, model_version, time;

-- What was held before; the token makes it count once, also where the migration was interrupted.
INSERT INTO predictions_by_time (step, device_id, model_version, time, held)
SETTINGS insert_deduplicate = 1, insert_deduplication_token = 'held before version 19'
SELECT step, device_id, model_version,
    toDateTime(intDiv(toUInt32(toStartOfMinute(timestamp)), step) * step, 'UTC') AS time, count() AS held
FROM ml_predictions AS p
ARRAY JOIN [60, 3600, 86400]::Array(UInt32) AS step
WHERE p.held
GROUP BY step, device_id, model_version, time
ORDER BY step, device_id, model_version, time;
