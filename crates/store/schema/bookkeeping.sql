-- What a change of the schema needs beside schema_migrations. Made where a migration is due, never where nothing is.
--
-- Which program applied a migration, for those who meet it with an older one.
ALTER TABLE schema_migrations ADD COLUMN IF NOT EXISTS program String DEFAULT '';

-- Migrations that are done while others of the same upgrade are not. schema_migrations says it only when all are, so that
-- an upgrade that failed half-way leaves a database that the program of before can go on with. Empty otherwise.
CREATE TABLE IF NOT EXISTS schema_steps (
    version UInt32,
    checksum String
) ENGINE = MergeTree
ORDER BY version
SETTINGS non_replicated_deduplication_window = 1000;

-- Who changes the schema: one process at a time; see src/schema/lock.rs. A turn is taken by a row whose deduplication token
-- is the turn's, so that one of several takers is stored.
CREATE TABLE IF NOT EXISTS schema_lock (
    turn UInt32,
    what LowCardinality(String),                    -- taken, beat, released
    holder String,
    at DateTime64(3) DEFAULT now64(3)
) ENGINE = MergeTree
ORDER BY turn
SETTINGS non_replicated_deduplication_window = 1000;
