-- Which change of the registry's own file a row tells of. A row of ours has one; a row with 0 was written by another program,
-- and what it says is taken over.
ALTER TABLE device_registry ADD COLUMN IF NOT EXISTS revision UInt64 DEFAULT 0;
