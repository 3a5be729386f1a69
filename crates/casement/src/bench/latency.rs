//! How long a decision takes, from a device's reading to its window's command, with ClickHouse and without.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use mqtt::{BrokerUrl, ConnectionOptions, Event, Incoming, Publisher, Qos, Subscription};

use super::House;

const PATIENCE: Duration = Duration::from_secs(10);

/// Milliseconds: median and 99th percentile.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Latency {
    pub(crate) p50: f64,
    pub(crate) p99: f64,
}

/// A device with a window.
pub(crate) struct Device {
    publisher: Publisher,
    incoming: Incoming,
    warm: bool,
}

impl Device {
    pub(crate) async fn connect(house: &House) -> anyhow::Result<Self> {
        let broker = BrokerUrl::tcp(house.mqtt.ip().to_string(), house.mqtt.port());
        let mut options = ConnectionOptions::new(broker, "");
        options.subscriptions = vec![Subscription::new("window/latency/control")];
        let (publisher, incoming) = mqtt::connect(options);
        let mut device = Self {
            publisher,
            incoming,
            warm: false,
        };
        while !matches!(device.event().await?, Event::Subscribed) {}
        device.publish("humidity", 50.0).await?;
        Ok(device)
    }

    /// Temperatures that go up and down by more than the threshold, one after the other's command.
    pub(crate) async fn measure(&mut self, decisions: usize) -> anyhow::Result<Latency> {
        let mut millis = Vec::with_capacity(decisions);
        for _ in 0..=decisions {
            let started = Instant::now();
            self.warm = !self.warm;
            self.publish("temperature", if self.warm { 25.0 } else { 22.0 })
                .await?;
            while !matches!(self.event().await?, Event::Message(_)) {}
            millis.push(started.elapsed().as_secs_f64() * 1e3);
        }
        // The first decision of a device waits for its first clip.
        millis.remove(0);
        millis.sort_by(f64::total_cmp);
        Ok(Latency {
            p50: millis[millis.len() / 2],
            p99: millis[millis.len() * 99 / 100],
        })
    }

    async fn publish(&self, quantity: &str, value: f64) -> anyhow::Result<()> {
        let now = domain::Timestamp::from_millis(jiff::Timestamp::now().as_millisecond());
        let payload = format!(r#"{{"value": {value}, "timestamp": "{now}"}}"#);
        let topic = format!("sensor/latency/{quantity}");
        let sent = self
            .publisher
            .publish_confirmed(topic, payload, Qos::AtLeastOnce, false);
        tokio::time::timeout(PATIENCE, sent)
            .await
            .context("no acknowledgement")??;
        Ok(())
    }

    async fn event(&mut self) -> anyhow::Result<Event> {
        match tokio::time::timeout(PATIENCE, self.incoming.recv()).await {
            Ok(Some(event)) => Ok(event),
            Ok(None) => bail!("the connection to the broker ended"),
            Err(_) => bail!("no command within {PATIENCE:?}"),
        }
    }
}
