//! Accounts, tokens and pairing: for admins, with secrets that are shown once.

use serde_json::json;
use testkit::{wait_sql, wait_until_blocking};

use crate::world::World;

#[test]
fn accounts_are_made_changed_and_forgotten_and_their_secrets_shown_once() {
    let world = World::start(&[]);
    let new = json!({"name": "grafana", "role": "reader", "label": "<b>Grafana</b>"});
    let made = world.ask("POST", "/api/v1/accounts", Some(&new));
    assert_eq!(
        (made.status, made.body["account"]["label"].as_str()),
        (201, Some("<b>Grafana</b>"))
    );
    let password = made.body["password"].as_str().unwrap().to_owned();
    assert_eq!(
        world.ask("POST", "/api/v1/accounts", Some(&new)).problem(),
        "/problems/conflict"
    );
    let token = world.ask(
        "POST",
        "/api/v1/accounts/grafana/tokens",
        Some(&json!({"label": "x", "days": 1})),
    );
    let (id, token) = (
        token.body["id"].as_str().unwrap().to_owned(),
        token.body["token"].as_str().unwrap().to_owned(),
    );
    assert_eq!(world.ask_as(&token, "GET", "/api/v1/devices", None).status, 200);
    let tokens = world.get("/api/v1/accounts/grafana/tokens").body;
    assert_eq!(
        (tokens[0]["id"].as_str(), tokens[0]["label"].as_str()),
        (Some(id.as_str()), Some("x"))
    );

    only_admins_may(&world, &token);
    assert_eq!(
        world.ask("DELETE", &format!("/api/v1/tokens/{id}"), None).status,
        204
    );
    assert_eq!(
        world.ask("DELETE", &format!("/api/v1/tokens/{id}"), None).status,
        404
    );
    assert_eq!(
        world.ask_as(&token, "GET", "/api/v1/devices", None).problem(),
        "/problems/unauthorized"
    );
    let rotated = world.ask("POST", "/api/v1/accounts/grafana/rotate", None).body;
    assert_ne!(rotated["password"], password);
    let patch = json!({"state": "retired", "label": null});
    let retired = world.ask("PATCH", "/api/v1/accounts/grafana", Some(&patch)).body;
    assert_eq!(
        (retired["state"].as_str(), retired["label"].as_str()),
        (Some("retired"), Some(""))
    );
    assert_eq!(
        world
            .ask(
                "PATCH",
                "/api/v1/accounts/grafana",
                Some(&json!({"state": "pending"}))
            )
            .status,
        400
    );
    assert_eq!(world.ask("DELETE", "/api/v1/accounts/grafana", None).status, 204);
    let listed = world.get("/api/v1/accounts").body.to_string();
    assert!(listed.contains("\"admin\"") && !listed.contains("grafana") && !listed.contains("argon2"));

    // Nothing of it is in the log.
    let log = world.process.output();
    for secret in [
        &password,
        &token,
        &world.token,
        &rotated["password"].as_str().unwrap().to_owned(),
    ] {
        assert!(!log.contains(secret.as_str()), "a secret is in the log");
    }
    let who = "SELECT count() >= 5 FROM iot.audit_log FINAL WHERE account = 'grafana'";
    testkit::wait_sql(world.at.clickhouse, who, "1").unwrap();
}

