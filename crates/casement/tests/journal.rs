//! `casement journal` on journals that are sound, damaged, in use, missing, or of another format.
#![allow(missing_docs, clippy::unwrap_used)]

use std::{fs, path::Path, process::Command};

use domain::Quantity;
use journal::{Entry, Journal, Options};
use serde_json::Value;
use store::{ReadingRow, Row};

const RECORDS: i64 = 30;

fn casement(data: &Path, arguments: &[&str]) -> (bool, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_casement"))
        .arg("journal")
        .args(arguments)
        .arg("--data")
        .arg(data)
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.success(), text(output.stdout), text(output.stderr))
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// An open journal with records that wait.
async fn filled(data: &Path) -> Journal {
    let path = data.join("journal");
    fs::create_dir_all(&path).unwrap();
    let journal = Journal::open(Options::new(path)).unwrap();
    for n in 0..RECORDS {
        let row = Row::Reading(
            Quantity::Temperature,
            ReadingRow {
                timestamp: 1_760_000_000_000 + n,
                device_id: format!("room-{n}"),
                value: 20.0,
                received_at: 1_760_000_000_000,
                offset: 0.0,
            },
        );
        let payload = row.encode();
        journal.append(vec![Entry { key: None, payload }]).await.unwrap();
    }
    journal
}

#[tokio::test]
async fn contents_and_damage_are_reported() {
    let data = tempfile::tempdir().unwrap();
    let (ok, _, error) = casement(data.path(), &["status"]);
    assert!(
        !ok && error.contains("there is no journal in") && error.contains("--data"),
        "{error}"
    );

    let journal = filled(data.path()).await;
    let (ok, _, error) = casement(data.path(), &["status"]);
    let here = format!("at work in another process (pid {})", std::process::id());
    assert!(
        !ok && error.contains(&here) && error.contains("/api/v1/status"),
        "{error}"
    );
    drop(journal);

    let (ok, text, _) = casement(data.path(), &["status"]);
    assert!(ok && text.contains("30 wait, numbers 1 to 30"), "{text}");
    let (_, text, _) = casement(data.path(), &["status", "--json"]);
    let figures = json(&text);
    assert_eq!((&figures["records"], &figures["oldest"]), (&30.into(), &1.into()));
    let (_, text, _) = casement(data.path(), &["inspect", "--from", "5", "--limit", "2"]);
    let lines: Vec<Value> = text.lines().map(json).collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(
        (
            &lines[0]["number"],
            &lines[0]["table"],
            &lines[0]["row"]["device_id"]
        ),
        (&5.into(), &"sensor_temperature".into(), &"room-4".into())
    );
    let (ok, text, _) = casement(data.path(), &["verify"]);
    assert!(ok && text.starts_with("30 records"), "{text}");

    let log = fs::read_dir(data.path().join("journal/log")).unwrap().flatten();
    let log = log
        .map(|file| file.path())
        .find(|path| path.extension().is_some_and(|e| e == "jnl"));
    let log = log.unwrap();
    let mut bytes = fs::read(&log).unwrap();
    let at = bytes.windows(7).position(|window| window == b"room-11").unwrap();
    bytes[at] ^= 1;
    fs::write(&log, &bytes).unwrap();
    let (ok, text, error) = casement(data.path(), &["verify", "--json"]);
    let figures = json(&text);
    assert!(!ok && error.contains("1 records cannot be read"), "{error}");
    assert_eq!(
        (
            &figures["sound"],
            &figures["records"],
            &figures["damaged"][0]["first"]
        ),
        (&false.into(), &29.into(), &12.into())
    );
    let (ok, text, _) = casement(data.path(), &["status"]);
    assert!(ok && text.contains("damage"), "{text}");
    assert!(fs::read(&log).unwrap() == bytes, "inspection changes nothing");
}

#[tokio::test]
async fn a_journal_of_another_format_is_refused_and_left_alone() {
    let data = tempfile::tempdir().unwrap();
    drop(filled(data.path()).await);
    let log = data.path().join("journal/log");
    fs::write(log.join("version"), b"FJL\x04").unwrap();
    let mut files = fs::read_dir(&log).unwrap().flatten().map(|file| file.path());
    let file = files.find(|path| path.extension().is_some_and(|e| e == "jnl"));
    let file = file.unwrap();
    let mut bytes = fs::read(&file).unwrap();
    let at = bytes.windows(7).position(|window| window == b"room-11").unwrap();
    bytes[at] ^= 1;
    fs::write(&file, &bytes).unwrap();
    for arguments in [&["status"][..], &["inspect"], &["verify"]] {
        let (ok, _, error) = casement(data.path(), arguments);
        assert!(
            !ok && error.contains("format 4") && error.contains("which wrote it, or restore a backup"),
            "{error}"
        );
    }
    assert!(fs::read(&file).unwrap() == bytes && !data.path().join("journal/damaged").exists());
}
