//! A broker on a free port, clients of both protocol versions, and Mosquitto's command line clients.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "test support; each file uses its part"
)]

pub mod house;
pub mod raw;

use std::{
    net::SocketAddr,
    process::{Child, Command, Output, Stdio},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use broker::{
    Access, Broker, BrokerEvent, BrokerOptions, Callbacks, EventKind, ListenerOptions, Observer, Publish,
    PublishHook, Qos, Reception, Verdict,
};
use rumqttc::{
    NetworkOptions,
    v5::{AsyncClient, Event, EventLoop, MqttOptions, mqttbytes::v5::Packet},
};
use tokio::{sync::mpsc, task::JoinHandle, time::timeout};

pub const PATIENCE: Duration = Duration::from_secs(10);

/// A publish that the hook received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub topic: String,
    pub bytes: usize,
    pub qos: Qos,
    pub retain: bool,
    pub client_id: String,
    pub last_will: bool,
}

/// Reports every publish. The topic selects the verdict: `withheld/…`, `refused/…`, and `slow/…` after 300 ms; messages on
/// `ahead/…` are routed at once, and accepted, or on `ahead/withheld/…` withheld, after 300 ms.
pub struct Recorder {
    seen: mpsc::UnboundedSender<Seen>,
}

pub const SLOW: Duration = Duration::from_millis(300);

#[async_trait]
impl PublishHook for Recorder {
    async fn accept(&self, publish: Publish<'_>) -> Reception {
        if publish.topic.starts_with("slow/") {
            tokio::time::sleep(SLOW).await;
        }
        let _ = self.seen.send(Seen {
            topic: publish.topic.to_owned(),
            bytes: publish.payload.len(),
            qos: publish.qos,
            retain: publish.retain,
            client_id: publish.client_id.to_owned(),
            last_will: publish.last_will,
        });
        let words: Vec<&str> = publish.topic.split('/').collect();
        let verdict = match words[..] {
            ["withheld", ..] | ["ahead", "withheld", ..] => Verdict::Withhold,
            ["refused", ..] => Verdict::Refuse,
            _ => Verdict::Accept,
        };
        if words[0] != "ahead" {
            return verdict.into();
        }
        Reception::Ahead(Box::pin(async move {
            tokio::time::sleep(SLOW).await;
            verdict
        }))
    }
}

pub fn options() -> BrokerOptions {
    BrokerOptions {
        listeners: vec![ListenerOptions::plain(([127, 0, 0, 1], 0).into())],
        max_packet_bytes: 2 << 20,
        worker_threads: 2,
        ..BrokerOptions::default()
    }
}

pub async fn start() -> (Broker, mpsc::UnboundedReceiver<Seen>) {
    let (seen, witness) = mpsc::unbounded_channel();
    let broker = Broker::start(options(), Arc::new(Recorder { seen }))
        .await
        .unwrap();
    (broker, witness)
}

/// A hook that accepts everything and tells nobody.
pub fn hook() -> Arc<dyn PublishHook> {
    let (seen, _) = mpsc::unbounded_channel();
    Arc::new(Recorder { seen })
}

/// Everything that a broker of a test says.
pub struct House {
    pub broker: Broker,
    pub sees: mpsc::UnboundedReceiver<Seen>,
    pub tells: mpsc::UnboundedReceiver<BrokerEvent>,
}

impl House {
    pub async fn start(options: BrokerOptions) -> Self {
        Self::guarded(options, None).await
    }

