//! How the service does and is set up, its description, and the pages beside it.

use serde_json::json;
use testkit::Addresses;

use crate::{support::casement, world::World};

#[test]
fn the_service_says_how_it_does_and_what_it_offers() {
    let world = World::start(&[]);
    let health = world.get("/api/v1/health").body;
    assert!(
        health["parts"]
            .as_array()
            .unwrap()
            .iter()
            .any(|part| part["name"] == "clickhouse"),
        "{health}"
    );
    assert!(world.get("/api/v1/status").body["version"].is_string());
    assert_eq!(
        world.get("/api/v1/session").body,
        json!({"name": "admin", "role": "admin", "signed_in": false})
    );

    let document = world.get("/api/v1/openapi.json");
    assert_eq!(document.body["openapi"], "3.1.0");
    let known = world.bare(
        "GET",
        "/api/v1/openapi.json",
        &[("if-none-match", document.etag())],
        b"",
    );
    assert_eq!(known.status, 304);
    let page = world.get("/api");
    assert_eq!(page.headers["content-type"], "text/html; charset=utf-8");
    assert!(
        page.body
            .as_str()
            .unwrap()
            .contains("/api/v1/devices/{device_id}")
    );

    for path in [
        "/api/devices",
        "/api/status",
        "/api/quantities",
        "/api/v2/devices",
        "/api/v1/devices/",
    ] {
        let gone = world.get(path);
        assert_eq!(
            (gone.status, gone.problem()),
            (404, "/problems/not-found"),
            "{path}"
        );
    }
    let method = world.ask("PUT", "/api/v1/devices", None);
    assert_eq!(
        (method.status, method.problem()),
        (405, "/problems/method-not-allowed")
    );
    assert_eq!(method.headers["allow"], "GET,HEAD");
    let kind = world.bare(
        "PATCH",
        "/api/v1/settings",
        &[("authorization", &format!("Bearer {}", world.token))],
        b"{}",
    );
    assert_eq!(
        (kind.status, kind.problem()),
        (415, "/problems/unsupported-media-type")
    );

    // Every kind of problem has a page that needs no account.
    let list = world.bare("GET", "/problems/", &[("x-forwarded-for", "192.0.2.1")], b"");
    let list = list.body.as_str().unwrap().to_owned();
    let links: Vec<&str> = list
        .split("href=\"")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap())
        .collect();
    let kinds: Vec<&&str> = links
        .iter()
        .filter(|link| link.starts_with("/problems/"))
        .collect();
    assert!(kinds.len() > 10, "{list}");
    for link in kinds {
        let page = world.bare("GET", link, &[("x-forwarded-for", "192.0.2.1")], b"");
        let text = page.body.as_str().unwrap();
        assert!(
            page.status == 200 && !text.contains("<style") && !text.contains("<script"),
            "{link}"
        );
    }
    assert_eq!(world.get("/problems/nothing").status, 404);
}

#[test]
fn the_configuration_is_shown_without_secrets() {
    let (data, at) = (tempfile::tempdir().unwrap(), Addresses::free());
    let arguments = at.arguments(data.path());
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let environment = [
        ("CASEMENT__ENGINE__PASSWORD", "hunter2-engine".to_owned()),
        ("CASEMENT__CLICKHOUSE__PASSWORD", "hunter2-engine".to_owned()),
        ("CASEMENT__ENGINE__READER_PASSWORD", "hunter2-reader".to_owned()),
    ];
    let mut process = casement().start_with(&arguments, &environment).unwrap();
    process.wait_for_line("Casement is ready").unwrap();
    let get = |path: &str| testkit::get(&format!("http://{}{path}", at.http)).unwrap();
    let shown = get("/api/v1/configuration");
    assert!(
        !shown.contains("hunter2") && shown.contains("[redacted]"),
        "{shown}"
    );
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["http"]["addr"], at.http.to_string());
    assert_eq!(shown["engine"]["password"], "[redacted]");
    assert!(!process.output().contains("hunter2"));
}
