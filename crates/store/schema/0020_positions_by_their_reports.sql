-- positions_1h with the same columns and values as before, from an hour's few reports instead of its sixty minutes.
CREATE OR REPLACE VIEW positions_1h AS
SELECT kind, device_id, h.time + toIntervalHour(later) AS time, if(later = 0, h.mean, h.stays) AS position,
    if(later = 0, h.low, h.stays) AS lowest, if(later = 0, h.high, h.stays) AS highest
FROM (
    SELECT kind, device_id, time, gap, starts[1] AS first, codes[-1] / 100 AS stays,
        -- Each report stands until the next one, the one of before until the first; without one, that time is unknown.
        arraySum((code, start, end) -> code * (end - start), codes, starts, arrayPushBack(arrayPopFront(starts), 60)) AS sum,
        (sum + if(before < 0, 0, before * first)) / (60 - if(before < 0, first, 0)) / 100 AS mean,
        least(reported_low, if(before < 0 OR first = 0, codes[1], before) / 100, arrayMin(codes) / 100) AS low,
        greatest(reported_high, if(before < 0 OR first = 0, codes[1], before) / 100, arrayMax(codes) / 100) AS high
    FROM (
        SELECT kind, device_id, time, reported_low, reported_high, starts, codes,
            lagInFrame(toInt32(codes[-1]), 1, -1) OVER hours AS before,
            dateDiff('hour', time, leadInFrame(time, 1, time + INTERVAL 1 HOUR) OVER hours) AS gap
        FROM (
            SELECT kind, device_id, time, min(p.lowest) AS reported_low, max(p.highest) AS reported_high,
                maxMap(p.minutes) AS last, last.1 AS starts, arrayMap(report -> report % 16384, last.2) AS codes
            FROM positions_by_hour AS p GROUP BY kind, device_id, time
        )
        WINDOW hours AS (
            PARTITION BY kind, device_id ORDER BY time ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        )
    )
) AS h
ARRAY JOIN range(toUInt32(gap)) AS later;
