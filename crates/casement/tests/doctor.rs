//! `casement doctor`: well beside a running Casement, and the right check fails where something is broken.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use std::{
    fs::{self, Permissions},
    net::SocketAddr,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use rcgen::{CertificateParams, KeyPair};
use serde_json::Value;
use testkit::{Addresses, Mosquitto, Signal, Up, free_addr, signal, wait_until_blocking};

/// What doctor says of an installation.
struct Report {
    code: i32,
    value: Value,
}

impl Report {
    fn of(arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut command = support::casement().command([&["doctor", "--json"], arguments].concat());
        let output = command.envs(environment.iter().copied()).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        let value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{output:?}"));
        Self {
            code: output.status.code().unwrap(),
            value,
        }
    }

    fn check(&self, name: &str) -> &Value {
        let checks = self.value["checks"].as_array().unwrap();
        let found = checks.iter().find(|check| check["name"] == name);
        found.unwrap_or_else(|| panic!("no check {name} in {}", self.value))
    }

    fn state(&self, name: &str) -> &str {
        self.check(name)["state"].as_str().unwrap()
    }

    fn failed(&self) -> Vec<&str> {
        let checks = self.value["checks"].as_array().unwrap().iter();
        let failed = checks.filter(|check| check["state"] == "failed");
        failed.map(|check| check["name"].as_str().unwrap()).collect()
    }
}

/// The flags with which a Casement was started, for doctor.
fn flags(data: &Path, mqtt: SocketAddr, clickhouse: SocketAddr) -> Vec<String> {
    vec![
        format!("--data={}", data.display()),
        format!("--mqtt={mqtt}"),
        format!("--clickhouse={clickhouse}"),
    ]
}

fn examined(up: &Up, data: &Path, more: &[&str], environment: &[(&str, &str)]) -> Report {
    let own = flags(data, up.mqtt, up.clickhouse);
    let own: Vec<&str> = own.iter().map(String::as_str).collect();
    Report::of(&[&own, more].concat(), environment)
}

fn names(data: &Path) -> Vec<String> {
    let text = fs::read_to_string(data.join("accounts/accounts.json")).unwrap();
    let book: Value = serde_json::from_str(&text).unwrap();
    book["accounts"].as_object().unwrap().keys().cloned().collect()
}

/// What the check was refused is no device's refusal, and its devices are none.
fn assert_no_trace(up: &Up) {
    up.wait_page("/api/v1/status", "\"journal_records\":0").unwrap();
    for (table, column) in [("ingest_errors", "reason"), ("audit_log", "kind")] {
        let sql = format!(
            "SELECT count() FROM iot.{table} WHERE {column} LIKE '%not_authorized%' OR {column} LIKE '%login_failed%'"
        );
        assert_eq!(up.sql(&sql).unwrap().trim(), "0", "{table}");
    }
    assert_eq!(
        up.sql("SELECT count() FROM iot.device_registry WHERE device_id LIKE 'doctor%'")
            .unwrap()
            .trim(),
        "0"
    );
}

