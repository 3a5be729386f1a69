//! A virtual ESP32: one room behind one MQTT connection.
//!
//! In: time, commands from the broker, shutdown. Out: temperature, humidity, clips, the window's reports, and its own
//! status. A broker that is away does not stop the room.

use std::{future::pending, sync::Arc, time::Duration};

use domain::{DeviceId, Reading, Timestamp, WindowState};
use mqtt::{Delivery, DeviceStatus, Event, Message, Publisher, Qos, Subscription, TopicKind};
use tokio::{
    task::JoinHandle,
    time::{MissedTickBehavior, interval, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{
    caretaking::{FIRST_TELEMETRY, TELEMETRY},
    clock::{self, Stamps},
    delivery_log::{Content, Record},
    mishaps::Fate,
    options::{DEVICE_TICK, SimulationOptions},
    recording::Recording,
    simulation::VirtualRoom,
    summary::Counters,
    uplink::{Post, Uplink},
    window::CommandOutcome,
};

/// A moving window reports this often.
const REPORT: Duration = Duration::from_secs(1);
/// A resting one reports this often.
const REPORT_AT_REST: Duration = Duration::from_mins(1);
/// How long the last messages and the goodbye may take, each.
const FAREWELL: Duration = Duration::from_millis(800);

/// When something is due next, in wall time since the device joined.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Due {
    pub(crate) next: Duration,
    pub(crate) every: Duration,
}

impl Due {
    /// Whether it is due at `elapsed`; if so, once.
    fn take(&mut self, elapsed: Duration) -> bool {
        if elapsed < self.next {
            return false;
        }
        self.next += self.every;
        true
    }
}

pub(crate) struct Device {
    pub(crate) id: DeviceId,
    room: VirtualRoom,
    pub(crate) options: Arc<SimulationOptions>,
    counters: Arc<Counters>,
    stamps: Stamps,
    /// Wall time since the first connection.
    pub(crate) elapsed: Option<Duration>,
    pub(crate) reading: Due,
    clip: Due,
    telemetry: Due,
    recording: Option<JoinHandle<Post>>,
    fate: Fate,
    reported: Option<(WindowState, Duration)>,
}

impl Device {
    /// Device number `index`.
    pub(crate) fn new(
        id: DeviceId,
        index: usize,
        mut room: VirtualRoom,
        options: Arc<SimulationOptions>,
        counters: Arc<Counters>,
    ) -> Self {
        // Nobody keeps where it stood before: its birth and this position say so, where a position of its own would be taken for
        // somebody's move.
        room.window_mut().calibrate();
        // The first clips of a house come one after another; those of a campus are spread over the whole interval.
        let spread = options.clip_interval.as_millis() as u64;
        let first_clip = Duration::from_millis(600 + 200 * index as u64 % spread);
        Self {
            id,
            room,
            counters,
            stamps: Stamps::default(),
            elapsed: None,
            reading: Due {
                next: options.reading_interval,
                every: options.reading_interval,
            },
            clip: Due {
                next: first_clip,
                every: options.clip_interval,
            },
            telemetry: Due {
                next: FIRST_TELEMETRY,
                every: TELEMETRY,
            },
            recording: None,
            fate: Fate::new(options.mishaps, options.seed, index),
            reported: None,
            options,
        }
    }

    pub(crate) async fn run(mut self, shutdown: CancellationToken) {
        let (publisher, mut incoming) = mqtt::connect(self.connection());
        let uplink = Uplink::new(
            publisher.clone(),
            Arc::clone(&self.counters),
            self.options.delivery_log.clone(),
        );
        let mut beat = interval(DEVICE_TICK);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = shutdown.cancelled() => break,
                event = incoming.recv() => match event {
                    Some(event) => self.handle(event, &uplink),
                    None => break,
                },
                post = recorded(&mut self.recording) => {
                    self.recording = None;
                    if let Some(post) = post {
                        uplink.send(post);
                    }
                }
                _ = beat.tick() => self.beat(&uplink),
            }
        }
        self.leave(uplink, &publisher).await;
    }

    fn connection(&self) -> mqtt::ConnectionOptions {
        let status = |status| {
            let topic = self.options.topics.topic_for(TopicKind::DeviceStatus, &self.id);
            Message::new(topic, mqtt::encode_status(status)).retained()
        };
        let heard = [TopicKind::WindowControl, TopicKind::DeviceConfig];
        let heard = heard.map(|kind| self.options.topics.topic_for(kind, &self.id));
        mqtt::ConnectionOptions {
            birth: Some(status(DeviceStatus::Online)),
            last_will: Some(status(DeviceStatus::Offline)),
            subscriptions: heard.map(Subscription::new).into(),
            ..self.options.connection(&self.id)
        }
    }

    fn handle(&mut self, event: Event, uplink: &Uplink) {
        match event {
            Event::Connected { .. } => self.joined(uplink),
            Event::Message(delivery) => self.hear(&delivery, uplink),
            Event::SubscriptionRefused { filters } => {
                tracing::warn!(device_id = %self.id, ?filters, "the broker lets nobody command this window");
            }
            Event::Disconnected { reason } => tracing::debug!(device_id = %self.id, reason, "disconnected"),
            Event::Subscribed => {}
        }
    }

    fn hear(&mut self, delivery: &Delivery, uplink: &Uplink) {
        match self.options.topics.classify(&delivery.topic) {
            Ok(inbound) if inbound.kind == TopicKind::DeviceConfig => self.settings(delivery, uplink),
            _ => self.command(delivery, uplink),
        }
    }

    fn joined(&mut self, uplink: &Uplink) {
        if self.elapsed.is_none() {
            self.elapsed = Some(Duration::ZERO);
            if self.counters.joined() == self.options.devices as u64 {
                tracing::info!(devices = self.options.devices, broker = %self.options.broker, "all simulated rooms are connected");
            }
            // A person who watches sees something at once.
            self.measure(uplink);
        }
        self.report(uplink);
    }

    fn beat(&mut self, uplink: &Uplink) {
        let Some(elapsed) = self.elapsed.map(|elapsed| elapsed + DEVICE_TICK) else {
            return;
        };
        self.elapsed = Some(elapsed);
        self.room.step(DEVICE_TICK.mul_f64(self.options.speed));
        if self.reading.take(elapsed) {
            self.measure(uplink);
        }
        if self.clip.take(elapsed) && self.recording.is_none() {
            self.record();
        }
        if self.telemetry.take(elapsed) {
            self.tell(uplink);
        }
        if self.fate.press(elapsed, self.room.window_mut()) {
            tracing::debug!(device_id = %self.id, "somebody presses the switch at the wall");
        }
        self.report_if_due(elapsed, uplink);
    }

    fn measure(&mut self, uplink: &Uplink) {
        let timestamp = self.stamps.next();
        for quantity in self.room.quantities() {
            let kind = TopicKind::Reading(quantity);
            let value = self.room.read(quantity);
            let reading = Reading::new(self.id.clone(), quantity, value, timestamp)
                .expect("a sensor's range lies within its quantity's");
            uplink.send(Post {
                kind,
                topic: self.options.topics.topic_for(kind, &self.id),
                payload: mqtt::encode_reading(&reading),
                record: self.record_of(kind, timestamp, || Content::value(value)),
            });
        }
    }

    /// Starts a recording beside the connection: it takes milliseconds of arithmetic.
    fn record(&mut self) {
        let take = self.room.listen();
        tracing::debug!(device_id = %self.id, kind = take.kind().as_str(), "records");
        let recording = Recording {
            take,
            device_id: self.id.clone(),
            timestamp: self.stamps.next(),
            length: self.options.clip_length,
            topic: self.options.topics.topic_for(TopicKind::Audio, &self.id),
            logged: self.options.delivery_log.is_some(),
        };
        self.recording = Some(tokio::task::spawn_blocking(move || recording.make()));
    }

    fn record_of(
        &self,
        kind: TopicKind,
        timestamp: Timestamp,
        content: impl Fn() -> Content,
    ) -> Option<Record> {
        self.options.delivery_log.is_some().then(|| Record {
            device_id: self.id.clone(),
            kind,
            timestamp,
            content: content(),
        })
    }

    fn command(&mut self, delivery: &Delivery, uplink: &Uplink) {
        let command = match mqtt::decode_control(self.id.clone(), &delivery.payload) {
            Ok(command) => command,
            Err(refusal) => {
                tracing::debug!(device_id = %self.id, %refusal, "a command cannot be read");
                self.counters.command(None);
                return;
            }
        };
        let outcome = self.room.window_mut().obey(&command, clock::now());
        self.counters.command(Some(outcome));
        if outcome == CommandOutcome::Obeyed {
            if self.fate.fails(self.room.window_mut()) {
                tracing::debug!(device_id = %self.id, "the window's motor fails");
            }
            tracing::debug!(device_id = %self.id, position = command.position.percent(), "the window moves");
            self.report(uplink);
        }
    }

    fn report_if_due(&mut self, elapsed: Duration, uplink: &Uplink) {
        let due = match &self.reported {
            None => true,
            Some((state, at)) => {
                let window = self.room.window();
                let since = elapsed.saturating_sub(*at);
                let moved = window.position() != state.position;
                since >= REPORT_AT_REST || (moved && (since >= REPORT || !window.is_moving()))
            }
        };
        if due {
            self.report(uplink);
        }
    }

    fn report(&mut self, uplink: &Uplink) {
        let window = self.room.window();
        let state = WindowState {
            device_id: self.id.clone(),
            timestamp: self.stamps.next(),
            position: window.position(),
            target: Some(window.target()),
            command_id: window.command_id().map(str::to_owned),
        };
        uplink.send(Post {
            kind: TopicKind::WindowState,
            topic: self.options.topics.topic_for(TopicKind::WindowState, &self.id),
            payload: mqtt::encode_state(&state),
            record: None,
        });
        self.reported = Some((state, self.elapsed.unwrap_or_default()));
    }

    /// Sends what waits, says goodbye.
    async fn leave(&self, uplink: Uplink, publisher: &Publisher) {
        let mut sender = uplink.close();
        let connected = publisher.is_connected();
        if !connected || timeout(FAREWELL, &mut sender).await.is_err() {
            sender.abort();
        }
        if connected {
            let topic = self.options.topics.topic_for(TopicKind::DeviceStatus, &self.id);
            let goodbye = publisher.publish_confirmed(
                topic,
                mqtt::encode_status(DeviceStatus::Offline),
                Qos::AtLeastOnce,
                true,
            );
            let _ = timeout(FAREWELL, goodbye).await;
        }
        publisher.disconnect().await;
    }
}

/// Waits for the recording in progress; for ever without one.
async fn recorded(recording: &mut Option<JoinHandle<Post>>) -> Option<Post> {
    match recording {
        Some(recording) => recording.await.ok(),
        None => pending().await,
    }
}
