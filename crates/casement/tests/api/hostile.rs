//! Words that would do harm where they were taken for SQL, paths, HTML or headers: in every parameter and every field.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::world::World;

const WORDS: [&str; 16] = [
    "' OR 1=1 --",
    "'; DROP TABLE iot.sensor_temperature; --",
    "\\'; SELECT sleep(3); --",
    "x' UNION ALL SELECT * FROM system.users --",
    "{id:String}",
    "../../../../etc/passwd",
    "..\\..\\windows",
    "/etc/passwd",
    "accounts.json",
    "<script>alert(1)</script>",
    "\" onload=\"alert(1)",
    "${jndi:ldap://127.0.0.1/x}",
    "$(touch /tmp/casement-hostile)",
    "a\r\nSet-Cookie: x=y",
    "\u{0}",
    "\u{202e}\u{1f4a9}",
];

/// Every byte as `%XX`.
fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        let _ = write!(encoded, "%{byte:02x}");
        encoded
    })
}

/// The operations of the description: method, path, names of the query's parameters.
fn operations(world: &World) -> Vec<(String, String, Vec<String>)> {
    let document = world.get("/api/v1/openapi.json").body;
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            let query = parameters.filter(|parameter| parameter["in"] == "query");
            let names = query.map(|parameter| parameter["name"].as_str().unwrap().to_owned());
            operations.push((method.to_uppercase(), path.clone(), names.collect()));
        }
    }
    operations
}

/// The path with `word` in place of every parameter.
fn filled(path: &str, word: &str) -> String {
    let part = |part: &str| {
        if part.starts_with('{') {
            encoded(word)
        } else {
            part.to_owned()
        }
    };
    path.split('/').map(part).collect::<Vec<String>>().join("/")
}

#[test]
fn no_parameter_is_taken_for_more_than_text() {
    let world = World::start(&["--config", "crates/casement/tests/api/many-requests.yaml"]);
    let operations = operations(&world);
    assert!(operations.len() > 20);
    for word in WORDS {
        for (method, path, query) in operations
            .iter()
            .filter(|(_, path, _)| !path.ends_with("/events"))
        {
            let url = filled(path, word);
            if url != *path {
                let answer = world.ask(method, &url, None);
                assert!(answer.status < 500, "{method} {url}: {}", answer.body);
                assert!(!answer.headers.contains_key("set-cookie"), "{method} {url}");
            }
            for name in query {
                let url = format!("{}?{name}={}", filled(path, "sensor-001"), encoded(word));
                let answer = world.ask(method, &url, None);
                assert!(answer.status < 500, "{method} {url}: {}", answer.body);
            }
        }
        let device = format!("/api/v1/devices/{}", encoded(word));
        assert!(matches!(world.get(&device).status, 400 | 404), "{word:?}");
        assert!(
            matches!(
                world.get(&format!("/problems/{}", encoded(word))).status,
                400 | 404
            ),
            "{word:?}"
        );
    }
    for url in [
        "/api/v1/devices/%ff",
        "/api/v1/groups/%c0%ae",
        "/api/v1/../../etc/passwd",
        "/api/v1/devices?after=%ff",
        "/api/v1/%2e%2e/accounts",
    ] {
        let answer = world.ask("GET", url, None);
        assert!(matches!(answer.status, 400 | 404), "{url} {}", answer.status);
    }
    // Nothing was dropped, nothing was made.
    assert!(!std::path::Path::new("/tmp/casement-hostile").exists());
    let tables = testkit::sql(
        world.at.clickhouse,
        "SELECT count() > 5 FROM system.tables WHERE database = 'iot'",
    )
    .unwrap();
    assert_eq!(tables.trim(), "1");
    assert_eq!(world.get("/api/v1/accounts").body.as_array().unwrap().len(), 1);
}