#[test]
fn beside_a_running_casement_all_is_well_and_each_broken_thing_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let up = support::up(&data, &["--simulate", "1"]);
    up.wait_sql("SELECT count() > 0 FROM iot.sensor_temperature", "1")
        .unwrap();
    let before = names(&data);

    // The directory alone names the addresses of the service that runs there.
    let place = format!("--data={}", data.display());
    let found = Report::of(&[&place], &[]);
    assert_eq!((found.code, found.failed()), (0, vec![]), "{:#}", found.value);
    for name in ["page", "ports", "broker", "anonymous", "clickhouse", "schema"] {
        assert_eq!(found.state(name), "ok", "{:#}", found.check(name));
    }
    let addresses = [("broker", up.mqtt), ("clickhouse", up.clickhouse)];
    for (name, address) in addresses {
        let summary = found.check(name)["summary"].as_str().unwrap();
        assert!(summary.contains(&address.to_string()), "{summary}");
    }

    let well = examined(&up, &data, &[], &[]);
    assert_eq!((well.code, well.failed()), (0, vec![]), "{:#}", well.value);
    for name in [
        "page",
        "ports",
        "broker",
        "anonymous",
        "device_rights",
        "accounts",
        "clickhouse",
        "schema",
        "clickhouse_rights",
        "engine_library",
        "model",
        "journal",
        "data_permissions",
        "clock",
    ] {
        assert_eq!(well.state(name), "ok", "{:#}", well.check(name));
    }
    assert!(
        well.check("device_rights")["summary"]
            .as_str()
            .unwrap()
            .contains("tried with two accounts")
    );
    assert_eq!(names(&data), before, "what was made for the check is removed");
    assert_no_trace(&up);

    let quick = examined(&up, &data, &["--quick"], &[]);
    assert_eq!(quick.code, 0, "{:#}", quick.value);
    let count = quick.value["checks"].as_array().unwrap().len();
    assert!(
        count < 8
            && quick.value["checks"]
                .as_array()
                .unwrap()
                .iter()
                .all(|check| check["name"] != "device_rights")
    );

    // A strict configuration that the running service was not started with.
    let strict = examined(&up, &data, &[], &[("CASEMENT__BROKER__ANONYMOUS", "never")]);
    assert_eq!(
        (strict.code, strict.failed()),
        (1, vec!["anonymous"]),
        "{:#}",
        strict.value
    );

    let library = dir.path().join("none.so").display().to_string();
    let missing = examined(&up, &data, &[], &[("CASEMENT_LIBCHDB", &library)]);
    assert_eq!(
        (missing.code, missing.failed()),
        (1, vec!["engine_library"]),
        "{:#}",
        missing.value
    );

    let model = dir.path().join("model.pth");
    fs::write(&model, b"PK\x03\x04 no model").unwrap();
    let corrupted = examined(
        &up,
        &data,
        &[],
        &[("CASEMENT__MODEL__PATH", &model.display().to_string())],
    );
    assert_eq!(
        (corrupted.code, corrupted.failed()),
        (1, vec!["model"]),
        "{:#}",
        corrupted.value
    );

    let accounts = data.join("accounts/accounts.json");
    fs::set_permissions(&accounts, Permissions::from_mode(0o644)).unwrap();
    let open = examined(&up, &data, &[], &[]);
    assert_eq!(
        (open.code, open.failed()),
        (1, vec!["accounts"]),
        "{:#}",
        open.value
    );
    assert!(
        open.check("accounts")["remedy"]
            .as_str()
            .unwrap()
            .starts_with("chmod 600 ")
    );
}

#[test]
fn a_check_that_is_interrupted_leaves_no_account() {
    let data = tempfile::tempdir().unwrap();
    let up = support::up(data.path(), &["--no-ml"]);
    let before = names(data.path());
    for end in [Signal::INT, Signal::TERM] {
        let mut arguments = vec!["doctor".to_owned(), "--no-ml".to_owned()];
        arguments.extend(flags(data.path(), up.mqtt, up.clickhouse));
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let mut doctor = support::casement().start(&arguments).unwrap();
        wait_until_blocking("accounts are made", || names(data.path()).len() > before.len()).unwrap();
        signal(doctor.pid(), end).unwrap();
        doctor.wait(support::END).unwrap();
        assert_eq!(names(data.path()), before, "{}", doctor.output());
    }
}

#[test]
fn where_nothing_runs_it_says_so_and_looks_at_the_rest() {
    let dir = tempfile::tempdir().unwrap();
    let at = Addresses::free();
    let data = format!("--data={}", dir.path().display());
    let (http, mqtt, clickhouse) = (
        format!("--http={}", at.http),
        format!("--mqtt={}", at.mqtt),
        format!("--clickhouse={}", at.clickhouse),
    );
    let report = Report::of(&[&data, &http, &mqtt, &clickhouse], &[]);
    assert_eq!(
        (report.code, report.failed()),
        (1, vec!["page"]),
        "{:#}",
        report.value
    );
    for name in [
        "broker",
        "anonymous",
        "device_rights",
        "clickhouse",
        "schema",
        "journal",
        "devices",
    ] {
        assert_eq!(report.state(name), "skipped", "{:#}", report.check(name));
    }
    for name in ["ports", "engine_library", "model"] {
        assert_eq!(report.state(name), "ok", "{:#}", report.check(name));
    }
    let taken = std::net::TcpListener::bind(at.mqtt).unwrap();
    let report = Report::of(&[&data, &http, &mqtt, &clickhouse], &[]);
    assert_eq!(report.state("ports"), "failed");
    drop(taken);
    let invalid = Report::of(&[&data], &[("CASEMENT__HTTP__ADDR", "nowhere")]);
    assert_eq!((invalid.code, invalid.failed()), (1, vec!["configuration"]));
    assert!(
        invalid.check("configuration")["summary"]
            .as_str()
            .unwrap()
            .contains("http.addr")
    );
}

#[test]
fn a_clickhouse_that_is_away_and_a_journal_that_is_full_have_failed() {
    let data = tempfile::tempdir().unwrap();
    let at = Addresses::free();
    let elsewhere = format!("--clickhouse=http://{}", at.clickhouse);
    let own = [
        format!("--data={}", data.path().display()),
        format!("--mqtt={}", at.mqtt),
        format!("--http={}", at.http),
        elsewhere,
        "--no-ml".to_owned(),
    ];
    let own: Vec<&str> = own.iter().map(String::as_str).collect();
    let full = [("CASEMENT__JOURNAL__MAX_BYTES", "1".to_owned())];
    let _up = support::casement()
        .start_with(&[&["up"], own.as_slice()].concat(), &full)
        .unwrap();
    let url = format!("http://{}/healthz", at.http);
    wait_until_blocking("the page answers", || testkit::get(&url).is_ok()).unwrap();
    let report = Report::of(&own, &[]);
    assert_eq!(report.code, 1);
    for name in ["clickhouse", "schema", "journal"] {
        assert_eq!(report.state(name), "failed", "{:#}", report.value);
    }
    assert_eq!(report.state("broker"), "ok", "{:#}", report.check("broker"));
}

