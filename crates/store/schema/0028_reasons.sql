-- Why a window moved or stayed. A prediction is the average of the model's training and what temperature, humidity and sound
-- add to it, in points of the position; nan where it is unknown. verdict: what the law of moves said: moved, limited (the model
-- wanted more or less), or why the window stayed: override, interlock, quiet, too_soon, too_small, there; unsure where the
-- confidence was too low; empty where nobody said. Rows of before stay as they are.
ALTER TABLE window_actions ADD COLUMN IF NOT EXISTS average Float32 DEFAULT nan CODEC(ZSTD(3));
ALTER TABLE window_actions ADD COLUMN IF NOT EXISTS contribution_temperature Float32 DEFAULT nan CODEC(ZSTD(3));
ALTER TABLE window_actions ADD COLUMN IF NOT EXISTS contribution_humidity Float32 DEFAULT nan CODEC(ZSTD(3));
ALTER TABLE window_actions ADD COLUMN IF NOT EXISTS contribution_sound Float32 DEFAULT nan CODEC(ZSTD(3));
ALTER TABLE window_actions ADD COLUMN IF NOT EXISTS verdict LowCardinality(String) DEFAULT '';

-- Of a prediction that was carried out, reason, temperature and humidity stand in window_actions, under its command_id.
ALTER TABLE ml_predictions ADD COLUMN IF NOT EXISTS average Float32 DEFAULT nan CODEC(ZSTD(3));
ALTER TABLE ml_predictions ADD COLUMN IF NOT EXISTS contribution_temperature Float32 DEFAULT nan CODEC(ZSTD(3));
ALTER TABLE ml_predictions ADD COLUMN IF NOT EXISTS contribution_humidity Float32 DEFAULT nan CODEC(ZSTD(3));
ALTER TABLE ml_predictions ADD COLUMN IF NOT EXISTS contribution_sound Float32 DEFAULT nan CODEC(ZSTD(3));
ALTER TABLE ml_predictions ADD COLUMN IF NOT EXISTS verdict LowCardinality(String) DEFAULT '';
ALTER TABLE ml_predictions ADD COLUMN IF NOT EXISTS reason String DEFAULT '' CODEC(ZSTD(3));
ALTER TABLE ml_predictions ADD COLUMN IF NOT EXISTS temperature Float64 DEFAULT nan CODEC(ZSTD(3));
ALTER TABLE ml_predictions ADD COLUMN IF NOT EXISTS humidity Float64 DEFAULT nan CODEC(ZSTD(3));
