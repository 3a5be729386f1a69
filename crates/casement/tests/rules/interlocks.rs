//! What closes windows: rain, dead sensors, gusts, frost, locks, alarms.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::{
    house::{House, is, soon, state},
    support::client::Client,
};

/// It rains while a person wants the window open: shut within five seconds, and theirs again when it was dry for a while.
pub(crate) async fn rain(house: &House) {
    let wish = json!({"interlocks": {"rain": {"hold_s": 2}}});
    house.set_up("attic", "attic", wish, Some(0.0)).await;
    house.set_up("roof", "attic", json!({}), None).await;
    house.set_up("cellar", "cellar", json!({}), Some(50.0)).await;
    house.client.publish("window/attic/set", "40").await;
    is(&house.command("attic", 0).await, 40.0, "person");
    let wet = Instant::now();
    house.read("roof", "rain", 1.5).await;
    let shut = house.command("attic", 1).await;
    is(&shut, 0.0, "interlock");
    soon(&shut, wet);
    assert_eq!(shut.reason, "it rains");
    house.events("attic", "interlock", 1).await;
    let dry = Instant::now();
    house.read("roof", "rain", 0.0).await;
    let open = house.command("attic", 2).await;
    is(&open, 40.0, "person");
    assert!(open.at.duration_since(dry) >= Duration::from_secs(2));
    house.events("attic", "interlock_over", 1).await;
    assert!(house.of("cellar").is_empty(), "the rain is elsewhere");
}

/// A rain sensor that says nothing any more means what is set.
pub(crate) async fn dead_sensors(house: &House) {
    for policy in ["close", "ignore", "keep"] {
        let rain = json!({"when_silent": policy, "silent_after_s": 10, "hold_s": 1});
        let settings = json!({"interlocks": {"rain": rain}});
        house
            .set_up(&format!("dead-{policy}"), policy, settings, Some(50.0))
            .await;
        house
            .set_up(&format!("gauge-{policy}"), policy, json!({}), None)
            .await;
    }
    house.read("gauge-close", "rain", 0.0).await;
    house.read("gauge-ignore", "rain", 3.0).await;
    house.read("gauge-keep", "rain", 3.0).await;
    let silent = Instant::now();
    is(&house.command("dead-ignore", 0).await, 0.0, "interlock");
    is(&house.command("dead-keep", 0).await, 0.0, "interlock");
    let shut = house.command("dead-close", 0).await;
    is(&shut, 0.0, "interlock");
    assert!(shut.at.duration_since(silent) >= Duration::from_secs(9));
    house.events("dead-ignore", "interlock_over", 1).await;
    house.events("dead-keep", "interlock_over", 0).await;
    // It speaks again, and it is dry.
    house.read("gauge-keep", "rain", 0.0).await;
    house.events("dead-keep", "interlock_over", 1).await;
}

/// Gusts around the limit close the window once.
pub(crate) async fn wind(house: &House) {
    let wind = json!({"limit": 10, "clear_at": 8, "hold_s": 2, "sensor": "mast", "most": 5});
    house
        .set_up("loft", "loft", json!({"interlocks": {"wind": wind}}), Some(60.0))
        .await;
    house.read("mast", "wind", 9.9).await;
    let blown = Instant::now();
    for gust in [10.4, 9.0, 10.2, 8.1, 9.9] {
        house.read("mast", "wind", gust).await;
    }
    let shut = house.command("loft", 0).await;
    is(&shut, 5.0, "interlock");
    soon(&shut, blown);
    for gust in [8.5, 9.5] {
        tokio::time::sleep(Duration::from_secs(2)).await;
        house.read("mast", "wind", gust).await;
    }
    house.events("loft", "interlock", 1).await;
    house.events("loft", "interlock_over", 0).await;
    house.read("mast", "wind", 8.0).await;
    house.events("loft", "interlock_over", 1).await;
    house.events("loft", "interlock", 1).await;
    assert_eq!(house.of("loft").len(), 1);
}

pub(crate) async fn frost(house: &House) {
    let settings = json!({"outdoor_sensor": "garden", "interlocks": {"frost": {"limit": 2, "most": 10}}});
    house.set_up("bath", "bath", settings, Some(50.0)).await;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    house.read("bath", "temperature", 1.0).await;
    house.read("garden", "temperature", 2.5).await;
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    assert!(house.of("bath").is_empty(), "indoors is not outdoors");
    let frozen = Instant::now();
    house.read("garden", "temperature", 1.5).await;
    let shut = house.command("bath", 0).await;
    is(&shut, 10.0, "interlock");
    soon(&shut, frozen);
}

/// A lock is set while the window is open: it is told by MQTT, and what a person wants meanwhile waits.
pub(crate) async fn locked(house: &House) {
    house.set_up("safe", "safe", json!({}), Some(0.0)).await;
    house.client.publish("window/safe/set", "40").await;
    is(&house.command("safe", 0).await, 40.0, "person");
    let set = Instant::now();
    house
        .set_up("safe", "safe", json!({"interlocks": {"locked": true}}), None)
        .await;
    let shut = house.command("safe", 1).await;
    is(&shut, 0.0, "interlock");
    soon(&shut, set);
    assert_eq!(shut.reason, "the window is locked");
    let unset = Instant::now();
    house
        .set_up("safe", "safe", json!({"interlocks": {"locked": null}}), None)
        .await;
    let open = house.command("safe", 2).await;
    is(&open, 40.0, "person");
    soon(&open, unset);
}

/// An alarm shuts every window that heeds it, and outlasts a kill, as the rain does.
pub(crate) async fn alarm_and_restart(house: &mut House) {
    let heeds = json!({"interlocks": {"alarm": {"hold_s": 1, "alarms": ["smoke"]}}});
    house.set_up("hall", "hall", heeds, Some(70.0)).await;
    house.set_up("porch", "porch", json!({}), Some(70.0)).await;
    house.set_up("weather", "porch", json!({}), None).await;
    let deaf = json!({"interlocks": {"alarm": {"alarms": ["other"]}}});
    house.set_up("deaf", "deaf", deaf, Some(70.0)).await;
    let smoke = Instant::now();
    house.client.publish("alarm/smoke", "on").await;
    let shut = house.command("hall", 0).await;
    is(&shut, 0.0, "interlock");
    soon(&shut, smoke);
    house.client.publish("alarm/smoke", "perhaps").await;
    house.client.publish("alarm/smoke", "off").await;
    house.events("hall", "interlock_over", 1).await;
    assert!(house.of("deaf").is_empty());
    house.read("weather", "rain", 2.0).await;
    house.events("porch", "interlock", 2).await;
    // The file of what was there is written within a second or so.
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    house.world.kill_and_start();
    house.client = Client::connect(house.world.at.mqtt, &[]).await;
    let mut windows = Client::connect(house.world.at.mqtt, &["window/porch/control"]).await;
    // Somebody opens it by hand; no sensor has spoken since.
    let open = state("porch", 80.0);
    house.client.publish("window/porch/state", open).await;
    let (_, command) = windows.json().await;
    assert_eq!(
        (command["position"].as_f64(), &command["origin"]),
        (Some(0.0), &json!("interlock"))
    );
}
