//! What the whole-system tests share: the binary under test, and MQTT in short.
#![allow(dead_code, missing_docs, unreachable_pub, clippy::unwrap_used)]

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use testkit::{Casement, Up};

pub mod client;
pub mod clip;
pub mod command;

/// How long a role may take to end.
pub const END: Duration = Duration::from_secs(10);

/// The root of the repository, where a user starts the binary.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

pub fn casement() -> Casement {
    Casement::new(env!("CARGO_BIN_EXE_casement")).in_directory(root())
}

/// `casement up` on free ports.
pub fn up(data: &Path, flags: &[&str]) -> Up {
    Up::start(casement(), data, flags).unwrap()
}

/// Runs a program to its end and returns its standard output.
pub fn output(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{program} {args:?} failed: {text}");
    text
}
