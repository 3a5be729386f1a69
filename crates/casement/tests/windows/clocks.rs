//! The clock on the wall is set while a person holds a window.

use serde_json::json;
use testkit::{Addresses, FakeClock};

use crate::{
    support::{casement, client::Client},
    world::{PATIENCE, ask},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_set_neither_ends_an_override_nor_makes_it_longer() {
    let data = tempfile::tempdir().unwrap();
    let clock = FakeClock::find(data.path()).unwrap();
    let clock = clock.expect("libfaketime is missing: make test-packages");
    let at = Addresses::free();
    let arguments = [at.arguments(data.path()), vec!["--no-ml".to_owned()]].concat();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut process = casement().start_with(&arguments, &clock.environment()).unwrap();
    process.wait_for_line("Casement is ready").unwrap();
    let token = std::fs::read_to_string(data.path().join("accounts/admin-token")).unwrap();
    let client = Client::connect(at.mqtt, &[]).await;
    client.publish("device/room/status", "online").await;
    client
        .publish(
            "window/room/set",
            json!({"position": 40, "for_s": 3600}).to_string(),
        )
        .await;
    let held = || {
        let (_, device) = ask(at.http, token.trim(), "GET", "/api/v1/devices/room", None);
        !device["control"]["override"].is_null()
    };
    assert!(held());
    // Three hours ahead, then a day back: the hour has not passed.
    for offset in [3 * 3600, -24 * 3600] {
        clock.set_offset(offset).unwrap();
        tokio::time::sleep(std::time::Duration::from_secs(2)).await;
        assert!(held(), "{offset}");
    }
    // A short one is over after its time, by whatever clock.
    client
        .publish("window/room/set", json!({"position": 40, "for_s": 5}).to_string())
        .await;
    let deadline = std::time::Instant::now() + PATIENCE;
    while held() {
        assert!(std::time::Instant::now() < deadline, "it does not end");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}
