//! Subscribers that acknowledge and do nothing else: `mosquitto_sub`, and the connection of `mqtt`.

use std::{
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use anyhow::Context as _;
use mqtt::{Event, Publisher, Subscription};
use tokio::task::JoinHandle;

use super::load::connection;

const FILTER: &str = "sensor/+/temperature";

/// `mosquitto_sub`, which prints what it receives. It is killed by its pid when dropped.
pub(super) struct MosquittoSub {
    child: Child,
    lines: Arc<AtomicU64>,
}

impl MosquittoSub {
    pub(super) fn start(broker: SocketAddr) -> anyhow::Result<Self> {
        let mut child = Command::new("mosquitto_sub")
            .args(["-h", &broker.ip().to_string(), "-p", &broker.port().to_string()])
            .args(["-i", "bare", "-c", "-q", "1", "-t", FILTER, "-F", "%t %p"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("mosquitto_sub cannot be started (Debian: mosquitto-clients)")?;
        let output = child.stdout.take().context("mosquitto_sub has no output")?;
        let lines = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&lines);
        std::thread::spawn(move || {
            let mut output = BufReader::with_capacity(1 << 16, output);
            // Lines are counted by the buffer, which holds a fraction of the window at most.
            while let Ok(bytes) = output.fill_buf() {
                if bytes.is_empty() {
                    break;
                }
                let (read, ends) = (bytes.len(), bytes.split(|&byte| byte == b'\n').count() - 1);
                output.consume(read);
                count.fetch_add(ends as u64, Relaxed);
            }
        });
        Ok(Self { child, lines })
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(super) fn received(&self) -> u64 {
        self.lines.load(Relaxed)
    }
}

impl Drop for MosquittoSub {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The connection of Casement's services, in this process.
pub(super) struct Connection {
    publisher: Publisher,
    receiving: JoinHandle<()>,
    count: Arc<AtomicU64>,
}

impl Connection {
    pub(super) fn start(broker: SocketAddr) -> Self {
        let mut options = connection(broker).persistent(Duration::from_hours(1));
        options.subscriptions = vec![Subscription::new(FILTER)];
        let (publisher, mut incoming) = mqtt::connect(options);
        let count = Arc::new(AtomicU64::new(0));
        let received = Arc::clone(&count);
        let receiving = tokio::spawn(async move {
            while let Some(event) = incoming.recv().await {
                if matches!(event, Event::Message(_)) {
                    received.fetch_add(1, Relaxed);
                }
            }
        });
        Self {
            publisher,
            receiving,
            count,
        }
    }

    pub(super) fn received(&self) -> u64 {
        self.count.load(Relaxed)
    }

    pub(super) async fn stop(self) {
        self.publisher.disconnect().await;
        self.receiving.abort();
    }
}
