//! What windows report, and what follows.

use serde_json::{Value, json};

use crate::world::{World, is, is_in_state};

#[tokio::test(flavor = "multi_thread")]
async fn reports_decide_what_happened() {
    let world = World::start(&json!({}), &["--no-ml"]);
    tokio::join!(
        fails_three_times(&world),
        steps_of_one_percent(&world),
        a_little_beside(&world),
        a_switch_during_the_travel(&world),
        a_switch_while_nobody_moves(&world),
        a_reboot_that_reports_zero(&world),
        never_reports(&world),
    );
    let stuck = "SELECT count() FROM iot.device_events WHERE device_id = 'fails' AND event = 'window_stuck'";
    world.up.wait_sql(stuck, "1").unwrap();
    let others =
        "SELECT count() FROM iot.device_events WHERE device_id != 'fails' AND event = 'window_stuck'";
    assert_eq!(world.up.sql(others).unwrap().trim(), "0");
    world.up.wait_metric("casement_backend_windows_stuck 1").unwrap();
    let states = "SELECT countIf(state = 'failed') FROM iot.window_command_states WHERE device_id = 'fails'";
    // That of the model has no id to be known by.
    world.up.wait_sql(states, "3").unwrap();
    // Commands to be told again are no predictions.
    let predictions = "SELECT count() FROM iot.ml_predictions WHERE device_id = 'fails'";
    assert_eq!(world.up.sql(predictions).unwrap().trim(), "1");
    let (_, listed) = world.ask("GET", "/api/v1/devices/steps/commands", None);
    assert_eq!(listed[0]["state"], "reached", "{listed}");
}

async fn fails_three_times(world: &World) {
    let mut window = world.window("fails").await;
    window.report(20.0).await;
    window.model(80.0).await;
    assert_eq!(window.command().await["position"], 80.0);
    window.report(50.0).await;
    for attempt in 1..=3 {
        let again = window.command().await;
        assert_eq!(
            (&again["position"], &again["origin"]),
            (&json!(80.0), &Value::Null),
            "{again}"
        );
        let reason = again["reason"].as_str().unwrap();
        assert!(reason.contains(&format!("{attempt} of 3")), "{reason}");
    }
    let control = world
        .until("fails", "stuck for good", |now| {
            is(now, "stuck") && is_in_state(now, "failed")
        })
        .await;
    assert_eq!(control["override"], Value::Null, "{control}");
    let gone = world.until("fails", "told of", |_| {
        let (_, device) = world.ask("GET", "/api/v1/devices/fails", None);
        device["health"]["problems"].to_string().contains("window_stuck")
    });
    gone.await;
}

async fn steps_of_one_percent(world: &World) {
    let mut window = world.window("steps").await;
    window.report(0.0).await;
    world.hold("steps", &json!({"position": 30}));
    let command = window.command().await;
    for step in 1..=30 {
        window.answer(&command, f64::from(step)).await;
    }
    let control = world
        .until("steps", "there", |now| is_in_state(now, "reached"))
        .await;
    assert_eq!(
        (&control["position"], &control["override"]["source"]),
        (&json!(30.0), &json!("api"))
    );
}

async fn a_little_beside(world: &World) {
    let mut window = world.window("beside").await;
    window.report(0.0).await;
    world.hold("beside", &json!({"position": 42}));
    let command = window.command().await;
    window.answer(&command, 43.0).await;
    world
        .until("beside", "there", |now| is_in_state(now, "reached"))
        .await;
    // It says so again and again.
    for _ in 0..5 {
        window.report(43.0).await;
    }
    assert_eq!(window.positions().await, [] as [f64; 0]);
    let control = world.control("beside");
    assert_eq!(control["override"]["position"], 42.0, "{control}");
}

async fn a_switch_during_the_travel(world: &World) {
    let mut window = world.window("switch").await;
    window.report(50.0).await;
    window.model(90.0).await;
    window.command().await;
    window.report(70.0).await;
    window.report(40.0).await;
    window.report(10.0).await;
    let by_hand = |now: &Value| now["override"]["source"] == "window";
    let control = world.until("switch", "a person's", by_hand).await;
    assert_eq!(control["override"]["position"], 10.0, "{control}");
    // The model that does not know it yet is answered.
    window.model(90.0).await;
    assert_eq!(window.command().await["position"], 90.0);
    let answer = window.command().await;
    assert_eq!(
        (&answer["position"], &answer["origin"]),
        (&json!(10.0), &json!("person"))
    );
}

async fn a_switch_while_nobody_moves(world: &World) {
    let window = world.window("still").await;
    window.report(20.0).await;
    window.report(60.0).await;
    let by_hand = |now: &Value| now["override"]["source"] == "window";
    let control = world.until("still", "a person's", by_hand).await;
    assert_eq!(control["override"]["position"], 60.0, "{control}");
    assert_eq!(world.resume("still")["override"], Value::Null);
}

async fn a_reboot_that_reports_zero(world: &World) {
    let mut window = world.window("reboot").await;
    window.publish("device/reboot/status", "online".into()).await;
    window.report(60.0).await;
    window.model(60.0).await;
    window.command().await;
    window.report(60.0).await;
    world
        .until("reboot", "there", |now| is_in_state(now, "reached"))
        .await;
    window.publish("device/reboot/status", "online".into()).await;
    window.report(0.0).await;
    let control = world.until("reboot", "unknown", |now| is(now, "unknown")).await;
    assert_eq!(control["override"], Value::Null, "{control}");
    // The next decision tells it anew, whatever it is.
    world.hold("reboot", &json!({"position": 60}));
    let command = window.command().await;
    assert_eq!(command["position"], 60.0);
    window.answer(&command, 60.0).await;
}

async fn never_reports(world: &World) {
    let mut window = world.window("silent").await;
    window.publish("device/silent/status", "online".into()).await;
    window.model(35.0).await;
    window.command().await;
    let control = world.until("silent", "known", |now| now["target"] == 35.0).await;
    assert!(
        is(&control, "unreported") && is_in_state(&control, "sent"),
        "{control}"
    );
}
