//! Files that attack: loading them runs nothing, refuses all, and never takes more memory than a small limit.
//!
//! The files come from Python's own pickler, in every protocol and both containers. They are loaded in a child process
//! with its memory limited, so that a bomb would end it.

use std::{path::Path, process::Command};

use model::Model;

const FOLDER: &str = "MODEL_TEST_HOSTILE_FOLDER";
/// Of addresses, most of which a process of several threads never touches.
const LIMIT_KIB: u32 = 512 << 10;

/// Not a test by itself: the child.
#[test]
fn load_them_all() {
    let Ok(folder) = std::env::var(FOLDER) else {
        return;
    };
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    // The test runner has begun a line.
    println!();
    for file in files {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        match Model::load(&file) {
            Ok(_) => println!("loaded {name}"),
            Err(error) => println!("refused {name}: {error}"),
        }
    }
    println!("all done");
}

#[test]
fn hostile_files_run_nothing_and_fill_nothing() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let dir = tempfile::tempdir().unwrap();
    let (folder, marker) = (dir.path().join("files"), dir.path().join("marker"));
    std::fs::create_dir(&folder).unwrap();
    let made = Command::new(here.join("../../target/python/bin/python"))
        .arg(here.join("tests/python/make_hostile.py"))
        .args([&folder, &marker])
        .output()
        .expect("the tests' Python is there: make python");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let files = std::fs::read_dir(&folder).unwrap().count();
    assert!(files > 200);
    assert!(!marker.exists());

    let limited =
        format!("ulimit -v {LIMIT_KIB} && exec \"$0\" --exact load_them_all --nocapture --test-threads 1");
    let loaded = Command::new("sh")
        .args(["-c", &limited])
        .arg(std::env::current_exe().unwrap())
        .env(FOLDER, &folder)
        .env("RUST_BACKTRACE", "0")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&loaded.stdout);
    assert!(
        loaded.status.success() && said.contains("all done"),
        "{}\n{said}\n{}",
        loaded.status,
        String::from_utf8_lossy(&loaded.stderr)
    );
    assert!(!marker.exists(), "a pickle ran");
    let refused: Vec<&str> = said.lines().filter(|line| line.starts_with("refused ")).collect();
    assert!(!said.lines().any(|line| line.starts_with("loaded ")), "{said}");
    assert_eq!(refused.len(), files);
    for line in refused {
        let attack = !line.contains("bomb_") && !line.contains("two_pickles");
        assert!(!attack || line.contains("the file is hostile"), "{line}");
    }
}
