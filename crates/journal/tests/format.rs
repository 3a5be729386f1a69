//! Journals of another format: refused by every way in, and left as they are to the last byte.

#![allow(clippy::unwrap_used)]

mod support;

use std::{collections::BTreeMap, fs, path::Path};

use journal::{Entry, Journal, JournalError, Options, PlanLimits};
use support::{copy, log_file};

const RECORDS: usize = 20;

/// The files of a journal that was killed with records waiting.
async fn image(directory: &Path) -> std::path::PathBuf {
    let live = directory.join("live");
    let journal = Journal::open(Options::new(&live)).unwrap();
    for n in 0..RECORDS {
        let payload = format!("record {n}").into_bytes();
        journal.append(vec![Entry { key: None, payload }]).await.unwrap();
    }
    let image = directory.join("image");
    copy(&live, &image);
    image
}

/// Every file below `root` with its content.
fn contents(root: &Path) -> BTreeMap<std::path::PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(root).unwrap().flatten() {
        if entry.path().is_dir() {
            files.extend(contents(&entry.path()));
        } else {
            files.insert(entry.path(), fs::read(entry.path()).unwrap());
        }
    }
    files
}

/// Replaces the last byte of the first `limit` occurrences of `pattern`.
fn patch(path: &Path, pattern: &[u8], last: u8, limit: usize) {
    let mut bytes = fs::read(path).unwrap();
    let ends: Vec<usize> = (0..=bytes.len() - pattern.len())
        .filter(|&at| bytes[at..].starts_with(pattern))
        .map(|at| at + pattern.len() - 1)
        .collect();
    assert!(!ends.is_empty(), "the pattern is there");
    for end in ends.into_iter().take(limit) {
        bytes[end] = last;
    }
    fs::write(path, bytes).unwrap();
}

/// Damages a record's payload, so that opening would have something to repair.
fn damage(image: &Path) {
    patch(&log_file(image), b"record 7", b'#', 1);
}

fn assert_refused(image: &Path, is_expected: impl Fn(&JournalError) -> bool) {
    let before = contents(image);
    let errors = [
        Journal::open(Options::new(image)).map(drop).unwrap_err(),
        journal::inspect(image, None, 10).map(drop).unwrap_err(),
        journal::verify(image).map(drop).unwrap_err(),
    ];
    for error in errors {
        assert!(is_expected(&error), "{error:?}");
        assert!(error.to_string().contains("nothing was changed: "), "{error}");
    }
    assert!(contents(image) == before, "not a byte is changed");
}

fn is_version(expected: u8) -> impl Fn(&JournalError) -> bool {
    move |error| matches!(error, JournalError::UnknownFormat { found: Some(found), .. } if *found == expected)
}

#[tokio::test]
async fn a_marker_of_another_version_is_refused_before_the_log_is_repaired() {
    let directory = tempfile::tempdir().unwrap();
    let image = image(directory.path()).await;
    damage(&image);
    let marker = image.join("log/version");
    fs::write(&marker, b"FJL\x04").unwrap();
    assert_refused(&image, is_version(4));
    // It says which version wrote it, and what to do.
    fs::write(image.join("written-by"), "9.1.0\n").unwrap();
    assert_refused(&image, |error| {
        let said = error.to_string();
        said.contains("start Casement 9.1.0, which wrote it") && said.contains("restore a backup")
    });
    fs::write(&marker, b"another engine").unwrap();
    assert_refused(&image, |error| {
        matches!(error, JournalError::UnknownFormat { found: None, .. })
    });
    fs::remove_file(&marker).unwrap();
    assert_refused(&image, |error| matches!(error, JournalError::NoMarker { .. }));
}

#[tokio::test]
async fn a_log_of_another_version_is_refused_whatever_the_marker_says() {
    let directory = tempfile::tempdir().unwrap();
    let image = image(directory.path()).await;
    damage(&image);
    patch(&log_file(&image), b"FJL\x03", 4, usize::MAX);
    assert_refused(&image, is_version(4));
}

/// A later version goes on in a log that this one began: one batch is enough.
#[tokio::test]
async fn a_single_batch_of_another_version_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let image = image(directory.path()).await;
    let log = log_file(&image);
    let length = fs::metadata(&log).unwrap().len();
    let mut bytes = fs::read(&log).unwrap();
    *bytes.last_mut().unwrap() = 4;
    fs::write(&log, &bytes).unwrap();
    assert_refused(&image, is_version(4));
    assert_eq!(fs::metadata(&log).unwrap().len(), length);
}

