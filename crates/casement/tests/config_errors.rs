//! Configurations that cannot be used, and what is said of each: what is wrong, where, and what to do.
#![allow(missing_docs, clippy::unwrap_used, clippy::too_many_lines)]

use std::{
    fs,
    process::{Command, Output},
};

fn casement(dir: &tempfile::TempDir, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_casement"))
        .args(args)
        .current_dir(dir.path())
        .env_remove("RUST_LOG")
        .output()
        .expect("the binary starts")
}

/// What `casement backend` says of a file with these bytes.
fn said(file: &[u8]) -> String {
    let dir = tempfile::tempdir().expect("there is a temporary directory");
    fs::write(dir.path().join("c.yaml"), file).expect("it can be written");
    error(&casement(&dir, &["backend", "--config", "c.yaml"]))
}

fn error(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{text}");
    let line = text.strip_prefix("error: ").expect("it is an error");
    line.trim_end().to_owned()
}

#[test]
fn a_file_that_cannot_be_understood_is_told_in_its_authors_words() {
    const UNDERSTOOD: &str = "the configuration c.yaml cannot be understood: ";
    for (file, expected) in [
        (
            &b"mqtt:\n  broker: tcp://a\nmqtt:\n  protocol: 5\n"[..],
            "line 3: the key 'mqtt' stands there a second time; put what belongs together below one 'mqtt:'",
        ),
        (
            b"mqtt: {}\n---\nhttp: {}\n",
            "line 3: a second document begins; remove the line '---' before it, or the document",
        ),
        (
            b"mqtt:\n\tbroker: tcp://a\n",
            "line 2 is indented by a tab; YAML is indented by spaces",
        ),
        (
            b"- a\n- b\n",
            "it holds a list; write sections, such as 'mqtt:' with keys below it",
        ),
        (
            b"mqtt:broker\n",
            "it holds no sections; write 'mqtt:' with keys below it, and a space after each colon",
        ),
        (
            b"mqtt:\n  broker: *here\n",
            "line 2: there is no anchor for this '*'; put quotation marks around a value that begins with it",
        ),
        (
            b"mqtt: [\n",
            "line 1: the YAML cannot be read (unclosed bracket '['); check its indentation, colons, brackets and quotation marks",
        ),
        (
            b"http:\n  addr: .nan\n",
            "line 2: .nan is no finite number; write one",
        ),
        (
            &[b"a: ".to_vec(), vec![b'['; 5_000]].concat(),
            "line 1: it is nested or repeated beyond what a configuration needs; write it plainly",
        ),
        (
            b"\xff\xfem\0q\0t\0t\0:\0",
            "it is UTF-16 or UTF-32; save it as UTF-8",
        ),
        (b"\xfe\xff\0m\0q", "it is UTF-16 or UTF-32; save it as UTF-8"),
        (b"m\0q\0t\0t\0:\0", "it is UTF-16 or UTF-32; save it as UTF-8"),
        (
            b"\n# caf\xe9\nmqtt: {}\n",
            "line 2 is not UTF-8 (byte 0xE9); save the file as UTF-8",
        ),
        (
            b"\x7fELF\x02\x01\0\0",
            "it is not a text; name a configuration file",
        ),
    ] {
        assert_eq!(said(file), format!("{UNDERSTOOD}{expected}"), "{file:?}");
    }
    let large = "the configuration c.yaml cannot be read: it has more than 1 MiB; name a configuration file";
    assert_eq!(said(&vec![b'a'; 2 << 20]), large);
    let dir = tempfile::tempdir().unwrap();
    for (path, expected) in [
        (
            "none.yaml",
            "the configuration none.yaml cannot be read: there is no such file; check the path",
        ),
        (
            ".",
            "the configuration . cannot be read: it is a directory; name a file",
        ),
    ] {
        assert_eq!(error(&casement(&dir, &["backend", "--config", path])), expected);
    }
}

