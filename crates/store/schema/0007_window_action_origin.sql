-- Who decided: model, person, schedule; empty where the command did not say.
-- Rows of before name at most a model, which their default value tells.
ALTER TABLE window_actions ADD COLUMN IF NOT EXISTS
    origin LowCardinality(String) DEFAULT if(model_version = '', '', 'model');