#[tokio::test]
async fn a_flipped_bit_in_one_batch_version_is_repaired() {
    let directory = tempfile::tempdir().unwrap();
    let image = image(directory.path()).await;
    patch(&log_file(&image), b"FJL\x03", 3 ^ 1, 1);
    assert!(!journal::verify(&image).unwrap().log_damaged.is_empty());
    let journal = Journal::open(Options::new(&image)).unwrap();
    let plan = journal.next_plan(PlanLimits::default()).await.unwrap().unwrap();
    assert_eq!((plan.records.len(), plan.damaged.len()), (RECORDS, 0));
}

#[tokio::test]
async fn a_manifest_of_another_version_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let image = image(directory.path()).await;
    damage(&image);
    let keyspace = image.join("log/keyspaces/0");
    let current = fs::read(keyspace.join("current")).unwrap();
    let id = u64::from_le_bytes(current[..8].try_into().unwrap());
    // The manifest's first section is the version, one byte.
    let manifest = keyspace.join(format!("v{id}"));
    let mut bytes = fs::read(&manifest).unwrap();
    assert_eq!(bytes[0], 3);
    bytes[0] = 4;
    fs::write(&manifest, bytes).unwrap();
    assert_refused(&image, is_version(4));
}

#[tokio::test]
async fn a_checkpoint_of_another_version_is_refused_and_not_rebuilt() {
    let directory = tempfile::tempdir().unwrap();
    let image = image(directory.path()).await;
    let log = log_file(&image);
    let mut bytes = fs::read(&log).unwrap();
    // The last batch ends in its checkpoint and a trailer: both get a later version and a valid checksum.
    let name = bytes.windows(6).rposition(|window| window == b"ledger").unwrap();
    let (value, trailer) = (name + 6, bytes.len() - 13);
    bytes[value] = 2;
    let checksum = xxhash_rust::xxh3::xxh3_64(&bytes[value..trailer - 8]);
    bytes[trailer - 8..trailer].copy_from_slice(&checksum.to_le_bytes());
    let head = bytes[..trailer]
        .windows(4)
        .rposition(|window| window == b"FJL\x03")
        .unwrap()
        + 4;
    let checksum = xxhash_rust::xxh3::xxh3_64(&bytes[head + 13..trailer]);
    bytes[trailer + 1..trailer + 9].copy_from_slice(&checksum.to_le_bytes());
    fs::write(&log, &bytes).unwrap();
    assert_refused(&image, is_version(2));
}

#[tokio::test]
async fn a_damaged_log_of_this_version_is_repaired() {
    let directory = tempfile::tempdir().unwrap();
    let image = image(directory.path()).await;
    damage(&image);
    let journal = Journal::open(Options::new(&image)).unwrap();
    let plan = journal.next_plan(PlanLimits::default()).await.unwrap().unwrap();
    assert_eq!((plan.records.len(), plan.damaged.len()), (RECORDS - 1, 1));
    assert!(image.join("damaged").exists());
}

/// The machine stopped while the storage engine created its files.
#[tokio::test]
async fn an_interrupted_creation_is_started_again() {
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("log");
    fs::create_dir_all(log.join("keyspaces")).unwrap();
    fs::write(log.join("lock"), b"").unwrap();
    fs::write(log.join("0.jnl"), [0; 4096]).unwrap();
    fs::write(log.join("version"), b"").unwrap();
    let journal = Journal::open(Options::new(directory.path())).unwrap();
    let entry = Entry {
        key: None,
        payload: b"first".to_vec(),
    };
    journal.append(vec![entry]).await.unwrap();
}

/// What `journal::format` knows of the storage engine is what that engine writes.
#[tokio::test]
async fn the_storage_engine_writes_the_formats_that_are_checked() {
    let directory = tempfile::tempdir().unwrap();
    let image = image(directory.path()).await;
    assert_eq!(fs::read(image.join("log/version")).unwrap(), b"FJL\x03");
    assert!(fs::read(log_file(&image)).unwrap().ends_with(b"FJL\x03"));
    let keyspaces: Vec<_> = fs::read_dir(image.join("log/keyspaces"))
        .unwrap()
        .flatten()
        .collect();
    assert!(!keyspaces.is_empty());
    for keyspace in keyspaces {
        let current = fs::read(keyspace.path().join("current")).unwrap();
        let id = u64::from_le_bytes(current[..8].try_into().unwrap());
        let manifest = keyspace.path().join(format!("v{id}"));
        let archive = sfa::Reader::new(&manifest).unwrap();
        assert_eq!(archive.toc().section(b"format_version").unwrap().len(), 1);
    }
}
