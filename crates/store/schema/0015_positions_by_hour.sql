-- Positions by hour, weighted by time, exact to the minute. kind: commanded or reported.
--
-- minutes: for each minute of the hour with a report, its last one, as milliseconds × 16384 + hundredths of a percent.
-- The largest such number is the last report, so that late and repeated data leave the right one (maxMap).
CREATE TABLE IF NOT EXISTS positions_by_hour (
    kind LowCardinality(String),
    device_id LowCardinality(String),
    time DateTime('UTC') CODEC(Delta(4), ZSTD(3)),
    minutes SimpleAggregateFunction(maxMap, Tuple(Array(UInt8), Array(UInt32))) CODEC(ZSTD(3)),
    lowest SimpleAggregateFunction(min, Float64) CODEC(ZSTD(3)),
    highest SimpleAggregateFunction(max, Float64) CODEC(ZSTD(3)),
    reports SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(3))
) ENGINE = AggregatingMergeTree
ORDER BY (kind, device_id, time)
PARTITION BY toYYYYMM(time)
SETTINGS non_replicated_deduplication_window = 1000;

CREATE MATERIALIZED VIEW IF NOT EXISTS window_states_by_hour TO positions_by_hour AS
SELECT 'reported' AS kind, device_id, toStartOfHour(toDateTime(timestamp, 'UTC')) AS time,
    maxMap(
        [toUInt8(toMinute(timestamp, 'UTC'))],
        [toUInt32((toUnixTimestamp64Milli(timestamp) % 60000) * 16384 + round(position * 100))]
    ) AS minutes,
    min(position) AS lowest, max(position) AS highest, count() AS reports
FROM window_states GROUP BY device_id, time;

CREATE MATERIALIZED VIEW IF NOT EXISTS window_actions_by_hour TO positions_by_hour AS
SELECT 'commanded' AS kind, device_id, toStartOfHour(toDateTime(timestamp, 'UTC')) AS time,
    maxMap(
        [toUInt8(toMinute(timestamp, 'UTC'))],
        [toUInt32((toUnixTimestamp64Milli(timestamp) % 60000) * 16384 + round(position * 100))]
    ) AS minutes,
    min(position) AS lowest, max(position) AS highest, count() AS reports
FROM window_actions GROUP BY device_id, time;

-- The mean, lowest and highest position of every hour: a position stays until the next report, so hours without one are
-- filled, up to the hour of the last report.
CREATE VIEW IF NOT EXISTS positions_1h AS
SELECT kind, device_id, h.time + toIntervalHour(later) AS time, if(later = 0, h.mean, h.stays) AS position,
    if(later = 0, h.low, h.stays) AS lowest, if(later = 0, h.high, h.stays) AS highest
FROM (
    SELECT kind, device_id, time, gap,
        arrayFill(code -> code >= 0, arrayMap(minute -> if(minute = 0 AND known[1] < 0, before, known[minute + 1]),
            range(60))) AS filled,
        arrayFilter(code -> code >= 0, filled) AS stood,
        arrayAvg(stood) / 100 AS mean, filled[60] / 100 AS stays,
        least(reported_low, arrayMin(stood) / 100) AS low, greatest(reported_high, arrayMax(stood) / 100) AS high
    FROM (
        SELECT kind, device_id, time, reported_low, reported_high, known,
            lagInFrame(arrayLast(code -> code >= 0, known), 1, -1) OVER hours AS before,
            dateDiff('hour', time, leadInFrame(time, 1, time + INTERVAL 1 HOUR) OVER hours) AS gap
        FROM (
            SELECT kind, device_id, time, min(p.lowest) AS reported_low, max(p.highest) AS reported_high,
                maxMap(p.minutes) AS last,
                arrayMap(minute -> if(has(last.1, minute), toInt32(last.2[indexOf(last.1, minute)] % 16384), -1),
                    range(60)) AS known
            FROM positions_by_hour AS p GROUP BY kind, device_id, time
        )
        WINDOW hours AS (
            PARTITION BY kind, device_id ORDER BY time ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        )
    )
) AS h
ARRAY JOIN range(toUInt32(gap)) AS later;
