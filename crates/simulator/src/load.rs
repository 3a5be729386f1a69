//! A load of readings and clips for benchmarks and fault tests: many connections, as fast as wanted, every message noted.
//!
//! In: a rate, a mix, an optional ledger. Out: publications at `QoS` 1 and, at the end, what was acknowledged and how long
//! it took. Values count up, so that no two messages of a device are equal; nothing here is a room.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use domain::{AudioFormat, Clip, DeviceId, Quantity, Reading};
use mqtt::{PublishError, Publisher, Qos, TopicKind};
use rand_chacha::ChaCha8Rng;
use tokio::{
    sync::Semaphore,
    task::JoinSet,
    time::{MissedTickBehavior, interval, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    SimulationError, SimulationOptions, clock,
    ledger::{Content, Ledger, Outcome, Record},
    noise,
    sound::{self, Ambience, SAMPLE_RATE, SoundKind},
    summary::{Step, Summary, Tally},
};

/// A paced connection wakes this often and sends what has become due.
const PACE: Duration = Duration::from_millis(2);
/// How long the last acknowledgements may take.
const FAREWELL: Duration = Duration::from_secs(10);
/// Different recordings in a load with clips.
const CLIPS: usize = 16;

/// What load to make. `devices`, `broker`, account, prefix, topics and ledger are those of the simulation.
#[derive(Debug, Clone)]
pub struct LoadOptions {
    /// Connections and names.
    pub simulation: SimulationOptions,
    /// Messages a second of all devices together; `None` is as fast as acknowledgements allow.
    pub messages_per_s: Option<f64>,
    /// Messages of all devices together after which the load ends by itself; `None` is never.
    pub messages: Option<u64>,
    /// Unacknowledged messages of one connection.
    pub in_flight: usize,
    /// Every n-th message is a clip of 85 KB; `None` is never.
    pub clip_every: Option<u64>,
}

impl LoadOptions {
    /// Readings only, as fast as acknowledgements allow, 100 in flight a connection.
    pub const fn new(simulation: SimulationOptions) -> Self {
        Self {
            simulation,
            messages_per_s: None,
            messages: None,
            in_flight: 100,
            clip_every: None,
        }
    }
}

/// What a load did.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadReport {
    /// Messages by kind.
    pub summary: Summary,
    /// From the first message to the last acknowledgement.
    pub elapsed: Duration,
    /// From publishing to acknowledgement, sorted.
    pub latencies: Vec<Duration>,
}

impl LoadReport {
    /// Acknowledged messages of all kinds.
    pub const fn acknowledged(&self) -> u64 {
        let s = &self.summary;
        s.temperature.acknowledged + s.humidity.acknowledged + s.audio.acknowledged
    }

    /// Acknowledged messages a second.
    pub fn rate(&self) -> f64 {
        self.acknowledged() as f64 / self.elapsed.as_secs_f64().max(1e-9)
    }

    /// The latency that `share` (0 to 1) of the messages did not exceed; `None` without messages.
    pub fn latency(&self, share: f64) -> Option<Duration> {
        let last = self.latencies.len().checked_sub(1)?;
        self.latencies
            .get((share.clamp(0.0, 1.0) * last as f64).round() as usize)
            .copied()
    }
}

/// Makes the load until its number of messages is reached or `shutdown`.
pub async fn run(options: LoadOptions, shutdown: CancellationToken) -> Result<LoadReport, SimulationError> {
    options.simulation.check()?;
    let devices = options.simulation.devices.max(1);
    let clips = if options.clip_every.is_some() {
        make_clips(options.simulation.seed)
    } else {
        Vec::new()
    };
    let shared = Arc::new(Shared {
        clips,
        tally: Tally::default(),
        latencies: Mutex::new(Vec::new()),
        options,
    });
    let started = Instant::now();
    let mut senders = JoinSet::new();
    for index in 0..devices {
        let id = shared.options.simulation.device_id(index)?;
        let share = |all: u64| all / devices as u64 + u64::from((index as u64) < all % devices as u64);
        let sender = Sender {
            id,
            left: shared.options.messages.map(share),
            per_s: shared.options.messages_per_s.map(|all| all / devices as f64),
            sent: 0,
            shared: Arc::clone(&shared),
        };
        senders.spawn(sender.run(shutdown.clone()));
    }
    while let Some(ended) = senders.join_next().await {
        ended.map_err(SimulationError::DeviceFailed)?;
    }
    let mut latencies = std::mem::take(&mut *shared.latencies.lock().unwrap_or_else(PoisonError::into_inner));
    latencies.sort_unstable();
    Ok(LoadReport {
        summary: shared.tally.summary(),
        elapsed: started.elapsed(),
        latencies,
    })
}

fn make_clips(seed: u64) -> Vec<Vec<u8>> {
    let mut rng: ChaCha8Rng = noise::generator(seed, 900_000_000);
    (0..CLIPS)
        .map(|i| {
            let ambience = Ambience::typical(SoundKind::ALL[i % 4]);
            audio::wav::encode_pcm16(&sound::synthesise(&ambience, 2.0, &mut rng), SAMPLE_RATE)
        })
        .collect()
}

struct Shared {
    options: LoadOptions,
    clips: Vec<Vec<u8>>,
    tally: Tally,
    latencies: Mutex<Vec<Duration>>,
}

