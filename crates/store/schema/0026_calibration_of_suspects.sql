-- What was added to a suspect reading as it came in, as in the tables of readings.
ALTER TABLE suspect_readings ADD COLUMN IF NOT EXISTS offset Float64 DEFAULT 0 CODEC(ZSTD(1));
