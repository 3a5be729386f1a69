//! The announcements: what is due is compared with what was said, and the difference is sent.
//!
//! In: events of the connection, numbers of the feed. Out: messages. It looks five times a second, so that a device costs at
//! most five messages a second whatever it sends.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque},
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use domain::{By, DeviceId, Hold, Lasting, Source};
use monitoring::with_causes;
use mqtt::{
    Delivery, Event, Incoming, PublishError, Publisher,
    homeassistant::{Discovery, Entity, Room, Wish, is_birth, wish_of_topic},
};
use registry::Registry;
use tokio::{
    sync::Semaphore,
    time::{Instant, MissedTickBehavior, interval, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::{OFFLINE, found::At, notes::Notes, status};
use crate::{
    Backend, Devices, Feed, Happening, Ingest, Message, Passage, Windows, clock::now,
    interpreted::Interpreted, vitals::Vitals,
};

const TICK: Duration = Duration::from_millis(200);
/// How long the broker may take to say what it retains, before something new is announced.
const SETTLE: Duration = Duration::from_secs(1);
/// After a change that nobody tells, everything is right again after so long.
const REVIEW: Duration = Duration::from_mins(1);
/// Everything is said again at most this often, however often somebody says that Home Assistant was born.
const BIRTH_PAUSE: Duration = Duration::from_secs(5);
/// Home Assistant takes an entity away a moment after it was told: until then its state must not be empty.
pub(super) const PARTING: Duration = Duration::from_secs(3);
/// Home Assistant unloads entities a moment after it was told that they move; until then the other form is refused.
const MOVE: Duration = Duration::from_secs(1);
/// For saying goodbye.
const FAREWELL: Duration = Duration::from_millis(300);
/// Events of the feed that are looked at in one step.
const STEP: usize = 1_024;
/// The most topics found at the broker that are remembered: a stranger may retain any number below our node.
const MOST_FOUND: usize = 200_000;
/// Refusals of wishes that wait for the log at once; further ones are only in the log of the program.
const MOST_REFUSALS: usize = 64;

/// Announces rooms.
pub(super) struct Announcer {
    pub(super) discovery: Discovery,
    pub(super) devices: Arc<Devices>,
    pub(super) windows: Arc<Windows>,
    pub(super) registry: Arc<Registry>,
    feed: Arc<Feed>,
    ingest: Arc<Ingest>,
    pub(super) vitals: Arc<Vitals>,
    pub(super) publisher: Publisher,
    incoming: Incoming,
    pub(super) notes: Notes,
    /// Places for refusals that wait for the log.
    refusals: Arc<Semaphore>,
    pub(super) state: State,
}

/// What was said, and what is due.
#[derive(Debug, Default)]
pub(super) struct State {
    /// What was said at the present connection.
    pub(super) told: HashMap<DeviceId, Told>,
    /// What each room was ever announced with: entities do not go because a sensor is silent.
    pub(super) entities: HashMap<DeviceId, BTreeSet<Entity>>,
    /// What the broker retains, by topic, until it is judged.
    pub(super) found: BTreeMap<String, At>,
    /// When Home Assistant was last told that entities come in the other form, and topics that are emptied once they have.
    pub(super) moving: Option<Instant>,
    pub(super) left: Vec<String>,
    pub(super) due: HashSet<DeviceId>,
    /// Whose state is still to be cleared, and from when on.
    pub(super) parting: VecDeque<(Instant, DeviceId)>,
    /// The number of the newest event of the feed that was looked at.
    seen: u64,
    subscribed: Option<Instant>,
    reviewed: Option<Instant>,
    /// When everything was last said again because Home Assistant was born, and whether it is due again.
    born: Option<Instant>,
    is_born: bool,
    /// Whether the broker took an announcement at this connection.
    pub(super) was_taken: AtomicBool,
}

#[derive(Debug)]
pub(super) struct Told {
    pub(super) room: Room,
    pub(super) state: Vec<u8>,
}

impl Announcer {
    pub(super) fn new(
        backend: &Backend,
        discovery: Discovery,
        (publisher, incoming): (Publisher, Incoming),
        notes: Notes,
    ) -> Self {
        let views = backend.views();
        Self {
            discovery,
            devices: Arc::clone(views.devices()),
            windows: Arc::clone(views.windows()),
            registry: Arc::clone(views.registry()),
            feed: Arc::clone(views.feed()),
            ingest: backend.ingest(),
            vitals: Arc::clone(&backend.vitals),
            publisher,
            incoming,
            notes,
            refusals: Arc::new(Semaphore::new(MOST_REFUSALS)),
            state: State::default(),
        }
    }

    /// Runs until `shutdown`, then says goodbye.
    pub(super) async fn run(mut self, shutdown: CancellationToken) {
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = shutdown.cancelled() => break,
                event = self.incoming.recv() => match event {
                    Some(event) => self.take(event).await,
                    None => return,
                },
                _ = tick.tick() => {
                    let looked = shutdown.run_until_cancelled(self.look()).await;
                    if let Some(Err(error)) = looked {
                        let error = with_causes(&error);
                        debug!(error, "Home Assistant is told later");
                    }
                }
            }
        }
        if self.publisher.is_connected() {
            let _ = timeout(FAREWELL, self.clear_states(Instant::now() + PARTING)).await;
            let _ = timeout(FAREWELL, self.publisher.send_confirmed(status(OFFLINE))).await;
        }
        let _ = timeout(FAREWELL, self.publisher.disconnect()).await;
    }

    async fn take(&mut self, event: Event) {
        match event {
            Event::Connected { .. } => {
                let state = &mut self.state;
                state.told.clear();
                state.found.clear();
                state.left.clear();
                (state.subscribed, state.reviewed) = (None, None);
                state.was_taken = AtomicBool::new(false);
            }
            Event::Subscribed => self.state.subscribed = Some(Instant::now()),
            Event::SubscriptionRefused { filters } => {
                warn!(
                    filters = filters.join(", "),
                    "the broker does not let Home Assistant be heard: check the rights of the backend's account"
                );
                self.state.subscribed = Some(Instant::now());
            }
            Event::Message(delivery) => self.hear(&delivery).await,
            Event::Disconnected { .. } => {}
        }
    }

    /// Hears a birth, a wish, or what the broker retains.
    async fn hear(&mut self, delivery: &Delivery) {
        if delivery.topic == self.discovery.birth_topic() {
            self.state.is_born |= is_birth(&delivery.payload);
            return;
        }
        if let Some(device_id) = wish_of_topic(&delivery.topic) {
            if !delivery.retain {
                self.wish(&device_id, delivery).await;
            }
            return;
        }
        if !delivery.retain || delivery.payload.is_empty() || self.state.found.len() >= MOST_FOUND {
            return;
        }
        let mut prefixes = self.notes.prefixes().iter();
        let found =
            prefixes.find_map(|prefix| Some((prefix, Discovery::find_below(prefix, &delivery.topic)?)));
        if let Some((prefix, found)) = found {
            let is_below_present_prefix = prefix == self.discovery.prefix();
            let at = At::of(found, &delivery.payload, is_below_present_prefix);
            self.state.found.insert(delivery.topic.clone(), at);
        }
    }

    /// Carries out a wish that says no position: the window is held where it is, or let go of.
    async fn wish(&self, device_id: &DeviceId, delivery: &Delivery) {
        let Some(wish) = Wish::decode(&delivery.payload) else {
            debug!(%device_id, "a wish that Home Assistant was not told of is left alone");
            return;
        };
        let message = Message {
            topic: delivery.topic.clone(),
            payload: delivery.payload.clone(),
            received_at: now(),
            passage: Passage::default(),
        };
        if let Some(refused) = self.ingest.refused_wish(device_id, &message).await {
            return self.store_refusal(refused);
        }
        let by = By::new("", Source::HomeAssistant);
        let lasting = match wish {
            Wish::Hold => Lasting::Usual,
            Wish::HoldFor(span) => Lasting::For(span),
            Wish::HoldForever => Lasting::Forever,
            Wish::Resume => {
                if self.windows.view(device_id).is_some()
                    && let Err(error) = self.windows.resume(device_id, &by).await
                {
                    warn!(%device_id, error = with_causes(&error), "an override was not ended");
                }
                return;
            }
        };
        let Some(view) = self.windows.view(device_id) else {
            return;
        };
        let held = view.hold.map(|hold| hold.position);
        let Some(position) = held.or(view.target).or(view.position) else {
            warn!(%device_id, "a window cannot be held that was never told anything and never said where it stands");
            return;
        };
        if let Err(error) = self
            .windows
            .hold(device_id, Hold { position, lasting }, &by)
            .await
        {
            warn!(%device_id, error = with_causes(&error), "an override was not begun");
        }
    }

    /// Announcing does not wait until a refusal is durable: a full log takes seconds.
    fn store_refusal(&self, mut refused: Interpreted) {
        let Ok(place) = Arc::clone(&self.refusals).try_acquire_owned() else {
            debug!("that a wish is refused is not stored: too many wait for the log");
            return;
        };
        let ingest = Arc::clone(&self.ingest);
        tokio::spawn(async move {
            let _ = ingest.persist(&mut refused).await;
            drop(place);
        });
    }

    /// Says what has changed since the last look.
    async fn look(&mut self) -> Result<(), PublishError> {
        self.follow();
        let now = Instant::now();
        let has_settled = self.state.subscribed.is_some_and(|at| now - at >= SETTLE);
        if !has_settled || !self.publisher.is_connected() {
            return Ok(());
        }
        self.judge_found().await?;
        if self.state.moving.is_some_and(|at| now - at < MOVE) {
            return Ok(());
        }
        self.leave_other_prefixes();
        if self.state.is_born && self.state.born.is_none_or(|at| now - at >= BIRTH_PAUSE) {
            (self.state.is_born, self.state.born) = (false, Some(now));
            self.state.told.clear();
            self.state.reviewed = None;
        }
        if self.state.reviewed.is_none_or(|at| now - at >= REVIEW) {
            self.state.reviewed = Some(now);
            self.review();
        }
        while let Some(device_id) = self.state.due.iter().next().cloned() {
            match self.devices.get(&device_id).filter(|view| !view.retired) {
                Some(view) => self.tell(&view).await?,
                None => self.withdraw(&device_id).await?,
            }
            self.state.due.remove(&device_id);
        }
        self.empty_left().await?;
        self.clear_states(now).await
    }

    /// Notes whose news the feed has. Events that are not kept any more may have been anybody's.
    fn follow(&mut self) {
        loop {
            let since = self.feed.since(self.state.seen, STEP);
            let Some(newest) = since.events.last() else { return };
            self.state.seen = newest.number;
            if since.missed > 0 {
                self.state.reviewed = None;
            }
            for event in &since.events {
                match device_of(&event.happening) {
                    Some(device_id) => {
                        self.state.due.insert(device_id.clone());
                    }
                    None if matches!(event.happening, Happening::Registry { .. }) => {
                        self.state.reviewed = None;
                    }
                    None => {}
                }
            }
        }
    }

    /// Everybody who is known or was announced is looked at.
    fn review(&mut self) {
        let known = self
            .devices
            .versions()
            .into_iter()
            .map(|(device_id, _)| device_id);
        self.state.due.extend(known);
        self.state.due.extend(self.state.told.keys().cloned());
    }
}

/// Whose news an event is.
const fn device_of(happening: &Happening) -> Option<&DeviceId> {
    match happening {
        Happening::Reading { device_id, .. }
        | Happening::Suspect { device_id, .. }
        | Happening::Clip { device_id, .. }
        | Happening::Command { device_id, .. }
        | Happening::Held { device_id, .. }
        | Happening::Withheld { device_id, .. }
        | Happening::Telemetry { device_id, .. }
        | Happening::Settings { device_id, .. }
        | Happening::Window { device_id, .. }
        | Happening::Control { device_id, .. }
        | Happening::Device { device_id, .. } => Some(device_id),
        Happening::Registry { .. } | Happening::Refused { .. } => None,
    }
}
