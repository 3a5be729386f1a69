//! `casement bench ingest`: how many `QoS` 1 readings a second come in and stay, beside a subscriber of the same broker that
//! only acknowledges; what each costs; and what a quiet device notices of a flood.
//!
//! In: options. Out: a table. Publishers live in this process, all else in processes of its own, except the bare
//! subscriber, which is `mqtt`'s connection without anything behind it (`cargo bench -p mqtt` measures that one beside the
//! client library).

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use mqtt::{BrokerUrl, ConnectionOptions, Event, Qos, Subscription};
use serde_json::json;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{
    Doors, House,
    house::Plan,
    latency::{Device, Latency},
    usage::{cpu_seconds, memory_mib},
};
use crate::output::say;

const PUBLISHERS: usize = 4;
const DEVICES_EACH: usize = 25;
/// Readings that a publisher has unacknowledged at most.
const IN_FLIGHT: u16 = 200;
const WARM_UP: Duration = Duration::from_secs(3);

/// What is to be done.
#[derive(Debug, Clone)]
pub struct Options {
    /// How long each way is measured.
    pub time: Duration,
    /// Decisions of a quiet device, measured without and with a flood.
    pub decisions: usize,
    /// JSON lines instead of a table.
    pub json: bool,
}

/// One way's figures.
#[derive(Debug, Default)]
struct Figures {
    messages: u64,
    seconds: f64,
    /// Name, microseconds of processor time a message, memory in MiB at the beginning, halfway and at the end.
    processes: Vec<(&'static str, f64, [f64; 3])>,
}

impl Figures {
    fn rate(&self) -> f64 {
        self.messages as f64 / self.seconds
    }
}

/// Measures all ways and prints them.
pub async fn run(options: Options) -> anyhow::Result<()> {
    let bare = bare(&options).await?;
    print("bare subscriber of Mosquitto", &bare, None, options.json);
    for (doors, name) in [
        (Doors::External, "casement backend on Mosquitto"),
        (Doors::Embedded, "casement up, embedded broker"),
    ] {
        let dir = tempfile::tempdir()?;
        let mut house = House::prepare(dir.path(), Plan::new(doors))?;
        house.open().await?;
        let figures = casement(&mut house, &options).await?;
        print(name, &figures, Some(figures.rate() / bare.rate()), options.json);
        drop(house);
        flood(doors, name, &options).await?;
    }
    Ok(())
}

fn print(name: &str, figures: &Figures, ratio: Option<f64>, as_json: bool) {
    if as_json {
        let processes: Vec<_> = figures
            .processes
            .iter()
            .map(|(name, cpu, memory)| json!({"process": name, "cpu_us": cpu, "memory_mib": memory}))
            .collect();
        say!(
            "{}",
            json!({"way": name, "messages": figures.messages, "per_second": figures.rate(), "of_bare": ratio, "processes": processes})
        );
        return;
    }
    let ratio = ratio.map_or_else(String::new, |ratio| {
        format!(", {:.0} % of the bare subscriber", ratio * 100.0)
    });
    say!("{name}: {:.0} messages/s{ratio}", figures.rate());
    for (process, cpu, [begin, half, end]) in &figures.processes {
        say!("    {process:<10} {cpu:>7.1} µs CPU a message, memory {begin:.0}, {half:.0}, {end:.0} MiB");
    }
}

/// A subscriber that acknowledges and does nothing else.
async fn bare(options: &Options) -> anyhow::Result<Figures> {
    let dir = tempfile::tempdir()?;
    let mut house = House::prepare(dir.path(), Plan::new(Doors::External))?;
    house.start_broker()?;
    let addr = house.mqtt;
    house
        .wait_for("there", || Ok(std::net::TcpStream::connect(addr).is_ok()))
        .await?;
    let mut connection = connection(addr).persistent(Duration::from_hours(1));
    connection.subscriptions = vec![Subscription::new("sensor/+/temperature")];
    let (subscriber, mut incoming) = mqtt::connect(connection);
    let received = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&received);
    let receiving = tokio::spawn(async move {
        while let Some(event) = incoming.recv().await {
            if matches!(event, Event::Message(_)) {
                count.fetch_add(1, Relaxed);
            }
        }
    });
    let figures = measure(&house, options.time, || Ok(received.load(Relaxed))).await?;
    subscriber.disconnect().await;
    receiving.abort();
    Ok(figures)
}

