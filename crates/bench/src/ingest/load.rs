//! Publishers that send as fast as they are acknowledged, but at most a window ahead of the receiver: otherwise the
//! broker's queue would be measured, not the receiver.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use mqtt::{BrokerUrl, ConnectionOptions, Qos};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

const DEVICES_EACH: usize = 5;
/// Unacknowledged readings of a publisher, at most.
const IN_FLIGHT: u16 = 50;
/// Readings between publishers and receiver, at most.
const WINDOW: u64 = 5_000;

/// How many readings were sent and received.
#[derive(Debug, Default)]
struct Progress {
    sent: AtomicU64,
    received: AtomicU64,
}

impl Progress {
    /// Waits until the window has room.
    async fn reserve(&self) {
        while self
            .sent
            .load(Relaxed)
            .saturating_sub(self.received.load(Relaxed))
            >= WINDOW
        {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        self.sent.fetch_add(1, Relaxed);
    }
}

pub(super) struct Load {
    publishers: JoinSet<()>,
    progress: Arc<Progress>,
    stop: CancellationToken,
}

impl Load {
    /// Starts `count` publishers with a few devices each.
    pub(super) fn start(broker: SocketAddr, count: usize) -> Self {
        let (stop, progress) = (CancellationToken::new(), Arc::new(Progress::default()));
        let mut publishers = JoinSet::new();
        for n in 0..count {
            publishers.spawn(publish(broker, n, Arc::clone(&progress), stop.clone()));
        }
        Self {
            publishers,
            progress,
            stop,
        }
    }

    /// Sets how many readings were received. Without it, the publishers stop at the window's end.
    pub(super) fn set_received(&self, count: u64) {
        self.progress.received.store(count, Relaxed);
    }

    /// Lets the publishers send without regard to the receiver.
    pub(super) fn remove_window(&self) {
        self.set_received(u64::MAX);
    }

    pub(super) async fn stop(mut self) {
        self.stop.cancel();
        while self.publishers.join_next().await.is_some() {}
    }
}

/// A connection without a session, under a random name.
pub(super) fn connection(broker: SocketAddr) -> ConnectionOptions {
    ConnectionOptions::new(BrokerUrl::tcp(broker.ip().to_string(), broker.port()), "")
}

async fn publish(broker: SocketAddr, publisher: usize, progress: Arc<Progress>, stop: CancellationToken) {
    let mut options = connection(broker);
    options.inflight = IN_FLIGHT;
    options.max_queued_messages = usize::from(IN_FLIGHT);
    let (connection, mut events) = mqtt::connect(options);
    let receiving = tokio::spawn(async move { while events.recv().await.is_some() {} });
    // Each reading is a millisecond later than the one before: none is a repeat, and none is from the future.
    let begin = jiff::Timestamp::now().as_millisecond() - 12 * 3_600_000;
    for n in 0.. {
        let device = publisher * DEVICES_EACH + n % DEVICES_EACH;
        let time = domain::Timestamp::from_millis(begin + n as i64);
        let payload = format!(r#"{{"value": 21.0, "timestamp": "{time}"}}"#);
        let topic = format!("sensor/device-{device}/temperature");
        let sent = async {
            progress.reserve().await;
            connection.publish(topic, payload, Qos::AtLeastOnce, false).await
        };
        if !matches!(stop.run_until_cancelled(sent).await, Some(Ok(()))) {
            break;
        }
    }
    connection.disconnect().await;
    receiving.abort();
}
