//! Positions by hour: means weighted by time, from what was reported when.

use store::Batch;

use crate::{
    engine::Engine,
    rollups::answer,
    rows::{NOON, state},
};

const HOUR: i64 = 3_600_000;

#[tokio::test]
async fn positions_are_weighted_by_time() {
    let directory = tempfile::tempdir().unwrap();
    let engine = Engine::start(directory.path());
    engine.store().migrate().await.unwrap();
    // From 12:00 at 10; from 12:30 at 50, reported late and twice within the minute; from 14:15 at 90.
    let mut rows = Batch::default();
    for (second, position) in [
        (0, 10.0),
        (30 * 60 + 20, 30.0),
        (30 * 60 + 40, 50.0),
        (2 * 3600 + 15 * 60, 90.0),
    ] {
        rows.push(state(second, "a", position));
    }
    // Of the first twenty minutes nothing is known: 40 and 60 stood for twenty minutes each.
    rows.push(state(20 * 60, "b", 40.0));
    rows.push(state(40 * 60, "b", 60.0));
    engine.store().insert(&rows, "j/1-1").await.unwrap();
    let late: Batch = [state(30 * 60 + 10, "a", 20.0)].into_iter().collect();
    engine.store().insert(&late, "j/2-2").await.unwrap();
    let sql = "SELECT toUnixTimestamp(time) * 1000, round(position, 4), lowest, highest FROM positions_1h \
               WHERE kind = 'reported' AND device_id = 'a' ORDER BY time";
    let expected = [
        (NOON, 30.0, 10.0, 50.0),
        // Nothing was reported: the position stayed.
        (NOON + HOUR, 50.0, 50.0, 50.0),
        (NOON + 2 * HOUR, 80.0, 50.0, 90.0),
    ];
    let lines = expected.map(|(time, mean, low, high)| format!("{time}\t{mean}\t{low}\t{high}\n"));
    assert_eq!(answer(&engine, sql).await, lines.concat());
    let from_its_first = sql.replace("'a'", "'b'");
    assert_eq!(
        answer(&engine, &from_its_first).await,
        format!("{NOON}\t50\t40\t60\n")
    );
}
