use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use super::*;

/// Words by name.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Words {
    format: u32,
    words: BTreeMap<String, String>,
}

impl Document for Words {
    const FILE: &'static str = "words.json";
    const WHAT: &'static str = "words";
    const FORMAT: u32 = 1;
}

impl Mergeable for Words {
    fn merged(mut self, later: Self) -> Self {
        self.words.extend(later.words);
        self
    }
}

fn words(words: &[(&str, &str)]) -> Words {
    let own = |(name, word): &(&str, &str)| ((*name).to_owned(), (*word).to_owned());
    Words {
        format: 1,
        words: words.iter().map(own).collect(),
    }
}

fn start(dir: &TempDir) -> (KeptFile<Words>, Taken<Words>) {
    let mut file = KeptFile::open(dir.path()).unwrap();
    let taken = file.take();
    (file, taken)
}

fn names(dir: &TempDir) -> Vec<String> {
    let entries = fs::read_dir(dir.path()).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "words.lock")
        .collect();
    names.sort();
    names
}

const NEWER: &str = r#"{"program": "9.1.0", "format": 2, "phrases": 7}"#;

#[test]
fn what_is_written_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let (file, taken) = start(&dir);
    assert!(taken.document.is_none() && taken.fault.is_none() && !taken.is_to_write);
    file.write(&words(&[("a", "1")])).unwrap();
    assert!(
        matches!(KeptFile::<Words>::open(dir.path()), Err(FileError::InUse(_))),
        "one process owns it"
    );
    drop(file);
    let (_, taken) = start(&dir);
    assert_eq!(taken.document, Some(words(&[("a", "1")])));
    assert_eq!(names(&dir), ["words.json"]);
}

#[test]
fn what_is_left_alone_is_taken_in_with_what_came_meanwhile() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("words.json");
    let (file, _) = start(&dir);
    file.write(&words(&[("a", "1"), ("b", "1")])).unwrap();
    drop(file);
    let before = fs::read(&path).unwrap();
    fs::write(&path, NEWER).unwrap();
    // Each start beside it knows what the one before wrote.
    let (file, taken) = start(&dir);
    let Some(Fault::Left(why)) = taken.fault else {
        panic!("{:?}", taken.fault)
    };
    assert!(why.contains("9.1.0") && why.contains("left as it is"), "{why}");
    assert!(taken.document.is_none());
    file.write(&words(&[("b", "2")])).unwrap();
    drop(file);
    let (file, taken) = start(&dir);
    assert!(matches!(taken.fault, Some(Fault::Left(_))) && !taken.is_to_write);
    assert_eq!(taken.document, Some(words(&[("b", "2")])));
    file.write(&words(&[("b", "3")])).unwrap();
    drop(file);
    assert_eq!(fs::read_to_string(&path).unwrap(), NEWER);
    // It can be read again. What came meanwhile is there until it is written.
    fs::write(&path, before).unwrap();
    let all = words(&[("a", "1"), ("b", "3")]);
    for _ in 0..2 {
        let (_, taken) = start(&dir);
        assert!(taken.fault.is_none() && taken.is_to_write);
        assert_eq!(taken.document.as_ref(), Some(&all));
    }
    let (file, _) = start(&dir);
    file.write(&all).unwrap();
    assert_eq!(names(&dir), ["words.json"]);
}

#[test]
fn what_was_taken_in_is_not_taken_in_again() {
    let dir = tempfile::tempdir().unwrap();
    let beside = dir.path().join("words.meanwhile-1.json");
    fs::write(dir.path().join("words.json"), NEWER).unwrap();
    let (file, _) = start(&dir);
    file.write(&words(&[("a", "1")])).unwrap();
    drop(file);
    let meanwhile = fs::read(&beside).unwrap();
    // Somebody moves the newer one away.
    fs::remove_file(dir.path().join("words.json")).unwrap();
    let (file, taken) = start(&dir);
    assert_eq!(taken.document, Some(words(&[("a", "1")])));
    file.write(&words(&[("a", "2")])).unwrap();
    drop(file);
    // As where the process ends before the other file goes.
    fs::write(&beside, meanwhile).unwrap();
    let (_, taken) = start(&dir);
    assert_eq!(taken.document, Some(words(&[("a", "2")])));
    assert!(!taken.is_to_write);
    assert_eq!(names(&dir), ["words.json"]);
}

#[test]
fn a_file_that_cannot_be_read_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    // Nobody reads a folder.
    fs::create_dir(dir.path().join("words.json")).unwrap();
    let (file, taken) = start(&dir);
    let Some(Fault::Left(why)) = taken.fault else {
        panic!("{:?}", taken.fault)
    };
    assert!(why.contains("cannot be read"), "{why}");
    file.write(&words(&[("a", "1")])).unwrap();
    assert_eq!(names(&dir), ["words.json", "words.meanwhile-1.json"]);
}

#[test]
fn the_newest_five_damaged_files_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("words.json");
    // As an earlier version set it aside.
    fs::write(dir.path().join("words.json.damaged"), "0").unwrap();
    fs::write(dir.path().join("words.json.damaged.by-hand"), "").unwrap();
    for round in 1..=7 {
        fs::write(&path, format!("{round}")).unwrap();
        let (_, taken) = start(&dir);
        assert!(
            matches!(&taken.fault, Some(Fault::Damaged(why)) if why.contains(&format!("words.json.damaged.{round}"))),
            "{:?}",
            taken.fault
        );
        assert!(taken.document.is_none());
    }
    let kept = ["by-hand", "3", "4", "5", "6", "7"].map(|end| format!("words.json.damaged.{end}"));
    let mut kept = kept.to_vec();
    kept.sort();
    assert_eq!(names(&dir), kept);
    assert_eq!(
        fs::read_to_string(dir.path().join("words.json.damaged.7")).unwrap(),
        "7"
    );
}
