//! From a message to a row: nothing lost, nothing doubled, whatever the log and the database do.
#![allow(missing_docs, clippy::unwrap_used, clippy::float_cmp)]

mod support;

use std::sync::Arc;

use backend::{Acceptance, Message, Passage};
use domain::{Quantity, RefusalReason, Timestamp};
use monitoring::State;
use store::{Row, Table};
use support::{Bench, MemoryLog, MemoryTables, NOON, reading};
use tokio_util::sync::CancellationToken;

const TEMPERATURE: Table = Table::Sensor(Quantity::Temperature);

#[tokio::test(start_paused = true)]
async fn every_quantity_is_stored_once_in_its_table() {
    let bench = Bench::start();
    for quantity in Quantity::ALL {
        let (low, high) = quantity.range();
        let value = f64::midpoint(low, high).floor();
        for expected in [Acceptance::Stored, Acceptance::Duplicate] {
            let acceptance = bench.reading("room-1", quantity.as_str(), 0, value).await;
            assert_eq!(acceptance, expected, "{quantity}");
        }
        bench
            .until("stored", |bench| bench.tables.values(quantity) == [value])
            .await;
    }
    assert_eq!(bench.metric("duplicates_total"), Quantity::COUNT as u64);
    let (log, tables) = (Arc::clone(&bench.log), Arc::clone(&bench.tables));
    assert_eq!(bench.stop().await, 0);
    assert_eq!(log.records(), 0);
    for quantity in Quantity::ALL {
        assert_eq!(tables.count(Table::Sensor(quantity)), 1, "{quantity}");
    }
}

