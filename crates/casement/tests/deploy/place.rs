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

    /// The project as `docker compose config` shows it; `None` without Go, where that is wanted.
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

/// What the library of `docker compose` says of these files in `directory`; `None` without Go, where that is wanted.
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

/// The version of Go that `compose` needs, which its `go.mod` names. Go fetches it by itself, since 1.21.
fn needed() -> &'static str {
    let module = include_str!("compose/go.mod");
    module.lines().find_map(|line| line.strip_prefix("go ")).unwrap()
}

/// Which Go builds the program: the first of 1.21 or newer. `versions` has what each said, if it is there. `None` where the
/// Compose files are not to be tested; that they are not has to be said.
fn which_go(versions: &[Option<String>], without: Option<&str>) -> Result<Option<usize>, String> {
    let is_enough = |version: &Option<String>| {
        let rest = version.as_deref()?.strip_prefix("go version go1.")?;
        let minor = rest.split(|c: char| !c.is_ascii_digit()).next()?;
        Some(minor.parse::<u32>().ok()? >= 21)
    };
    if without == Some("1") {
        return Ok(None);
    }
    let found = versions
        .iter()
        .position(|version| is_enough(version) == Some(true));
    found.map(Some).ok_or_else(|| {
        let here = versions.iter().flatten().next();
        format!(
            "the Compose files are tested by a program in Go {}, and here is {}: scripts/clients.sh fetches one, or install Go \
             1.21 or newer (Debian 12: golang-go of bookworm-backports; its own, 1.19, is too old). CASEMENT_WITHOUT_GO=1 goes \
             without.",
            needed(),
            here.map_or("no Go", |version| version.trim()),
        )
    })
}

#[test]
fn without_go_the_compose_files_are_not_passed_over_in_silence() {
    let said = |version: &str| Some(format!("go version {version} linux/amd64\n"));
    assert_eq!(which_go(&[said("go1.26.8"), None], None), Ok(Some(0)));
    assert_eq!(which_go(&[said("go1.19.8"), said("go1.21")], None), Ok(Some(1)));
    assert_eq!(which_go(&[None, said("go1.26.6")], Some("0")), Ok(Some(1)));
    let old = which_go(&[said("go1.19.8"), None], None).unwrap_err();
    assert!(
        old.contains("go1.19.8") && old.contains("bookworm-backports"),
        "{old}"
    );
    let none = which_go(&[None, None], Some("")).unwrap_err();
    assert!(none.contains("no Go") && none.contains(needed()), "{none}");
    assert_eq!(which_go(&[None, None], Some("1")), Ok(None));
}

/// Builds the program in `compose` below the tests' own directory; `None` without Go, where that is wanted.
fn program() -> Option<PathBuf> {
    let all = [
        PathBuf::from("go"),
        crate::support::root().join("target/go/bin/go"),
    ];
    let versions = all.each_ref().map(|go| {
        let output = Command::new(go).arg("version").output().ok()?;
        Some(String::from_utf8_lossy(&output.stdout).into_owned())
    });
    let without = std::env::var("CASEMENT_WITHOUT_GO").ok();
    let Some(go) = which_go(&versions, without.as_deref()).unwrap_or_else(|said| panic!("{said}")) else {
        eprintln!("note: the Compose files are not tested: CASEMENT_WITHOUT_GO");
        return None;
    };
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compose");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/deploy/compose");
    // Tests build it side by side: each a file of its own, renamed at the end.
    let partial = program.with_extension(format!("{:?}", std::thread::current().id()));
    let built = Command::new(&all[go])
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
