-- What lowered the model's own confidence: model_confidence is what it was before, largest_z the largest distance of an input
-- from its mean in the training data, in standard deviations; nan where nobody said. model_confidence is as exact as
-- confidence, so that the two are equal where nothing lowered it. Rows of before stay as they are.
ALTER TABLE window_actions ADD COLUMN IF NOT EXISTS model_confidence Float64 DEFAULT nan CODEC(ZSTD(3));
ALTER TABLE window_actions ADD COLUMN IF NOT EXISTS largest_z Float32 DEFAULT nan CODEC(ZSTD(3));
ALTER TABLE ml_predictions ADD COLUMN IF NOT EXISTS model_confidence Float64 DEFAULT nan CODEC(ZSTD(3));
ALTER TABLE ml_predictions ADD COLUMN IF NOT EXISTS largest_z Float32 DEFAULT nan CODEC(ZSTD(3));
