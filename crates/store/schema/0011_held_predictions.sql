-- Predictions that moved no window, because the confidence was below ml.min_confidence.
ALTER TABLE ml_predictions ADD COLUMN IF NOT EXISTS held Bool DEFAULT false;