/// Readings that were accepted, which is: are on disk. All of them are in ClickHouse at the end.
async fn casement(house: &mut House, options: &Options) -> anyhow::Result<Figures> {
    let accepted = |house: &House| {
        let status = house.status()?;
        let count = |name: &str| {
            status[name]
                .as_u64()
                .with_context(|| format!("no counter '{name}'"))
        };
        // A broker that connects again repeats what was not acknowledged.
        Ok(count("temperature")?.saturating_sub(count("duplicates")?))
    };
    let figures = measure(house, options.time, || accepted(house)).await?;
    // What Mosquitto still holds comes first.
    let mut before = 0;
    loop {
        house.wait_stored().await?;
        let now = accepted(house)?;
        if now == before {
            break;
        }
        before = now;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let stored: u64 = house
        .sql("SELECT count() FROM iot.sensor_temperature")?
        .trim()
        .parse()?;
    ensure!(
        stored == before,
        "{before} readings were accepted and {stored} are stored"
    );
    Ok(figures)
}

async fn measure(
    house: &House,
    time: Duration,
    counted: impl Fn() -> anyhow::Result<u64>,
) -> anyhow::Result<Figures> {
    let load = Load::start(house.mqtt, PUBLISHERS);
    tokio::time::sleep(WARM_UP).await;
    let processes = house.pids();
    let cpu = |pid: u32| cpu_seconds(pid);
    let begin: Vec<(f64, f64)> = processes
        .iter()
        .map(|(_, pid)| (cpu(*pid), memory_mib(*pid)))
        .collect();
    let (started, first) = (Instant::now(), counted()?);
    tokio::time::sleep(time / 2).await;
    let half: Vec<f64> = processes.iter().map(|(_, pid)| memory_mib(*pid)).collect();
    tokio::time::sleep(time / 2).await;
    let (messages, seconds) = (counted()? - first, started.elapsed().as_secs_f64());
    let processes = processes
        .iter()
        .zip(begin)
        .zip(half)
        .map(|(((name, pid), (cpu_before, begin)), half)| {
            let micros = (cpu(*pid) - cpu_before) * 1e6 / messages.max(1) as f64;
            (*name, micros, [begin, half, memory_mib(*pid)])
        })
        .collect();
    load.stop().await;
    Ok(Figures {
        messages,
        seconds,
        processes,
    })
}

/// A quiet device's decisions, alone and while one other device sends as fast as it is acknowledged.
async fn flood(doors: Doors, name: &str, options: &Options) -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let mut house = House::prepare(dir.path(), Plan::new(doors))?;
    house.open().await?;
    let mut device = Device::connect(&house).await?;
    device.measure(options.decisions / 4).await?;
    let alone = device.measure(options.decisions).await?;
    let load = Load::start(house.mqtt, 1);
    tokio::time::sleep(WARM_UP).await;
    let beside = device.measure(options.decisions).await?;
    load.stop().await;
    let text = |latency: Latency| format!("p50 {:.2} p99 {:.2}", latency.p50, latency.p99);
    if options.json {
        say!(
            "{}",
            json!({"flood": name, "alone_ms": [alone.p50, alone.p99], "beside_ms": [beside.p50, beside.p99]})
        );
    } else {
        say!(
            "    a quiet device's decisions, ms: {} alone, {} beside a flood",
            text(alone),
            text(beside)
        );
    }
    Ok(())
}

fn connection(broker: SocketAddr) -> ConnectionOptions {
    ConnectionOptions::new(BrokerUrl::tcp(broker.ip().to_string(), broker.port()), "")
}

/// Publishers that send as fast as they are acknowledged.
struct Load {
    publishers: JoinSet<()>,
    stop: CancellationToken,
}

impl Load {
    fn start(broker: SocketAddr, count: usize) -> Self {
        let stop = CancellationToken::new();
        let mut publishers = JoinSet::new();
        for n in 0..count {
            publishers.spawn(publish(broker, n, stop.clone()));
        }
        Self { publishers, stop }
    }

    async fn stop(mut self) {
        self.stop.cancel();
        while self.publishers.join_next().await.is_some() {}
    }
}

async fn publish(broker: SocketAddr, publisher: usize, stop: CancellationToken) {
    let mut options = connection(broker);
    options.inflight = IN_FLIGHT;
    options.max_queued_messages = usize::from(IN_FLIGHT);
    let (connection, mut events) = mqtt::connect(options);
    let listening = tokio::spawn(async move { while events.recv().await.is_some() {} });
    // Each reading a millisecond after the one before: none is a repeat, and none from the future.
    let begin = jiff::Timestamp::now().as_millisecond() - 12 * 3_600_000;
    for n in 0.. {
        let device = publisher * DEVICES_EACH + n % DEVICES_EACH;
        let time = domain::Timestamp::from_millis(begin + n as i64);
        let payload = format!(r#"{{"value": 21.0, "timestamp": "{time}"}}"#);
        let topic = format!("sensor/device-{device}/temperature");
        let sent = connection.publish(topic, payload, Qos::AtLeastOnce, false);
        if !matches!(stop.run_until_cancelled(sent).await, Some(Ok(()))) {
            break;
        }
    }
    connection.disconnect().await;
    listening.abort();
}
