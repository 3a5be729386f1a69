-- What became of the model's decisions, half an hour later: written once by the backend (store/outcomes.rs has the
-- definition), when a correction can no longer come.
CREATE TABLE IF NOT EXISTS decision_outcomes (
    timestamp DateTime64(3) CODEC(Delta(8), ZSTD(3)),   -- of the decision
    device_id LowCardinality(String),
    command_id String CODEC(ZSTD(1)),
    model_version LowCardinality(String),
    position Float64 CODEC(ZSTD(3)),                    -- what the model decided, percent open
    confidence Float64 CODEC(ZSTD(3)),
    corrected Bool,
    chosen Float64 CODEC(ZSTD(3))                       -- the position that replaced it; nan: it was kept
) ENGINE = MergeTree
ORDER BY (device_id, timestamp)
PARTITION BY toYYYYMM(timestamp)
SETTINGS non_replicated_deduplication_window = 1000;

-- The same by minute, hour and day. The bins are those of predictions_by_time: decisions, and corrected ones, by confidence.
CREATE TABLE IF NOT EXISTS outcomes_by_time (
    step UInt32 CODEC(ZSTD(1)),
    device_id LowCardinality(String),
    model_version LowCardinality(String),
    time DateTime('UTC') CODEC(Delta(4), ZSTD(3)),
    decisions SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(3)),
    corrected SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(3)),
    correction SimpleAggregateFunction(sum, Float64) CODEC(ZSTD(3)),        -- points, over the corrected ones
    decision_bins SimpleAggregateFunction(sumMap, Map(UInt8, UInt64)) CODEC(ZSTD(3)),
    corrected_bins SimpleAggregateFunction(sumMap, Map(UInt8, UInt64)) CODEC(ZSTD(3))
) ENGINE = AggregatingMergeTree
ORDER BY (step, device_id, model_version, time)
PARTITION BY toYYYYMM(time)
SETTINGS non_replicated_deduplication_window = 1000;

CREATE MATERIALIZED VIEW IF NOT EXISTS decision_outcomes_by_time TO outcomes_by_time AS
SELECT step, device_id, model_version,
    toDateTime(intDiv(toUInt32(toStartOfMinute(timestamp)), step) * step, 'UTC') AS time,
    count() AS decisions, countIf(o.corrected) AS corrected,
    sumIf(abs(o.chosen - o.position), o.corrected) AS correction,
    sumMap(map(least(toUInt8(floor(o.confidence * 20)), 19), toUInt64(1))) AS decision_bins,
    sumMap(map(least(toUInt8(floor(o.confidence * 20)), 19), toUInt64(o.corrected))) AS corrected_bins
FROM decision_outcomes AS o
ARRAY JOIN [60, 3600, 86400]::Array(UInt32) AS step
GROUP BY step, device_id, model_version, time;

-- Which months of which rollup hold the rows of before it existed; month 0: all of them. Written by store/backfill.rs.
CREATE TABLE IF NOT EXISTS rollup_backfill (
    target String,
    month UInt32
) ENGINE = MergeTree
ORDER BY (target, month)
SETTINGS non_replicated_deduplication_window = 1000;
