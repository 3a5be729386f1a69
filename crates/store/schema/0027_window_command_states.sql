-- How far commands to windows have come: received, reached, failed, expired. That one was sent, its row in window_actions says,
-- which is written once and as the command itself: what becomes of a command is known later, and each step is a fact of its own
-- time. So the steps are rows here, and not columns there, which would have to be changed in place.
-- ORDER BY (device_id, timestamp): one window's story.
CREATE TABLE IF NOT EXISTS window_command_states (
    timestamp DateTime64(3) CODEC(Delta(8), ZSTD(3)),
    device_id LowCardinality(String),
    command_id String CODEC(ZSTD(3)),
    state LowCardinality(String),                   -- received, reached, failed, expired
    detail String CODEC(ZSTD(3)),                   -- in words; '' where there is nothing to add
    received_at DateTime64(3) DEFAULT now64(3) CODEC(Delta(8), ZSTD(3))
) ENGINE = MergeTree
ORDER BY (device_id, timestamp)
PARTITION BY toYYYYMM(timestamp)
SETTINGS non_replicated_deduplication_window = 1000;