struct Sender {
    id: DeviceId,
    left: Option<u64>,
    per_s: Option<f64>,
    sent: u64,
    shared: Arc<Shared>,
}

impl Sender {
    async fn run(mut self, shutdown: CancellationToken) {
        let options = &self.shared.options;
        let mut connection = options.simulation.connection(&self.id);
        connection.inflight = options.in_flight.clamp(1, usize::from(u16::MAX)) as u16;
        connection.max_queued_messages = options.in_flight.max(1);
        // The events are received by nobody: a load has no subscriptions.
        let (publisher, _incoming) = mqtt::connect(connection);
        let room = Arc::new(Semaphore::new(options.in_flight.max(1)));
        let waiting = TaskTracker::new();
        let sending = async {
            match self.per_s {
                None => while self.send(&publisher, &room, &waiting).await {},
                Some(per_s) => self.paced(per_s, &publisher, &room, &waiting).await,
            }
        };
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = sending => {}
        }
        waiting.close();
        let _ = timeout(FAREWELL, waiting.wait()).await;
        publisher.disconnect().await;
        waiting.wait().await;
    }

    async fn paced(
        &mut self,
        per_s: f64,
        publisher: &Publisher,
        room: &Arc<Semaphore>,
        waiting: &TaskTracker,
    ) {
        let mut pace = interval(PACE);
        pace.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let started = Instant::now();
        loop {
            pace.tick().await;
            let due = (started.elapsed().as_secs_f64() * per_s) as u64;
            while self.sent < due {
                if !self.send(publisher, room, waiting).await {
                    return;
                }
            }
        }
    }

    /// Sends one message as soon as there is room in flight; `false` when it was the last.
    async fn send(&mut self, publisher: &Publisher, room: &Arc<Semaphore>, waiting: &TaskTracker) -> bool {
        if self.left == Some(self.sent) {
            return false;
        }
        let permit = Arc::clone(room)
            .acquire_owned()
            .await
            .expect("the semaphore is never closed");
        let (kind, payload, record) = self.message();
        self.sent += 1;
        let topic = self.shared.options.simulation.topics.topic_for(kind, &self.id);
        let (publisher, shared) = (publisher.clone(), Arc::clone(&self.shared));
        waiting.spawn(async move {
            shared
                .publish(
                    &publisher,
                    Outgoing {
                        kind,
                        topic,
                        payload,
                        record,
                    },
                )
                .await;
            drop(permit);
        });
        true
    }

    fn message(&self) -> (TopicKind, Vec<u8>, Option<Record>) {
        let now = clock::now();
        let options = &self.shared.options;
        let note = |kind, content: Content| {
            options.simulation.ledger.as_ref().map(|_| Record {
                device_id: self.id.clone(),
                kind,
                timestamp: now,
                content,
            })
        };
        if options
            .clip_every
            .is_some_and(|every| (self.sent + 1).is_multiple_of(every.max(1)))
        {
            let mut data = self.shared.clips[self.sent as usize % CLIPS].clone();
            // The last samples count, so that no two clips are equal.
            let end = data.len() - 8;
            data[end..].copy_from_slice(&self.sent.to_le_bytes());
            let content = options
                .simulation
                .ledger
                .as_ref()
                .map(|_| Content::Clip(audio::hash(&data)));
            let clip = Clip {
                device_id: self.id.clone(),
                timestamp: now,
                duration_s: 2.0,
                data,
                sample_rate: SAMPLE_RATE,
                format: AudioFormat::Wav,
            };
            let record = content.and_then(|content| note(TopicKind::Audio, content));
            return (TopicKind::Audio, mqtt::encode_clip(&clip), record);
        }
        // Within one millisecond, values tell readings apart.
        let value = 10.0 + (self.sent / 2 % 3_000) as f64 / 100.0;
        let (kind, quantity) = if self.sent.is_multiple_of(2) {
            (TopicKind::Temperature, Quantity::Temperature)
        } else {
            (TopicKind::Humidity, Quantity::Humidity)
        };
        let reading =
            Reading::new(self.id.clone(), quantity, value, now).expect("10 to 40 is in every range");
        (
            kind,
            mqtt::encode_reading(&reading),
            note(kind, Content::value(value)),
        )
    }
}

struct Outgoing {
    kind: TopicKind,
    topic: String,
    payload: Vec<u8>,
    record: Option<Record>,
}

impl Shared {
    async fn publish(&self, publisher: &Publisher, outgoing: Outgoing) {
        let ledger: Option<&Arc<Ledger>> = self.options.simulation.ledger.as_ref();
        let ticket = ledger
            .zip(outgoing.record)
            .map(|(ledger, record)| (ledger, ledger.open(record)));
        self.tally.message(outgoing.kind, Step::Published);
        let started = Instant::now();
        let sent = publisher
            .publish_confirmed(outgoing.topic, outgoing.payload, Qos::AtLeastOnce, false)
            .await;
        let outcome = match sent {
            Ok(()) => {
                self.latencies
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(started.elapsed());
                self.tally.message(outgoing.kind, Step::Acknowledged);
                Outcome::Acknowledged
            }
            Err(PublishError::Closed | PublishError::Lost) => return,
            Err(_) => {
                self.tally.message(outgoing.kind, Step::Refused);
                Outcome::Refused
            }
        };
        if let Some((ledger, ticket)) = ticket {
            ledger.close(ticket, outcome);
        }
    }
}
