//! A real Mosquitto on a free port, and a line to it that can be cut.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "test support; each file uses its part"
)]

use std::{
    fs,
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use mqtt::{BrokerUrl, ConnectionOptions, Delivery, Event, Incoming};
use tempfile::TempDir;
use tokio::{io::copy_bidirectional, task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;

pub const PATIENCE: Duration = Duration::from_secs(15);

pub async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future)
        .await
        .unwrap_or_else(|_| panic!("waited too long for {what}"))
}

/// Mosquitto with its own directory; killed by its process id when dropped.
pub struct Mosquitto {
    pub directory: TempDir,
    pub port: u16,
    settings: String,
    process: Option<Child>,
}

impl Mosquitto {
    /// Starts with these settings beside the usual ones.
    pub fn start(settings: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let mut mosquitto = Self {
            directory,
            port,
            settings: settings.to_owned(),
            process: None,
        };
        mosquitto.restart();
        mosquitto
    }

    pub fn restart(&mut self) {
        self.kill();
        let file = self.directory.path().join("mosquitto.conf");
        let text = format!(
            "per_listener_settings false\nlistener {} 127.0.0.1\nset_tcp_nodelay true\nmax_inflight_messages 1000\n\
             max_queued_messages 0\n{}\n",
            self.port,
            if self.settings.contains("allow_anonymous") {
                self.settings.clone()
            } else {
                format!("allow_anonymous true\n{}", self.settings)
            }
        );
        fs::write(&file, text).unwrap();
        let process = Command::new("/usr/sbin/mosquitto")
            .arg("-c")
            .arg(&file)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("Debian's mosquitto is needed");
        self.process = Some(process);
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(self.address()).is_err() {
            assert!(Instant::now() < deadline, "mosquitto does not listen");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Kills it at once, as a power cut would.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    pub fn address(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.port).into()
    }

    pub fn options(&self, client_id: &str) -> ConnectionOptions {
        options(self.port, client_id)
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        self.kill();
    }
}

pub fn options(port: u16, client_id: &str) -> ConnectionOptions {
    let mut options = ConnectionOptions::new(BrokerUrl::tcp("127.0.0.1", port), client_id);
    options.max_backoff = Duration::from_millis(200);
    options
}

/// A TCP proxy whose connections can be cut.
pub struct Line {
    pub port: u16,
    open: Arc<Mutex<Open>>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Open {
    cut: CancellationToken,
    connections: Vec<JoinHandle<()>>,
}

impl Line {
    pub async fn to(address: SocketAddr) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let open = Arc::new(Mutex::new(Open::default()));
        let task = tokio::spawn({
            let open = Arc::clone(&open);
            async move {
                while let Ok((near, _)) = listener.accept().await {
                    let mut open = open.lock().unwrap();
                    let cut = open.cut.clone();
                    open.connections.push(tokio::spawn(carry(near, address, cut)));
                }
            }
        });
        Self { port, open, task }
    }

    /// Ends every connection; nothing passes any of them when this returns.
    pub async fn cut(&self) {
        let ended = std::mem::take(&mut *self.open.lock().unwrap());
        ended.cut.cancel();
        for connection in ended.connections {
            connection.await.unwrap();
        }
    }
}

async fn carry(mut near: tokio::net::TcpStream, address: SocketAddr, cut: CancellationToken) {
    let Ok(mut far) = tokio::net::TcpStream::connect(address).await else {
        return;
    };
    near.set_nodelay(true).unwrap();
    far.set_nodelay(true).unwrap();
    tokio::select! {
        biased;
        () = cut.cancelled() => {}
        _ = copy_bidirectional(&mut near, &mut far) => {}
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The next event that fits; others are skipped.
pub async fn expect(incoming: &mut Incoming, what: &str, fits: impl Fn(&Event) -> bool) -> Event {
    within(what, async {
        loop {
            let event = incoming
                .recv()
                .await
                .unwrap_or_else(|| panic!("ended before {what}"));
            if fits(&event) {
                return event;
            }
        }
    })
    .await
}

pub async fn message(incoming: &mut Incoming) -> Delivery {
    match expect(incoming, "a message", |event| matches!(event, Event::Message(_))).await {
        Event::Message(delivery) => delivery,
        _ => unreachable!(),
    }
}

pub async fn subscribed(incoming: &mut Incoming) {
    expect(incoming, "the subscription", |event| {
        matches!(event, Event::Subscribed)
    })
    .await;
}
