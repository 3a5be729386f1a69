//! The systemd units: systemd reads them, and finds little to expose.

use std::{fs, process::Command};

use crate::place::deploy;

const UNITS: [&str; 3] = [
    "casement.service",
    "casement-backend.service",
    "casement-ml.service",
];
/// The name of the archive's unit here, where another has its own.
const PERSON: &str = "casement-of-one-person.service";
/// Of ten; systemd calls it OK up to 5.
const MOST_EXPOSED: f64 = 2.5;

fn analyze(arguments: &[&str]) -> (bool, String) {
    let output = Command::new("systemd-analyze").args(arguments).output();
    let output = output.expect("systemd-analyze is missing: make test-packages");
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    (output.status.success(), text.into_owned())
}

#[test]
fn systemd_reads_the_units_without_a_word() {
    let dir = tempfile::tempdir().unwrap();
    for unit in UNITS {
        let text = fs::read_to_string(deploy().join("systemd").join(unit)).unwrap();
        // The program is not installed here.
        let text = text.replace("/usr/bin/casement", env!("CARGO_BIN_EXE_casement"));
        fs::write(dir.path().join(unit), text).unwrap();
    }
    // That of one person, in the archive.
    let person = fs::read_to_string(deploy().join("tarball/casement.service")).unwrap();
    let person = person.replace("/usr/bin/casement", env!("CARGO_BIN_EXE_casement"));
    fs::write(dir.path().join(PERSON), person).unwrap();
    for unit in UNITS.into_iter().chain([PERSON]) {
        let path = dir.path().join(unit).display().to_string();
        let (passed, said) = analyze(&["verify", "--man=no", "--recursive-errors=no", &path]);
        assert!(passed && said.trim().is_empty(), "{unit}: {said}");
    }
    let wrong = dir.path().join("wrong.service");
    let text = fs::read_to_string(dir.path().join(UNITS[0])).unwrap();
    fs::write(&wrong, text.replace("WatchdogSec=60", "WatchDogSec=60")).unwrap();
    let (_, said) = analyze(&["verify", "--man=no", &wrong.display().to_string()]);
    assert!(said.contains("WatchDogSec"), "{said}");
}

#[test]
fn the_units_expose_little() {
    for unit in UNITS {
        let path = deploy().join("systemd").join(unit).display().to_string();
        let (passed, said) = analyze(&["security", "--offline=true", "--no-pager", &path]);
        let line = said.lines().find(|line| line.contains("Overall exposure level"));
        let line = line.unwrap_or_else(|| panic!("{unit}: {said}"));
        let level = line.rsplit(": ").next().unwrap().split(' ').next().unwrap();
        let level: f64 = level.parse().unwrap();
        assert!(passed && level <= MOST_EXPOSED, "{unit}: {line}");
    }
}

#[test]
fn the_commands_of_the_units_are_commands() {
    for unit in UNITS {
        let text = fs::read_to_string(deploy().join("systemd").join(unit)).unwrap();
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix("ExecStart=/usr/bin/casement "));
        let role = line.unwrap().split(' ').next().unwrap();
        let help = Command::new(env!("CARGO_BIN_EXE_casement"))
            .args([role, "--help"])
            .output()
            .unwrap();
        assert!(help.status.success(), "{unit}");
        assert!(
            text.contains("Type=notify\n") && text.contains("WatchdogSec="),
            "{unit}"
        );
    }
}
