//! Backups that add to earlier ones.

use std::{fs, path::Path};

use crate::{
    support,
    world::{Places, backed_up, figures, publish, refused, restore, restored, verify},
};

fn path_of(made: &serde_json::Value) -> &Path {
    Path::new(made["path"].as_str().unwrap())
}

/// The largest file of ClickHouse's data in a backup.
fn largest(dir: &Path) -> std::path::PathBuf {
    fn walk(dir: &Path, found: &mut Vec<(u64, std::path::PathBuf)>) {
        for path in crate::world::entries(dir) {
            if path.is_dir() {
                walk(&path, found);
            } else {
                found.push((fs::metadata(&path).unwrap().len(), path));
            }
        }
    }
    let mut found = Vec::new();
    walk(&dir.join("clickhouse/data"), &mut found);
    found.sort();
    found.pop().unwrap().1
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_incremental_backup_needs_those_that_it_is_based_on_and_no_more() {
    let places = Places::new();
    let (data, shelf) = (places.at("data"), places.at("shelf"));
    let up = support::up(&data, &[]);
    publish(up.mqtt, "first", 1_700_000_000_000, 4_000).await;
    figures(&up);
    let full = backed_up(&data, &shelf, &["--incremental"]);
    assert!(full["base"].is_null(), "the first one is full: {full}");
    publish(up.mqtt, "second", 1_700_000_000_000, 200).await;
    figures(&up);
    let second = backed_up(&data, &shelf, &["--incremental"]);
    assert_eq!(second["base"]["name"], full["name"]);
    // One in a file adds to one in a directory.
    publish(up.mqtt, "third", 1_700_000_000_000, 200).await;
    let before = figures(&up);
    let archive = shelf.join("third.tar.zst");
    let third = backed_up(&data, &archive, &["--incremental"]);
    assert_eq!(third["base"]["name"], second["name"]);
    let rows = |made: &serde_json::Value| {
        let tables = made["tables"].as_array().unwrap();
        let found = tables.iter().find(|found| found["table"] == "sensor_temperature");
        found.unwrap()["rows"].as_u64().unwrap()
    };
    assert_eq!([rows(&full), rows(&second), rows(&third)], [4_000, 4_200, 4_400]);
    drop(up);

    assert!(verify(&shelf).status.success());
    let new = places.at("new");
    restored(&shelf, &new);
    let up = support::up(&new, &[]);
    assert_eq!(figures(&up), before);
    drop(up);

    // A byte of the base is damaged: found, and nothing is written.
    let file = largest(path_of(&full));
    let sound = fs::read(&file).unwrap();
    let mut damaged = sound.clone();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    fs::write(&file, &damaged).unwrap();
    let name = file.file_name().unwrap().to_string_lossy().into_owned();
    let elsewhere = places.at("elsewhere");
    for output in [verify(&archive), restore(&archive, &elsewhere)] {
        let said = refused(&output);
        assert!(said.contains(&name) && said.contains("damaged"), "{said}");
    }
    assert!(!elsewhere.exists());
    fs::write(&file, &sound).unwrap();
    assert!(verify(&archive).status.success());
    // So is one of the archive.
    let mut bytes = fs::read(&archive).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    let broken = shelf.join("broken.tar.zst");
    fs::write(&broken, &bytes).unwrap();
    assert!(refused(&verify(&broken)).contains("damaged"));
    fs::remove_file(&broken).unwrap();

    // Without its base it is refused by that one's name.
    fs::rename(path_of(&full), places.at("away")).unwrap();
    let said = refused(&restore(&archive, &elsewhere));
    assert!(said.contains(full["name"].as_str().unwrap()), "{said}");
    assert!(!elsewhere.exists());
}
