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

/// How much is sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct LoadOptions {
    pub(super) publishers: usize,
    /// Readings between publishers and receiver, at most.
    pub(super) window: u64,
    /// Readings a second of all publishers; as fast as they are acknowledged without it.
    pub(super) rate: Option<u64>,
}

/// How many readings were sent and received.
#[derive(Debug)]
struct Progress {
    window: u64,
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
            >= self.window
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
    /// Starts publishers with a few devices each.
    pub(super) fn start(broker: SocketAddr, options: LoadOptions) -> Self {
        let stop = CancellationToken::new();
        let progress = Arc::new(Progress {
            window: options.window,
            sent: AtomicU64::new(0),
            received: AtomicU64::new(0),
        });
        let mut publishers = JoinSet::new();
        for number in 0..options.publishers {
            let publisher = Publisher {
                broker,
                number,
                interval: options
                    .rate
                    .map(|rate| Duration::from_secs_f64(options.publishers as f64 / rate.max(1) as f64)),
                progress: Arc::clone(&progress),
            };
            publishers.spawn(publisher.run(stop.clone()));
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

struct Publisher {
    broker: SocketAddr,
    number: usize,
    /// Between two readings.
    interval: Option<Duration>,
    progress: Arc<Progress>,
}

impl Publisher {
    async fn run(self, stop: CancellationToken) {
        let mut options = connection(self.broker);
        options.inflight = IN_FLIGHT;
        options.max_queued_messages = usize::from(IN_FLIGHT);
        let (connection, mut events) = mqtt::connect(options);
        let receiving = tokio::spawn(async move { while events.recv().await.is_some() {} });
        // Each reading is a millisecond later than the one before: none is a repeat, and none is from the future.
        let begin = jiff::Timestamp::now().as_millisecond() - 12 * 3_600_000;
        let mut ticks = self.interval.map(tokio::time::interval);
        for n in 0.. {
            let device = self.number * DEVICES_EACH + n % DEVICES_EACH;
            let time = domain::Timestamp::from_millis(begin + n as i64);
            let payload = format!(r#"{{"value": 21.0, "timestamp": "{time}"}}"#);
            let topic = format!("sensor/device-{device}/temperature");
            let sent = async {
                if let Some(ticks) = &mut ticks {
                    ticks.tick().await;
                }
                self.progress.reserve().await;
                connection.publish(topic, payload, Qos::AtLeastOnce, false).await
            };
            if !matches!(stop.run_until_cancelled(sent).await, Some(Ok(()))) {
                break;
            }
        }
        connection.disconnect().await;
        receiving.abort();
    }
}
