//! The latency of a decision: from a device's reading to the command for its window.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use hdrhistogram::Histogram;
use mqtt::{BrokerUrl, ConnectionOptions, Event, Incoming, Publisher, Qos, Subscription};

const DEADLINE: Duration = Duration::from_secs(10);
const SIGNIFICANT_DIGITS: u8 = 3;

/// Milliseconds: median and 99th percentile.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Latency {
    pub(crate) p50: f64,
    pub(crate) p99: f64,
}

impl Latency {
    pub(crate) fn of(nanos: &Histogram<u64>) -> Self {
        let millis = |quantile| nanos.value_at_quantile(quantile) as f64 / 1e6;
        Self {
            p50: millis(0.5),
            p99: millis(0.99),
        }
    }
}

/// A device with a window.
pub(crate) struct Device {
    id: String,
    publisher: Publisher,
    incoming: Incoming,
    warm: bool,
}

impl Device {
    pub(crate) async fn connect(broker: SocketAddr) -> anyhow::Result<Self> {
        Self::connect_as(broker, "latency", None).await
    }

    /// Connects a device of that id, with the password of its account if it has one.
    pub(crate) async fn connect_as(
        broker: SocketAddr,
        id: &str,
        password: Option<&str>,
    ) -> anyhow::Result<Self> {
        let broker = BrokerUrl::tcp(broker.ip().to_string(), broker.port());
        let mut options = ConnectionOptions::new(broker, "");
        options.subscriptions = vec![Subscription::new(format!("window/{id}/control"))];
        options.username = password.map(|_| id.to_owned());
        options.password = password.map(Into::into);
        let (publisher, incoming) = mqtt::connect(options);
        let mut device = Self {
            id: id.to_owned(),
            publisher,
            incoming,
            warm: false,
        };
        while !matches!(device.event().await?, Event::Subscribed) {}
        device.publish("humidity", 50.0).await?;
        Ok(device)
    }

    /// Sends temperatures that alternate by more than the threshold, each after the command for the one before.
    pub(crate) async fn measure(&mut self, decisions: usize) -> anyhow::Result<Latency> {
        Ok(Latency::of(&self.measure_apart(decisions, Duration::ZERO).await?))
    }

    /// The same with a pause between decisions, as nanoseconds.
    pub(crate) async fn measure_apart(
        &mut self,
        decisions: usize,
        pause: Duration,
    ) -> anyhow::Result<Histogram<u64>> {
        // The first decision of a device waits for its first clip.
        self.decide().await?;
        let mut nanos = Histogram::<u64>::new(SIGNIFICANT_DIGITS)?;
        for _ in 0..decisions {
            nanos.record(self.decide().await?.as_nanos() as u64)?;
            tokio::time::sleep(pause).await;
        }
        Ok(nanos)
    }

    async fn decide(&mut self) -> anyhow::Result<Duration> {
        let started = Instant::now();
        self.warm = !self.warm;
        self.publish("temperature", if self.warm { 25.0 } else { 22.0 })
            .await?;
        while !matches!(self.event().await?, Event::Message(_)) {}
        Ok(started.elapsed())
    }

    async fn publish(&self, quantity: &str, value: f64) -> anyhow::Result<()> {
        let now = domain::Timestamp::from_millis(jiff::Timestamp::now().as_millisecond());
        let payload = format!(r#"{{"value": {value}, "timestamp": "{now}"}}"#);
        let topic = format!("sensor/{}/{quantity}", self.id);
        let sent = self
            .publisher
            .publish_confirmed(topic, payload, Qos::AtLeastOnce, false);
        tokio::time::timeout(DEADLINE, sent)
            .await
            .context("no acknowledgement")??;
        Ok(())
    }

    async fn event(&mut self) -> anyhow::Result<Event> {
        match tokio::time::timeout(DEADLINE, self.incoming.recv()).await {
            Ok(Some(event)) => Ok(event),
            Ok(None) => bail!("the connection to the broker ended"),
            Err(_) => bail!("no command within {DEADLINE:?}"),
        }
    }
}
