//! An ML service of one's own that knows only the specification's fields.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    support::client::{Client, now, reading},
    support::clip,
    world::{Window, World},
};

/// What a service in the specification's words subscribes to.
const REQUESTS: &str = "ml/inference/request/#";

/// A service in the specification's words, as one in Python by its letter: it needs a recording, answers at `QoS` 1 without the
/// retain flag in the specification's fields, and knows nothing else. `None` of a request that it fails at.
async fn answer(service: &mut Client, position: f64, within: Duration) -> Option<Value> {
    let (_, request) = service.json_within(within).await?;
    request["audio_data"].as_str()?;
    let id = request["device_id"].as_str().unwrap();
    let command = json!({
        "device_id": id, "timestamp": now().to_string(), "position": position, "confidence": 0.9,
        "features_used": {
            "temperature": request["temperature"], "humidity": request["humidity"],
            "audio_features": ["mfcc_mean", "spectral_centroid", "rms"],
        },
    });
    service
        .publish(&format!("window/{id}/control"), command.to_string())
        .await;
    Some(request)
}

/// A recording, which stands in each request of the next ten minutes.
async fn recording(window: &Window) {
    let topic = format!("sensor/{}/audio", window.id);
    window
        .client
        .publish(&topic, clip::payload(window.id, 440.0, now()))
        .await;
}

