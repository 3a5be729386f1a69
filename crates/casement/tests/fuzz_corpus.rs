//! What fuzzing found worth keeping, through the same checks as fuzzing itself (`scripts/fuzz.sh`).
#![allow(missing_docs, clippy::unwrap_used)]

#[path = "../../audio/fuzz/src/lib.rs"]
#[allow(unreachable_pub)]
mod targets;

use std::{fs, path::Path};

/// How many files of a corpus there are, and how many of them the check takes for sound.
fn replay(corpus: &str, check: fn(&[u8]) -> bool) -> (usize, usize) {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../audio/fuzz/corpus")
        .join(corpus);
    let files: Vec<_> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    let sound = files
        .iter()
        .filter(|file| check(&fs::read(file).unwrap()))
        .count();
    (files.len(), sound)
}

#[test]
fn the_corpus_of_the_decoder_holds() {
    let (files, sound) = replay("decode", targets::decode);
    assert!(files >= 30 && sound >= 15, "{sound} of {files} are recordings");
}

#[test]
fn the_corpus_of_the_whole_path_holds() {
    let (files, sound) = replay("clip", targets::clip);
    assert!(files >= 30 && sound >= 15, "{sound} of {files} have features");
}
