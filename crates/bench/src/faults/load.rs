//! Devices under load: each sends one reading after the other at QoS 1 and records which were acknowledged.
//!
//! In: the broker's address. Out: [`SentReadings`]. The connection repeats a reading that was not acknowledged, as a
//! device does.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use mqtt::{BrokerUrl, ConnectionOptions, Publisher, Qos};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::reconciliation::SentReadings;

/// A device's values: from 1.000 to 49.999 in steps of a thousandth, none of which is typical of a faulty sensor.
pub(super) const LOWEST: i64 = 1_000;
pub(super) const READINGS: i64 = 49_000;
/// A reading a millisecond from each device, if it is acknowledged that fast.
const INTERVAL: Duration = Duration::from_millis(1);
/// How long a device that is told to stop waits for its last acknowledgement.
const LAST_ACKNOWLEDGEMENT: Duration = Duration::from_secs(10);

/// The time of a device's `n`th reading, in milliseconds.
pub(super) type DeviceClock = fn(begin: i64, n: i64) -> i64;

/// A clock that is right.
pub(super) fn steady(begin: i64, n: i64) -> i64 {
    begin + n
}

/// A clock that jumps to 1970, to next year and back by an hour, and is right in between.
pub(super) fn jumping(begin: i64, n: i64) -> i64 {
    match n / 50 % 4 {
        0 => begin + n,
        1 => n,
        2 => begin + n + 365 * 86_400_000,
        _ => begin + n - 3_600_000,
    }
}

/// Devices that send until they are stopped.
pub(super) struct Load {
    devices: JoinSet<SentReadings>,
    acknowledged: Arc<AtomicU64>,
    stop: CancellationToken,
}

impl Load {
    /// Starts `count` devices whose names begin with `prefix`.
    pub(super) fn start(broker: SocketAddr, prefix: &str, count: usize, clock: DeviceClock) -> Self {
        let stop = CancellationToken::new();
        let acknowledged = Arc::new(AtomicU64::new(0));
        let mut devices = JoinSet::new();
        for n in 0..count {
            devices.spawn(send(
                broker,
                format!("{prefix}-{n}"),
                clock,
                stop.clone(),
                Arc::clone(&acknowledged),
            ));
        }
        Self {
            devices,
            acknowledged,
            stop,
        }
    }

    /// How many readings have been acknowledged.
    pub(super) fn acknowledged(&self) -> u64 {
        self.acknowledged.load(Relaxed)
    }

    /// Stops the devices and returns what they sent.
    pub(super) async fn stop(mut self) -> SentReadings {
        self.stop.cancel();
        let mut all = SentReadings::default();
        while let Some(sent) = self.devices.join_next().await {
            all += sent.unwrap_or_default();
        }
        all
    }
}

async fn send(
    broker: SocketAddr,
    prefix: String,
    clock: DeviceClock,
    stop: CancellationToken,
    count: Arc<AtomicU64>,
) -> SentReadings {
    let mut options = ConnectionOptions::new(BrokerUrl::tcp(broker.ip().to_string(), broker.port()), "");
    options.max_backoff = Duration::from_millis(500);
    let (publisher, mut events) = mqtt::connect(options);
    // Nothing is subscribed, but a connection only continues while its events are received.
    let receiving = tokio::spawn(async move { while events.recv().await.is_some() {} });
    let mut sent = SentReadings::default();
    let begin = jiff::Timestamp::now().as_millisecond() - 2 * 3_600_000;
    let mut interval = tokio::time::interval(INTERVAL);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    for n in 0.. {
        interval.tick().await;
        // When its values are used up, the device continues under another name.
        let device_id = format!("{prefix}-{}", n / READINGS);
        let (value, time) = (LOWEST + n % READINGS, clock(begin, n));
        let reading = (device_id.clone(), value);
        let acknowledged = tokio::select! {
            acknowledged = publish(&publisher, &device_id, value, time) => acknowledged,
            () = async { stop.cancelled().await; tokio::time::sleep(LAST_ACKNOWLEDGEMENT).await } => false,
        };
        count.fetch_add(u64::from(acknowledged), Relaxed);
        let list = if acknowledged {
            &mut sent.acknowledged
        } else {
            &mut sent.unacknowledged
        };
        list.insert(reading, time);
        if stop.is_cancelled() {
            break;
        }
    }
    publisher.disconnect().await;
    receiving.abort();
    sent
}

async fn publish(publisher: &Publisher, device_id: &str, thousandths: i64, time: i64) -> bool {
    let value = thousandths as f64 / 1000.0;
    let timestamp = domain::Timestamp::from_millis(time);
    let payload = format!(r#"{{"value": {value}, "timestamp": "{timestamp}"}}"#);
    let topic = format!("sensor/{device_id}/temperature");
    let sent = publisher.publish_confirmed(topic, payload, Qos::AtLeastOnce, false);
    sent.await.is_ok()
}
