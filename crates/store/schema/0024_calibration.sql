-- What was added to a reading as it came in: value - offset is what the sensor said. Nearly always 0, which takes no space.
ALTER TABLE sensor_temperature ADD COLUMN IF NOT EXISTS offset Float64 DEFAULT 0 CODEC(ZSTD(1));
ALTER TABLE sensor_humidity ADD COLUMN IF NOT EXISTS offset Float64 DEFAULT 0 CODEC(ZSTD(1));
ALTER TABLE sensor_co2 ADD COLUMN IF NOT EXISTS offset Float64 DEFAULT 0 CODEC(ZSTD(1));
ALTER TABLE sensor_pressure ADD COLUMN IF NOT EXISTS offset Float64 DEFAULT 0 CODEC(ZSTD(1));
ALTER TABLE sensor_illuminance ADD COLUMN IF NOT EXISTS offset Float64 DEFAULT 0 CODEC(ZSTD(1));
ALTER TABLE sensor_rain ADD COLUMN IF NOT EXISTS offset Float64 DEFAULT 0 CODEC(ZSTD(1));
ALTER TABLE sensor_wind ADD COLUMN IF NOT EXISTS offset Float64 DEFAULT 0 CODEC(ZSTD(1));
