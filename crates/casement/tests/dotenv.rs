//! `.env` in the working directory: its place among the layers, where it is not read, and what is said of it.
#![allow(missing_docs, clippy::unwrap_used)]

use std::{
    fs::{self, Permissions},
    os::unix::fs::{PermissionsExt as _, chown},
    path::Path,
    process::{Command, Output},
};

use serde_json::Value;

/// Runs `casement config` in `dir`.
fn config(dir: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_casement"))
        .arg("config")
        .args(arguments)
        .current_dir(dir)
        .envs(variables.iter().copied())
        .env_remove("RUST_LOG")
        .output()
        .expect("the binary starts")
}

/// The configuration in effect, and what was said of it.
fn shown(dir: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> (Value, String) {
    let output = config(dir, arguments, variables);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    (serde_json::from_slice(&output.stdout).unwrap(), said)
}

fn directory_with(text: &str, mode: u32) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join(".env");
    fs::write(&file, text).unwrap();
    fs::set_permissions(file, Permissions::from_mode(mode)).unwrap();
    dir
}

#[test]
fn it_lies_over_the_file_and_under_variables() {
    let text = "# of this machine\nexport CASEMENT__CLICKHOUSE__DATABASE='rooms'\n\
                CASEMENT__CLICKHOUSE__USER=ann\nCASEMENT__CHANGE_DETECTION__TEMPERATURE_THRESHOLD=0.25\n\
                COMPOSE_PROFILES=demo\nTHIS IS ANOTHER TOOL'S\n";
    let dir = directory_with(text, 0o600);
    fs::write(
        dir.path().join("c.yaml"),
        "clickhouse: {database: of_file, user: of_file, addr: ch}\n",
    )
    .unwrap();
    let variables = [("CASEMENT__CLICKHOUSE__USER", "bob")];
    let (config, said) = shown(dir.path(), &["--config", "c.yaml"], &variables);
    assert_eq!(config["clickhouse"]["addr"], "ch");
    assert_eq!(config["clickhouse"]["database"], "rooms");
    assert_eq!(config["clickhouse"]["user"], "bob");
    assert_eq!(config["change_detection"]["temperature_threshold"], 0.25);
    assert!(
        said.contains(
            "note: .env in this directory sets change_detection.temperature_threshold, clickhouse.database\n"
        ),
        "{said}"
    );
}

#[test]
fn its_faults_are_told_with_their_origin_and_without_their_text() {
    for (text, expected) in [
        (
            "CASEMENT__MQTT__BROKR=tcp://a:1\n",
            "unknown key 'mqtt.brokr' in .env (CASEMENT__MQTT__BROKR); did you mean 'mqtt.broker'?",
        ),
        (
            "A=1\nCASEMENT__MQTT__PASSWORD=open sesame\n",
            "the configuration .env cannot be understood: line 2 is not NAME=VALUE",
        ),
    ] {
        let dir = directory_with(text, 0o600);
        let output = config(dir.path(), &[], &[]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            !output.status.success() && said.contains(expected),
            "{text}: {said}"
        );
        assert!(!said.contains("sesame"), "{said}");
    }
    let dir = directory_with("CASEMENT__HTTP__ADDR=everywhere\n", 0o600);
    let (_, said) = shown(dir.path(), &[], &[]);
    assert!(
        said.contains("'http.addr' cannot be used") && said.contains("(the value comes from .env)"),
        "{said}"
    );
}

#[test]
fn a_password_that_others_can_read_is_used_and_told() {
    let text = "CASEMENT__MQTT__USERNAME=ann\nCASEMENT__MQTT__PASSWORD='pa$$ word #1'\n";
    for (mode, is_told) in [(0o600, false), (0o640, true), (0o644, true)] {
        let dir = directory_with(text, mode);
        let (config, said) = shown(dir.path(), &[], &[]);
        assert_eq!(config["mqtt"]["password"], "[redacted]");
        assert!(!said.contains("#1"), "{said}");
        let told =
            "other users can read .env, which holds CASEMENT__MQTT__PASSWORD; close it with: chmod 600";
        assert_eq!(said.contains(told), is_told, "{mode:o}: {said}");
    }
    let dir = directory_with("CASEMENT__MQTT__USERNAME=ann\n", 0o644);
    assert!(!shown(dir.path(), &[], &[]).1.contains("other users"));
}

#[test]
fn what_others_may_have_written_is_not_read() {
    type Change = fn(&Path);
    let open = |path: &Path, mode| fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    let changes: [(Change, &str); 3] = [
        (
            |dir| fs::set_permissions(dir.join(".env"), Permissions::from_mode(0o666)).unwrap(),
            "every user may write it",
        ),
        (
            |dir| fs::set_permissions(dir, Permissions::from_mode(0o1777)).unwrap(),
            "every user may write to its directory",
        ),
        (
            |dir| chown(dir.join(".env"), Some(4_711), None).unwrap(),
            "it belongs to another user",
        ),
    ];
    for (change, expected) in changes {
        // Only root can give files away.
        if expected.contains("belongs") && !rustix::process::geteuid().is_root() {
            continue;
        }
        let dir = directory_with("CASEMENT__CLICKHOUSE__DATABASE=rooms\n", 0o600);
        change(dir.path());
        let (config, said) = shown(dir.path(), &[], &[]);
        assert_eq!(config["clickhouse"]["database"], "iot", "{expected}");
        assert!(
            said.contains(&format!(".env is not read: {expected}")),
            "{expected}: {said}"
        );
    }
    // A Python environment may have that name.
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join(".env")).unwrap();
    open(&dir.path().join(".env"), 0o755);
    assert_eq!(shown(dir.path(), &[], &[]).1, "");
}