#[test]
fn a_value_that_cannot_be_used_is_told_with_what_is_expected() {
    for (yaml, expected) in [
        (
            "http: {addr: 'localhost:8080'}",
            "'http.addr' cannot be used: 'localhost:8080' is not IP:PORT, such as 127.0.0.1:8080",
        ),
        // A byte order mark of UTF-8 is no part of the text.
        (
            "\u{feff}http: {addr: x}",
            "'http.addr' cannot be used: 'x' is not IP:PORT, such as 127.0.0.1:8080",
        ),
        (
            "http: 8080",
            "'http' cannot be used: it is a section; write its keys below it, indented",
        ),
        (
            "http: ['127.0.0.1:1']",
            "'http' cannot be used: it is a section; write its keys below it, indented",
        ),
        (
            "audio: {sample_rate: fast}",
            "'audio.sample_rate' cannot be used: 'fast' is not a whole number from 4000 to 192000",
        ),
        (
            "audio: {sample_rate: 16000.5}",
            "'audio.sample_rate' cannot be used: 16000.5 is not a whole number from 4000 to 192000",
        ),
        (
            "audio: {store_raw: maybe}",
            "'audio.store_raw' cannot be used: 'maybe' is not true or false",
        ),
        (
            "mqtt: {topics: 5}",
            "'mqtt.topics' cannot be used: it is a section; write its keys below it, indented",
        ),
        (
            "mqtt: {protocol: [a]}",
            "'mqtt.protocol' cannot be used: [\"a\"] is not one of auto, 5, 3.1.1",
        ),
        (
            "mqtt: {username: [a]}",
            "'mqtt.username' cannot be used: [\"a\"] is not a text; put it in quotation marks",
        ),
        (
            "journal: {path: }",
            "'journal.path' cannot be used: it has no value; write one, or remove the key",
        ),
        (
            "journal: {path: ''}",
            "'journal.path' cannot be used: the path is empty: name one, or leave it out",
        ),
        (
            "journal: {path: $HOME/x}",
            "'journal.path' cannot be used: '$HOME/x': $HOME is not expanded here; write the path in full, or begin it with ~/ for your home directory",
        ),
        (
            "change_detection: {temperature_threshold: warm}",
            "'change_detection.temperature_threshold' cannot be used: 'warm' is not a number",
        ),
        (
            "clickhouse: {addr: 'ws://ch:8123'}",
            "'clickhouse.addr' cannot be used: 'ws://' is not ClickHouse's HTTP interface; write HOST:PORT, http://HOST:PORT or https://HOST:PORT",
        ),
        (
            "clickhouse: {addr: ''}",
            "'clickhouse.addr' cannot be used: it is empty; write HOST:PORT, http://HOST:PORT or https://HOST:PORT",
        ),
        (
            "mqtt: {broker: 'ws://b'}",
            "'mqtt.broker' cannot be used: broker address 'ws://b': MQTT over WebSocket is not supported",
        ),
        (
            "clickhouse: {addr: 'http://u:s3cret@ch'}",
            "'clickhouse.addr' cannot be used: an account does not belong into an address; write the address alone, the name in clickhouse.user, and the password in CASEMENT__CLICKHOUSE__PASSWORD or in a file that clickhouse.password_file names",
        ),
    ] {
        assert_eq!(said(yaml.as_bytes()), expected, "{yaml}");
    }
    let features = said(b"audio: {features: [mfccs]}");
    assert!(
        features.contains("'mfccs' is not one of mfcc, spectral_centroid,"),
        "{features}"
    );
}

#[test]
fn flags_are_told_in_words_of_the_command_line() {
    let dir = tempfile::tempdir().unwrap();
    for (args, expected) in [
        (
            &["up", "--http", "here"][..],
            "'here' for '--http <ADDR>': write IP:PORT, such as 127.0.0.1:8080",
        ),
        (
            &["simulate", "--devices=-1"],
            "'-1' for '--devices <N>': write a whole number from 0 to 10000",
        ),
        (
            &["simulate", "--speed", "nan"],
            "'nan' for '--speed <X>': write a number, such as 1.5",
        ),
        (
            &["features", "--rate", "5", "x"],
            "'5' for '--rate <HZ>': write a whole number from 4000 to 192000",
        ),
        (&["up", "--data=$HOME/x"], "$HOME is not expanded here"),
        (
            &["up", "--data", "~ada/x"],
            "the home directory of ada is not looked up",
        ),
        (
            &["simulate", "--broker", "tcp://u:s3cret@h"],
            "'tcp://[redacted]@h' for '--broker <URL>'",
        ),
    ] {
        let output = casement(&dir, args);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            output.status.code() == Some(2) && text.contains(expected),
            "{args:?}: {text}"
        );
        assert!(!text.contains("s3cret"), "{text}");
    }
}

#[test]
fn the_configuration_is_shown_with_warnings_and_without_secrets() {
    let dir = tempfile::tempdir().unwrap();
    let yaml = "clickhouse: {addr: 'http://default:s3cret@ch:9000'}\nmqtt: {broker: 'ws://b'}\n";
    fs::write(dir.path().join("c.yaml"), yaml).unwrap();
    let output = casement(&dir, &["config", "--config", "c.yaml"]);
    let (out, err) = (
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    );
    assert!(
        output.status.success() && out.contains("\"http://[redacted]@ch:9000\""),
        "{out}"
    );
    assert!(
        err.contains("warning: 'clickhouse.addr'") && err.contains("warning: 'mqtt.broker'"),
        "{err}"
    );
    assert!(!format!("{out}{err}").contains("s3cret"));
    // `casement sql` refuses an account that it would not use.
    let output = casement(
        &dir,
        &[
            "sql",
            "--clickhouse",
            "http://default:s3cret@127.0.0.1:1",
            "SELECT 1",
        ],
    );
    let text = error(&output);
    assert!(
        text.contains("clickhouse.password_file") && !text.contains("s3cret"),
        "{text}"
    );
    // The specification's address is shown as it is, with a line that says what it means.
    let spec = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/config/spec-backend.yaml");
    let output = casement(&dir, &["config", "--config", spec]);
    let (out, err) = (
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    );
    assert!(
        output.status.success() && out.contains("\"localhost:9000\""),
        "{out}"
    );
    assert_eq!(
        err,
        "warning: 'clickhouse.addr': port 9000 speaks ClickHouse's native protocol; the same server's HTTP interface is asked, at http://localhost:8123\n"
    );
}

#[test]
fn a_model_that_is_too_large_is_told_with_its_size() {
    let dir = tempfile::tempdir().unwrap();
    let file = fs::File::create(dir.path().join("large.pth")).unwrap();
    file.set_len(20_000_000).unwrap();
    let text = error(&casement(
        &dir,
        &["models", "add", "large.pth", "--version", "v2"],
    ));
    assert!(
        text.contains("20000000 bytes, and the limit is 16777216"),
        "{text}"
    );
}
