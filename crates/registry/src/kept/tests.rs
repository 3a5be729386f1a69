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
fn a_file_beside_that_cannot_be_read_is_left_and_all_of_them_are_taken_in_later() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("words.json");
    let beside = dir.path().join("words.meanwhile-1.json");
    let (file, _) = start(&dir);
    file.write(&words(&[("a", "1"), ("b", "1"), ("c", "1")])).unwrap();
    drop(file);
    let before = fs::read(&path).unwrap();
    fs::write(&path, NEWER).unwrap();
    let (file, _) = start(&dir);
    file.write(&words(&[("b", "2"), ("c", "2")])).unwrap();
    drop(file);
    let meanwhile = fs::read(&beside).unwrap();
    fs::remove_file(&beside).unwrap();
    fs::create_dir(&beside).unwrap();
    // Each start goes on in a further file.
    for known in [None, Some(words(&[("c", "3")]))] {
        let (file, taken) = start(&dir);
        let Some(Fault::Left(why)) = &taken.fault else {
            panic!("{:?}", taken.fault)
        };
        for part in [
            "9.1.0",
            "words.meanwhile-1.json, which cannot be read",
            "words.meanwhile-1-2.json",
        ] {
            assert!(why.contains(part), "{part}: {why}");
        }
        assert!(taken.is_behind && !taken.is_to_write);
        assert_eq!(taken.document, known);
        file.write(&words(&[("c", "3")])).unwrap();
    }
    let all = ["words.json", "words.meanwhile-1-2.json", "words.meanwhile-1.json"];
    assert_eq!(names(&dir), all, "nothing is set aside");
    // The first file alone can be read: changes still go to the further one.
    fs::write(&path, &before).unwrap();
    let (file, taken) = start(&dir);
    assert!(matches!(taken.fault, Some(Fault::Left(_))) && taken.is_behind);
    assert_eq!(taken.document, Some(words(&[("a", "1"), ("b", "1"), ("c", "3")])));
    drop(file);
    fs::remove_dir(&beside).unwrap();
    fs::write(&beside, meanwhile).unwrap();
    let (file, taken) = start(&dir);
    assert!(taken.fault.is_none() && taken.is_to_write && !taken.is_behind);
    let all = words(&[("a", "1"), ("b", "2"), ("c", "3")]);
    assert_eq!(taken.document.as_ref(), Some(&all));
    file.write(&all).unwrap();
    assert_eq!(names(&dir), ["words.json"]);
}

#[test]
fn files_beside_are_put_together_while_the_first_is_left_and_none_is_taken_in_twice() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("words.json");
    let beside = dir.path().join("words.meanwhile-1.json");
    fs::write(&path, NEWER).unwrap();
    let (file, _) = start(&dir);
    file.write(&words(&[("a", "1"), ("b", "1")])).unwrap();
    drop(file);
    fs::rename(&beside, dir.path().join("elsewhere")).unwrap();
    fs::create_dir(&beside).unwrap();
    let (file, _) = start(&dir);
    file.write(&words(&[("b", "2")])).unwrap();
    drop(file);
    fs::remove_dir(&beside).unwrap();
    fs::rename(dir.path().join("elsewhere"), &beside).unwrap();
    let meanwhile = fs::read(&beside).unwrap();
    let (file, taken) = start(&dir);
    assert_eq!(taken.document, Some(words(&[("a", "1"), ("b", "2")])));
    assert!(!taken.is_behind);
    file.write(&words(&[("b", "3")])).unwrap();
    drop(file);
    assert_eq!(names(&dir), ["words.json", "words.meanwhile-1-2.json"]);
    for _ in 0..2 {
        // As where the process ends before the other file goes: what was removed since stays so.
        fs::write(&beside, &meanwhile).unwrap();
        let (_, taken) = start(&dir);
        assert_eq!(taken.document, Some(words(&[("b", "3")])));
    }
    fs::write(&beside, &meanwhile).unwrap();
    fs::remove_file(&path).unwrap();
    let (file, taken) = start(&dir);
    assert!(taken.fault.is_none() && taken.is_to_write);
    assert_eq!(taken.document, Some(words(&[("b", "3")])));
    file.write(&words(&[("b", "4")])).unwrap();
    drop(file);
    assert_eq!(names(&dir), ["words.json"]);
}

#[test]
fn a_damaged_file_beside_is_told_where_the_first_is_fine() {
    let dir = tempfile::tempdir().unwrap();
    let (file, _) = start(&dir);
    file.write(&words(&[("a", "1")])).unwrap();
    drop(file);
    fs::write(dir.path().join("words.meanwhile-1.json"), "{").unwrap();
    let (file, taken) = start(&dir);
    assert!(
        matches!(&taken.fault, Some(Fault::Damaged(why)) if why.contains("words.meanwhile-1.json.damaged.1")),
        "{:?}",
        taken.fault
    );
    assert!(taken.is_behind);
    assert_eq!(taken.document, Some(words(&[("a", "1")])));
    file.write(&words(&[("a", "2")])).unwrap();
    drop(file);
    let (_, taken) = start(&dir);
    assert!(taken.fault.is_none() && !taken.is_behind);
    assert_eq!(taken.document, Some(words(&[("a", "2")])));
}

/// Words as a newer version writes them.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct NewerWords {
    format: u32,
    words: BTreeMap<String, String>,
}

impl Document for NewerWords {
    const FILE: &'static str = Words::FILE;
    const WHAT: &'static str = Words::WHAT;
    const FORMAT: u32 = 2;
}

impl Mergeable for NewerWords {
    fn merged(mut self, later: Self) -> Self {
        self.words.extend(later.words);
        self
    }
}

#[test]
fn a_newer_version_takes_in_what_an_earlier_one_wrote_beside_its_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("words.json");
    let newer = r#"{"program": "9.1.0", "format": 2, "words": {"a": "1", "b": "1"}}"#;
    fs::write(&path, newer).unwrap();
    let (file, _) = start(&dir);
    file.write(&words(&[("b", "2")])).unwrap();
    drop(file);
    // It writes beside in its own name, and reads the earlier one's.
    fs::write(&path, r#"{"format": 3}"#).unwrap();
    let mut file = KeptFile::<NewerWords>::open(dir.path()).unwrap();
    let taken = file.take();
    assert!(matches!(taken.fault, Some(Fault::Left(_))));
    let known = taken.document.unwrap();
    assert_eq!(known.words, words(&[("b", "2")]).words);
    file.write(&known).unwrap();
    drop(file);
    assert_eq!(names(&dir), ["words.json", "words.meanwhile-2.json"]);
    // The file of a version that is newer still is nobody's.
    fs::write(dir.path().join("words.meanwhile-3.json"), "{").unwrap();
    fs::write(&path, newer).unwrap();
    let mut file = KeptFile::<NewerWords>::open(dir.path()).unwrap();
    let taken = file.take();
    assert!(taken.fault.is_none() && taken.is_to_write);
    let all = taken.document.unwrap();
    assert_eq!(all.words, words(&[("a", "1"), ("b", "2")]).words);
    file.write(&all).unwrap();
    assert_eq!(names(&dir), ["words.json", "words.meanwhile-3.json"]);
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