async fn climate(window: &Window, temperature: f64) {
    for (quantity, value) in [("humidity", 50.0), ("temperature", temperature)] {
        let reading = json!({"value": value, "timestamp": now().to_string()});
        window
            .publish(&format!("sensor/{}/{quantity}", window.id), reading.to_string())
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_in_ignorance_is_not_asked_while_a_person_decides() {
    let world = World::configured(&json!({}), &["--no-ml"], "ml: {understands_context: false}\n");
    let mut room = world.window("room").await;
    let mut service = Client::connect(world.up.mqtt, &[REQUESTS]).await;
    recording(&room).await;
    climate(&room, 20.0).await;
    let request = answer(&mut service, 55.0, crate::world::PATIENCE)
        .await
        .expect("a request");
    assert_eq!(request.get("window"), None, "{request}");
    assert_eq!(room.command().await["position"], 55.0);
    world.hold("room", &json!({"position": 10}));
    assert_eq!(room.command().await["position"], 10.0);
    climate(&room, 25.0).await;
    let withheld = world.until("room", "withheld", |_| {
        let (_, device) = world.ask("GET", "/api/v1/devices/room", None);
        device["withheld"]["reason"]
            .to_string()
            .contains("a person decides")
    });
    withheld.await;
    // One that was on its way is answered at once; the answer comes after it.
    for _ in 0..5 {
        room.model(80.0).await;
        assert_eq!(room.command().await["position"], 80.0);
        let again = room.command().await;
        assert_eq!(
            (&again["position"], &again["origin"]),
            (&json!(10.0), &json!("person"))
        );
    }
    assert_eq!(answer(&mut service, 0.0, Duration::from_millis(300)).await, None);
    world.resume("room");
    climate(&room, 30.0).await;
    answer(&mut service, 66.0, crate::world::PATIENCE)
        .await
        .expect("a request");
    assert_eq!(room.command().await["position"], 66.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_heeds_windows_is_told_of_them() {
    let world = World::start(&json!({}), &[]);
    let mut room = world.window("room").await;
    let mut requests = Client::connect(world.up.mqtt, &[REQUESTS]).await;
    room.report(20.0).await;
    world.hold("room", &json!({"position": 10, "forever": true}));
    assert_eq!(room.command().await["position"], 10.0);
    climate(&room, 27.0).await;
    let (_, request) = requests.json().await;
    assert_eq!(
        (&request["window"]["hold"], &request["window"]["position"]),
        (&json!(10.0), &json!(20.0))
    );
    let kept = |now: &Value| now["verdict"]["why"] == "override";
    world.until("room", "kept", kept).await;
    assert_eq!(room.positions().await, [] as [f64; 0]);
    // What the model wanted is recorded all the same.
    world
        .up
        .wait_sql(
            "SELECT count() FROM iot.ml_predictions WHERE device_id = 'room' AND held",
            "1",
        )
        .unwrap();
}

/// What only limits a window leaves the model room: it is asked, and what it wants beyond the limit is answered.
#[tokio::test(flavor = "multi_thread")]
async fn a_service_in_ignorance_is_asked_while_a_window_is_only_limited() {
    let lock = json!({"interlocks": {"child_lock": 20}});
    let world = World::configured(&lock, &["--no-ml"], "ml: {understands_context: false}\n");
    let mut room = world.window("room").await;
    let mut service = Client::connect(world.up.mqtt, &[REQUESTS]).await;
    recording(&room).await;
    climate(&room, 20.0).await;
    answer(&mut service, 10.0, crate::world::PATIENCE)
        .await
        .expect("a request");
    assert_eq!(room.command().await["position"], 10.0);
    world
        .until("room", "locked", |now| {
            now["interlocks"][0]["cause"] == "child_lock"
        })
        .await;
    climate(&room, 25.0).await;
    answer(&mut service, 55.0, crate::world::PATIENCE)
        .await
        .expect("a request while the lock is on");
    assert_eq!(room.command().await["position"], 55.0);
    let again = room.command().await;
    assert_eq!(
        (&again["position"], &again["origin"], &again["cause"]),
        (&json!(20.0), &json!("interlock"), &json!("child_lock"))
    );
    // Rain shuts it, and then there is nothing to ask for.
    room.client.publish("sensor/room/rain", reading(2.0, now())).await;
    assert_eq!(room.command().await["position"], 0.0);
    climate(&room, 30.0).await;
    let withheld = world.until("room", "withheld", |_| {
        let (_, device) = world.ask("GET", "/api/v1/devices/room", None);
        device["withheld"]["reason"] == "it rains"
    });
    withheld.await;
    assert_eq!(answer(&mut service, 90.0, Duration::from_millis(300)).await, None);
}

/// Rain and alarms are no opinion: whoever opens the window against them is answered each time, after the
/// tenth within a second or two.
#[tokio::test(flavor = "multi_thread")]
async fn rain_shuts_a_window_as_often_as_a_service_opens_it() {
    let world = World::configured(&json!({}), &["--no-ml"], "ml: {understands_context: false}\n");
    let mut room = world.window("room").await;
    room.report(50.0).await;
    room.client.publish("sensor/room/rain", reading(2.0, now())).await;
    assert_eq!(room.command().await["position"], 0.0);
    for _ in 0..14 {
        room.model(80.0).await;
        assert_eq!(room.command().await["position"], 80.0);
        let again = room.command().await;
        assert_eq!(
            (&again["position"], &again["origin"], &again["cause"]),
            (&json!(0.0), &json!("interlock"), &json!("rain"))
        );
    }
}

/// The ML service goes away and comes back: people and rain go on, nothing moves late, and the next change is decided.
#[tokio::test(flavor = "multi_thread")]
async fn windows_are_looked_after_while_no_service_answers() {
    let world = World::configured(&json!({}), &["--no-ml"], "ml: {understands_context: false}\n");
    let mut room = world.window("room").await;
    let mut service = Client::connect(world.up.mqtt, &[REQUESTS]).await;
    recording(&room).await;
    climate(&room, 20.0).await;
    answer(&mut service, 30.0, crate::world::PATIENCE)
        .await
        .expect("a request");
    assert_eq!(room.command().await["position"], 30.0);
    drop(service);
    // Nobody answers.
    climate(&room, 25.0).await;
    world.hold("room", &json!({"position": 60}));
    assert_eq!(room.command().await["position"], 60.0);
    room.client.publish("sensor/room/rain", reading(2.0, now())).await;
    assert_eq!(room.command().await["position"], 0.0);
    world.resume("room");
    assert_eq!(room.positions().await, [] as [f64; 0]);
    let dry = json!({"settings": {"interlocks": {"rain": {"on": false}}}});
    assert_eq!(world.ask("PATCH", "/api/v1/devices/room", Some(&dry)).0, 200);
    world
        .until("room", "free", |now| now["interlocks"] == json!([]))
        .await;
    // It is back: what was asked meanwhile is not asked again, and the next change is.
    let mut service = Client::connect(world.up.mqtt, &[REQUESTS]).await;
    assert_eq!(answer(&mut service, 90.0, Duration::from_millis(300)).await, None);
    assert_eq!(room.positions().await, [] as [f64; 0]);
    climate(&room, 30.0).await;
    answer(&mut service, 45.0, crate::world::PATIENCE)
        .await
        .expect("a request");
    assert_eq!(room.command().await["position"], 45.0);
}
