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
