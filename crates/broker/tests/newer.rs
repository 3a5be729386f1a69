//! Storage that a newer version has written: refused with the way out, and left as it is.
#![allow(clippy::unwrap_used)]

mod support;

use std::{collections::BTreeMap, fs, path::Path};

use broker::{Broker, BrokerError, BrokerOptions};
use support::{
    House, options,
    raw::{Raw, publish},
};

fn kept(directory: &Path) -> BrokerOptions {
    BrokerOptions {
        storage: Some(directory.join("broker")),
        ..options()
    }
}

/// Every file with its content, but for the lock.
fn contents(dir: &Path) -> BTreeMap<std::path::PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files.extend(contents(&path));
        } else if !path.ends_with("owner") {
            files.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    files
}

/// A storage with one retained message.
async fn written(directory: &Path) {
    let house = House::start(kept(directory)).await;
    let mut raw = Raw::v3(house.address(), "sender").await;
    let mut birth = publish(false, 1, 1, "birth", b"online");
    birth[0] |= 1;
    raw.send(&birth).await;
    raw.packet_of(4).await;
    house.broker.stop().await;
}

async fn refusal(directory: &Path) -> (u32, String) {
    let Err(error) = Broker::start(kept(directory), support::hook()).await else {
        panic!("it starts")
    };
    let said = error.to_string();
    let BrokerError::StorageNewer(newer) = error else {
        panic!("{said}")
    };
    for words in ["use the newer version", "backup", "nothing was changed"] {
        assert!(said.contains(words), "{said}");
    }
    (newer.found, said)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stamp_or_a_marker_of_a_newer_version_is_refused() {
    let data = tempfile::tempdir().unwrap();
    written(data.path()).await;
    let (dir, ours) = (
        data.path().join("broker"),
        format!("1 {}\n", env!("CARGO_PKG_VERSION")),
    );
    assert_eq!(fs::read_to_string(dir.join("format")).unwrap(), ours);
    fs::write(dir.join("format"), "2 9.1.0\n").unwrap();
    let before = contents(&dir);
    let (found, said) = refusal(data.path()).await;
    assert!(found == 2 && said.contains("Casement 9.1.0"), "{said}");
    assert!(before == contents(&dir), "not a byte is changed");
    // The engine's own marker.
    fs::write(dir.join("format"), &ours).unwrap();
    let marker = fs::read(dir.join("records/version")).unwrap();
    assert_eq!(marker, b"FJL\x03");
    fs::write(dir.join("records/version"), b"FJL\x04").unwrap();
    let before = contents(&dir);
    refusal(data.path()).await;
    assert!(before == contents(&dir), "not a byte is changed");
    // Back at the version that wrote it, nothing is lost; a storage of before stamps opens, too.
    fs::write(dir.join("records/version"), marker).unwrap();
    fs::remove_file(dir.join("format")).unwrap();
    let house = House::start(kept(data.path())).await;
    house.figure("retained_messages", 1).await;
    house.broker.stop().await;
    assert_eq!(fs::read_to_string(dir.join("format")).unwrap(), ours);
}