#[test]
fn every_text_field_keeps_text_or_refuses_it() {
    let world = World::start(&["--config", "crates/casement/tests/api/many-requests.yaml"]);
    for (number, word) in WORDS.into_iter().enumerate() {
        let is_text = !word.chars().any(char::is_control);
        let path = format!("/api/v1/devices/d{number}");
        let changed = world.ask("PATCH", &path, Some(&json!({"name": word, "location": word})));
        assert_eq!(changed.status, if is_text { 201 } else { 400 }, "{word:?}");
        if is_text {
            let device = world.get(&path).body;
            assert_eq!(
                (&device["name"], &device["location"]),
                (&json!(word), &json!(word))
            );
            let group = world.get(&format!("/api/v1/groups/{}", encoded(word)));
            assert_eq!((group.status, &group.body["location"]), (200, &json!(word)));
        }
        let refused = [
            (
                "PATCH",
                "/api/v1/settings",
                json!({"settings": {"time_zone": word}}),
            ),
            (
                "PATCH",
                "/api/v1/settings",
                json!({"settings": {"outdoor_sensor": word}}),
            ),
            (
                "PATCH",
                "/api/v1/settings",
                json!({"settings": {"thresholds": {word: 1}}}),
            ),
            (
                "PATCH",
                "/api/v1/settings",
                json!({"settings": {"quiet_hours": [{"from": word, "until": "06:00"}]}}),
            ),
            ("PATCH", "/api/v1/settings", json!({ word: 1 })),
            (
                "POST",
                "/api/v1/accounts",
                json!({"name": word, "role": "reader"}),
            ),
            ("POST", "/api/v1/accounts", json!({"name": "a", "role": word})),
            ("PATCH", "/api/v1/accounts/admin", json!({"state": word})),
            ("POST", "/api/v1/shares", json!({"days": word})),
        ];
        for (method, path, body) in refused {
            // A name without a character that is no name's is one.
            let is_fine = word == "accounts.json" && body["settings"].get("time_zone").is_some();
            let answer = world.ask(method, path, Some(&body));
            assert!(
                answer.status == 400 || is_fine,
                "{method} {path} {body}: {}",
                answer.status
            );
            assert!(answer.problem().ends_with("invalid-request") || is_fine);
        }
        let label = json!({"name": format!("a{number}"), "role": "reader", "label": word});
        let made = world.ask("POST", "/api/v1/accounts", Some(&label));
        assert_eq!(made.status, if is_text { 201 } else { 400 }, "{word:?}");
        if is_text {
            assert_eq!(made.body["account"]["label"], word);
        }
    }
    let wrong: Vec<Value> = vec![json!(null), json!(1), json!("x"), json!([]), json!(true)];
    for body in wrong {
        for (method, path) in [
            ("PATCH", "/api/v1/devices/x"),
            ("PATCH", "/api/v1/settings"),
            ("PATCH", "/api/v1/groups/x"),
            ("POST", "/api/v1/accounts"),
            ("PATCH", "/api/v1/accounts/admin"),
        ] {
            assert_eq!(
                world.ask(method, path, Some(&body)).status,
                400,
                "{method} {path} {body}"
            );
        }
    }
}

/// What takes no body is not carried out with one that means nothing, and of two values nobody knows which one is meant.
#[test]
fn a_body_that_nobody_asked_for_and_a_key_that_stands_twice_are_refused() {
    let world = World::start(&[]);
    let document = world.get("/api/v1/openapi.json").body;
    let authorization = format!("Bearer {}", world.token);
    let headers = [
        ("authorization", authorization.as_str()),
        ("content-type", "application/json"),
    ];
    let (mut without_body, mut merged) = (0, 0);
    for (path, item) in document["paths"].as_object().unwrap() {
        let url = filled(path, "sensor-001");
        if item["post"].is_object() && item["post"]["requestBody"].is_null() {
            without_body += 1;
            for body in ["{", "now", r#"{"minutes": 5}"#] {
                let answer = world.bare("POST", &url, &headers, body.as_bytes());
                assert_eq!(answer.status, 400, "{url} {body}: {}", answer.body);
            }
        }
        if item["patch"].is_object() {
            merged += 1;
            let answer = world.bare("PATCH", &url, &headers, br#"{"name": "a", "name": "b"}"#);
            assert_eq!(answer.status, 400, "{url}: {}", answer.body);
            let detail = answer.body["detail"].as_str().unwrap();
            assert!(detail.contains("has name more than once"), "{url}: {detail}");
        }
    }
    assert!(without_body > 5 && merged > 3, "{without_body} {merged}");
    assert_eq!(world.get("/api/v1/pairing").body["open_until"], Value::Null);
    let opened = world.bare("POST", "/api/v1/pairing", &headers, b"{}");
    assert_eq!(opened.status, 200, "{}", opened.body);
}
