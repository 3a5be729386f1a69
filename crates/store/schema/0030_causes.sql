-- Which interlock or which schedule a command is of, by its name; '' where neither moved the window, and for rows of before.
ALTER TABLE window_actions ADD COLUMN IF NOT EXISTS cause LowCardinality(String) DEFAULT '';
