//! What is refused, with a sentence that says what to do.

use std::fs;

use sha2::{Digest as _, Sha256};

use crate::{
    support,
    world::{Places, backed_up, backup, command, publish, refused, restore, verify},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_cannot_be_right_is_refused() {
    let places = Places::new();
    let (data, shelf, new) = (places.at("data"), places.at("shelf"), places.at("new"));
    let up = support::up(&data, &[]);
    publish(up.mqtt, "d", 1_700_000_000_000, 10).await;
    let made = backed_up(&data, &shelf, &[]);
    let name = made["name"].as_str().unwrap();
    let one = shelf.join(name);
    drop(up);

    // Into a directory that is not empty.
    let said = refused(&restore(&shelf, &data));
    assert!(
        said.contains("not empty") && said.contains("overwritten"),
        "{said}"
    );
    // Nothing there, and nothing of ours.
    let said = refused(&restore(&places.at("nowhere"), &new));
    assert!(said.contains("no such file"), "{said}");
    fs::create_dir(places.at("other")).unwrap();
    let said = refused(&restore(&places.at("other"), &new));
    assert!(said.contains("holds no backup"), "{said}");
    fs::write(places.at("x.tar.zst"), "not an archive").unwrap();
    let said = refused(&restore(&places.at("x.tar.zst"), &new));
    assert!(said.contains("no archive of a backup"), "{said}");
    // To something that is there.
    let said = refused(&backup(&data, &places.at("x.tar.zst"), &[]));
    assert!(said.contains("is there already"), "{said}");
    let said = refused(&backup(&data, &one, &[]));
    assert!(said.contains("is a backup itself"), "{said}");
    let said = refused(&backup(&data, &places.at("x.tar.gz"), &[]));
    assert!(said.contains(".tar.zst"), "{said}");
    // Without an installation.
    let said = refused(&backup(&places.at("other"), &shelf, &[]));
    assert!(
        said.contains("there is no installation") && said.contains("--data"),
        "{said}"
    );
    assert!(
        crate::world::entries(&places.at("other")).is_empty(),
        "nothing is made there"
    );
    // With a ClickHouse elsewhere.
    let config = places.at("elsewhere.yaml");
    fs::write(&config, "clickhouse: {addr: 'clickhouse.invalid:8123'}\n").unwrap();
    let flags = [
        data.display().to_string(),
        shelf.display().to_string(),
        config.display().to_string(),
    ];
    let output = command(&[
        "backup", "--data", &flags[0], "--to", &flags[1], "--config", &flags[2],
    ])
    .output()
    .unwrap();
    let said = refused(&output);
    assert!(
        said.contains("runs elsewhere") && said.contains("BACKUP"),
        "{said}"
    );

    // A manifest that was changed, and one of a newer version.
    let manifest = one.join("manifest.json");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(
        &manifest,
        text.replacen("\"journal_records\": ", "\"journal_records\": 1", 1),
    )
    .unwrap();
    let said = refused(&verify(&one));
    assert!(said.contains("its manifest is damaged"), "{said}");
    for (from, to) in [
        ("\"format\": 1", "\"format\": 2"),
        ("\"casement\": \"", "\"casement\": \"99."),
        ("\"schema\": ", "\"schema\": 9"),
    ] {
        let newer = text.replacen(from, to, 1);
        assert_ne!(newer, text);
        fs::write(&manifest, &newer).unwrap();
        let digest = Sha256::digest(newer.as_bytes());
        let hex = hex::encode(digest);
        fs::write(
            one.join("manifest.json.sha256"),
            format!("{hex}  manifest.json\n"),
        )
        .unwrap();
        let said = refused(&restore(&one, &new));
        assert!(
            said.contains(name) && said.contains("restore it with"),
            "{from}: {said}"
        );
    }
    assert!(!new.exists());
}

#[test]
fn places_that_cannot_be_right_are_refused_before_any_work() {
    let places = Places::new();
    let data = places.at("data");
    // What a command looks at before it opens anything.
    fs::create_dir_all(data.join("journal/log")).unwrap();
    fs::create_dir_all(data.join("engine/store")).unwrap();
    std::os::unix::fs::symlink(data.join("engine"), places.at("link")).unwrap();
    let said = |to: &std::path::Path| {
        let said = refused(&backup(&data, to, &[]));
        assert!(!said.contains("opening"), "{said}");
        said
    };
    for inside in [
        "data",
        "data/engine",
        "data/engine/new",
        "data/journal/../journal/x.tar.zst",
        "link",
        "data/elsewhere",
    ] {
        let said = said(&places.at(inside));
        assert!(
            said.contains("belongs to the data that are backed up") && said.contains("data/archives"),
            "{inside}: {said}"
        );
    }
    let said_of_parent = said(places.root.path());
    assert!(
        said_of_parent.contains("holds the data directory") && said_of_parent.contains("casement-backups"),
        "{said_of_parent}"
    );
    let said_of_proc = said("/proc/nope".as_ref());
    assert!(
        said_of_proc.contains("/proc/nope") && said_of_proc.contains("another one with --to DIR"),
        "{said_of_proc}"
    );
    // Nothing was made in what is not ours to write to.
    let mut names: Vec<_> = crate::world::entries(&data);
    names.sort();
    assert_eq!(names, [data.join("engine"), data.join("journal")]);
    // A disk that is full.
    let disk = testkit::SmallDisk::mount(&places.at("disk"))
        .unwrap()
        .expect("a small disk can be mounted: run this test as root");
    let ballast = disk.fill().unwrap();
    let said_of_full = said(&disk.path().join("shelf"));
    assert!(
        said_of_full.contains("No space left") && said_of_full.contains("make room"),
        "{said_of_full}"
    );
    fs::remove_file(ballast).unwrap();
    // A disk that cannot be written.
    let mounted = std::process::Command::new("mount")
        .args(["-o", "remount,ro"])
        .arg(disk.path())
        .status();
    assert!(mounted.unwrap().success());
    let said_of_read_only = said(&disk.path().join("other"));
    assert!(said_of_read_only.contains("Read-only"), "{said_of_read_only}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_disk_that_is_too_small_is_told_before_anything_is_copied() {
    let places = Places::new();
    let disk = testkit::SmallDisk::mount(&places.at("disk"))
        .unwrap()
        .expect("a small disk can be mounted: run this test as root");
    let data = places.at("data");
    let up = support::up(&data, &[]);
    let rows = "INSERT INTO iot.sensor_temperature (timestamp, device_id, value) SELECT now64(3) - toIntervalMillisecond(number * 977), \
                'd', rand64() / 7 FROM numbers(400000)";
    up.sql(rows).unwrap();
    // A probe fits, the rows do not.
    let ballast = disk.fill().unwrap();
    let left = fs::metadata(&ballast).unwrap().len().saturating_sub(1500 << 10);
    let file = fs::File::options().write(true).open(&ballast).unwrap();
    file.set_len(left).unwrap();
    drop(file);
    let said = refused(&backup(&data, &disk.path().join("shelf"), &[]));
    assert!(
        said.contains("the backup needs") && said.contains("name another disk"),
        "{said}"
    );
    assert!(!said.contains("ClickHouse backs its tables up"), "{said}");
    // With room it succeeds.
    fs::remove_file(&ballast).unwrap();
    backed_up(&data, &disk.path().join("shelf"), &[]);
}

#[test]
fn flags_that_contradict_each_other_are_refused() {
    let output = command(&["backup", "--verify", "x", "--incremental"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let output = command(&["restore", "x"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}
