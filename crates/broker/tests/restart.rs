//! Sessions and retained messages after a stop and a new start.
#![allow(clippy::unwrap_used)]

mod support;

use std::{path::Path, time::Duration};

use broker::{BrokerError, BrokerOptions, EventKind};
use support::{
    House, PATIENCE, options,
    raw::{Greeting, Raw, connect, id_of, message, packet, publish, text},
};

fn kept(directory: &Path) -> BrokerOptions {
    BrokerOptions {
        storage: Some(directory.join("broker")),
        ..options()
    }
}

/// Connects with MQTT 3.1.1 and keeps the session; returns whether there was one.
async fn persistent(house: &House, id: &str) -> (Raw, bool) {
    let mut raw = Raw::open(house.address()).await;
    let greeting = Greeting {
        keep: true,
        ..Greeting::default()
    };
    raw.send(&connect(4, id, &greeting)).await;
    let connack = raw.packet().await.unwrap();
    assert_eq!((connack.first, connack.body[1]), (0x20, 0));
    (raw, connack.body[0] == 1)
}

async fn restart(house: House, options: BrokerOptions) -> House {
    house.broker.stop().await;
    House::start(options).await
}

fn retained(qos: u8, id: u16, topic: &str, payload: &[u8]) -> Vec<u8> {
    let mut bytes = publish(false, qos, id, topic, payload);
    bytes[0] |= 1;
    bytes
}