fn only_admins_may(world: &World, token: &str) {
    // The last admin stays; what is asked of a reader is refused.
    for (method, path, body) in [
        ("DELETE", "/api/v1/accounts/admin", None),
        (
            "PATCH",
            "/api/v1/accounts/admin",
            Some(json!({"state": "retired"})),
        ),
    ] {
        assert_eq!(
            world.ask(method, path, body.as_ref()).problem(),
            "/problems/conflict"
        );
    }
    for path in [
        "/api/v1/accounts",
        "/api/v1/accounts/admin",
        "/api/v1/accounts/admin/tokens",
        "/api/v1/pairing",
        "/api/v1/shares",
    ] {
        let refused = world.ask_as(token, "GET", path, None);
        assert_eq!(
            (refused.status, refused.problem()),
            (403, "/problems/forbidden"),
            "{path}"
        );
        let stranger = world.bare("GET", path, &[], b"");
        assert_eq!(
            (stranger.status, stranger.problem()),
            (401, "/problems/unauthorized"),
            "{path}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_introduces_itself_and_is_let_in() {
    let world = World::start(&["--config", "crates/casement/tests/api/accounts-only.yaml"]);
    assert_eq!(world.get("/api/v1/pairing").body["open_until"], json!(null));
    let open = world.ask("POST", "/api/v1/pairing", None);
    assert!(
        open.status == 200 && open.body["open_until"].is_string(),
        "{}",
        open.body
    );
    for id in ["room-7", "room-8"] {
        let mut options = mqtt::ConnectionOptions::new(
            mqtt::BrokerUrl::tcp(world.at.mqtt.ip().to_string(), world.at.mqtt.port()),
            id,
        );
        options.username = Some(id.to_owned());
        options.password = Some("a password of its own".to_owned().into());
        let _client = mqtt::connect(options);
        wait_until_blocking("it waits", || {
            world.get("/api/v1/pairing").body["waiting"]
                .to_string()
                .contains(id)
        })
        .unwrap();
    }
    let approval = json!({"name": "Window 7", "location": "Attic"});
    let approved = world.ask("POST", "/api/v1/pairing/room-7/approve", Some(&approval));
    assert_eq!(
        (approved.status, approved.body["state"].as_str()),
        (200, Some("active")),
        "{}",
        approved.body
    );
    assert_eq!(world.get("/api/v1/devices/room-7").body["name"], "Window 7");
    assert_eq!(
        world
            .ask("POST", "/api/v1/pairing/room-7/approve", None)
            .problem(),
        "/problems/conflict"
    );
    assert_eq!(world.ask("DELETE", "/api/v1/pairing/room-8", None).status, 204);
    assert_eq!(world.ask("DELETE", "/api/v1/pairing/room-8", None).status, 404);
    assert_eq!(world.ask("DELETE", "/api/v1/pairing", None).status, 204);
    assert_eq!(
        world.get("/api/v1/pairing").body,
        json!({"open_until": null, "waiting": [], "registration": "pairing", "network": null})
    );
}

#[test]
fn a_device_out_of_use_is_kept_out_and_back_in_use_when_it_is_approved() {
    let world = World::start(&[]);
    let new = json!({"name": "room-1", "role": "device"});
    assert_eq!(world.ask("POST", "/api/v1/accounts", Some(&new)).status, 201);
    let (device, account) = ("/api/v1/devices/room-1", "/api/v1/accounts/room-1");
    let retire = |retired: bool| {
        let answer = world.ask("PATCH", device, Some(&json!({"retired": retired})));
        assert!(matches!(answer.status, 200 | 201), "{}", answer.body);
    };
    let state = || world.get(account).body["state"].as_str().unwrap().to_owned();
    retire(true);
    assert_eq!(state(), "retired");
    retire(false);
    assert_eq!(state(), "active");
    retire(true);
    let approved = world.ask("PATCH", account, Some(&json!({"state": "active"})));
    assert_eq!(approved.status, 200, "{}", approved.body);
    assert_eq!(world.get(device).body["retired"], false, "it is back in use");
    assert_eq!(state(), "active");
    // The account is the other door to the same.
    let retired = world.ask("PATCH", account, Some(&json!({"state": "retired"})));
    assert_eq!(retired.status, 200, "{}", retired.body);
    assert_eq!(world.get(device).body["retired"], true);
    retire(false);
    assert_eq!(state(), "active");
    // A device without an account has nothing to close.
    let other = world.ask(
        "PATCH",
        "/api/v1/devices/room-2",
        Some(&json!({"retired": true, "name": "Attic"})),
    );
    assert_eq!(other.status, 201);
    only_what_the_device_closed_opens_with_it(&world, "room-1");
    // Who did what is written down.
    let audited = "SELECT countIf(kind = 'account_retire' AND account = 'room-1'), countIf(kind = 'account_approve'), \
                   countIf(kind = 'registry_changed' AND actor != '' AND detail LIKE '%room-1%retired (%use)'), \
                   countIf(kind = 'registry_changed' AND detail LIKE '%room-2%name, retired (out of use)') FROM iot.audit_log FINAL";
    wait_sql(world.at.clickhouse, audited, "8\t6\t16\t1").unwrap();
}

/// An operator opens what a device's retirement closed, and nothing that an admin closed.
fn only_what_the_device_closed_opens_with_it(world: &World, id: &str) {
    let operator = world.account("olga", "operator");
    let (device, account) = (format!("/api/v1/devices/{id}"), format!("/api/v1/accounts/{id}"));
    let retire = |token: &str, retired: bool| {
        let answer = world.ask_as(token, "PATCH", &device, Some(&json!({"retired": retired})));
        assert_eq!(answer.status, 200, "{}", answer.body);
        world.get(&account).body["state"].as_str().unwrap().to_owned()
    };
    assert_eq!(retire(&operator, true), "retired");
    assert_eq!(retire(&operator, false), "active");
    let closed = world.ask("POST", &format!("{account}/close"), None);
    assert_eq!(
        (closed.status, closed.body["state"].as_str()),
        (200, Some("retired"))
    );
    assert_eq!(
        world.get(&device).body["retired"],
        false,
        "the account alone is closed"
    );
    // Who sends back what is there changes nothing.
    let again = world.ask(
        "PATCH",
        &account,
        Some(&json!({"state": "retired", "label": closed.body["label"]})),
    );
    assert_eq!(again.status, 200, "{}", again.body);
    assert_eq!(world.get(&device).body["retired"], false, "nothing has changed");
    assert_eq!(retire(&operator, false), "retired", "it was never out of use");
    assert_eq!(retire(&operator, true), "retired");
    assert_eq!(retire(&operator, false), "retired");
    retire(&operator, true);
    assert_eq!(retire(&world.token, false), "active", "an admin may");
    // An admin closes one whose device is out of use. The device comes back without it.
    let close = || {
        let closed = world.ask("POST", &format!("{account}/close"), None);
        assert_eq!(closed.status, 200, "{}", closed.body);
        world.get(&device).body["retired"].clone()
    };
    assert_eq!(retire(&operator, true), "retired");
    assert_eq!(close(), true);
    assert_eq!(retire(&operator, false), "retired", "an admin closed it");
    assert_eq!(close(), false, "it is in use again");
    assert_eq!(retire(&world.token, true), "retired");
    assert_eq!(retire(&world.token, false), "active");
}
