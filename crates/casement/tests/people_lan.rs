//! Page and ClickHouse as another host sees them: without an account there is only the way in.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use std::process::Command;

use support::casement;
use testkit::{Host, Hosts};

/// Asks from the device's host; the status and the body.
fn ask(hosts: &Hosts, url: String, headers: &[(&'static str, String)]) -> (u16, String) {
    let headers = headers.to_vec();
    let asking = move || {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0);
        let agent: ureq::Agent = config.build().into();
        let mut request = agent.get(url);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let mut answer = request.call().unwrap();
        (
            answer.status().as_u16(),
            answer.body_mut().read_to_string().unwrap(),
        )
    };
    hosts.on(Host::Device, asking).unwrap()
}

#[test]
fn another_host_needs_an_account_for_the_page_and_for_clickhouse() {
    let hosts = Hosts::connected().unwrap();
    let data = tempfile::tempdir().unwrap();
    let house = Host::House.address();
    let (http, clickhouse) = (format!("{house}:8080"), format!("{house}:8123"));
    let mut up = casement()
        .on(&hosts, Host::House)
        .start(&[
            "up",
            "--data",
            &data.path().display().to_string(),
            "--http",
            &http,
            "--clickhouse",
            &clickhouse,
        ])
        .unwrap();
    let line = up.wait_for_line("Sign in as admin").unwrap();
    assert!(
        line.contains(&format!("http://{http}/sign-in?once=cas_")),
        "{line}"
    );

    let page =
        |path: &str, headers: &[(&'static str, String)]| ask(&hosts, format!("http://{http}{path}"), headers);
    for path in ["/", "/metrics", "/api/v1/devices", "/api/v1/status"] {
        assert_eq!(page(path, &[]).0, 401, "{path}");
    }
    assert_eq!(page("/", &[("Accept", "text/html".into())]).0, 303);
    assert_eq!(page("/health", &[]), (200, "ok\n".into()));
    assert_eq!(page("/ready", &[]), (200, "ready\n".into()));
    assert_eq!(page("/sign-in", &[]).0, 200);
    let token = std::fs::read_to_string(data.path().join("accounts/admin-token")).unwrap();
    let bearer = [("Authorization", format!("Bearer {}", token.trim()))];
    for path in ["/", "/metrics", "/api/v1/devices", "/api/v1/shares"] {
        assert_eq!(page(path, &bearer).0, 200, "{path}");
    }
    assert!(page("/ready", &bearer).1.contains("\"parts\""));

    let sql = |user: &str, password: &str| {
        let account = [
            ("X-ClickHouse-User", user.to_owned()),
            ("X-ClickHouse-Key", password.to_owned()),
        ];
        ask(&hosts, format!("http://{clickhouse}/?query=SELECT+1"), &account)
    };
    let password = std::fs::read_to_string(data.path().join("accounts/reader-password")).unwrap();
    assert_eq!(sql("reader", password.trim()), (200, "1\n".into()));
    for (user, password) in [
        ("reader", ""),
        ("reader", "wrong"),
        ("default", ""),
        ("default", password.trim()),
        ("", ""),
    ] {
        assert!(sql(user, password).1.contains("516"), "{user:?}");
    }
    // Grafana's account reads under its own name.
    let added = Command::new(env!("CARGO_BIN_EXE_casement"))
        .args([
            "accounts", "add", "grafana", "--role", "reader", "--json", "--data",
        ])
        .arg(data.path())
        .output()
        .unwrap();
    let added: serde_json::Value = serde_json::from_slice(&added.stdout).unwrap();
    let grafana = added["password"].as_str().unwrap();
    testkit::wait_until_blocking("the account reads", || sql("grafana", grafana).0 == 200).unwrap();
}
