//! The description of the API, as it is checked in: `UPDATE=1 cargo test -p api --test openapi` writes it anew.
#![allow(clippy::unwrap_used)]

use std::{collections::BTreeSet, path::Path, process::Command};

use serde_json::Value;

fn checked_in() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json")
}

fn operations(document: &Value) -> Vec<(&String, &String, &Value)> {
    let paths = document["paths"].as_object().unwrap().iter();
    paths
        .flat_map(|(path, item)| {
            let operations = item.as_object().unwrap().iter();
            operations.map(move |(method, operation)| (path, method, operation))
        })
        .collect()
}

#[test]
fn the_description_is_the_one_that_is_checked_in() {
    let text = format!("{}\n", serde_json::to_string_pretty(&api::document()).unwrap());
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(checked_in(), &text).unwrap();
    }
    let known = std::fs::read_to_string(checked_in()).unwrap_or_default();
    assert!(
        known == text,
        "docs/openapi.json is of another version: UPDATE=1 cargo test -p api --test openapi"
    );
}

#[test]
fn every_operation_is_described() {
    let document = api::document();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let tags: BTreeSet<&str> = document["tags"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tag| tag["name"].as_str().unwrap())
        .collect();
    let mut ids = BTreeSet::new();
    for (path, method, operation) in operations(&document) {
        let place = format!("{method} {path}");
        assert!(ids.insert(operation["operationId"].as_str().unwrap()), "{place}");
        assert!(
            operation["summary"]
                .as_str()
                .is_some_and(|text| text.ends_with('.')),
            "{place}"
        );
        assert!(tags.contains(operation["tags"][0].as_str().unwrap()), "{place}");
        assert!(
            operation["x-codeSamples"][0]["source"]
                .as_str()
                .unwrap()
                .starts_with("curl "),
            "{place}"
        );
        let responses = operation["responses"].as_object().unwrap();
        for status in ["401", "403", "429", "500"] {
            assert!(responses.contains_key(status), "{place} {status}");
        }
        for (status, response) in responses {
            let is_described = response.get("$ref").is_some()
                || response["description"]
                    .as_str()
                    .is_some_and(|text| !text.is_empty());
            assert!(is_described, "{place} {status}");
        }
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            assert!(
                parameter["description"].as_str().is_some(),
                "{place} {}",
                parameter["name"]
            );
        }
    }
}

#[test]
fn a_validator_takes_it() {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/python/bin/python");
    assert!(python.exists(), "run scripts/python-env.sh");
    let checked = Command::new(python)
        .args(["-m", "openapi_spec_validator", "--schema", "3.1"])
        .arg(checked_in())
        .output()
        .unwrap();
    // It prints the whole description after what is wrong.
    let text: String = String::from_utf8_lossy(&checked.stdout)
        .chars()
        .take(600)
        .collect();
    assert!(checked.status.success(), "{text}");
}
