//! Virtual devices at a real Mosquitto: they join, speak as specified, obey, report and say goodbye.
#![allow(missing_docs)]

use std::{
    collections::BTreeMap,
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use domain::{ClipLimits, Confidence, DeviceId, Position, Quantity, Timestamp, WindowAction, WindowState};
use mqtt::{
    BrokerUrl, ConnectionOptions, DeviceStatus, Event, Incoming, Publisher, Subscription, TopicKind, Topics,
};
use simulator::{
    Ledger, SimulationOptions,
    ledger::{Content, Outcome, Record},
};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

const PATIENCE: Duration = Duration::from_secs(30);

struct Mosquitto {
    process: Child,
    address: SocketAddr,
    _dir: tempfile::TempDir,
}

impl Mosquitto {
    fn start() -> Self {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let dir = tempfile::tempdir().unwrap();
        Self {
            process: spawn(dir.path(), address),
            address,
            _dir: dir,
        }
    }

    fn restart(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        self.process = spawn(self._dir.path(), self.address);
    }

    fn url(&self) -> BrokerUrl {
        BrokerUrl::tcp("127.0.0.1", self.address.port())
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn spawn(dir: &Path, address: SocketAddr) -> Child {
    let config = dir.join("mosquitto.conf");
    let text = format!(
        "listener {} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\nmax_queued_messages 0\n",
        address.port()
    );
    std::fs::write(&config, text).unwrap();
    let program = ["/usr/sbin/mosquitto", "/usr/bin/mosquitto"]
        .into_iter()
        .find(|p| Path::new(p).exists());
    let child = Command::new(program.expect("Mosquitto is not installed: `make test` installs it"))
        .arg("-c")
        .arg(config)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let started = std::time::Instant::now();
    while TcpStream::connect(address).is_err() {
        assert!(started.elapsed() < PATIENCE, "Mosquitto does not listen");
        std::thread::sleep(Duration::from_millis(10));
    }
    child
}

/// Sees everything at the broker.
struct Watcher {
    publisher: Publisher,
    incoming: Incoming,
    topics: Topics,
}

impl Watcher {
    async fn join(broker: BrokerUrl) -> Self {
        let mut options = ConnectionOptions::new(broker, "watcher");
        options.subscriptions = vec![Subscription::new("#")];
        let (publisher, mut incoming) = mqtt::connect(options);
        timeout(PATIENCE, async {
            while incoming.recv().await != Some(Event::Subscribed) {}
        })
        .await
        .unwrap();
        Self {
            publisher,
            incoming,
            topics: Topics::default(),
        }
    }

    async fn next(&mut self) -> (TopicKind, DeviceId, Vec<u8>) {
        loop {
            if let Event::Message(delivery) = timeout(PATIENCE, self.incoming.recv()).await.unwrap().unwrap()
            {
                let inbound = self.topics.classify(&delivery.topic).unwrap();
                return (inbound.kind, inbound.device_id, delivery.payload.to_vec());
            }
        }
    }

    async fn next_state(&mut self, id: &DeviceId) -> WindowState {
        loop {
            let (kind, device, payload) = self.next().await;
            if kind == TopicKind::WindowState && device == *id {
                return mqtt::decode_state(device, &payload).unwrap();
            }
        }
    }

    async fn command(&self, id: &DeviceId, position: f64, name: &str, expires_at: Option<Timestamp>) {
        let action = WindowAction {
            device_id: id.clone(),
            timestamp: now(),
            position: Position::new(position).unwrap(),
            confidence: Confidence::new(0.9).unwrap(),
            temperature: 20.0,
            humidity: 50.0,
            audio_features: Vec::new(),
            command_id: Some(name.to_owned()),
            model_version: None,
            inference_time_ms: None,
            audio_hash: None,
            reason: None,
            expires_at,
        };
        let topic = self.topics.topic_for(TopicKind::WindowControl, id);
        let payload = mqtt::encode_control(&action);
        self.publisher
            .publish_confirmed(topic, payload, mqtt::Qos::AtLeastOnce, false)
            .await
            .unwrap();
    }
}

fn now() -> Timestamp {
    Timestamp::from_millis(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64)
}

fn id(text: &str) -> DeviceId {
    DeviceId::parse(text).unwrap()
}

fn record(kind: TopicKind, device: DeviceId, payload: &[u8]) -> Option<Record> {
    let (timestamp, content) = match kind {
        TopicKind::Temperature | TopicKind::Humidity => {
            let quantity = if kind == TopicKind::Temperature {
                Quantity::Temperature
            } else {
                Quantity::Humidity
            };
            let reading = mqtt::decode_reading(quantity, device.clone(), payload).unwrap();
            (reading.timestamp(), Content::value(reading.value()))
        }
        TopicKind::Audio => {
            let received = mqtt::decode_clip(device.clone(), payload, &ClipLimits::default()).unwrap();
            (
                received.clip.timestamp,
                Content::Clip(audio::hash(&received.clip.data)),
            )
        }
        _ => return None,
    };
    Some(Record {
        device_id: device,
        kind,
        timestamp,
        content,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_join_at_once_and_speak_as_specified() {
    let broker = Mosquitto::start();
    let mut watcher = Watcher::join(broker.url()).await;
    let ledger = Arc::new(Ledger::new());
    let options = SimulationOptions {
        devices: 3,
        reading_interval: Duration::from_millis(400),
        clip_interval: Duration::from_secs(1),
        ledger: Some(Arc::clone(&ledger)),
        ..SimulationOptions::new(broker.url())
    };
    let shutdown = CancellationToken::new();
    let started = now();
    let running = tokio::spawn(simulator::run(options, shutdown.clone()));
    let mut seen: BTreeMap<(DeviceId, TopicKind), usize> = BTreeMap::new();
    let mut stored = Vec::new();
    let climate = [TopicKind::Temperature, TopicKind::Humidity];
    let wanted = [TopicKind::DeviceStatus, TopicKind::WindowState, TopicKind::Audio];
    while seen.len() < 3 * 5 || seen.values().sum::<usize>() < 60 {
        let (kind, device, payload) = watcher.next().await;
        assert!(climate.contains(&kind) || wanted.contains(&kind), "{kind:?}");
        match kind {
            TopicKind::DeviceStatus => {
                assert_eq!(mqtt::decode_status(&payload).unwrap(), DeviceStatus::Online)
            }
            TopicKind::WindowState => {
                assert!(mqtt::decode_state(device.clone(), &payload).unwrap().timestamp >= started)
            }
            TopicKind::Audio => {
                let clip = mqtt::decode_clip(device.clone(), &payload, &ClipLimits::default())
                    .unwrap()
                    .clip;
                assert_eq!(
                    (clip.sample_rate, clip.duration_s, clip.data.len()),
                    (16_000, 2.0, 64_044)
                );
                assert!((85_000..87_000).contains(&payload.len()), "{}", payload.len());
            }
            _ => {}
        }
        if let Some(record) = record(kind, device.clone(), &payload) {
            // The wall clock, whatever the rooms' time is.
            assert!(record.timestamp >= started && record.timestamp <= now().plus(Duration::from_millis(50)));
            stored.push(record);
        }
        *seen.entry((device, kind)).or_default() += 1;
    }
    shutdown.cancel();
    let mut gone = 0;
    while gone < 3 {
        let (kind, device, payload) = watcher.next().await;
        gone += usize::from(kind == TopicKind::DeviceStatus && payload == b"offline");
        stored.extend(record(kind, device, &payload));
    }
    let summary = timeout(PATIENCE, running).await.unwrap().unwrap().unwrap();
    assert_eq!(summary.devices, 3);
    let published =
        summary.temperature.acknowledged + summary.humidity.acknowledged + summary.audio.acknowledged;
    assert_eq!(published as usize, ledger.count(Outcome::Acknowledged));
    assert_eq!(
        summary.temperature.published, summary.temperature.acknowledged,
        "{summary}"
    );
    let comparison = ledger.compare(stored);
    assert!(comparison.is_balanced(), "{comparison:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_travels_to_where_it_is_told_and_ignores_old_and_repeated_commands() {
    let broker = Mosquitto::start();
    let mut watcher = Watcher::join(broker.url()).await;
    let options = SimulationOptions {
        devices: 1,
        speed: 4.0,
        ..SimulationOptions::new(broker.url())
    };
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(simulator::run(options, shutdown.clone()));
    let room = id("sim-001");
    let start = watcher.next_state(&room).await.position.percent();
    let past = Timestamp::from_millis(now().as_millis() - 60_000);
    watcher.command(&room, 100.0, "too-late", Some(past)).await;
    watcher
        .command(&room, 90.0, "open", Some(now().plus(PATIENCE)))
        .await;
    let mut way = vec![start];
    loop {
        let state = watcher.next_state(&room).await;
        if state.command_id.is_none() {
            continue;
        }
        assert_eq!(
            (state.target, state.command_id.as_deref()),
            (Some(Position::new(90.0).unwrap()), Some("open"))
        );
        way.push(state.position.percent());
        if state.position.percent() == 90.0 {
            break;
        }
    }
    // Shut to open takes 20 s, or 5 s at four times the speed, reported each second.
    assert!(way.len() >= 4, "{way:?}");
    assert!(
        way.windows(2).all(|w| w[1] >= w[0] && w[1] - w[0] <= 30.0),
        "{way:?}"
    );
    watcher.command(&room, 10.0, "open", None).await;
    let topic = watcher.topics.topic_for(TopicKind::WindowControl, &room);
    watcher
        .publisher
        .publish_confirmed(topic, "nonsense", mqtt::Qos::AtLeastOnce, false)
        .await
        .unwrap();
    // A party that sends only the specification's fields.
    watcher.command(&room, 80.0, "next", None).await;
    while watcher.next_state(&room).await.target != Some(Position::new(80.0).unwrap()) {}
    shutdown.cancel();
    let commands = timeout(PATIENCE, running)
        .await
        .unwrap()
        .unwrap()
        .unwrap()
        .commands;
    assert_eq!(
        (
            commands.obeyed,
            commands.expired,
            commands.repeated,
            commands.invalid
        ),
        (2, 1, 1, 1)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn readings_wait_for_a_broker_that_is_away() {
    let mut broker = Mosquitto::start();
    let ledger = Arc::new(Ledger::new());
    let options = SimulationOptions {
        devices: 2,
        reading_interval: Duration::from_millis(200),
        ledger: Some(Arc::clone(&ledger)),
        ..SimulationOptions::new(broker.url())
    };
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(simulator::run(options, shutdown.clone()));
    let acknowledged = || ledger.count(Outcome::Acknowledged);
    wait_until(|| acknowledged() >= 8).await;
    broker.restart();
    let before = acknowledged();
    wait_until(|| acknowledged() >= before + 8).await;
    shutdown.cancel();
    let summary = timeout(PATIENCE, running).await.unwrap().unwrap().unwrap();
    assert_eq!(
        summary.temperature.dropped + summary.temperature.refused,
        0,
        "{summary}"
    );
    // Nothing was skipped on the way: what is not acknowledged is what was in flight at the end.
    assert!(ledger.count(Outcome::Open) <= 2);
}

#[tokio::test]
async fn without_devices_or_broker_it_still_ends() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for devices in [0, 2] {
        let options = SimulationOptions {
            devices,
            ..SimulationOptions::new(BrokerUrl::tcp("127.0.0.1", nobody.port()))
        };
        let shutdown = CancellationToken::new();
        let running = tokio::spawn(simulator::run(options, shutdown.clone()));
        shutdown.cancel();
        let summary = timeout(Duration::from_secs(5), running)
            .await
            .unwrap()
            .unwrap()
            .unwrap();
        assert_eq!(summary.temperature.published, 0);
    }
}

async fn wait_until(mut done: impl FnMut() -> bool) {
    let waiting = async {
        while !done() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, waiting).await.expect("it never happened");
}
