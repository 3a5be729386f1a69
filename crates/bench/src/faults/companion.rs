//! A device that sends what the others do not: a whole climate, clips and the positions of its window.
//!
//! In: the broker's address. Out: nothing; it is there so that the rollups of readings, sound, positions, and where the ML
//! service runs of predictions and commands, have rows when they are compared with them. Its temperatures are not among the
//! readings that are counted.

use std::{net::SocketAddr, time::Duration};

use domain::{AudioFormat, Clip, DeviceId, Position, Timestamp, WindowState};
use mqtt::{BrokerUrl, ConnectionOptions, Publisher, Qos};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub(super) const DEVICE: &str = "companion";
const EVERY: Duration = Duration::from_millis(100);
/// A clip with every fifth reading.
const CLIP_EVERY: u32 = 5;
const SAMPLE_RATE: u32 = 16_000;
/// A tenth of a second.
const SAMPLES: u32 = SAMPLE_RATE / 10;

/// A device that sends until it is stopped.
pub(super) struct Companion {
    sending: JoinHandle<()>,
    stop: CancellationToken,
}

impl Companion {
    pub(super) fn start(broker: SocketAddr) -> Self {
        let stop = CancellationToken::new();
        let sending = tokio::spawn(send(broker, stop.clone()));
        Self { sending, stop }
    }

    /// Stops it. What was not acknowledged by then may be stored or not.
    pub(super) async fn stop(self) {
        self.stop.cancel();
        let _ = self.sending.await;
    }
}

async fn send(broker: SocketAddr, stop: CancellationToken) {
    let mut options = ConnectionOptions::new(BrokerUrl::tcp(broker.ip().to_string(), broker.port()), "");
    options.max_backoff = Duration::from_millis(500);
    let (publisher, mut events) = mqtt::connect(options);
    let receiving = tokio::spawn(async move { while events.recv().await.is_some() {} });
    let mut interval = tokio::time::interval(EVERY);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    for n in 0.. {
        let round = async {
            interval.tick().await;
            send_round(&publisher, n).await;
        };
        if stop.run_until_cancelled(round).await.is_none() {
            break;
        }
    }
    publisher.disconnect().await;
    receiving.abort();
}

async fn send_round(publisher: &Publisher, n: u32) {
    let now = Timestamp::from_millis(jiff::Timestamp::now().as_millisecond());
    let humidity = if n % 20 < 10 { 40.0 } else { 45.0 } + f64::from(n % 7) / 10.0;
    let temperature = 20.0 + f64::from(n % 30) / 10.0;
    let reading = |value: f64| format!(r#"{{"value": {value}, "timestamp": "{now}"}}"#).into_bytes();
    let state = mqtt::encode_state(&WindowState {
        device_id: device(),
        timestamp: now,
        position: Position::new(f64::from(n % 100)).expect("0 to 99 percent"),
        target: None,
        command_id: None,
    });
    let mut messages = vec![
        ("sensor", "temperature", reading(temperature)),
        ("sensor", "humidity", reading(humidity)),
        ("window", "state", state),
    ];
    if n.is_multiple_of(CLIP_EVERY) {
        messages.push(("sensor", "audio", mqtt::encode_clip(&clip(n, now))));
    }
    for (kind, what, payload) in messages {
        let topic = format!("{kind}/{DEVICE}/{what}");
        // Not acknowledged: the next round has other values.
        let _ = publisher
            .publish_confirmed(topic, payload, Qos::AtLeastOnce, false)
            .await;
    }
}

fn device() -> DeviceId {
    DeviceId::parse(DEVICE).expect("a device id")
}

/// Noise that differs from clip to clip, as bare samples.
fn clip(n: u32, now: Timestamp) -> Clip {
    let mut state = n;
    let samples = (0..SAMPLES).flat_map(|_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        // A quarter of full scale.
        ((state >> 18) as i16 - (1 << 13)).to_le_bytes()
    });
    Clip {
        device_id: device(),
        timestamp: now,
        data: samples.collect(),
        sample_rate: SAMPLE_RATE,
        duration_s: f64::from(SAMPLES) / f64::from(SAMPLE_RATE),
        format: AudioFormat::Pcm,
    }
}
