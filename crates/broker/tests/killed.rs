//! `kill -9` of a process with a broker: what was acknowledged is there afterwards, and what is to come once comes once.
#![allow(clippy::unwrap_used)]

mod support;

use std::{
    collections::HashSet,
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use broker::{Broker, BrokerOptions};
use support::{
    PATIENCE, options,
    raw::{Greeting, Raw, connect, id_of, message, packet, publish},
};
use tokio::{sync::watch, time::timeout};

const DIRECTORY: &str = "BROKER_TEST_DIRECTORY";

/// The process that is killed: this test, run by others.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by the other tests of this file as a process of its own"]
async fn serving() {
    let Some(directory) = std::env::var_os(DIRECTORY) else {
        return;
    };
    let options = BrokerOptions {
        storage: Some(PathBuf::from(directory)),
        ..options()
    };
    let broker = Broker::start(options, support::hook()).await.unwrap();
    println!("\nlistens on {}", broker.listen());
    tokio::time::sleep(Duration::from_mins(2)).await;
}

/// A broker in a process of its own, killed when it is dropped.
struct Process {
    child: Child,
    address: SocketAddr,
}

impl Process {
    fn start(directory: &Path) -> Self {
        // Without the signal a write beyond the limit of file sizes is an error, like one to a full disk.
        let mut child = Command::new("sh")
            .args([
                "-c",
                "trap '' XFSZ; exec \"$0\" serving --exact --ignored --nocapture",
            ])
            .arg(std::env::current_exe().unwrap())
            .env(DIRECTORY, directory)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let address = output
            .lines()
            .map_while(Result::ok)
            .find_map(|line| line.strip_prefix("listens on ")?.parse().ok())
            .unwrap();
        Self { child, address }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn start(directory: &Path) -> Process {
    let directory = directory.to_owned();
    tokio::task::spawn_blocking(move || Process::start(&directory))
        .await
        .unwrap()
}

/// Connects with a session that lasts; `None` where the broker is gone.
async fn persistent(address: SocketAddr, id: &str) -> Option<Raw> {
    let mut raw = Raw::try_open(address).await?;
    let greeting = Greeting {
        keep: true,
        ..Greeting::default()
    };
    raw.send(&connect(4, id, &greeting)).await;
    raw.packet().await.filter(|packet| packet.first == 0x20)?;
    Some(raw)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_is_there_after_a_kill() {
    let data = tempfile::tempdir().unwrap();
    let mut process = start(data.path()).await;
    let mut away = persistent(process.address, "away").await.unwrap();
    away.subscribe(false, "queue/#", 1).await;
    drop(away);
    let mut expected = Vec::new();
    let mut births = Vec::new();
    for round in 0..4_u64 {
        let address = process.address;
        let (count, mut counted) = watch::channel(0);
        let sending = tokio::spawn(async move {
            let mut raw = Raw::v3(address, "sender").await;
            let (mut queued, mut retained) = (Vec::new(), Vec::new());
            for i in 0..60_000_u16 {
                let (topic, flag) = if i % 2 == 0 {
                    (format!("queue/{round}/{i}"), 0)
                } else {
                    (format!("birth/{round}/{i}"), 1)
                };
                let mut bytes = publish(false, 1, i + 1, &topic, topic.as_bytes());
                bytes[0] |= flag;
                raw.send(&bytes).await;
                let answer = raw.packet().await;
                count.send_replace(i);
                match answer {
                    Some(_) if flag == 0 => queued.push(topic),
                    Some(_) => retained.push(topic),
                    None => break,
                }
            }
            (queued, retained)
        });
        let _ = timeout(PATIENCE, counted.wait_for(|count| *count >= 20)).await;
        // In different phases of a group.
        tokio::time::sleep(Duration::from_millis(37 * round)).await;
        process.child.kill().unwrap();
        process.child.wait().unwrap();
        let (queued, retained) = sending.await.unwrap();
        expected.extend(queued);
        births.extend(retained);
        process = start(data.path()).await;
    }
    assert!(
        expected.len() >= 40 && births.len() >= 40,
        "the kills came too early"
    );
    let mut back = persistent(process.address, "away").await.unwrap();
    let mut missing: HashSet<String> = expected.into_iter().collect();
    while !missing.is_empty() {
        let packet = back.packet_of(3).await;
        missing.remove(&message(&packet).0);
        back.send(&acknowledgement(0x40, id_of(&packet))).await;
    }
    // Of those that were not acknowledged, the last of each round may be there, too.
    let mut reader = Raw::v3(process.address, "reader").await;
    reader.subscribe(false, "birth/#", 0).await;
    let mut missing: HashSet<String> = births.into_iter().collect();
    while !missing.is_empty() {
        let packet = reader.packet_of(3).await;
        assert_eq!(packet.first & 1, 1, "retained");
        missing.remove(&message(&packet).0);
    }
}

fn acknowledgement(kind: u8, id: u16) -> Vec<u8> {
    packet(kind, &id.to_be_bytes())
}

const EXCHANGES: u16 = 2_500;
const KILLS: u64 = 8;

/// Publishes at `QoS` 2, one after the other, whatever becomes of the broker.
async fn publish_once_each(mut addresses: watch::Receiver<SocketAddr>) {
    let mut connection = None;
    for i in 0..EXCHANGES {
        let id = i % 50 + 1;
        let (mut received, mut dup) = (false, 0);
        loop {
            let address = *addresses.borrow_and_update();
            let known = match connection.take() {
                Some(raw) => Some(raw),
                None => persistent(address, "publisher").await,
            };
            let Some(mut raw) = known else {
                let _ = timeout(PATIENCE, addresses.changed()).await;
                continue;
            };
            if received {
                raw.send(&acknowledgement(0x62, id)).await;
            } else {
                let mut bytes = publish(false, 2, id, "t", i.to_string().as_bytes());
                bytes[0] |= dup;
                raw.send(&bytes).await;
                dup = 8;
            }
            match raw.packet().await.map(|packet| packet.first >> 4) {
                Some(5) => received = true,
                Some(7) => {
                    connection = Some(raw);
                    break;
                }
                Some(other) => panic!("a packet of type {other}"),
                None => continue,
            }
            connection = Some(raw);
        }
    }
}

/// Receives at `QoS` 2 as the standard says; returns the payloads in the order of receipt.
async fn receive_once_each(mut addresses: watch::Receiver<SocketAddr>) -> Vec<u16> {
    let mut open = HashSet::new();
    let mut received = Vec::new();
    while received.len() < usize::from(EXCHANGES) || !open.is_empty() {
        let address = *addresses.borrow_and_update();
        let Some(mut raw) = persistent(address, "subscriber").await else {
            let _ = timeout(PATIENCE, addresses.changed()).await;
            continue;
        };
        while received.len() < usize::from(EXCHANGES) || !open.is_empty() {
            let Some(packet) = raw.packet().await else { break };
            let id = id_of(&packet);
            match packet.first >> 4 {
                3 => {
                    if open.insert(id) {
                        let payload = message(&packet).1;
                        received.push(String::from_utf8(payload).unwrap().parse().unwrap());
                    }
                    raw.send(&acknowledgement(0x50, id)).await;
                }
                6 => {
                    open.remove(&id);
                    raw.send(&acknowledgement(0x70, id)).await;
                }
                other => panic!("a packet of type {other}"),
            }
        }
    }
    received
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_to_come_once_comes_once_across_kills() {
    let data = tempfile::tempdir().unwrap();
    let mut process = start(data.path()).await;
    let mut subscriber = persistent(process.address, "subscriber").await.unwrap();
    subscriber.subscribe(false, "t", 2).await;
    drop(subscriber);
    let (address, addresses) = watch::channel(process.address);
    let publishing = tokio::spawn(publish_once_each(addresses.clone()));
    let receiving = tokio::spawn(receive_once_each(addresses));
    for kill in 0..KILLS {
        tokio::time::sleep(Duration::from_millis(70 + 23 * kill)).await;
        assert!(!publishing.is_finished(), "kill {kill} came too late");
        process.child.kill().unwrap();
        process.child.wait().unwrap();
        process = start(data.path()).await;
        address.send_replace(process.address);
    }
    timeout(Duration::from_mins(1), publishing)
        .await
        .unwrap()
        .unwrap();
    let received = timeout(PATIENCE, receiving).await.unwrap().unwrap();
    let expected: Vec<u16> = (0..EXCHANGES).collect();
    assert_eq!(received, expected);
}

fn limit_files(process: &Process, bytes: Option<u64>) {
    use rustix::process::{Pid, Resource, Rlimit, prlimit};
    let limit = Rlimit {
        current: bytes,
        maximum: None,
    };
    prlimit(Some(Pid::from_child(&process.child)), Resource::Fsize, limit).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_written_is_not_acknowledged_until_it_can() {
    let data = tempfile::tempdir().unwrap();
    let mut process = start(data.path()).await;
    let retained = |id: u16, topic: &str| {
        let mut bytes = publish(false, 1, id, topic, b"x");
        bytes[0] |= 1;
        bytes
    };
    let mut client = Raw::v3(process.address, "client").await;
    client.send(&retained(1, "before")).await;
    client.packet_of(4).await;
    limit_files(&process, Some(1));
    client.send(&retained(2, "meanwhile")).await;
    assert_eq!(client.packet().await, None, "closed without an acknowledgement");
    // What is not kept goes its way.
    let mut client = Raw::v3(process.address, "client").await;
    client.send(&publish(false, 1, 1, "t", b"x")).await;
    client.packet_of(4).await;
    limit_files(&process, None);
    support::within("writes to succeed again", async {
        loop {
            client.send(&retained(2, "after")).await;
            if client.packet().await.is_some() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
            client = Raw::v3(process.address, "client").await;
        }
    })
    .await;
    process.child.kill().unwrap();
    process.child.wait().unwrap();
    process = start(data.path()).await;
    let mut reader = Raw::v3(process.address, "reader").await;
    reader.subscribe(false, "+", 0).await;
    let mut topics = Vec::new();
    for _ in 0..3 {
        topics.push(message(&reader.packet_of(3).await).0);
    }
    topics.sort();
    // What was held meanwhile was written with the rest.
    assert_eq!(topics, ["after", "before", "meanwhile"]);
}
