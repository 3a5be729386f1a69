//! A clip's way: from a device's message to the command for its window, beside an echo of the same bytes through the
//! same broker, and what each process uses for it.
//!
//! `cargo bench -p bench --bench clip -- BINARY… [--rounds N] [--clips N]`: the binaries alternate, because a machine's
//! speed varies. One clip of 2 s (85 KB of Base64) is on its way at a time, with a pause before the next.

use std::{
    net::SocketAddr,
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail, ensure};
use domain::{AudioFormat, Clip, DeviceId, Timestamp};
use hdrhistogram::Histogram;
use mqtt::{BrokerUrl, ConnectionOptions, Event, Incoming, Publisher, Qos, Subscription};
use testkit::{Casement, Deployment, DeploymentOptions, Layout, usage::cpu_seconds};

const DEADLINE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(5);
const WARM_UP: usize = 50;
const RATE: u32 = 16_000;

/// A client with a microphone and a window.
struct Client {
    publisher: Publisher,
    incoming: Incoming,
}

impl Client {
    async fn connect(broker: SocketAddr, filter: &str) -> anyhow::Result<Self> {
        let url = BrokerUrl::tcp(broker.ip().to_string(), broker.port());
        let mut options = ConnectionOptions::new(url, "");
        options.subscriptions = vec![Subscription::new(filter)];
        let (publisher, incoming) = mqtt::connect(options);
        let mut client = Self { publisher, incoming };
        while !matches!(client.event().await?, Event::Subscribed) {}
        Ok(client)
    }

    async fn event(&mut self) -> anyhow::Result<Event> {
        match tokio::time::timeout(DEADLINE, self.incoming.recv()).await {
            Ok(Some(event)) => Ok(event),
            Ok(None) => bail!("the connection to the broker ended"),
            Err(_) => bail!("no message within {DEADLINE:?}"),
        }
    }

    async fn publish(&self, topic: &str, payload: Vec<u8>) -> anyhow::Result<()> {
        let sent = self
            .publisher
            .publish_confirmed(topic.to_owned(), payload, Qos::AtLeastOnce, false);
        tokio::time::timeout(DEADLINE, sent)
            .await
            .context("no acknowledgement")??;
        Ok(())
    }

    /// Sends one message; times until the answer and until the acknowledgement.
    async fn exchange(&mut self, topic: &str, payload: Vec<u8>) -> anyhow::Result<[Duration; 2]> {
        let started = Instant::now();
        let publisher = self.publisher.clone();
        let topic = topic.to_owned();
        let acknowledged = tokio::spawn(async move {
            let sent = publisher.publish_confirmed(topic, payload, Qos::AtLeastOnce, false);
            let sent = tokio::time::timeout(DEADLINE, sent).await;
            sent.is_ok_and(|sent| sent.is_ok()).then(|| started.elapsed())
        });
        let delivery = loop {
            if let Event::Message(delivery) = self.event().await? {
                break delivery;
            }
        };
        let answered = started.elapsed();
        self.incoming.ack(&delivery);
        Ok([answered, acknowledged.await?.context("no acknowledgement")?])
    }
}

/// Clips of two seconds of a quiet room with a faint tone, as a device sends them. A loud tone is nothing that a model
/// knows, and a decision on it would be held.
fn clip(number: usize) -> Vec<u8> {
    let (mut state, mut room) = (number as u32 + 1, 0.0_f32);
    let samples: Vec<f32> = (0..2 * RATE)
        .map(|i| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let white = (state >> 8) as f32 / (1 << 23) as f32 - 1.0;
            room = 0.97 * room + 0.004 * white;
            room + 0.002 * (i as f32 * (0.05 + 0.01 * (number % 10) as f32)).sin()
        })
        .collect();
    mqtt::encode_clip(&Clip {
        device_id: DeviceId::parse("latency").expect("a device id"),
        timestamp: Timestamp::from_millis(jiff::Timestamp::now().as_millisecond()),
        data: audio::wav::encode_pcm16(&samples, RATE),
        sample_rate: RATE,
        duration_s: 2.0,
        format: AudioFormat::Wav,
    })
}

