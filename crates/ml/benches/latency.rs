//! Request → command through a real Mosquitto: latency with one request in flight, throughput with sixteen.
//!
//! `cargo bench -p ml -- [requests]`. Service and driver share this process. Once alone, once with a candidate beside it.

#[path = "../tests/support/mod.rs"]
mod support;

use std::{path::PathBuf, time::Instant};

use hdrhistogram::Histogram;
use ml::{Ml, MlOptions};
use monitoring::{Monitor, Registry};
use mqtt::{BrokerUrl, ConnectionOptions, Event, Incoming, Publisher, Qos, Subscription, Topics};
use support::{PATIENCE, device, model_path, other_model_path, request, service, wav};
use testkit::Mosquitto;
use tokio::{sync::oneshot, time::timeout};
use tokio_util::sync::CancellationToken;

struct Driver {
    client: Publisher,
    commands: Incoming,
}

impl Driver {
    async fn connect(broker: &Mosquitto) -> Self {
        let mut connection =
            ConnectionOptions::new(BrokerUrl::tcp("127.0.0.1", broker.addr().port()), "driver");
        connection
            .subscriptions
            .push(Subscription::new("window/+/control"));
        let (client, mut commands) = mqtt::connect(connection);
        while !matches!(
            timeout(PATIENCE, commands.recv()).await,
            Ok(Some(Event::Subscribed))
        ) {}
        Self { client, commands }
    }

    async fn send(&self, number: usize, payload: &[u8]) {
        let topic = format!("ml/inference/request/sensor-{number:06}");
        self.client
            .publish(topic, payload.to_vec(), Qos::AtLeastOnce, false)
            .await
            .expect("the request is sent");
    }

    async fn wait(&mut self) {
        while !matches!(
            timeout(PATIENCE, self.commands.recv())
                .await
                .expect("a command in time"),
            Some(Event::Message(_))
        ) {}
    }

    async fn latency(&mut self, what: &str, requests: usize, payload: impl Fn(usize) -> Vec<u8>) {
        for number in 0..20 {
            self.send(number, &payload(number)).await;
            self.wait().await;
        }
        let mut nanos = Histogram::<u64>::new(3).expect("three digits are valid");
        for number in 0..requests {
            let payload = payload(number);
            let start = Instant::now();
            self.send(number, &payload).await;
            self.wait().await;
            nanos += start.elapsed().as_nanos() as u64;
        }
        let at = |quantile| nanos.value_at_quantile(quantile) as f64 / 1e6;
        println!(
            "{what:<30} 1 in flight: p50 {:.2} ms   p90 {:.2} ms   p99 {:.2} ms",
            at(0.5),
            at(0.9),
            at(0.99)
        );
    }

    async fn throughput(&mut self, what: &str, requests: usize, payload: impl Fn(usize) -> Vec<u8>) {
        let start = Instant::now();
        for number in 0..requests + 16 {
            if number < requests {
                self.send(number, &payload(number)).await;
            }
            if number >= 16 {
                self.wait().await;
            }
        }
        println!(
            "{what:<30} 16 in flight: {:.0} requests/s",
            requests as f64 / start.elapsed().as_secs_f64()
        );
    }
}

#[tokio::main]
async fn main() {
    let requests = std::env::args()
        .find_map(|argument| argument.parse().ok())
        .unwrap_or(500)
        .max(100);
    let broker = Mosquitto::start().expect("Mosquitto starts");
    println!("the model alone");
    measure(&broker, requests, None).await;
    println!("with a candidate in its shadow");
    measure(&broker, requests, Some(other_model_path())).await;
}

/// Runs a service and drives it.
async fn measure(broker: &Mosquitto, requests: usize, candidate: Option<PathBuf>) {
    let connection = ConnectionOptions::new(BrokerUrl::tcp("127.0.0.1", broker.addr().port()), "ml");
    let mut options = MlOptions::new(connection, Topics::default(), model_path(), "v0");
    options.min_confidence = 0.0;
    let shadowing = format!("casement_ml_shadowing {}", u8::from(candidate.is_some()));
    options.shadow = candidate;
    let mut registry = Registry::default();
    let ml = Ml::open(options, &mut registry).expect("the service opens");
    let monitor = Monitor::new(registry, vec![ml.health()]);
    let (shutdown, (ready, listening)) = (CancellationToken::new(), oneshot::channel());
    let running = tokio::spawn(ml.run(shutdown.clone(), ready));
    listening.await.expect("it listens");
    while !monitor.text().lines().any(|line| line == shadowing) {
        tokio::task::yield_now().await;
    }
    drive(&mut Driver::connect(broker).await, requests).await;
    shutdown.cancel();
    running.await.expect("it does not panic").expect("it ends well");
}

async fn drive(driver: &mut Driver, requests: usize) {
    let clip = wav(440.0, 2.0);
    let samples = audio::decode(
        &clip,
        domain::AudioFormat::Wav,
        16_000,
        &domain::ClipLimits::default(),
    );
    let features = service().extractor.extract(&samples.expect("the clip is a WAV"));
    let named = |number: usize, mut request: domain::InferenceRequest| {
        request.device_id = device(&format!("sensor-{number:06}"));
        mqtt::encode_request(&request)
    };
    let plain = |number| named(number, request(Some(&clip)));
    let with_features = |number| {
        let mut request = request(Some(&clip));
        let audio = request.audio.as_mut().expect("there is a clip");
        (audio.audio_hash, audio.features) = (Some(audio::hash(&clip)), Some(features.clone()));
        named(number, request)
    };
    driver
        .latency("2 s clip, specification only", requests, plain)
        .await;
    driver
        .latency("2 s clip with its features", requests, with_features)
        .await;
    driver
        .latency("no clip", requests, |number| named(number, request(None)))
        .await;
    driver
        .throughput("2 s clip, specification only", requests, plain)
        .await;
    driver
        .throughput("2 s clip with its features", requests, with_features)
        .await;
}
