//! Devices, groups and defaults: shown, changed, changed by two at once.

use serde_json::json;

use crate::{support::client::Client, world::World};

#[test]
fn what_people_set_up_is_merged_checked_and_guarded_against_each_other() {
    let world = World::start(&[]);
    let path = "/api/v1/devices/kitchen-1";
    assert_eq!(world.get(path).problem(), "/problems/not-found");

    // Set up before it was ever heard of.
    let first = json!({"name": "<script>alert(1)</script>", "location": "Kitchen", "settings": {"opening": {"max": 80}}});
    let made = world.ask("PATCH", path, Some(&first));
    assert_eq!(made.status, 201, "{}", made.body);
    assert_eq!(made.body["name"], "<script>alert(1)</script>");
    assert_eq!(made.body["health"]["state"], "never_seen");
    let listed = world.get("/api/v1/devices?location=Kitchen&state=never_seen");
    assert_eq!(listed.body[0]["device_id"], "kitchen-1");
    assert_eq!(listed.headers["content-type"], "application/json");

    let etag = made.etag().to_owned();
    assert_eq!(world.get(path).etag(), etag);
    let with = |tag: &str, body: &[u8]| {
        let authorization = format!("Bearer {}", world.token);
        let headers = [
            ("authorization", authorization.as_str()),
            ("content-type", "application/merge-patch+json"),
            ("if-match", tag),
        ];
        world.bare("PATCH", path, &headers, body)
    };
    let changed = with(&etag, br#"{"settings": {"opening": {"min": 10}}, "name": null}"#);
    assert_eq!(
        (changed.status, changed.body["name"].as_str()),
        (200, Some("kitchen-1"))
    );
    assert_ne!(changed.etag(), etag);
    let late = with(&etag, br#"{"name": "late"}"#);
    assert_eq!(
        (late.status, late.problem()),
        (412, "/problems/changed-meanwhile")
    );
    assert_eq!(with("7", b"{}").status, 400);
    let authorization = format!("Bearer {}", world.token);
    let bare = |method: &str, path: &str, tag: &str| {
        let headers = [("authorization", authorization.as_str()), ("if-match", tag)];
        let json = [headers[0], headers[1], ("content-type", "application/json")];
        world
            .bare(method, path, &json, if method == "PATCH" { b"{}" } else { b"" })
            .status
    };
    assert_eq!(
        bare("DELETE", path, &etag),
        412,
        "removed by who has not seen the last change"
    );
    assert_eq!(
        bare("PATCH", "/api/v1/devices/nowhere", "*"),
        412,
        "there is none to be changed"
    );
    assert_eq!(world.get("/api/v1/devices/nowhere").status, 404);
    let same = with(changed.etag(), b"{}");
    assert_eq!(
        (same.status, same.etag()),
        (200, changed.etag()),
        "nothing has changed"
    );

    let settings = world.get(&format!("{path}/settings")).body;
    assert_eq!(settings["own"]["opening"], json!({"min": 10.0, "max": 80.0}));
    assert_eq!(settings["effective"]["opening"], settings["own"]["opening"]);

    for (body, place) in [
        (
            json!({"settings": {"opening": {"max": 101}}}),
            "settings.opening.max",
        ),
        (
            json!({"settings": {"opening": {"max": "x"}}}),
            "settings.opening.max",
        ),
        (json!({"settings": {"colour": 1}}), "settings.colour"),
        (json!({"settings": []}), "settings"),
        (json!({"settings": {"opening": [5, 70]}}), "settings.opening"),
        (json!({"nmae": "x"}), "nmae"),
        (json!({"location": "x".repeat(201)}), "location"),
        (json!([1]), "body"),
    ] {
        let refused = world.ask("PATCH", path, Some(&body));
        assert_eq!(
            (refused.status, refused.problem()),
            (400, "/problems/invalid-request")
        );
        assert_eq!(refused.body["errors"][0]["path"], place, "{}", refused.body);
    }
    assert_eq!(world.get(path).etag(), changed.etag());

    assert_eq!(
        world.ask("PATCH", path, Some(&json!({"retired": true}))).body["retired"],
        true
    );
    assert_eq!(world.get("/api/v1/devices").body, json!([]));
    assert_eq!(world.get("/api/v1/devices?retired=true").body[0]["retired"], true);
    assert_eq!(world.ask("DELETE", path, None).status, 204);
    assert_eq!(world.get(path).status, 404);
    assert_eq!(world.ask("DELETE", path, None).status, 404);
}

#[test]
fn groups_and_defaults_are_what_devices_inherit() {
    let world = World::start(&[]);
    let defaults = world.ask(
        "PATCH",
        "/api/v1/settings",
        Some(&json!({"settings": {"report_interval_s": 30}})),
    );
    assert_eq!((defaults.status, defaults.etag()), (200, "\"1\""));
    let path = "/api/v1/groups/Erster%20Stock%2FK%C3%BCche";
    assert_eq!(world.get(path).status, 404);
    let quiet = json!({"settings": {"quiet_hours": [{"from": "22:00", "until": "06:30"}]}});
    let group = world.ask("PATCH", path, Some(&quiet));
    assert_eq!(
        (group.status, group.body["location"].as_str()),
        (200, Some("Erster Stock/Küche"))
    );
    assert_eq!(world.get(path).body, group.body);
    world.ask(
        "PATCH",
        "/api/v1/devices/a",
        Some(&json!({"location": "Erster Stock/Küche"})),
    );
    let settings = world.get("/api/v1/devices/a/settings").body;
    assert_eq!(settings["effective"]["report_interval_s"], 30.0);
    assert_eq!(settings["effective"]["quiet_hours"][0]["from"], "22:00");
    assert_eq!(settings["own"], json!({}));
    let groups = world.get("/api/v1/groups").body;
    assert_eq!(
        (groups[0]["devices"].as_u64(), groups.as_array().unwrap().len()),
        (Some(1), 1)
    );
    assert_eq!(world.ask("DELETE", path, None).status, 204);
    assert_eq!(
        world.get(path).body["settings"],
        json!({}),
        "a device is still there"
    );
    assert!(
        world.get("/api/v1/devices/a/settings").body["effective"]
            .get("quiet_hours")
            .is_none()
    );
    let wrong = world.ask(
        "PATCH",
        "/api/v1/settings",
        Some(&json!({"settings": {"clip_length_s": 1000}})),
    );
    assert_eq!(wrong.body["errors"][0]["path"], "settings.clip_length_s");
}

#[test]
fn long_lists_come_page_by_page() {
    let world = World::start(&[]);
    for number in 0..7 {
        let path = format!("/api/v1/devices/d{number}");
        let body = json!({"location": "A & B?"});
        assert_eq!(world.ask("PATCH", &path, Some(&body)).status, 201);
    }
    let (mut path, mut ids) = (
        "/api/v1/devices?limit=3&location=A%20%26%20B%3F".to_owned(),
        Vec::new(),
    );
    loop {
        let page = world.get(&path);
        let devices = page.body.as_array().unwrap().iter();
        ids.extend(devices.map(|device| device["device_id"].as_str().unwrap().to_owned()));
        let Some(link) = page.headers.get("link") else {
            break;
        };
        let (next, rel) = link.to_str().unwrap().split_once(">; ").unwrap();
        assert_eq!(rel, "rel=\"next\"");
        path = next.trim_start_matches('<').to_owned();
    }
    assert_eq!(ids, ["d0", "d1", "d2", "d3", "d4", "d5", "d6"]);
    for query in [
        "limit=0",
        "limit=1001",
        "limit=x",
        "state=gone",
        "after=..",
        "colour=red",
    ] {
        assert_eq!(
            world.get(&format!("/api/v1/devices?{query}")).status,
            400,
            "{query}"
        );
    }
}

/// From a program to a real device and back: the settings arrive, the answer is shown, the threshold holds at once.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_reaches_its_device_and_the_answer_is_shown() {
    let world = World::start(&[]);
    let path = "/api/v1/devices/room-1";
    let filters = ["device/room-1/config", "ml/inference/request/room-1"];
    let mut room = Client::connect(world.at.mqtt, &filters).await;
    let now = crate::support::client::now;
    let says = |quantity: &str, value: f64| {
        let topic = format!("sensor/room-1/{quantity}");
        (topic, crate::support::client::reading(value, now()))
    };
    for (quantity, value) in [("humidity", 50.0), ("temperature", 21.0)] {
        let (topic, payload) = says(quantity, value);
        room.publish(&topic, payload).await;
    }
    let (topic, request) = room.json().await;
    assert_eq!(
        (topic.as_str(), &request["temperature"]),
        (filters[1], &json!(21.0))
    );

    let change = json!({"settings": {"thresholds": {"temperature": 0.1}}});
    let changed = tokio::task::block_in_place(|| world.ask("PATCH", path, Some(&change)));
    assert_eq!(changed.status, 200, "{}", changed.body);
    let (topic, told) = room.json().await;
    assert_eq!(
        (topic.as_str(), &told["settings"]["thresholds"]),
        (filters[0], &change["settings"]["thresholds"])
    );
    let version = &told["version"];
    let shown = || tokio::task::block_in_place(|| world.get(path)).body["settings"].clone();
    assert_eq!(
        (&shown()["version"], &shown()["state"]),
        (version, &json!("pending"))
    );

    // Less than the general threshold of 0.5.
    let (topic, payload) = says("temperature", 21.2);
    room.publish(&topic, payload).await;
    let (topic, request) = room.json().await;
    assert_eq!(
        (topic.as_str(), &request["temperature"]),
        (filters[1], &json!(21.2))
    );

    let refused = json!({"version": version, "status": "refused", "reason": "no such sensor"}).to_string();
    room.publish("device/room-1/config/ack", refused).await;
    assert_eq!(
        (&shown()["state"], &shown()["reason"]),
        (&json!("refused"), &json!("no such sensor"))
    );
    let applied = json!({"version": version, "status": "applied"}).to_string();
    room.publish("device/room-1/config/ack", applied).await;
    assert_eq!(shown()["state"], "applied");
}
