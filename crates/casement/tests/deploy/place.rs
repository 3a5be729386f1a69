//! A copy of `deploy` in which `setup.sh` has run, and the Compose project that it makes.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value;
use tempfile::TempDir;

pub(crate) fn deploy() -> PathBuf {
    crate::support::root().join("deploy")
}

/// A copy of `deploy`, as a person has it after the first `setup.sh`.
pub(crate) struct Place {
    directory: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let copied = Command::new("cp")
            .arg("-r")
            .arg(deploy())
            .arg(directory.path())
            .status();
        assert!(copied.unwrap().success());
        let place = Self { directory };
        // What a person of this checkout may have made already.
        let _ = fs::remove_dir_all(place.deploy().join("secrets"));
        let _ = fs::remove_file(place.deploy().join(".env"));
        place.set_up();
        place
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn deploy(&self) -> PathBuf {
        self.path().join("deploy")
    }

    pub(crate) fn secret(&self, name: &str) -> String {
        fs::read_to_string(self.deploy().join("secrets").join(name)).unwrap()
    }

    pub(crate) fn set_up(&self) {
        let output = Command::new("sh")
            .arg(self.deploy().join("setup.sh"))
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
    }

    /// The project as `docker compose config` shows it; `None` without Go.
    pub(crate) fn project(&self, files: &[&str], profiles: &str) -> Option<Value> {
        self.project_with(files, &[("SECRETS_GID", "1000"), ("COMPOSE_PROFILES", profiles)])
    }

    /// The same with these variables.
    pub(crate) fn project_with(&self, files: &[&str], variables: &[(&str, &str)]) -> Option<Value> {
        let output = composed(&self.deploy(), files, variables)?;
        assert!(output.status.success(), "{output:?}");
        Some(serde_json::from_slice(&output.stdout).unwrap())
    }
}

/// What the library of `docker compose` says of these files in `directory`; `None` without Go.
pub(crate) fn composed(directory: &Path, files: &[&str], variables: &[(&str, &str)]) -> Option<Output> {
    let program = program()?;
    let output = Command::new(program)
        .args(files)
        .current_dir(directory)
        .env_clear()
        .envs(variables.iter().copied())
        .output();
    Some(output.unwrap())
}

/// Builds the program in `compose` below the tests' own directory.
fn program() -> Option<PathBuf> {
    if Command::new("go").arg("version").output().is_err() {
        eprintln!("note: the Compose files are not tested: Go is missing");
        return None;
    }
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compose");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/deploy/compose");
    // Tests build it side by side: each a file of its own, renamed at the end.
    let partial = program.with_extension(format!("{:?}", std::thread::current().id()));
    let built = Command::new("go")
        .args(["build", "-o"])
        .arg(&partial)
        .arg(".")
        .current_dir(source)
        .output()
        .unwrap();
    assert!(built.status.success(), "{built:?}");
    fs::rename(partial, &program).unwrap();
    Some(program)
}
