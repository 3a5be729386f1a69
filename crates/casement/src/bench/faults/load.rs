//! Devices under load: each sends one reading after the other at QoS 1 and keeps the list of what was acknowledged.
//!
//! In: the broker's address. Out: [`Sent`]. A reading that was not acknowledged is sent again, as a device does.

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

use super::books::Sent;

/// Values from −50.000 to 100.000 in steps of a thousandth: so many readings has a device.
const LOWEST: i64 = -50_000;
const READINGS: i64 = 150_000;
/// A reading a millisecond from each device, where it is acknowledged as fast.
const PACE: Duration = Duration::from_millis(1);
/// How long a device that is told to stop waits for its last acknowledgement.
const LAST_WORD: Duration = Duration::from_secs(10);

/// What time a device's clock shows for its `n`th reading, in milliseconds.
pub(super) type Clock = fn(begin: i64, n: i64) -> i64;

/// A clock that goes.
pub(super) fn right(begin: i64, n: i64) -> i64 {
    begin + n
}

/// A clock that jumps to 1970, to next year, back by an hour, and goes right in between.
pub(super) fn jumping(begin: i64, n: i64) -> i64 {
    match n / 50 % 4 {
        0 => begin + n,
        1 => n,
        2 => begin + n + 365 * 86_400_000,
        _ => begin + n - 3_600_000,
    }
}

/// Devices at work.
pub(super) struct Load {
    devices: JoinSet<Sent>,
    acknowledged: Arc<AtomicU64>,
    stop: CancellationToken,
}

impl Load {
    /// Starts `count` devices with names of their own.
    pub(super) fn start(broker: SocketAddr, name: &str, count: usize, clock: Clock) -> Self {
        let stop = CancellationToken::new();
        let acknowledged = Arc::new(AtomicU64::new(0));
        let mut devices = JoinSet::new();
        for n in 0..count {
            devices.spawn(send(
                broker,
                format!("{name}-{n}"),
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

    /// How many readings were acknowledged by now.
    pub(super) fn acknowledged(&self) -> u64 {
        self.acknowledged.load(Relaxed)
    }

    /// Stops them and gives what they know.
    pub(super) async fn stop(mut self) -> Sent {
        self.stop.cancel();
        let mut all = Sent::default();
        while let Some(sent) = self.devices.join_next().await {
            all += sent.unwrap_or_default();
        }
        all
    }
}

async fn send(
    broker: SocketAddr,
    name: String,
    clock: Clock,
    stop: CancellationToken,
    count: Arc<AtomicU64>,
) -> Sent {
    let mut options = ConnectionOptions::new(BrokerUrl::tcp(broker.ip().to_string(), broker.port()), "");
    options.max_backoff = Duration::from_millis(500);
    let (publisher, mut events) = mqtt::connect(options);
    // Nothing is subscribed, but a connection is only kept up while its events are taken.
    let listening = tokio::spawn(async move { while events.recv().await.is_some() {} });
    let mut sent = Sent::default();
    let begin = jiff::Timestamp::now().as_millisecond() - 2 * 3_600_000;
    let mut pace = tokio::time::interval(PACE);
    pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    for n in 0.. {
        pace.tick().await;
        // Where its values are used up, it goes on under another name: the load never ends by itself.
        let device_id = format!("{name}-{}", n / READINGS);
        let (value, time) = (LOWEST + n % READINGS, clock(begin, n));
        let reading = (device_id.clone(), value);
        let acknowledged = tokio::select! {
            acknowledged = publish(&publisher, &device_id, value, time) => acknowledged,
            () = async { stop.cancelled().await; tokio::time::sleep(LAST_WORD).await } => false,
        };
        count.fetch_add(u64::from(acknowledged), Relaxed);
        let list = if acknowledged {
            &mut sent.acknowledged
        } else {
            &mut sent.open
        };
        list.insert(reading, time);
        if stop.is_cancelled() {
            break;
        }
    }
    publisher.disconnect().await;
    listening.abort();
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
