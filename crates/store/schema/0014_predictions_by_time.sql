-- Predictions by minute, hour and day; see 0012_readings_by_time.sql. confidence_bins: predictions by confidence, bin 0
-- for [0, 0.05), up to bin 19. Inference times as a state: quantilesTDigestMerge(0.5, 0.95, 0.99)(inference_time_ms).
CREATE TABLE IF NOT EXISTS predictions_by_time (
    step UInt32 CODEC(ZSTD(1)),
    device_id LowCardinality(String),
    model_version LowCardinality(String),
    time DateTime('UTC') CODEC(Delta(4), ZSTD(3)),
    predictions SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(3)),
    total SimpleAggregateFunction(sum, Float64) CODEC(ZSTD(3)),             -- of the positions
    confidence SimpleAggregateFunction(sum, Float64) CODEC(ZSTD(3)),
    confidence_bins SimpleAggregateFunction(sumMap, Map(UInt8, UInt64)) CODEC(ZSTD(3)),
    inference_time_ms AggregateFunction(quantilesTDigest(0.5, 0.95, 0.99), Float64) CODEC(ZSTD(3)),
    slowest_ms SimpleAggregateFunction(max, Float64) CODEC(ZSTD(3))
) ENGINE = AggregatingMergeTree
ORDER BY (step, device_id, model_version, time)
PARTITION BY toYYYYMM(time)
SETTINGS non_replicated_deduplication_window = 1000;

CREATE MATERIALIZED VIEW IF NOT EXISTS ml_predictions_by_time TO predictions_by_time AS
SELECT step, device_id, model_version,
    toDateTime(intDiv(toUInt32(toStartOfMinute(timestamp)), step) * step, 'UTC') AS time,
    count() AS predictions, sum(prediction) AS total, sum(p.confidence) AS confidence,
    sumMap(map(least(toUInt8(floor(p.confidence * 20)), 19), toUInt64(1))) AS confidence_bins,
    quantilesTDigestStateIf(0.5, 0.95, 0.99)(p.inference_time_ms, isFinite(p.inference_time_ms)) AS inference_time_ms,
    maxIf(p.inference_time_ms, isFinite(p.inference_time_ms)) AS slowest_ms
FROM ml_predictions AS p
ARRAY JOIN [60, 3600, 86400]::Array(UInt32) AS step
GROUP BY step, device_id, model_version, time;

-- Commands by minute, hour and day, and who gave them.
CREATE TABLE IF NOT EXISTS commands_by_time (
    step UInt32 CODEC(ZSTD(1)),
    device_id LowCardinality(String),
    origin LowCardinality(String),
    model_version LowCardinality(String),
    time DateTime('UTC') CODEC(Delta(4), ZSTD(3)),
    commands SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(3)),
    total SimpleAggregateFunction(sum, Float64) CODEC(ZSTD(3))              -- of the positions
) ENGINE = AggregatingMergeTree
ORDER BY (step, device_id, origin, model_version, time)
PARTITION BY toYYYYMM(time)
SETTINGS non_replicated_deduplication_window = 1000;

CREATE MATERIALIZED VIEW IF NOT EXISTS window_actions_by_time TO commands_by_time AS
SELECT step, device_id, origin, model_version,
    toDateTime(intDiv(toUInt32(toStartOfMinute(timestamp)), step) * step, 'UTC') AS time,
    count() AS commands, sum(position) AS total
FROM window_actions
ARRAY JOIN [60, 3600, 86400]::Array(UInt32) AS step
GROUP BY step, device_id, origin, model_version, time;