struct Figures {
    /// Milliseconds until the answer and until the acknowledgement.
    times: [Histogram<u64>; 2],
    /// Milliseconds of processor time a clip.
    cpu: Vec<(&'static str, f64)>,
}

/// Sends `clips` one after another.
async fn measure(
    client: &mut Client,
    topic: &str,
    clips: usize,
    processes: &[(&'static str, u32)],
) -> anyhow::Result<Figures> {
    let mut times = [Histogram::new(3)?, Histogram::new(3)?];
    let cpu = || processes.iter().map(|(_, pid)| cpu_seconds(*pid));
    let mut before = Vec::new();
    for number in 0..WARM_UP + clips {
        if number == WARM_UP {
            before = cpu().collect();
        }
        let measured = client.exchange(topic, clip(number)).await?;
        if number >= WARM_UP {
            for (histogram, time) in times.iter_mut().zip(measured) {
                histogram.record(time.as_nanos() as u64)?;
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
    let used = cpu()
        .zip(before)
        .map(|(after, before)| (after - before) * 1e3 / clips as f64);
    Ok(Figures {
        times,
        cpu: processes.iter().map(|(name, _)| *name).zip(used).collect(),
    })
}

fn report(what: &str, figures: &Figures) {
    let [answered, acknowledged] = &figures.times;
    let at = |times: &Histogram<u64>, quantile| times.value_at_quantile(quantile) as f64 / 1e6;
    print!(
        "{what:<34} p50 {:>6.2}  p90 {:>6.2}  acknowledged p50 {:>6.2} ms   CPU a clip:",
        at(answered, 0.5),
        at(answered, 0.9),
        at(acknowledged, 0.5)
    );
    for (name, millis) in &figures.cpu {
        print!(" {name} {millis:.2}");
    }
    println!(" ms");
}

async fn run(binary: &PathBuf, layout: Layout, clips: usize) -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let casement = Casement::new(binary);
    let mut deployment = Deployment::prepare(casement, directory.path(), DeploymentOptions::new(layout))?;
    deployment.start().await?;
    let broker = deployment.addresses().mqtt;
    let name = match layout {
        Layout::EmbeddedBroker => "up",
        Layout::ExternalBroker => "roles, Mosquitto",
    };
    let mut device = Client::connect(broker, "window/latency/control").await?;
    for quantity in ["temperature", "humidity"] {
        let time = Timestamp::from_millis(jiff::Timestamp::now().as_millisecond());
        let payload = format!(r#"{{"value": 21.5, "timestamp": "{time}"}}"#);
        device
            .publish(&format!("sensor/latency/{quantity}"), payload.into_bytes())
            .await?;
    }
    // The first decision of a device waits for its first clip.
    while !matches!(device.event().await?, Event::Message(_)) {}
    let figures = measure(&mut device, "sensor/latency/audio", clips, &deployment.pids()).await?;
    report(&format!("{name}: clip to command"), &figures);
    let mut echo = Client::connect(broker, "echo").await?;
    let figures = measure(&mut echo, "echo", clips, &[]).await?;
    report(&format!("{name}: bare echo"), &figures);
    Ok(())
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let (mut binaries, mut rounds, mut clips) = (Vec::new(), 3, 500);
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    while let Some(argument) = arguments.next() {
        let mut number = || {
            arguments
                .next()
                .and_then(|text| text.parse().ok())
                .context("a number is missing")
        };
        match argument.as_str() {
            "--rounds" => rounds = number()?,
            "--clips" => clips = number()?,
            _ => binaries.push(PathBuf::from(argument)),
        }
    }
    if binaries.is_empty() {
        println!("clip: name a casement binary to measure it, or several to compare them");
        return Ok(());
    }
    ensure!(clips > 0, "without clips there is nothing to measure");
    for round in 1..=rounds {
        for binary in &binaries {
            println!("round {round}, {}", binary.display());
            for layout in [Layout::EmbeddedBroker, Layout::ExternalBroker] {
                run(binary, layout, clips).await?;
            }
        }
    }
    Ok(())
}
