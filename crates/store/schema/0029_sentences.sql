-- Reasons of commands are sentences with figures in them, nearly all different: a dictionary of them only costs space and
-- time. What is there already is rewritten, part by part, which an interrupted upgrade goes on with.
ALTER TABLE window_actions MODIFY COLUMN IF EXISTS reason String DEFAULT '' CODEC(ZSTD(3));