#[tokio::test(start_paused = true)]
async fn without_clickhouse_rows_wait_decisions_do_not_and_health_says_so() {
    let bench = Bench::start();
    bench
        .until("ready", |bench| bench.reason("clickhouse").is_none())
        .await;
    bench.tables.set_away(true);
    bench.reading("room-1", "temperature", 0, 21.5).await;
    bench.reading("room-1", "humidity", 0, 50.0).await;
    bench
        .until("told", |bench| bench.reason("clickhouse").is_some())
        .await;
    let reason = bench.reason("clickhouse").unwrap();
    assert!(reason.contains("connection refused"), "{reason}");
    assert_eq!(bench.health().state, State::Down);
    assert_eq!(bench.metric("store_up"), 0);
    assert!(bench.metric("journal_age_seconds") > 0);
    bench
        .until("a request", |bench| !bench.outlet.sent.lock().is_empty())
        .await;
    bench.tables.set_away(false);
    bench
        .until("stored", |bench| {
            bench.tables.values(Quantity::Humidity) == [50.0]
        })
        .await;
    assert!(bench.metric("store_failures_total") > 0);
    assert_eq!(bench.metric("store_up"), 1);
    bench
        .until("nothing waits", |bench| bench.metric("journal_age_seconds") == 0)
        .await;
    // It was tried more than once, each time as the same plan.
    let offered = bench.tables.offered();
    let again = offered.windows(2).filter(|pair| pair[0] == pair[1]).count();
    assert!(again > 0, "{offered:?}");
    let first = offered
        .iter()
        .position(|token| *token == offered[offered.len() - 1]);
    assert!(
        offered[first.unwrap()..]
            .windows(2)
            .all(|pair| pair[0] == pair[1]),
        "{offered:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn an_insert_whose_answer_is_lost_is_not_stored_twice() {
    let bench = Bench::start();
    bench.tables.lose_next_answer();
    bench.reading("room-1", "temperature", 0, 21.5).await;
    bench
        .until("finished", |bench| bench.metric("rows_stored_total") > 0)
        .await;
    assert_eq!(bench.tables.values(Quantity::Temperature), [21.5]);
}

#[test]
fn a_crash_before_the_plan_is_finished_stores_nothing_twice() {
    let runtime = || {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_all().start_paused(true).build().unwrap()
    };
    let (log, tables) = (Arc::<MemoryLog>::default(), Arc::<MemoryTables>::default());
    // Every task ends where it stands when its runtime is dropped.
    runtime().block_on(async {
        let bench = Bench::around(Arc::clone(&log), Arc::clone(&tables));
        bench
            .until("ready", |bench| bench.reason("clickhouse").is_none())
            .await;
        tables.lose_next_answer();
        bench.reading("room-1", "temperature", 0, 21.5).await;
        let half_done = |bench: &Bench| bench.tables.count(TEMPERATURE) == 1;
        bench.until("half done", half_done).await;
    });
    assert!(log.records() > 0, "the plan is not finished");
    runtime().block_on(async {
        let bench = Bench::around(Arc::clone(&log), Arc::clone(&tables));
        bench.until("stored", |bench| bench.log.records() == 0).await;
    });
    assert_eq!(tables.values(Quantity::Temperature), [21.5]);
}

#[tokio::test(start_paused = true)]
async fn a_refused_row_leaves_its_batch_and_the_others_are_stored_once() {
    let bench = Bench::start();
    bench.tables.set_away(true);
    bench.tables.refuse(13.0);
    for second in 0..20 {
        bench
            .reading("room-1", "temperature", second, second as f64)
            .await;
        bench.reading("room-1", "humidity", second, 50.0).await;
    }
    bench.tables.set_away(false);
    bench.until("stored", |bench| bench.log.records() == 0).await;
    let mut values = bench.tables.values(Quantity::Temperature);
    values.sort_by(f64::total_cmp);
    let expected: Vec<f64> = (0..20).filter(|second| *second != 13).map(f64::from).collect();
    assert_eq!(values, expected);
    assert_eq!(bench.tables.count(Table::Sensor(Quantity::Humidity)), 20);
    let errors = bench.tables.errors();
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert_eq!(errors[0].0, "database");
    assert!(errors[0].1.contains("sane"), "{errors:?}");
    assert_eq!(bench.metric("rows_refused_total"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_refused_error_row_does_not_come_back_for_ever() {
    let bench = Bench::start();
    bench.tables.refuse_errors();
    assert_eq!(
        bench.send("sensor/room-1/temperature", "no JSON").await,
        Acceptance::Refused(RefusalReason::NotJson)
    );
    bench
        .until("counted", |bench| bench.metric("rows_refused_total") == 1)
        .await;
    bench.until("gone", |bench| bench.log.records() == 0).await;
}

#[tokio::test(start_paused = true)]
async fn a_record_that_cannot_be_read_is_told_and_stops_nobody() {
    let bench = Bench::start();
    bench.tables.set_away(true);
    bench.log.append_raw(b"\xffno row");
    bench.reading("room-1", "temperature", 0, 20.0).await;
    bench.reading("room-1", "temperature", 1, 21.0).await;
    bench.log.damage(1);
    bench.tables.set_away(false);
    bench
        .until("told", |bench| bench.tables.errors().len() == 2)
        .await;
    let errors = bench.tables.errors();
    assert!(
        errors.iter().any(|(_, detail)| detail.contains("record 0")),
        "{errors:?}"
    );
    assert!(
        errors.iter().any(|(_, detail)| detail.contains("record 1")),
        "{errors:?}"
    );
    assert_eq!(bench.tables.values(Quantity::Temperature), [21.0]);
}

/// After a downgrade: the newer version can still read it, so it waits, and what came after it does, too.
#[tokio::test(start_paused = true)]
async fn a_record_of_a_newer_version_stays_in_the_log_and_the_way_out_is_told() {
    let bench = Bench::start();
    bench
        .until("ready", |bench| bench.reason("clickhouse").is_none())
        .await;
    bench.log.append_raw(b"\x01{\"radon\":{\"timestamp\":1}}");
    bench.reading("room-1", "temperature", 0, 20.0).await;
    bench
        .until("told", |bench| bench.reason("clickhouse").is_some())
        .await;
    let reason = bench.reason("clickhouse").unwrap();
    for words in [
        "'radon'",
        "newer Casement",
        "use the newer version",
        "nothing of it is removed",
    ] {
        assert!(reason.contains(words), "{reason}");
    }
    tokio::time::sleep(std::time::Duration::from_mins(1)).await;
    assert!(bench.tables.errors().is_empty());
    assert!(bench.stop().await >= 2);
}

#[tokio::test(start_paused = true)]
async fn a_change_of_the_schema_is_shown_while_messages_are_accepted() {
    let tables: Arc<MemoryTables> = Arc::default();
    let progress = store::Progress {
        phase: store::Phase::Migration,
        step: 3,
        of: 7,
        name: "0012_readings_by_time".to_owned(),
        percent: Some(45),
    };
    tables.set_upgrade(Some(progress.clone()));
    let bench = Bench::around(Arc::default(), Arc::clone(&tables));
    bench
        .until("told", |bench| bench.backend.upgrade().is_some())
        .await;
    assert_eq!(bench.backend.upgrade(), Some(progress));
    let reason = bench.reason("clickhouse").unwrap();
    assert_eq!(reason, "schema migration 3 of 7: 0012_readings_by_time, 45 %");
    assert_eq!(bench.health().state, State::Down);
    assert_eq!(
        bench.reading("room-1", "temperature", 0, 20.0).await,
        Acceptance::Stored
    );
    tables.set_upgrade(None);
    bench
        .until("ready", |bench| bench.reason("clickhouse").is_none())
        .await;
    assert_eq!(bench.backend.upgrade(), None);
    bench.until("stored", |bench| bench.log.records() == 0).await;
}

#[tokio::test(start_paused = true)]
async fn without_room_nothing_is_acknowledged_until_there_is() {
    let bench = Bench::start();
    bench.log.set_full(true);
    let mut waiting = bench.post("sensor/room-1/temperature", &reading(0, 20.0)).await;
    bench
        .until("told", |bench| bench.reason("journal").is_some())
        .await;
    assert!(!bench.health().is_ready());
    tokio::time::sleep(std::time::Duration::from_secs(30)).await;
    assert!(waiting.try_recv().is_err(), "nothing was acknowledged");
    bench.log.set_full(false);
    assert_eq!(waiting.await.unwrap(), Some(Acceptance::Stored));
    // It was decided on once, not once for each try.
    assert_eq!(bench.metric(r#"messages_total{kind="temperature"}"#), 1);
    assert!(bench.reason("journal").is_none());
}

#[tokio::test(start_paused = true)]
async fn without_room_the_end_does_not_wait_for_each_message_that_came_together() {
    let bench = Bench::start();
    bench.backend.ready().await;
    let message = |second: i64| Message {
        topic: "sensor/room-1/temperature".to_owned(),
        payload: reading(second, 20.0).into(),
        received_at: Timestamp::from_millis(NOON + 60_000),
        passage: Passage::default(),
    };
    let batch: Vec<Message> = (0..20).map(message).collect();
    bench.log.set_full(true);
    let shutdown = CancellationToken::new();
    shutdown.cancel();
    let outcomes = bench.backend.ingest().accept_in_time(&batch, &shutdown).await;
    assert!(outcomes.is_empty(), "{outcomes:?}");
    // All at once, and the first alone; what others append is refused, too.
    let refused = bench.log.refused();
    assert!((2..10).contains(&refused), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn the_end_leaves_what_cannot_be_stored_in_the_log() {
    let bench = Bench::start();
    bench.tables.set_away(true);
    bench.reading("room-1", "temperature", 0, 20.0).await;
    let log = Arc::clone(&bench.log);
    let tables = Arc::clone(&bench.tables);
    assert!(bench.stop().await >= 1);
    tables.set_away(false);
    let bench = Bench::around(log, tables);
    bench.until("stored", |bench| bench.log.records() == 0).await;
    assert_eq!(bench.tables.values(Quantity::Temperature), [20.0]);
}

#[tokio::test(start_paused = true)]
async fn a_log_that_fails_is_told_and_tried_again() {
    let bench = Bench::start();
    bench
        .until("ready", |bench| bench.reason("clickhouse").is_none())
        .await;
    bench.tables.set_away(true);
    bench.reading("room-1", "temperature", 0, 20.0).await;
    bench.log.set_broken(true);
    let waiting = bench.post("sensor/room-1/temperature", &reading(1, 21.0)).await;
    bench
        .until("told", |bench| bench.reason("journal").is_some())
        .await;
    let reason = bench.reason("journal").unwrap();
    assert!(reason.contains("the disk is gone"), "{reason}");
    assert!(!bench.health().is_ready());
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    assert_eq!(bench.tables.count(TEMPERATURE), 0);
    bench.log.set_broken(false);
    bench.tables.set_away(false);
    assert_eq!(waiting.await.unwrap(), Some(Acceptance::Stored));
    bench
        .until("stored", |bench| bench.tables.count(TEMPERATURE) == 2)
        .await;
    bench
        .until("healed", |bench| bench.reason("journal").is_none())
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_clickhouse_that_dies_quietly_is_noticed() {
    let bench = Bench::start();
    bench
        .until("ready", |bench| bench.reason("clickhouse").is_none())
        .await;
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    bench.tables.set_away(true);
    tokio::time::sleep(std::time::Duration::from_secs(20)).await;
    assert!(bench.reason("clickhouse").is_some(), "without a single message");
    bench.tables.set_away(false);
    bench
        .until("back", |bench| bench.reason("clickhouse").is_none())
        .await;
}

#[tokio::test(start_paused = true)]
async fn bad_messages_change_nothing_but_the_list_of_errors() {
    let bench = Bench::start();
    for (topic, payload, reason) in [
        (
            "sensor/a b/temperature",
            reading(0, 20.0),
            RefusalReason::BadDeviceId,
        ),
        ("sensor/a/radiation", reading(0, 20.0), RefusalReason::BadTopic),
        (
            "sensor/a/temperature",
            reading(0, 200.0),
            RefusalReason::OutOfRange,
        ),
        ("sensor/a/co2", reading(0, -1.0), RefusalReason::OutOfRange),
        ("sensor/a/wind", "{}".to_owned(), RefusalReason::MissingField),
        ("window/a/state", "[]".to_owned(), RefusalReason::WrongType),
    ] {
        let acceptance = bench.send(topic, &payload).await;
        assert_eq!(acceptance, Acceptance::Refused(reason), "{topic}");
    }
    for topic in [
        "",
        "home/a/temperature",
        "ml/inference/request/a",
        "$SYS/broker/uptime",
    ] {
        assert_eq!(bench.send(topic, "{}").await, Acceptance::Ignored, "{topic}");
    }
    bench
        .until("listed", |bench| bench.tables.errors().len() == 6)
        .await;
    assert!(bench.backend.devices().snapshot().is_empty());
    for _ in 0..100 {
        bench.send("sensor/noisy/temperature", "no JSON").await;
    }
    bench.until("listed", |bench| bench.log.records() == 0).await;
    assert_eq!(bench.tables.errors().len(), 6 + 20, "twenty a minute and topic");
    assert_eq!(bench.metric(r#"refused_total{kind="not_json"}"#), 100);
}

#[tokio::test(start_paused = true)]
async fn a_command_of_a_person_is_an_action_and_no_prediction() {
    let bench = Bench::start();
    let command = |extra: &str| {
        format!(
            r#"{{"timestamp": "2025-10-24T12:00:00Z", "position": 40, "confidence": 1, {extra}
               "features_used": {{"temperature": 21, "humidity": 50}}}}"#
        )
    };
    for extra in [
        r#""origin": "person", "command_id": "a","#,
        r#""model_version": "v1", "command_id": "b","#,
        r#""command_id": "c","#,
    ] {
        let acceptance = bench.send("window/room-1/control", &command(extra)).await;
        assert_eq!(acceptance, Acceptance::Stored, "{extra}");
    }
    bench.until("stored", |bench| bench.log.records() == 0).await;
    let rows = bench.tables.rows();
    let actions = rows.iter().filter_map(|row| match row {
        Row::WindowAction(row) => Some((row.command_id.as_str(), row.origin.as_str())),
        _ => None,
    });
    assert_eq!(
        actions.collect::<Vec<_>>(),
        [("a", "person"), ("b", "model"), ("c", "")]
    );
    let predictions = rows.iter().filter_map(|row| match row {
        Row::MlPrediction(row) => Some((row.command_id.as_str(), row.model_version.as_str())),
        _ => None,
    });
    assert_eq!(predictions.collect::<Vec<_>>(), [("b", "v1"), ("c", "unknown")]);
}
