-- What waits, what is late and what was started again, in the rows of system_metrics.
ALTER TABLE system_metrics
    ADD COLUMN IF NOT EXISTS journal_age_ms UInt64 CODEC(T64, ZSTD(3)),         -- since receipt of the oldest record that waits for ClickHouse; 0: none does
    ADD COLUMN IF NOT EXISTS reading_to_row_ms Float64 DEFAULT nan CODEC(ZSTD(3)),  -- from a reading's own time to its row, mean; nan: none was stored
    ADD COLUMN IF NOT EXISTS database_uptime_s UInt32 CODEC(Delta(4), ZSTD(3)); -- falls where ClickHouse was restarted; 0: it did not answer
