//! Rules: what closes a window whatever anybody wants, and when one goes somewhere by itself.
//!
//! In: readings and alarms as they are accepted, what is set for each device, a look once a second. Out: interlocks and wishes of
//! schedules, told to [`Windows`], where the law judges them. What was there survives a restart in a file beside the registry's.

mod compiled;
mod kept;
mod look;
mod marks;
mod recalled;
mod scheduling;
mod senses;
mod view;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use domain::{Cause, CauseState, DeviceId, Planner, Position, Quantity, Reading, Timestamp};
use monitoring::with_causes;
use parking_lot::Mutex;
use registry::{KeptFile, Registry, Revision};
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::{
    Devices, Feed, Happening, Windows, clock::now, keeping::Keeping, log::Repeats, rows::told_event,
};

pub use view::ScheduleView;

use compiled::Compiled;
use kept::Kept;
use marks::Marks;
use senses::Senses;

const TICK: Duration = Duration::from_secs(1);
/// Alarms that are on at once. Further ones are not kept: meanwhile each window that heeds any alarm heeds these.
const MOST_ALARMS: usize = 256;

/// What the law was told of a cause: how far the window may open, and when the interlock ends.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Told {
    most: Position,
    until: Option<Timestamp>,
}

/// What is remembered of one device's window.
#[derive(Debug, Default)]
struct Memory {
    causes: HashMap<Cause, CauseState>,
    told: HashMap<Cause, Told>,
    planner: Planner,
    /// What was wished last, and when it is wished again.
    wished: Option<(Position, i64)>,
    /// Until when the law was told that a schedule decides.
    decides_until: Option<Timestamp>,
    /// Causes that are held because the window was told of them before the start, and no file says what became of them.
    recalled: BTreeSet<Cause>,
}

/// What a look at all rules needs.
#[derive(Debug, Default)]
struct State {
    compiled: HashMap<DeviceId, Arc<Compiled>>,
    /// Of which registry, and of how many devices.
    compiled_for: Option<(Revision, usize)>,
    memory: HashMap<DeviceId, Memory>,
    /// Whether the rules were looked at since the start.
    has_looked: bool,
}

/// An event that is to be told of a device.
struct News {
    device_id: DeviceId,
    event: &'static str,
    detail: String,
}

/// The rules of all devices.
#[derive(Debug)]
pub struct Rules {
    registry: Arc<Registry>,
    devices: Arc<Devices>,
    windows: Arc<Windows>,
    feed: Arc<Feed>,
    log: Arc<dyn Repeats>,
    began: (Timestamp, Instant),
    senses: Mutex<Senses>,
    /// Whether some rule looks at temperature, humidity or CO₂.
    heeds_climate: AtomicBool,
    /// Between which values of sensors all rules say the same.
    marks: Mutex<Marks>,
    alarms: Mutex<BTreeSet<DeviceId>>,
    /// When what was kept was found to be lost; `None` where it was not.
    lost_at: Option<Timestamp>,
    /// Whether it was at this start, or at one before that was over before the rules were looked at.
    is_lost: bool,
    /// Whether the file is left as it is, and changes go to one beside it.
    is_left: bool,
    /// Whether alarms are on of which nobody knows the names.
    lacks_names: bool,
    /// Alarms of which anything was said since, and whether they were on.
    said: Mutex<BTreeMap<DeviceId, bool>>,
    state: Mutex<State>,
    /// Where what was there is kept; `None` keeps nothing.
    file: Option<Arc<KeptFile<Kept>>>,
    /// Changes that are to survive a restart, and how many of them are in the file.
    changes: AtomicU64,
    written: AtomicU64,
    /// One writes at a time.
    writing: Arc<tokio::sync::Mutex<()>>,
    /// Writing the file, and having read it.
    keeping: Arc<Keeping>,
}

impl Rules {
    pub(crate) fn new(
        registry: Arc<Registry>,
        devices: Arc<Devices>,
        windows: Arc<Windows>,
        feed: Arc<Feed>,
        log: Arc<dyn Repeats>,
        most: usize,
    ) -> Self {
        let began = (now(), Instant::now());
        let file = registry.beside("rules.json");
        let mut rules = Self {
            registry,
            devices,
            windows,
            feed,
            log,
            began,
            senses: Mutex::new(Senses::new(most)),
            heeds_climate: AtomicBool::new(false),
            marks: Mutex::default(),
            alarms: Mutex::default(),
            state: Mutex::default(),
            file: None,
            changes: AtomicU64::new(0),
            written: AtomicU64::new(0),
            writing: Arc::default(),
            keeping: Arc::new(Keeping::of("rules")),
            lost_at: None,
            is_lost: false,
            is_left: false,
            lacks_names: false,
            said: Mutex::default(),
        };
        if let Some(path) = file {
            rules.open(path);
        }
        rules
    }

