//! `casement self-check`: well on a machine that can run it, and the right check fails where something is missing.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use std::{fs, net::TcpListener, path::Path};

use serde_json::Value;
use testkit::Addresses;

struct Report {
    code: i32,
    value: Value,
}

impl Report {
    /// What self-check says of this machine, for a service with data below `data` on free ports.
    fn of(data: &Path, more: &[&str], environment: &[(&str, &str)]) -> Self {
        let own = Addresses::free().arguments(data);
        let own = own.iter().skip(1).map(String::as_str);
        let arguments: Vec<&str> = ["self-check", "--json"]
            .into_iter()
            .chain(own)
            .chain(more.iter().copied())
            .collect();
        let mut command = support::casement().command(arguments);
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
        found.unwrap_or_else(|| panic!("no check {name} in {:#}", self.value))
    }

    /// Exactly these checks have failed, each with what to do.
    fn fails(&self, names: &[&str]) {
        let checks = self.value["checks"].as_array().unwrap().iter();
        let failed: Vec<&Value> = checks.filter(|check| check["state"] == "failed").collect();
        let found: Vec<&str> = failed
            .iter()
            .map(|check| check["name"].as_str().unwrap())
            .collect();
        assert_eq!(found, names, "{:#}", self.value);
        assert!(failed.iter().all(|check| check["remedy"].is_string()));
        assert_eq!(self.code, i32::from(!names.is_empty()));
    }
}

#[test]
fn this_machine_is_well_and_nothing_is_left_behind() {
    let dir = tempfile::tempdir().unwrap();
    let scratch = dir.path().join("scratch");
    fs::create_dir(&scratch).unwrap();
    let data = dir.path().join("data");
    let report = Report::of(&data, &[], &[("TMPDIR", scratch.to_str().unwrap())]);
    report.fails(&[]);
    for name in [
        "processor",
        "data_directory",
        "ports",
        "engine_library",
        "engine_answers",
        "features",
        "default_model",
        "clock",
    ] {
        assert_eq!(report.check(name)["state"], "ok", "{:#}", report.check(name));
    }
    let engine = report.check("engine_answers")["summary"].as_str().unwrap();
    assert!(engine.contains("starts and computes"), "{engine}");
    assert!(!data.exists() && fs::read_dir(&scratch).unwrap().count() == 0);
}

#[test]
fn a_library_that_is_none_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let library = dir.path().join("libchdb.so");
    fs::write(&library, "not a library").unwrap();
    let named = [("CASEMENT_LIBCHDB", library.to_str().unwrap())];
    let report = Report::of(dir.path(), &[], &named);
    report.fails(&["engine_answers"]);
    let summary = report.check("engine_answers")["summary"].as_str().unwrap();
    assert!(summary.contains("libchdb.so"), "{summary}");
    // One that is missing is told once.
    fs::remove_file(&library).unwrap();
    let report = Report::of(dir.path(), &[], &named);
    report.fails(&["engine_library"]);
    assert_eq!(report.check("engine_answers")["state"], "skipped");
    // Beside a ClickHouse of one's own neither matters.
    let own = ["--clickhouse", "http://127.0.0.1:9"];
    let arguments = [&["self-check", "--json"][..], &own].concat();
    let mut command = support::casement().command(arguments);
    let output = command.envs(named).output().unwrap();
    let value: Value = serde_json::from_slice(&output.stdout).unwrap();
    let checks = value["checks"].as_array().unwrap();
    let skipped = checks.iter().filter(|check| check["state"] == "skipped");
    assert!(skipped.count() >= 2, "{value:#}");
}

#[test]
fn a_port_that_is_taken_and_a_place_that_is_no_directory_are_found() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = listener.local_addr().unwrap().to_string();
    let environment = [("CASEMENT__BROKER__LISTENERS", format!("[{{addr: '{taken}'}}]"))];
    let (data, clickhouse) = (file.join("data"), testkit::free_addr().to_string());
    let arguments = [
        "self-check",
        "--json",
        "--data",
        data.to_str().unwrap(),
        "--clickhouse",
        &clickhouse,
        "--http",
        &testkit::free_addr().to_string(),
    ];
    let mut command = support::casement().command(arguments);
    let output = command.envs(environment).output().unwrap();
    let report = Report {
        code: output.status.code().unwrap(),
        value: serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}")),
    };
    report.fails(&["data_directory", "ports"]);
    let ports = report.check("ports")["summary"].as_str().unwrap();
    assert!(ports.contains(&taken), "{ports}");
}

#[test]
fn people_read_a_line_for_each_check_and_wrong_flags_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let own = Addresses::free().arguments(dir.path());
    let own: Vec<&str> = own.iter().skip(1).map(String::as_str).collect();
    let mut command = support::casement().command([&["self-check"][..], &own].concat());
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
    for line in ["processor ", "features ", "default_model ", "engine_answers "] {
        assert!(text.contains(line), "{text}");
    }
    let mut wrong = support::casement().command(["self-check", "--quick"]);
    assert_eq!(wrong.output().unwrap().status.code(), Some(2));
    let mut unusable = support::casement().command(["self-check", "--config", "/nowhere.yaml"]);
    let output = unusable.output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
}
