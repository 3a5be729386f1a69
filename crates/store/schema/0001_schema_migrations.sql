-- Which of these files have been applied. One row a version; two backends that start together write the same row,
-- and ReplacingMergeTree keeps one.
-- ORDER BY version: the only way it is read.
CREATE TABLE IF NOT EXISTS schema_migrations (
    version UInt32,
    name String,
    checksum String,                                -- SHA-256 of the statements, comments and spacing left out
    applied_at DateTime64(3) DEFAULT now64(3)
) ENGINE = ReplacingMergeTree(applied_at)
ORDER BY version
SETTINGS non_replicated_deduplication_window = 1000;
