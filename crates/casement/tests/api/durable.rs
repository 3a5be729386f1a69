//! What was acknowledged is there after a kill.

use serde_json::json;

use crate::world::World;

#[test]
fn a_change_that_was_answered_survives_a_kill() {
    let mut world = World::start(&[]);
    for round in 0..3 {
        let body = json!({"name": format!("name {round}"), "location": "Hall", "settings": {"thresholds": {"temperature": 0.25}, "opening": {"max": 50 + round}}});
        let changed = world.ask("PATCH", "/api/v1/devices/hall-1", Some(&body));
        let group = world.ask(
            "PATCH",
            "/api/v1/groups/Hall",
            Some(&json!({"settings": {"motor_travel_s": 10 + round}})),
        );
        let made = world.ask(
            "POST",
            "/api/v1/accounts",
            Some(&json!({"name": format!("reader-{round}"), "role": "reader"})),
        );
        assert!(changed.status < 300 && group.status == 200 && made.status == 201);
        world.kill_and_start();
        let again = world.get("/api/v1/devices/hall-1");
        assert_eq!(
            (again.etag(), &again.body["name"]),
            (changed.etag(), &changed.body["name"])
        );
        let settings = world.get("/api/v1/devices/hall-1/settings").body;
        assert_eq!(settings["own"]["opening"]["max"], f64::from(50 + round));
        assert_eq!(settings["effective"]["motor_travel_s"], f64::from(10 + round));
        assert_eq!(world.get("/api/v1/groups/Hall").etag(), group.etag());
        assert_eq!(
            world.get(&format!("/api/v1/accounts/reader-{round}")).body,
            made.body["account"]
        );
    }
}
