//! Rooms in Home Assistant, by real processes and brokers: they come, follow, are held and let go of, and are taken away.
//! What Home Assistant makes of it, `make check-homeassistant` tries on a real one.
#![allow(missing_docs, clippy::unwrap_used)]

#[path = "../support/mod.rs"]
mod support;
mod world;

use serde_json::json;
use support::client::{now, reading};
use testkit::{Mosquitto, wait_until_blocking};
use world::{Tap, World};

const ON: &str = "{enabled: true}";
const TEMPERATURE: &str = "homeassistant/sensor/casement/temperature_room-1/config";
const WINDOW: &str = "homeassistant/cover/casement/window_room-1/config";
const STATE: &str = "casement/room-1/state";
const STATUS: &str = "casement/status";

/// A room with a sensor and a window that stands at 30 %.
async fn furnish(tap: &Tap) {
    tap.say("sensor/room-1/temperature", reading(20.0, now()), false)
        .await;
    let report = format!(r#"{{"position": 30, "timestamp": "{}"}}"#, now());
    tap.say("window/room-1/state", report, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_is_announced_followed_held_renamed_and_forgotten() {
    let world = World::start(ON, None);
    let mut tap = Tap::connect(world.at.mqtt).await;
    furnish(&tap).await;
    tap.until("the room is announced", |tap| {
        tap.latest.contains_key(TEMPERATURE) && tap.json(STATE)["window"]["position"] == 30.0
    })
    .await;
    assert_eq!(tap.latest[STATUS], "online");
    let config = tap.json(TEMPERATURE);
    assert_eq!(config["unit_of_measurement"], "°C");
    assert_eq!(config["device"]["name"], "room-1");
    let state = tap.json(STATE);
    assert_eq!(state["readings"]["temperature"], 20.0);
    assert_eq!(state["available"], "online");

    // Values follow, in the quantity's unit, whatever the device sends.
    let fahrenheit = format!(r#"{{"value": 77, "unit": "F", "timestamp": "{}"}}"#, now());
    tap.say("sensor/room-1/temperature", fahrenheit, false).await;
    tap.until("the value follows", |tap| {
        tap.json(STATE)["readings"]["temperature"] == 25.0
    })
    .await;

    // The list of durations and the switch are a person's hand.
    tap.until("the window is announced", |tap| tap.latest.contains_key(WINDOW))
        .await;
    tap.say("casement/room-1/hold", "1 hour", false).await;
    tap.until("the window is held", |tap| {
        tap.json(STATE)["override"]["hold_for"] == "1 hour"
    })
    .await;
    let hold = tap.json(STATE)["override"].clone();
    assert_eq!(
        (&hold["active"], &hold["position"], &hold["source"]),
        (&json!(true), &json!(30.0), &json!("home_assistant"))
    );
    tap.say("casement/room-1/hold", "for ever and a day", false).await;
    tap.say("casement/nobody/hold", "hold", false).await;
    tap.say("casement/room-1/hold", "resume", false).await;
    tap.until("the window is let go of", |tap| {
        tap.json(STATE)["override"]["active"] == false
    })
    .await;

    // The words of its own are no strangers at the door; others are told, and so is a wish for a window of nobody's.
    let told = "SELECT arrayStringConcat(arraySort(groupArray(concat(topic, ' ', reason))), '|') FROM iot.ingest_errors";
    let strangers = "casement/nobody/hold unknown_device|casement/room-1/hold wrong_type";
    wait_until_blocking("what is no wish is told", || {
        world.ask_clickhouse(told) == strangers
    })
    .unwrap();

    // Home Assistant is born again: everything is said again.
    let before = tap.count[TEMPERATURE];
    tap.say("homeassistant/status", "online", false).await;
    tap.until("it is said again", |tap| tap.count[TEMPERATURE] > before)
        .await;

    let path = "/api/v1/devices/room-1";
    assert_eq!(
        world.ask("PATCH", path, r#"{"name": "Kitchen", "location": "Below"}"#),
        200
    );
    tap.until("the new name is there", |tap| {
        let device = tap.json(TEMPERATURE)["device"].clone();
        device["name"] == "Kitchen" && device["suggested_area"] == "Below"
    })
    .await;
    assert_eq!(world.ask("PATCH", path, r#"{"retired": true}"#), 200);
    tap.until("a device out of use is gone", |tap| {
        tap.announced().is_empty() && !tap.latest.contains_key(STATE)
    })
    .await;
    tap.say("casement/room-1/hold", "hold", false).await;
    tap.say("casement/room-1/hold", "resume", false).await;
    let of_retired = "casement/room-1/hold retired|casement/room-1/hold retired";
    let retired = strangers.replacen('|', &format!("|{of_retired}|"), 1);
    wait_until_blocking("a device out of use is told of", || {
        world.ask_clickhouse(told) == retired
    })
    .unwrap();
    assert_eq!(world.ask("PATCH", path, r#"{"retired": false}"#), 200);
    tap.until("it is back", |tap| tap.latest.contains_key(WINDOW))
        .await;
    assert_eq!(world.ask("DELETE", path, ""), 204);
    tap.until("a forgotten device is gone", |tap| {
        tap.announced().is_empty() && !tap.latest.contains_key(STATE)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_announced_before_is_found_again_and_taken_away_when_it_is_not_wanted() {
    let broker = Mosquitto::start().unwrap();
    let elsewhere = Some(broker.addr());
    let mut world = World::start(ON, elsewhere);
    let mut tap = Tap::connect(broker.addr()).await;
    furnish(&tap).await;
    tap.until("the room is announced", |tap| {
        tap.latest.contains_key(TEMPERATURE) && tap.latest.contains_key(WINDOW)
    })
    .await;

    // Who is not in the table of devices is not known after a kill.
    wait_until_blocking("the device is stored", || {
        world.ask_clickhouse("SELECT count() FROM iot.device_registry") == "1"
    })
    .unwrap();

    // By its will, its entities are unavailable while it is away.
    world.process.kill();
    tap.until("it is away", |tap| tap.latest[STATUS] == "offline")
        .await;
    // Somebody else's entities, and ours of a device that is not there any more.
    let ghost = "homeassistant/sensor/casement/humidity_gone/config";
    let foreign = "homeassistant/sensor/0x00158d/temperature/config";
    tap.say(ghost, "{}", true).await;
    tap.say(foreign, "{}", true).await;
    world.kill_and_start(ON, elsewhere);
    tap.until("it is there, and the ghost is gone", |tap| {
        tap.latest[STATUS] == "online" && !tap.latest.contains_key(ghost)
    })
    .await;
    assert!(tap.latest.contains_key(TEMPERATURE), "what is there stays");

    // The other form, below another prefix.
    let moved = "{enabled: true, prefix: ha, discovery: device}";
    world.kill_and_start(moved, elsewhere);
    let whole = "ha/device/casement/room-1/config";
    tap.until("all has moved", |tap| {
        tap.latest.contains_key(whole) && tap.announced() == [whole]
    })
    .await;
    let components = tap.json(whole)["components"].clone();
    assert_eq!(components["window"]["platform"], "cover");

    world.kill_and_start("{enabled: false}", elsewhere);
    tap.until("nothing is left", |tap| {
        tap.announced().is_empty() && !tap.latest.contains_key(STATE) && !tap.latest.contains_key(STATUS)
    })
    .await;
    assert!(
        tap.latest.contains_key(foreign),
        "what is another program's stays"
    );
    let notes = world.data.path().join("registry/home_assistant.json");
    wait_until_blocking("nothing is noted any more", || {
        std::fs::read_to_string(&notes).is_ok_and(|text| !text.contains("ha\""))
    })
    .unwrap();
}

/// Home Assistant is told before, so that names and areas that people gave stay: it unloads entities meanwhile, and refuses them twice.
#[tokio::test(flavor = "multi_thread")]
async fn entities_move_from_one_form_to_the_other_and_back() {
    let broker = Mosquitto::start().unwrap();
    let elsewhere = Some(broker.addr());
    let mut world = World::start(ON, elsewhere);
    let mut tap = Tap::connect(broker.addr()).await;
    furnish(&tap).await;
    tap.until("the room is announced", |tap| {
        tap.latest.contains_key(TEMPERATURE) && tap.latest.contains_key(WINDOW)
    })
    .await;
    wait_until_blocking("the device is stored", || {
        world.ask_clickhouse("SELECT count() FROM iot.device_registry") == "1"
    })
    .unwrap();

    let whole = "homeassistant/device/casement/room-1/config";
    tap.said.clear();
    world.kill_and_start("{enabled: true, discovery: device}", elsewhere);
    tap.until("the message for the device stands alone", |tap| {
        tap.announced() == [whole]
    })
    .await;
    let place = |tap: &Tap, topic: &str, is: &dyn Fn(&str) -> bool| {
        let mut said = tap.said.iter();
        said.position(|(heard, payload)| heard == topic && is(payload))
    };
    let migration = |payload: &str| payload.contains("migrate_discovery");
    for topic in [TEMPERATURE, WINDOW] {
        let moved = place(&tap, topic, &migration);
        let announced = place(&tap, whole, &|payload| payload.contains("state_topic"));
        let emptied = place(&tap, topic, &str::is_empty);
        assert!(
            moved.is_some() && moved < announced && announced < emptied,
            "{:?}",
            tap.said
        );
    }

    tap.said.clear();
    world.kill_and_start(ON, elsewhere);
    tap.until("messages for entities stand alone", |tap| {
        tap.latest.contains_key(TEMPERATURE)
            && tap.latest.contains_key(WINDOW)
            && !tap.latest.contains_key(whole)
    })
    .await;
    let moved = place(&tap, whole, &migration);
    let named = place(&tap, whole, &|payload| {
        payload.contains(r#""temperature":{"platform":"sensor"}"#)
    });
    let emptied = place(&tap, whole, &str::is_empty);
    let announced = place(&tap, TEMPERATURE, &|payload| payload.contains("state_topic"));
    assert!(
        moved.is_some() && moved < named && named < emptied && emptied < announced,
        "{:?}",
        tap.said
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_key_nothing_is_announced() {
    let world = World::start("{}", None);
    let mut tap = Tap::connect(world.at.mqtt).await;
    furnish(&tap).await;
    tap.until("the reading is heard", |tap| {
        tap.count.contains_key("sensor/room-1/temperature")
    })
    .await;
    // With the key, both are there before Casement is ready.
    assert!(tap.announced().is_empty() && !tap.latest.contains_key(STATUS));
    assert!(!world.data.path().join("registry/home_assistant.json").exists());
}
