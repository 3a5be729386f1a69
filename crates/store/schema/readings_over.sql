-- Followed by the readings of every quantity in domain/quantity.rs, see src/quantities.rs.
--
-- What every chart and the API ask: SELECT … FROM readings_over(step = 600) gives the coarsest rows that are not coarser
-- than ten minutes; below a minute, the readings themselves. Sum readings and total, take min(lowest), max(highest).
-- CAST, not toDateTime64 with a zone: of the latter ClickHouse does not know that it ascends, and reads all times.
CREATE OR REPLACE VIEW readings_over AS
SELECT quantity, device_id, CAST(r.time AS DateTime64(3, 'UTC')) AS time, r.readings AS readings, r.total AS total,
    r.lowest AS lowest, r.highest AS highest, r.newest AS newest
FROM readings_by_time AS r
WHERE {step:UInt32} >= 60
    AND step = multiIf({step:UInt32} >= 86400, 86400, {step:UInt32} >= 3600, 3600, 60)
