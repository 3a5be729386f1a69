//! Commands of the binary under test on a data directory, run to their end.

use std::{
    path::Path,
    process::{Command, Output},
};

use serde_json::Value;

/// Runs a command on this data directory.
pub fn run(data: &Path, arguments: &[&str]) -> Output {
    let data = data.display().to_string();
    let mut command = Command::new(env!("CARGO_BIN_EXE_casement"));
    command.args(arguments).args(["--data", &data]).output().unwrap()
}

/// What a command that succeeds prints.
pub fn text(data: &Path, arguments: &[&str]) -> String {
    let output = run(data, arguments);
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The same with `--json`.
pub fn json(data: &Path, arguments: &[&str]) -> Value {
    serde_json::from_str(&text(data, &[arguments, &["--json"]].concat())).unwrap()
}

/// The password that a command prints with `--json`.
pub fn password(data: &Path, arguments: &[&str]) -> String {
    let made = json(data, arguments);
    made["password"].as_str().unwrap().to_owned()
}