async fn send_acknowledged(house: &House, packets: &[Vec<u8>]) {
    let mut raw = Raw::v3(house.address(), "sender").await;
    for packet in packets {
        raw.send(packet).await;
        raw.packet_of(4).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_with_its_messages_and_subscriptions_comes_back() {
    let data = tempfile::tempdir().unwrap();
    let house = House::start(kept(data.path())).await;
    let (mut away, present) = persistent(&house, "away").await;
    assert!(!present);
    away.subscribe(false, "news/#", 1).await;
    away.send(&[0xE0, 0]).await;
    assert_eq!(away.packet().await, None);
    send_acknowledged(
        &house,
        &[
            publish(false, 1, 1, "news/1", b"one"),
            retained(1, 2, "birth/sensor-001", b"online"),
            retained(1, 3, "gone", b"x"),
            retained(1, 4, "gone", b""),
        ],
    )
    .await;

    let house = restart(house, kept(data.path())).await;
    house.figure("sessions", 1).await;
    send_acknowledged(&house, &[publish(false, 1, 1, "news/2", b"two")]).await;
    let (mut back, present) = persistent(&house, "away").await;
    assert!(present);
    for expected in ["news/1", "news/2"] {
        let packet = back.packet_of(3).await;
        assert_eq!(message(&packet).0, expected);
        assert_eq!(packet.first & 0b1000, 0, "it was never sent before");
        back.send(&[0x40, 2, 0, id_of(&packet) as u8]).await;
    }
    back.subscribe(false, "birth/#", 1).await;
    assert_eq!(message(&back.packet_of(3).await).1, b"online");
    back.subscribe(false, "gone", 1).await;
    assert!(back.is_quiet().await);
    house.broker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_sent_and_not_acknowledged_comes_again_with_the_same_id() {
    let data = tempfile::tempdir().unwrap();
    let house = House::start(kept(data.path())).await;
    let (mut client, _) = persistent(&house, "client").await;
    client.subscribe(false, "t", 2).await;
    send_acknowledged(
        &house,
        &[
            publish(false, 1, 1, "t", b"acknowledged"),
            publish(false, 1, 2, "t", b"lost"),
        ],
    )
    .await;
    let first = client.packet_of(3).await;
    let second = client.packet_of(3).await;
    client.send(&packet(0x40, &id_of(&first).to_be_bytes())).await;
    client.send(&[0xC0, 0]).await;
    client.packet_of(13).await;

    let house = restart(house, kept(data.path())).await;
    let (mut client, _) = persistent(&house, "client").await;
    let again = client.packet_of(3).await;
    assert_eq!(message(&again).1, b"lost");
    assert_eq!(again.first & 0b1000, 0b1000, "DUP");
    assert_eq!(id_of(&again), id_of(&second));
    client.send(&packet(0x40, &id_of(&again).to_be_bytes())).await;
    assert!(client.is_quiet().await);
    let house = restart(house, kept(data.path())).await;
    let (mut client, _) = persistent(&house, "client").await;
    assert!(client.is_quiet().await, "everything is acknowledged");
    house.figure("stored_messages", 0).await;
    house.broker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clean_session_leaves_nothing() {
    let data = tempfile::tempdir().unwrap();
    let house = House::start(kept(data.path())).await;
    let (mut client, _) = persistent(&house, "client").await;
    client.subscribe(false, "t", 1).await;
    drop(client);
    send_acknowledged(&house, &[publish(false, 1, 1, "t", b"x")]).await;
    house.figure("stored_messages", 1).await;
    drop(Raw::v3(house.address(), "client").await);
    house.figure("sessions", 0).await;
    house.figure("stored_messages", 0).await;
    let house = restart(house, kept(data.path())).await;
    let (mut client, present) = persistent(&house, "client").await;
    assert!(!present);
    assert!(client.is_quiet().await);
    house.broker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn time_goes_on_while_the_broker_is_away() {
    let data = tempfile::tempdir().unwrap();
    let house = House::start(kept(data.path())).await;
    // A session of one second, and a message of one second in the queue of another.
    let greeting = Greeting {
        keep: true,
        properties: [&[0x11][..], &1_u32.to_be_bytes()].concat(),
        will: Some(("last/words".into(), b"bye".to_vec())),
        will_properties: [&[0x18][..], &3_600_u32.to_be_bytes()].concat(),
        ..Greeting::default()
    };
    let mut short = Raw::open(house.address()).await;
    short.send(&connect(5, "short", &greeting)).await;
    short.packet_of(2).await;
    let (mut long, _) = persistent(&house, "long").await;
    long.subscribe(false, "t", 1).await;
    drop(long);
    let mut sender = Raw::v5(house.address(), "sender", &[]).await;
    let with_expiry = |flags: u8, topic: &str, id: u8, seconds: u32| {
        let properties = [&[5, 2][..], &seconds.to_be_bytes()].concat();
        packet(
            0x32 | flags,
            &[&text(topic)[..], &[0, id], &properties, b"x"].concat(),
        )
    };
    for bytes in [
        with_expiry(0, "t", 1, 1),
        with_expiry(0, "t", 2, 3_600),
        with_expiry(1, "short-lived", 3, 1),
    ] {
        sender.send(&bytes).await;
        sender.packet_of(4).await;
    }
    house.broker.stop().await;
    tokio::time::sleep(Duration::from_millis(2_100)).await;

    let mut house = House::start(kept(data.path())).await;
    // The will of the session that has ended is published.
    let will = tokio::time::timeout(PATIENCE, house.sees.recv())
        .await
        .unwrap()
        .unwrap();
    assert!(
        will.last_will && will.topic == "last/words" && will.client_id == "short",
        "{will:?}"
    );
    let (mut long, present) = persistent(&house, "long").await;
    assert!(present);
    long.packet_of(3).await;
    long.subscribe(false, "short-lived", 1).await;
    assert!(long.is_quiet().await, "only one of two messages is left");
    let mut short = Raw::open(house.address()).await;
    short.send(&connect(5, "short", &greeting)).await;
    assert_eq!(short.packet_of(2).await.body[0], 0, "no session");
    house.broker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_directory_is_one_brokers_and_one_users() {
    use std::os::unix::fs::PermissionsExt as _;
    let data = tempfile::tempdir().unwrap();
    let house = House::start(kept(data.path())).await;
    let directory = std::fs::metadata(data.path().join("broker")).unwrap();
    assert_eq!(directory.permissions().mode() & 0o777, 0o700);
    let second = broker::Broker::start(kept(data.path()), support::hook()).await;
    assert!(matches!(second, Err(BrokerError::StorageInUse(_))));
    house.broker.stop().await;
    House::start(kept(data.path())).await.broker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_storage_is_set_aside_and_said() {
    let data = tempfile::tempdir().unwrap();
    let house = House::start(kept(data.path())).await;
    send_acknowledged(&house, &[retained(1, 1, "birth", b"online")]).await;
    house.broker.stop().await;
    let records = data.path().join("broker/records");
    for entry in std::fs::read_dir(&records).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            std::fs::write(path, b"not what it was").unwrap();
        }
    }
    let mut house = House::start(kept(data.path())).await;
    let event = house.event(EventKind::StorageDamaged).await;
    assert!(event.reason.contains("damaged-"), "{event:?}");
    house.figure("storage_set_aside", 1).await;
    house.figure("retained_messages", 0).await;
    // It works as a fresh one does.
    send_acknowledged(&house, &[retained(1, 1, "birth", b"again")]).await;
    let house = restart(house, kept(data.path())).await;
    let mut client = Raw::v3(house.address(), "client").await;
    client.subscribe(false, "birth", 1).await;
    assert_eq!(message(&client.packet_of(3).await).1, b"again");
    house.broker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_disk_is_bounded() {
    let data = tempfile::tempdir().unwrap();
    let options = BrokerOptions {
        // Each of these messages takes 1,201 bytes (topic, payload, overhead).
        max_stored_bytes: 2 * 1_201,
        ..kept(data.path())
    };
    let mut house = House::start(options.clone()).await;
    let (mut client, _) = persistent(&house, "client").await;
    client.subscribe(false, "t", 1).await;
    drop(client);
    house.figure("clients", 0).await;
    let payload = [b'x'; 1_000];
    let messages: Vec<_> = (1..=2).map(|id| publish(false, 1, id, "t", &payload)).collect();
    send_acknowledged(&house, &messages).await;
    house.figure("stored_messages", 2).await;
    house.figure("messages_without_room", 0).await;
    // One more is dropped, and one more is not retained.
    send_acknowledged(
        &house,
        &[publish(false, 1, 3, "t", b"y"), retained(1, 4, "r", b"z")],
    )
    .await;
    house.figure("messages_without_room", 2).await;
    house.event(EventKind::MessagesDropped).await;
    house.event(EventKind::QuotaExceeded).await;
    let house = restart(house, options).await;
    let (mut client, _) = persistent(&house, "client").await;
    // A client that is here receives what there is no room for.
    let mut got = Vec::new();
    for _ in 0..2 {
        got.push(message(&client.packet_of(3).await).1.len());
    }
    assert_eq!(got, [1_000, 1_000]);
    send_acknowledged(&house, &[publish(false, 1, 3, "t", b"y")]).await;
    assert_eq!(message(&client.packet_of(3).await).1, b"y");
    house.broker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unsubscribing_outlives_a_restart_too() {
    let data = tempfile::tempdir().unwrap();
    let house = House::start(kept(data.path())).await;
    let (mut client, _) = persistent(&house, "client").await;
    client.subscribe(false, "a", 1).await;
    client.subscribe(false, "b", 1).await;
    client
        .send(&packet(0xA2, &[&[0, 3][..], &text("a")].concat()))
        .await;
    client.packet_of(11).await;
    let house = restart(house, kept(data.path())).await;
    house.figure("subscriptions", 1).await;
    send_acknowledged(
        &house,
        &[publish(false, 1, 1, "a", b"x"), publish(false, 1, 2, "b", b"x")],
    )
    .await;
    let (mut client, _) = persistent(&house, "client").await;
    assert_eq!(message(&client.packet_of(3).await).0, "b");
    house.broker.stop().await;
}

/// A client that is connected when the broker stops has not failed: its will waits for it to come back.
#[tokio::test(flavor = "multi_thread")]
async fn a_stop_is_no_reason_for_a_will() {
    let data = tempfile::tempdir().unwrap();
    let house = House::start(kept(data.path())).await;
    let greeting = Greeting {
        keep: true,
        will: Some(("status".into(), b"offline".to_vec())),
        ..Greeting::default()
    };
    let mut client = Raw::open(house.address()).await;
    client.send(&connect(4, "client", &greeting)).await;
    client.packet_of(2).await;
    let mut house = restart(house, kept(data.path())).await;
    let mut client = Raw::open(house.address()).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    client.send(&connect(4, "client", &greeting)).await;
    assert_eq!(client.packet_of(2).await.body[0], 1, "its session");
    assert!(house.sees.try_recv().is_err(), "no will");
    // Now it is lost.
    drop(client);
    let will = tokio::time::timeout(PATIENCE, house.sees.recv())
        .await
        .unwrap()
        .unwrap();
    assert!(will.last_will, "{will:?}");
    house.broker.stop().await;
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn files(directory: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.metadata().unwrap().len() > 0 {
            found.push(path);
        }
    }
}

/// Whichever file is damaged, and wherever: the broker starts, and keeps what it is given from then on.
#[tokio::test(flavor = "multi_thread")]
async fn no_damage_keeps_the_broker_from_starting() {
    let data = tempfile::tempdir().unwrap();
    let sound = data.path().join("broker");
    let house = House::start(kept(data.path())).await;
    let messages: Vec<_> = (1..=100)
        .map(|id| retained(1, id, &format!("r/{id}"), &[b'x'; 500]))
        .collect();
    send_acknowledged(&house, &messages).await;
    house.broker.stop().await;
    let mut all = Vec::new();
    files(&sound.join("records"), &mut all);
    all.sort();
    for (round, path) in all.iter().cycle().take(2 * all.len()).enumerate() {
        let data = tempfile::tempdir().unwrap();
        copy(&sound, &data.path().join("broker"));
        let path = data
            .path()
            .join("broker")
            .join(path.strip_prefix(&sound).unwrap());
        let mut bytes = std::fs::read(&path).unwrap();
        if round < all.len() {
            // Within the records, not in the space that is reserved behind them.
            let used = bytes.iter().rposition(|byte| *byte != 0).unwrap_or(0);
            bytes[used / 2] ^= 0x10;
        } else {
            bytes.truncate(bytes.len() / 2);
        }
        std::fs::write(&path, &bytes).unwrap();
        let house = House::start(kept(data.path())).await;
        send_acknowledged(&house, &[retained(1, 1, "fresh", b"y")]).await;
        let house = restart(house, kept(data.path())).await;
        let mut reader = Raw::v3(house.address(), "reader").await;
        reader.subscribe(false, "fresh", 0).await;
        assert_eq!(message(&reader.packet_of(3).await).1, b"y", "{}", path.display());
        house.broker.stop().await;
    }
}
