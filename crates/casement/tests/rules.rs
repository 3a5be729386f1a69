//! Interlocks and schedules in a real process with real MQTT: rain, dead sensors, gusts, frost, alarms, airing, night cooling.
#![allow(missing_docs, clippy::unwrap_used)]

#[path = "api/world.rs"]
#[allow(dead_code, reason = "each test uses a part of it")]
mod world;

mod support;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use serde_json::{Value, json};
use support::client::{self, Client, now};
use world::World;

/// How soon a cause has to close a window.
const SOON: Duration = Duration::from_secs(5);
/// How long anything else may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(40);
const POLL: Duration = Duration::from_millis(20);

#[derive(Debug, Clone)]
struct Command {
    device_id: String,
    position: f64,
    origin: String,
    reason: String,
    at: Instant,
}

/// A house whose windows do as they are told, and say so.
struct House {
    world: World,
    client: Client,
    commands: Arc<Mutex<Vec<Command>>>,
}

impl House {
    async fn start() -> Self {
        let world = World::start(&["--no-ml"]);
        let commands = Arc::<Mutex<Vec<Command>>>::default();
        let mut windows = Client::connect(world.at.mqtt, &["window/+/control"]).await;
        let (told, publisher) = (Arc::clone(&commands), windows.publisher.clone());
        tokio::spawn(async move {
            // It ends when nothing was said for a while, with the test.
            loop {
                let (_, command) = windows.json().await;
                let device_id = command["device_id"].as_str().unwrap().to_owned();
                let position = command["position"].as_f64().unwrap();
                let report = state(&device_id, position);
                let topic = format!("window/{device_id}/state");
                let _ = publisher
                    .publish_confirmed(&topic, report, mqtt::Qos::AtLeastOnce, false)
                    .await;
                told.lock().push(Command {
                    device_id,
                    position,
                    origin: command["origin"].as_str().unwrap_or_default().to_owned(),
                    reason: command["reason"].as_str().unwrap_or_default().to_owned(),
                    at: Instant::now(),
                });
            }
        });
        let client = Client::connect(world.at.mqtt, &[]).await;
        Self {
            world,
            client,
            commands,
        }
    }

    /// Sets a device up; a window says where it stands.
    async fn set_up(&self, device_id: &str, location: &str, settings: Value, position: Option<f64>) {
        let patch = json!({"location": location, "settings": settings});
        let device = format!("/api/v1/devices/{device_id}");
        let answer = self.world.ask("PATCH", &device, Some(&patch));
        assert!(matches!(answer.status, 200 | 201), "{}", answer.body);
        if let Some(position) = position {
            let topic = format!("window/{device_id}/state");
            self.client.publish(&topic, state(device_id, position)).await;
        }
    }

    async fn read(&self, device_id: &str, quantity: &str, value: f64) {
        let topic = format!("sensor/{device_id}/{quantity}");
        self.client.publish(&topic, client::reading(value, now())).await;
    }

    fn of(&self, device_id: &str) -> Vec<Command> {
        let commands = self.commands.lock();
        commands
            .iter()
            .filter(|command| command.device_id == device_id)
            .cloned()
            .collect()
    }

    /// Waits for the command of that number, from 0.
    async fn command(&self, device_id: &str, number: usize) -> Command {
        let began = Instant::now();
        loop {
            if let Some(command) = self.of(device_id).get(number) {
                return command.clone();
            }
            assert!(
                began.elapsed() < PATIENCE,
                "{device_id}: no command {number}: {:?}",
                self.of(device_id)
            );
            tokio::time::sleep(POLL).await;
        }
    }

    fn sql(&self, statement: &str) -> String {
        testkit::sql(self.world.at.clickhouse, statement).unwrap()
    }

    /// Waits until a device has had so many events of a kind.
    async fn events(&self, device_id: &str, event: &str, count: usize) {
        let began = Instant::now();
        let statement = format!(
            "SELECT count() FROM iot.device_events WHERE device_id = '{device_id}' AND event = '{event}'"
        );
        loop {
            let found = self.sql(&statement);
            if found.trim() == count.to_string() {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "{device_id}: {found} of {event}");
            tokio::time::sleep(POLL).await;
        }
    }

    async fn until_active(&self, device_id: &str, is_active: bool) -> Value {
        let began = Instant::now();
        loop {
            let all = self.world.get("/api/v1/schedules").body;
            let found = all
                .as_array()
                .unwrap()
                .iter()
                .find(|one| one["device_id"] == device_id);
            if let Some(one) = found
                && one["active"] == is_active
            {
                return one.clone();
            }
            assert!(began.elapsed() < PATIENCE, "{all}");
            tokio::time::sleep(POLL).await;
        }
    }
}

