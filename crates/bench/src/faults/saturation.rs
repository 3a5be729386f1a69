//! A saturated broker: publishers keep a great many messages sent and not yet stored, for minutes.
//!
//! In: a deployment, a time. Out: the reconciliation, device by device, because there are millions of readings. Rows have
//! to arrive all the time.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use mqtt::{BrokerUrl, ConnectionOptions, Qos};
use testkit::Deployment;
use tokio::{task::JoinSet, time::timeout};
use tokio_util::sync::CancellationToken;

use super::{
    load::{LOWEST, READINGS, steady},
    reconciliation::Reconciliation,
};

const PUBLISHERS: usize = 20;
/// Messages that are sent and not yet stored.
const OUTSTANDING: u64 = 150_000;
const POLL: Duration = Duration::from_millis(100);
/// The longest time without a new row. A batch takes a second; this machine may have other things to do.
const LONGEST_STALL: Duration = Duration::from_secs(15);
/// How long a publisher waits for its last acknowledgement.
const LAST_ACKNOWLEDGEMENT: Duration = Duration::from_mins(2);

#[derive(Debug, Default)]
struct Progress {
    sent: AtomicU64,
    stored: AtomicU64,
}

/// Saturates the deployment's broker for `time`, and compares what was acknowledged with what is stored.
pub(super) async fn run(deployment: &mut Deployment, time: Duration) -> anyhow::Result<Reconciliation> {
    let (stop, progress) = (CancellationToken::new(), Arc::new(Progress::default()));
    let mut publishers = JoinSet::new();
    for number in 0..PUBLISHERS {
        let broker = deployment.addresses().mqtt;
        publishers.spawn(publish(broker, number, Arc::clone(&progress), stop.clone()));
    }
    watch(deployment, &progress, |_| false, time).await?;
    stop.cancel();
    let mut sent = BTreeMap::new();
    while let Some(published) = publishers.join_next().await {
        let (number, count) = published??;
        sent.insert(number, count);
    }
    let total: u64 = sent.values().sum();
    watch(deployment, &progress, |stored| stored >= total, Duration::MAX).await?;
    reconcile(deployment, &sent)
}

/// Counts rows until `enough` of them are stored, or for `time`. Returns an error if no new one comes for too long.
async fn watch(
    deployment: &Deployment,
    progress: &Progress,
    enough: impl Fn(u64) -> bool,
    time: Duration,
) -> anyhow::Result<()> {
    let (started, mut changed) = (Instant::now(), Instant::now());
    while started.elapsed() < time {
        let stored = deployment
            .sql("SELECT count() FROM iot.sensor_temperature")?
            .parse()?;
        if progress.stored.swap(stored, Relaxed) != stored {
            changed = Instant::now();
        }
        if enough(stored) {
            break;
        }
        ensure!(
            changed.elapsed() < LONGEST_STALL,
            "no row was stored for {LONGEST_STALL:?}; {stored} were before, and {} are sent",
            progress.sent.load(Relaxed)
        );
        tokio::time::sleep(POLL).await;
    }
    Ok(())
}

/// Sends until `stop` and waits for every acknowledgement. Returns its number and how many readings it sent.
async fn publish(
    broker: SocketAddr,
    number: usize,
    progress: Arc<Progress>,
    stop: CancellationToken,
) -> anyhow::Result<(usize, u64)> {
    let options = ConnectionOptions::new(BrokerUrl::tcp(broker.ip().to_string(), broker.port()), "");
    let (publisher, mut events) = mqtt::connect(options);
    let receiving = tokio::spawn(async move { while events.recv().await.is_some() {} });
    let begin = jiff::Timestamp::now().as_millisecond() - 2 * 3_600_000;
    let mut sent = 0;
    loop {
        let is_last = stop.is_cancelled();
        while !stop.is_cancelled()
            && progress.sent.load(Relaxed) >= progress.stored.load(Relaxed) + OUTSTANDING
        {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        progress.sent.fetch_add(1, Relaxed);
        let (device_id, value) = (device_id(number, sent / READINGS), LOWEST + sent % READINGS);
        let value = value as f64 / 1000.0;
        let timestamp = domain::Timestamp::from_millis(steady(begin, sent));
        let payload = format!(r#"{{"value": {value}, "timestamp": "{timestamp}"}}"#);
        let topic = format!("sensor/{device_id}/temperature");
        sent += 1;
        if is_last {
            // A broker acknowledges in the order of receipt: all others are acknowledged, too.
            let last = publisher.publish_confirmed(topic, payload, Qos::AtLeastOnce, false);
            timeout(LAST_ACKNOWLEDGEMENT, last)
                .await
                .context("a publisher's last message is not acknowledged")??;
            break;
        }
        publisher.publish(topic, payload, Qos::AtLeastOnce, false).await?;
    }
    publisher.disconnect().await;
    receiving.abort();
    Ok((number, sent as u64))
}

fn device_id(publisher: usize, part: i64) -> String {
    format!("saturated-{publisher}-{part}")
}

/// Compares the devices' numbers of rows and of different values with what was sent: all of it was acknowledged.
fn reconcile(deployment: &Deployment, sent: &BTreeMap<usize, u64>) -> anyhow::Result<Reconciliation> {
    let text = deployment.sql(
        "SELECT device_id, count(), uniqExact(value) FROM iot.sensor_temperature GROUP BY device_id FORMAT TSV",
    )?;
    let row = |line: &str| {
        let mut fields = line.split('\t');
        let device = fields.next()?.to_owned();
        Some((
            device,
            (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?),
        ))
    };
    let mut stored: BTreeMap<String, (usize, usize)> = text.lines().filter_map(row).collect();
    let mut result = Reconciliation::default();
    for (&publisher, &count) in sent {
        let count = count as usize;
        result.acknowledged += count;
        for part in 0..count.div_ceil(READINGS as usize) {
            let expected = (count - part * READINGS as usize).min(READINGS as usize);
            let (rows, values) = stored
                .remove(&device_id(publisher, part as i64))
                .unwrap_or_default();
            result.lost += expected.saturating_sub(values);
            result.wrong += values.saturating_sub(expected);
            result.doubled += rows - values;
        }
    }
    result.wrong += stored.values().map(|(rows, _)| rows).sum::<usize>();
    Ok(result)
}