#[test]
fn a_broker_elsewhere_that_lets_strangers_in_is_told_or_has_failed() {
    let open = Mosquitto::start().unwrap();
    let closed = Mosquitto::start_with("allow_anonymous false").unwrap();
    let broker = |mosquitto: &Mosquitto| format!("tcp://{}", mosquitto.addr());
    let http = free_addr().to_string();
    let role = ["--role", "ml", "--http", &http];
    for (url, strict, state) in [
        (broker(&open), false, "warning"),
        (broker(&open), true, "failed"),
        (broker(&closed), true, "ok"),
    ] {
        let mut environment = vec![("CASEMENT__MQTT__BROKER", url.as_str())];
        if strict {
            environment.push(("CASEMENT__BROKER__ANONYMOUS", "never"));
        }
        let report = Report::of(&role, &environment);
        assert_eq!(report.state("anonymous"), state, "{url} {:#}", report.value);
        assert_eq!(report.state("model"), "ok");
    }
    let report = Report::of(&role, &[("CASEMENT__MQTT__BROKER", broker(&open).as_str())]);
    assert_eq!(report.state("broker"), "ok");
    let report = Report::of(&role, &[("CASEMENT__MQTT__BROKER", broker(&closed).as_str())]);
    assert_eq!(report.state("broker"), "failed", "it wants an account");
}

/// A configuration with a page in TLS, and its address.
fn with_tls(dir: &Path, more: &str) -> (PathBuf, SocketAddr) {
    let (plain, secure) = (free_addr(), free_addr());
    let file = dir.join("casement.yaml");
    let listeners =
        format!("http:\n  listeners:\n    - {{addr: '{plain}'}}\n    - {{addr: '{secure}', tls: true}}\n");
    fs::write(&file, format!("{listeners}{more}")).unwrap();
    (file, plain)
}

/// Runs a Casement with this configuration, and doctor beside it.
fn beside(data: &Path, config: &Path) -> Report {
    let at = Addresses::free();
    let config = format!("--config={}", config.display());
    let own = [
        flags(data, at.mqtt, at.clickhouse),
        vec![config, "--no-ml".to_owned()],
    ]
    .concat();
    let own: Vec<&str> = own.iter().map(String::as_str).collect();
    let mut up = support::casement()
        .start(&[&["up"], own.as_slice()].concat())
        .unwrap();
    up.wait_for_line("Casement is ready").unwrap();
    Report::of(&own, &[])
}

#[test]
fn a_certificate_is_verified_by_a_handshake_and_one_that_expired_has_failed() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    support::command::text(&data, &["provision", "tls"]);
    let (config, _) = with_tls(dir.path(), "");
    let report = beside(&data, &config);
    assert_eq!((report.code, report.failed()), (0, vec![]), "{:#}", report.value);
    assert_eq!(
        (report.state("certificate"), report.state("handshake")),
        ("ok", "ok"),
        "{:#}",
        report.value
    );

    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec!["casement.example".to_owned()]).unwrap();
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(2021, 1, 1);
    let certificate = params.self_signed(&key).unwrap();
    let (pem, private) = (dir.path().join("own.pem"), dir.path().join("own.key"));
    fs::write(&pem, certificate.pem()).unwrap();
    fs::write(&private, key.serialize_pem()).unwrap();
    let own = format!(
        "tls:\n  certificate_file: {}\n  key_file: {}\n",
        pem.display(),
        private.display()
    );
    let (config, _) = with_tls(dir.path(), &own);
    let report = beside(&data, &config);
    assert_eq!(report.code, 1);
    assert_eq!(report.state("certificate"), "failed", "{:#}", report.value);
    assert!(
        report.check("certificate")["summary"]
            .as_str()
            .unwrap()
            .contains("expired")
    );
}

#[test]
fn people_get_a_table_that_ends_with_the_verdict() {
    let dir = tempfile::tempdir().unwrap();
    let http = free_addr().to_string();
    let output = support::command::run(dir.path(), &["doctor", "--http", &http, "--quick"]);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("page           FAILED"), "{text}");
    assert!(text.contains("Start it."), "{text}");
    assert!(text.trim_end().ends_with("1 failed, 0 more to look at"), "{text}");
}