    /// A broker that asks `access` who may enter.
    pub async fn guarded(options: BrokerOptions, access: Option<Arc<dyn Access>>) -> Self {
        let (seen, witness) = mpsc::unbounded_channel();
        let (told, listener) = mpsc::unbounded_channel();
        let callbacks = Callbacks {
            hook: Arc::new(Recorder { seen }),
            observer: Some(Arc::new(Watcher(told))),
            access,
        };
        let broker = Broker::start_with(options, callbacks).await.unwrap();
        Self {
            broker,
            sees: witness,
            tells: listener,
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.broker.listen()
    }

    /// Waits until a figure has a value.
    pub async fn figure(&self, name: &str, value: u64) {
        let figures = self.broker.figures();
        let present = || figures.read().into_iter().find(|figure| figure.name == name);
        within(name, async {
            while present().expect("a figure of this name").value != value {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
    }

    /// The next event of a kind; others are skipped.
    pub async fn event(&mut self, kind: EventKind) -> BrokerEvent {
        within(kind.as_str(), async {
            loop {
                let event = self.tells.recv().await.expect("the broker tells events");
                if event.kind == kind {
                    return event;
                }
            }
        })
        .await
    }
}

struct Watcher(mpsc::UnboundedSender<BrokerEvent>);

impl Observer for Watcher {
    fn observe(&self, event: &BrokerEvent) {
        let _ = self.0.send(event.clone());
    }
}

pub async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future)
        .await
        .unwrap_or_else(|_| panic!("waited too long for {what}"))
}

/// An MQTT 5 client whose packets arrive in a channel; the channel ends with the connection.
pub struct Client {
    pub sender: AsyncClient,
    pub packets: mpsc::UnboundedReceiver<Packet>,
    task: JoinHandle<()>,
}

impl Drop for Client {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub fn client_options(address: SocketAddr, id: &str) -> MqttOptions {
    let mut options = MqttOptions::new(id, address.ip().to_string(), address.port());
    options.set_max_packet_size(Some(32 << 20));
    let mut network = NetworkOptions::new();
    network.set_tcp_nodelay(true);
    options.set_network_options(network);
    options
}

impl Client {
    pub async fn connect(address: SocketAddr, id: &str) -> Self {
        Self::with(client_options(address, id)).await
    }

    /// Connects as devices do: again, if the broker is still busy closing an earlier connection of the same id.
    pub async fn with(options: MqttOptions) -> Self {
        within("CONNACK", async {
            loop {
                if let Some(connected) = Self::attempt(options.clone()).await {
                    return connected;
                }
            }
        })
        .await
    }

    async fn attempt(options: MqttOptions) -> Option<Self> {
        let (sender, event_loop) = AsyncClient::new(options, 100);
        let (forward, packets) = mpsc::unbounded_channel();
        let task = tokio::spawn(poll(event_loop, forward));
        let mut connected = Self {
            sender,
            packets,
            task,
        };
        match connected.packets.recv().await? {
            Packet::ConnAck(_) => Some(connected),
            other => panic!("{other:?} instead of CONNACK"),
        }
    }

    /// The next packet that fits; others are skipped.
    pub async fn expect(&mut self, what: &str, fits: impl Fn(&Packet) -> bool) -> Packet {
        within(what, async {
            loop {
                let packet = self
                    .packets
                    .recv()
                    .await
                    .unwrap_or_else(|| panic!("closed before {what}"));
                if fits(&packet) {
                    return packet;
                }
            }
        })
        .await
    }

    pub async fn subscribe(&mut self, filter: &str) {
        self.sender
            .subscribe(filter, rumqttc::v5::mqttbytes::QoS::AtLeastOnce)
            .await
            .unwrap();
        self.expect("SUBACK", |packet| matches!(packet, Packet::SubAck(_)))
            .await;
    }

    /// The next message's topic and payload.
    pub async fn message(&mut self) -> (String, Vec<u8>) {
        match self
            .expect("a message", |packet| matches!(packet, Packet::Publish(_)))
            .await
        {
            Packet::Publish(publish) => (
                String::from_utf8(publish.topic.to_vec()).unwrap(),
                publish.payload.to_vec(),
            ),
            _ => unreachable!(),
        }
    }

    pub async fn publish(&self, topic: &str, payload: impl Into<Vec<u8>>, retain: bool) {
        let qos = rumqttc::v5::mqttbytes::QoS::AtLeastOnce;
        self.sender
            .publish(topic, qos, retain, payload.into())
            .await
            .unwrap();
    }

    pub async fn puback(&mut self) {
        self.expect("PUBACK", |packet| matches!(packet, Packet::PubAck(_)))
            .await;
    }

    /// Waits for the broker to close the connection; no packet that `forbidden` names may come before.
    pub async fn closed(&mut self, forbidden: impl Fn(&Packet) -> bool) {
        within("the broker to close", async {
            while let Some(packet) = self.packets.recv().await {
                assert!(!forbidden(&packet), "{packet:?}");
            }
        })
        .await;
    }
}

async fn poll(mut event_loop: EventLoop, sender: mpsc::UnboundedSender<Packet>) {
    while let Ok(event) = event_loop.poll().await {
        if let Event::Incoming(packet) = event {
            let _ = sender.send(packet);
        }
    }
}

/// Runs `mosquitto_pub` or `mosquitto_sub` to its end.
pub async fn mosquitto(tool: &str, address: SocketAddr, arguments: &[&str]) -> Output {
    let child = spawn_mosquitto(tool, address, arguments);
    let finished = tokio::task::spawn_blocking(move || child.wait_with_output());
    within(tool, finished).await.unwrap().unwrap()
}

pub fn spawn_mosquitto(tool: &str, address: SocketAddr, arguments: &[&str]) -> Child {
    Command::new(tool)
        .args(["-h", &address.ip().to_string(), "-p", &address.port().to_string()])
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{tool} (Debian's mosquitto-clients) is needed: {error}"))
}
