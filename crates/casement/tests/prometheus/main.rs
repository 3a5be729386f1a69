//! The example of `deploy/prometheus`: its rules, and the metrics that they ask for.
#![allow(missing_docs, clippy::unwrap_used)]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use testkit::{Casement, Up};

fn deploy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/prometheus")
}

/// Runs `promtool`, which comes with Prometheus (`make test-packages`).
fn promtool(arguments: &[&str], folder: &Path) {
    let output = Command::new("promtool")
        .args(arguments)
        .current_dir(folder)
        .output();
    let output = output.expect("promtool is missing: make test-packages");
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{arguments:?}: {out}{err}");
}

#[test]
fn the_configuration_and_its_rules_are_prometheus() {
    promtool(&["check", "config", "prometheus.yml"], &deploy());
}

#[test]
fn each_rule_fires_on_what_it_is_about() {
    let dir = tempfile::tempdir().unwrap();
    fs::copy(
        deploy().join("casement.rules.yml"),
        dir.path().join("casement.rules.yml"),
    )
    .unwrap();
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/prometheus/rules.test.yml");
    fs::copy(tests, dir.path().join("rules.test.yml")).unwrap();
    promtool(&["test", "rules", "rules.test.yml"], dir.path());
}

/// Every word of `text` that names one of our metrics, with a condition on its bucket where there is one.
fn metrics_in(text: &str) -> BTreeSet<String> {
    let part_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut names = BTreeSet::new();
    for (start, _) in text.match_indices("casement_") {
        let before = text[..start].chars().next_back();
        if before.is_some_and(|c| part_of_name(c) || c == '.' || c == '/') {
            continue;
        }
        let rest = &text[start..];
        let end = rest.find(|c| !part_of_name(c)).unwrap_or(rest.len());
        let name = &rest[..end];
        let bucket = rest[end..]
            .strip_prefix("{le=")
            .and_then(|labels| labels.split('}').next());
        names.insert(bucket.map_or_else(|| name.to_owned(), |le| format!("{name}{{le={le}}}")));
    }
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn every_metric_of_the_rules_is_exported() {
    let rules = fs::read_to_string(deploy().join("casement.rules.yml")).unwrap();
    let named = metrics_in(&rules);
    assert!(named.len() > 12, "{named:?}");
    let data = tempfile::tempdir().unwrap();
    let casement = Casement::new(env!("CARGO_BIN_EXE_casement"));
    let up = Up::start(casement, data.path(), &["--simulate", "1"]).unwrap();
    // What is read from ClickHouse is there once it has been asked.
    up.wait_metric("casement_backend_store_up 1").unwrap();
    let exported = up.get("/metrics").unwrap();
    for name in named {
        let is_there = exported.lines().any(|line| {
            let after = line.strip_prefix(name.as_str());
            after.is_some_and(|rest| rest.starts_with([' ', '{']))
        });
        assert!(is_there, "{name} is not among the metrics:\n{exported}");
    }
}