fn state(device_id: &str, position: f64) -> String {
    json!({"device_id": device_id, "timestamp": now().to_string(), "position": position}).to_string()
}

fn is(command: &Command, position: f64, origin: &str) {
    assert!(
        (command.position - position).abs() < 1e-9 && command.origin == origin,
        "{command:?} is not {position} by {origin}"
    );
}

/// The law's bound from a cause to its command.
fn soon(command: &Command, cause: Instant) {
    let took = command.at.duration_since(cause);
    assert!(took < SOON, "{took:?}: {command:?}");
}

/// It rains while a person wants the window open: shut within five seconds, and theirs again when it was dry for a while.
async fn rain(house: &House) {
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
async fn dead_sensors(house: &House) {
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
async fn wind(house: &House) {
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

async fn frost(house: &House) {
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
async fn locked(house: &House) {
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

async fn airing(house: &House) {
    let air = json!({"kind": "airing", "co2_above": 1200, "for_s": 4, "every_s": 3600});
    let settings = json!({"min_interval_s": 0, "schedules": {"air": air}});
    house.set_up("office", "office", settings, Some(20.0)).await;
    let waiting = house.until_active("office", false).await;
    assert_eq!(
        (&waiting["kind"], &waiting["next"]),
        (&json!("airing"), &Value::Null)
    );
    house.read("office", "co2", 1_450.0).await;
    let wide = house.command("office", 0).await;
    is(&wide, 100.0, "schedule");
    assert!(wide.reason.contains("1450 ppm"), "{}", wide.reason);
    let back = house.command("office", 1).await;
    is(&back, 20.0, "schedule");
    let lasted = back.at.duration_since(wide.at);
    assert!(lasted >= Duration::from_secs(3), "{lasted:?}");
    // Not again within the hour, however stuffy it is.
    house.read("office", "co2", 2_000.0).await;
    let next = house.until_active("office", false).await;
    assert!(next["next"].is_string(), "{next}");
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    assert_eq!(house.of("office").len(), 2);
}

async fn night_cooling(house: &House) {
    let night = json!({"kind": "night_cooling", "from": "00:00", "until": "00:00", "position": 60});
    let settings = json!({"min_interval_s": 0, "outdoor_sensor": "yard", "schedules": {"night": night}});
    house.set_up("bedroom", "bedroom", settings, Some(0.0)).await;
    house.until_active("bedroom", false).await;
    house.read("yard", "temperature", 18.0).await;
    house.read("bedroom", "temperature", 26.0).await;
    let open = house.command("bedroom", 0).await;
    is(&open, 60.0, "schedule");
    assert_eq!(open.reason, "night cooling: 26.0 °C inside, 18.0 °C outside");
    let active = house.until_active("bedroom", true).await;
    assert!(active["until"].is_string(), "{active}");
    house.read("bedroom", "temperature", 22.5).await;
    is(&house.command("bedroom", 1).await, 0.0, "schedule");
    house.until_active("bedroom", false).await;
}

/// An alarm shuts every window that heeds it, and outlasts a kill, as the rain does.
async fn alarm_and_restart(house: &mut House) {
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

#[tokio::test(flavor = "multi_thread")]
async fn causes_close_and_schedules_open() {
    let mut house = House::start().await;
    tokio::join!(
        rain(&house),
        dead_sensors(&house),
        wind(&house),
        frost(&house),
        locked(&house),
        airing(&house),
        night_cooling(&house),
    );
    alarm_and_restart(&mut house).await;
}

#[test]
fn what_is_wrong_with_rules_is_told_at_the_start() {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("casement.yaml");
    let run = |text: &str| {
        std::fs::write(&file, text).unwrap();
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_casement"));
        let output = command.args(["config", "--config"]).arg(&file).output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(text).unwrap())
    };
    let (is_fine, shown) = run(
        "windows: {interlocks: {wind: {limit: 12}}, schedules: {night: {kind: night_cooling, from: '22:00', until: sunrise}}}",
    );
    assert!(is_fine && shown.contains("night_cooling"), "{shown}");
    let (is_fine, told) =
        run("windows: {interlocks: {wind: {limit: 500}}, schedules: {air: {kind: airing}}}");
    // The command shows what is there, with a warning; what starts with it is refused.
    assert!(is_fine && told.contains("warning"), "{told}");
    for part in ["interlocks.wind.limit", "schedules.air", "humidity_above"] {
        assert!(told.contains(part), "{told}");
    }
    let (is_fine, told) = run("windows: {interlocks: {hail: {}}}");
    assert!(is_fine && told.contains("unknown field `hail`"), "{told}");
}
