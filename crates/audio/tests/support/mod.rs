//! The tests' Python environment.
#![allow(missing_docs, unreachable_pub)]

use std::{path::Path, process::Command};

/// Runs a script of `tests/python` on a directory and returns what it prints.
pub fn python(script: &str, dir: &Path) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = root.join("../../target/python/bin/python");
    assert!(
        python.exists(),
        "the tests' Python environment is missing: run `make python`"
    );
    let mut command = Command::new(python);
    command.arg(root.join("tests/python").join(script)).arg(dir);
    let output = command.output().expect("Python starts");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("text")
}
