-- What the charts ask of clips, as columns: read from the features' JSON, so that clips of before have them as well. nan:
-- the feature was not computed. Levels in dB re full scale, frequencies in Hz.
ALTER TABLE sensor_audio
    ADD COLUMN IF NOT EXISTS level_dbfs Float32
        DEFAULT ifNull(JSONExtract(features, 'level', 'equivalent_dbfs', 'Nullable(Float32)'), nan) CODEC(ZSTD(3)),
    ADD COLUMN IF NOT EXISTS max_level_dbfs Float32
        DEFAULT ifNull(JSONExtract(features, 'level', 'max_dbfs', 'Nullable(Float32)'), nan) CODEC(ZSTD(3)),
    ADD COLUMN IF NOT EXISTS rms Float32
        DEFAULT ifNull(JSONExtract(features, 'rms', 'mean', 1, 'Nullable(Float32)'), nan) CODEC(ZSTD(3)),
    ADD COLUMN IF NOT EXISTS spectral_centroid Float32
        DEFAULT ifNull(JSONExtract(features, 'spectral_centroid', 'mean', 1, 'Nullable(Float32)'), nan) CODEC(ZSTD(3)),
    ADD COLUMN IF NOT EXISTS spectral_rolloff Float32
        DEFAULT ifNull(JSONExtract(features, 'spectral_rolloff', 'mean', 1, 'Nullable(Float32)'), nan) CODEC(ZSTD(3)),
    ADD COLUMN IF NOT EXISTS spectral_bandwidth Float32
        DEFAULT ifNull(JSONExtract(features, 'spectral_bandwidth', 'mean', 1, 'Nullable(Float32)'), nan) CODEC(ZSTD(3)),
    ADD COLUMN IF NOT EXISTS spectral_flatness Float32
        DEFAULT ifNull(JSONExtract(features, 'spectral_flatness', 'mean', 1, 'Nullable(Float32)'), nan) CODEC(ZSTD(3)),
    ADD COLUMN IF NOT EXISTS zero_crossing_rate Float32
        DEFAULT ifNull(JSONExtract(features, 'zero_crossing_rate', 'mean', 1, 'Nullable(Float32)'), nan) CODEC(ZSTD(3)),
    ADD COLUMN IF NOT EXISTS mfcc Array(Float32)
        DEFAULT JSONExtract(features, 'mfcc', 'mean', 'Array(Float32)') CODEC(ZSTD(3)),
    ADD COLUMN IF NOT EXISTS mel_db Array(Float32)
        DEFAULT JSONExtract(features, 'spectrum', 'mel_db', 'Array(Float32)') CODEC(ZSTD(3));

-- Clips by minute, hour and day; see readings_by_time. Levels are averaged by energy, everything else by clip.
CREATE TABLE IF NOT EXISTS sound_by_time (
    step UInt32 CODEC(ZSTD(1)),
    device_id LowCardinality(String),
    time DateTime('UTC') CODEC(Delta(4), ZSTD(3)),
    clips SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(3)),
    seconds SimpleAggregateFunction(sum, Float64) CODEC(ZSTD(3)),
    energy SimpleAggregateFunction(sum, Float64) CODEC(ZSTD(3)),            -- seconds × 10^(level / 10)
    loudest SimpleAggregateFunction(max, Float32) CODEC(ZSTD(3)),           -- dB re full scale
    rms SimpleAggregateFunction(sum, Float64) CODEC(ZSTD(3)),
    centroid SimpleAggregateFunction(sum, Float64) CODEC(ZSTD(3)),
    rolloff SimpleAggregateFunction(sum, Float64) CODEC(ZSTD(3)),
    crossings SimpleAggregateFunction(sum, Float64) CODEC(ZSTD(3)),
    mfcc AggregateFunction(sumForEach, Array(Float64)) CODEC(ZSTD(3)),
    mel_db AggregateFunction(sumForEach, Array(Float64)) CODEC(ZSTD(3))
) ENGINE = AggregatingMergeTree
ORDER BY (step, device_id, time)
PARTITION BY toYYYYMM(time)
SETTINGS non_replicated_deduplication_window = 1000;

CREATE MATERIALIZED VIEW IF NOT EXISTS sensor_audio_by_time TO sound_by_time AS
SELECT step, device_id, toDateTime(intDiv(toUInt32(toStartOfMinute(timestamp)), step) * step, 'UTC') AS time,
    count() AS clips, sum(duration) AS seconds, sum(duration * exp10(level_dbfs / 10)) AS energy,
    max(max_level_dbfs) AS loudest, sum(a.rms) AS rms, sum(spectral_centroid) AS centroid,
    sum(spectral_rolloff) AS rolloff, sum(zero_crossing_rate) AS crossings,
    sumForEachState(a.mfcc::Array(Float64)) AS mfcc, sumForEachState(a.mel_db::Array(Float64)) AS mel_db
FROM sensor_audio AS a
ARRAY JOIN [60, 3600, 86400]::Array(UInt32) AS step
GROUP BY step, device_id, time;