    /// How what closes windows is kept.
    pub(crate) fn keeping(&self) -> Arc<Keeping> {
        Arc::clone(&self.keeping)
    }

    /// The time by a clock that does not jump while the process runs.
    fn steady(&self) -> Timestamp {
        self.began.0.plus(self.began.1.elapsed())
    }

    /// Takes a reading that is current.
    pub(crate) fn reading(&self, reading: &Reading) {
        let quantity = reading.quantity();
        let is_heeded = match quantity {
            Quantity::Rain | Quantity::Wind => true,
            Quantity::Temperature | Quantity::Humidity | Quantity::Co2 => {
                self.heeds_climate.load(Ordering::Relaxed)
            }
            _ => false,
        };
        if !is_heeded {
            return;
        }
        let (at, value) = (self.steady(), reading.value());
        let revision = self.registry.revision();
        let mut senses = self.senses.lock();
        let before = senses.take(reading.device_id(), quantity, value, at);
        if self.marks.lock().parts(quantity, before, value, revision) {
            let change = self.has_changed();
            senses.changed(reading.device_id(), quantity, change);
        }
    }

    /// Something has changed that is to survive a restart. Returns the number of the change.
    fn has_changed(&self) -> u64 {
        self.changes.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// The number of the change that a sensor's readings wait for before they are acknowledged, one that is sent again, too.
    pub(crate) fn unkept(&self, device_id: &DeviceId, quantity: Quantity) -> Option<u64> {
        self.file.as_ref()?;
        let change = self.senses.lock().change(device_id, quantity);
        (change > self.written.load(Ordering::Relaxed)).then_some(change)
    }

    /// Takes that an alarm is on, or over. Returns the number of the change that it waits for before it is acknowledged: the
    /// newest, since one that is sent again changes nothing.
    pub(crate) fn alarm(&self, name: &DeviceId, is_on: bool) -> u64 {
        let is_news = self.say(name, is_on);
        let mut alarms = self.alarms.lock();
        let has_changed = if is_on {
            alarms.len() < MOST_ALARMS && alarms.insert(name.clone())
        } else {
            alarms.remove(name)
        };
        // In their order.
        if has_changed && !self.lacks_names {
            self.windows.note_alarms(&alarms);
        }
        drop(alarms);
        if has_changed {
            info!(alarm = %name, is_on, "an alarm");
        }
        if has_changed || is_news {
            self.has_changed();
        }
        self.changes.load(Ordering::Relaxed)
    }

    /// Looks at all rules once a second, until `drain`.
    pub(crate) async fn run(self: Arc<Self>, drain: CancellationToken) {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while drain.run_until_cancelled(ticks.tick()).await.is_some() {
            let news = self.look();
            self.tell(news).await;
            self.keep().await;
        }
        self.keep().await;
    }

    /// Tells what has happened: rows, and who watches.
    async fn tell(&self, news: Vec<News>) {
        if news.is_empty() {
            return;
        }
        let at = now();
        let row = |one: &News| told_event(&one.device_id, one.event, one.detail.clone(), at).encode();
        if let Err(error) = self.log.append(None, news.iter().map(row).collect()).await {
            let error = with_causes(&error);
            warn!(
                error,
                "events of interlocks are not stored: the log did not take them"
            );
        }
        for one in news {
            let happening = Happening::Device {
                device_id: one.device_id,
                change: one.event,
                detail: one.detail,
            };
            self.feed.add(at, happening);
        }
    }

    /// Returns whether the change of that number survives a restart, which is written first if it does not.
    pub(crate) async fn keep_change(&self, number: u64) -> bool {
        self.written.load(Ordering::Relaxed) >= number || self.keep().await
    }

    /// Writes what is to survive a restart, where it has changed. Returns whether all that was taken before survives one.
    async fn keep(&self) -> bool {
        let Some(file) = self.file.clone() else {
            return true;
        };
        let turn = Arc::clone(&self.writing).lock_owned().await;
        let number = self.changes.load(Ordering::Relaxed);
        if self.written.load(Ordering::Relaxed) >= number {
            return true;
        }
        let kept = self.kept();
        // Writing goes on when nobody waits for it any more, and so does the turn.
        let written = tokio::task::spawn_blocking(move || {
            let written = file.write(&kept);
            (written, turn)
        });
        let (written, _turn) = written.await.expect("writing a file does not panic");
        if let Err(error) = written {
            let reason = format!(
                "rules.json cannot be written ({}): what closes windows now would not survive a restart, and what tells of it is \
                 not acknowledged meanwhile",
                with_causes(&error)
            );
            if self.keeping.writes.down(reason.clone()) {
                warn!(error = reason, "it is tried again every second");
            }
            return false;
        }
        self.written.store(number, Ordering::Relaxed);
        if self.keeping.writes.up() {
            info!("what closes windows survives a restart again");
        }
        true
    }
}
