//! Linters over what is for machines to read: shell, YAML, Dockerfile.

use std::{fs, path::PathBuf, process::Command};

use crate::{place::deploy, support::root};

/// Runs a tool of the tests' Python environment and returns what it says.
fn tool(name: &str, arguments: &[&str], files: &[PathBuf]) -> (bool, String) {
    assert!(!files.is_empty(), "{name} has nothing to read");
    let program = root().join("target/python/bin").join(name);
    let output = Command::new(&program)
        .args(arguments)
        .args(files)
        .output()
        .unwrap_or_else(|error| panic!("{} ({error}): make python", program.display()));
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    (output.status.success(), text.into_owned())
}

fn passes(name: &str, arguments: &[&str], files: &[PathBuf]) {
    let (passed, said) = tool(name, arguments, files);
    assert!(passed, "{name}: {said}");
}

/// Files below `folder`, at any depth, for which `is_one` holds.
pub(crate) fn below(folder: &str, is_one: fn(&str) -> bool) -> Vec<PathBuf> {
    let mut folders = vec![root().join(folder)];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() && name != "secrets" {
                folders.push(path);
            } else if path.is_file() && is_one(&name) {
                found.push(path);
            }
        }
    }
    found
}

#[test]
fn shell_scripts_are_sound() {
    let is_script = |name: &str| {
        std::path::Path::new(name)
            .extension()
            .is_some_and(|ending| ending == "sh")
            || ["postinst", "prerm", "postrm"].contains(&name)
    };
    let files = [below("deploy", is_script), below("scripts", is_script)].concat();
    assert!(files.len() > 8, "{files:?}");
    passes("shellcheck", &["--severity=style"], &files);
}

#[test]
fn yaml_is_tidy() {
    let is_yaml = |name: &str| {
        std::path::Path::new(name)
            .extension()
            .is_some_and(|ending| ending == "yaml" || ending == "yml")
    };
    let files = [below("deploy", is_yaml), below("config", is_yaml)].concat();
    let rules = "{extends: default, rules: {document-start: disable, line-length: disable, comments: {min-spaces-from-content: 1}, \
                 comments-indentation: disable, truthy: {check-keys: false}, braces: {max-spaces-inside: 1}}}";
    passes("yamllint", &["--strict", "-d", rules], &files);
}

#[test]
fn the_dockerfile_is_sound() {
    passes(
        "hadolint",
        &["--failure-threshold", "info"],
        &[deploy().join("Dockerfile")],
    );
    // The linter looks: a version that floats is told.
    let dir = tempfile::tempdir().unwrap();
    let text = fs::read_to_string(deploy().join("Dockerfile")).unwrap();
    let wrong = dir.path().join("Dockerfile");
    fs::write(
        &wrong,
        text.replace("debian:bookworm-slim", "debian:latest") + "\nFROM debian\n",
    )
    .unwrap();
    let (passed, said) = tool("hadolint", &[], &[wrong]);
    assert!(!passed && said.contains("DL3006"), "{said}");
}
