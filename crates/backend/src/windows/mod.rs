//! Windows: who decides about each, what limits it, where it is and where it was told to go.
//!
//! In: wishes of people and schedules, interlocks, commands and reports as they are accepted. Out: commands, each through the
//! law of moves, and what is known of a window. It never waits for the broker, and a command of ours that comes back is no
//! news.

mod clock;
mod findings;
mod keeper;
mod kept;
mod known;
mod local_time;
mod mover;
mod outgoing;
mod people;
#[cfg(test)]
mod tests;
mod turn;
mod view;
mod window;
mod withholding;
mod words;

use std::{collections::HashMap, path::Path, sync::Arc, time::Duration};

use domain::{By, Cause, DeviceId, HeldDecision, Position, Timestamp, WindowAction, WindowState, Wish};
use mqtt::OverrideNotice;
use parking_lot::Mutex;
use registry::{FileError, KeptFile};
use tokio::{
    sync::broadcast,
    time::{Instant, timeout_at},
};
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::{Devices, Feed, log::Repeats, setups::Setups};

pub(crate) use mover::Mover;
pub use people::WindowError;
pub use view::{
    CommandState, CommandView, ControlView, InterlockView, LimitsView, MotionView, OverrideView, VerdictView,
};
pub(crate) use words::Scheduled;

use clock::{Clock, MachineClock, Times};
use keeper::Keeper;
use kept::KeptWindows;
use known::Known;
use outgoing::Outbox;
use turn::Turn;
use window::{Window, circumstances};

/// Changes that a slow listener may be behind before it is told that it missed some.
const CHANGES: usize = 1_024;

/// How long after it was made a command of ours may be carried out.
const COMMAND_TTL: Duration = Duration::from_mins(1);
/// How often all windows are looked at.
const TICK: Duration = Duration::from_millis(500);
/// A clock that runs away from the other by more than this between two looks was set.
const JUMP_MS: i64 = 2_000;

/// All windows.
#[derive(Debug)]
pub struct Windows {
    by_id: Mutex<HashMap<DeviceId, Window>>,
    most: usize,
    setups: Arc<Setups>,
    devices: Arc<Devices>,
    feed: Arc<Feed>,
    clock: Box<dyn Clock>,
    /// What the clocks showed last.
    last: Mutex<Times>,
    outbox: Outbox,
    keeper: Keeper,
    /// What is known of before the start, and what rules want to be kept beside it.
    known: Known,
    changes: broadcast::Sender<DeviceId>,
}

/// What windows stand on.
#[derive(Debug)]
pub(crate) struct Around {
    pub(crate) setups: Arc<Setups>,
    pub(crate) devices: Arc<Devices>,
    pub(crate) feed: Arc<Feed>,
    pub(crate) log: Arc<dyn Repeats>,
    /// The most windows.
    pub(crate) most: usize,
}

/// The file that windows survive a restart in.
#[derive(Debug)]
pub struct WindowsFile(KeptFile<KeptWindows>);

impl WindowsFile {
    /// Takes the file in the directory `dir`, which is made if it is missing.
    pub fn open(dir: &Path) -> Result<Self, FileError> {
        KeptFile::open(dir).map(Self)
    }
}

impl Windows {
    /// Windows as they were kept in `file`; without one, nothing survives a restart.
    pub(crate) fn open(around: Around, file: Option<WindowsFile>) -> Self {
        Self::with_clock(around, file, Box::new(MachineClock::new()))
    }

    fn with_clock(around: Around, file: Option<WindowsFile>, clock: Box<dyn Clock>) -> Self {
        let mut file = file.map(|file| file.0);
        let taken = file.as_mut().map(KeptFile::take);
        let last = clock.read();
        let keeper = Keeper::new(file, around.log);
        let (kept, known) = Known::of(taken, &keeper, last.steady_ms);
        Self {
            by_id: Mutex::new(kept.restore(last.wall, last.steady_ms)),
            most: around.most,
            setups: around.setups,
            devices: around.devices,
            feed: around.feed,
            clock,
            last: Mutex::new(last),
            outbox: Outbox::default(),
            keeper,
            known,
            changes: broadcast::Sender::new(CHANGES),
        }
    }

    /// Looks at all windows twice a second and keeps what changes, until `drain`; then once more.
    pub(crate) async fn run(self: Arc<Self>, drain: CancellationToken) {
        let mut next = Instant::now();
        loop {
            let waiting = timeout_at(next, self.keeper.due.notified());
            let is_over = drain.run_until_cancelled(waiting).await.is_none();
            if Instant::now() >= next {
                next = Instant::now() + TICK;
                self.examine();
            }
            self.keeper
                .write(|| {
                    let climate = |device_id: &DeviceId| self.climate(device_id);
                    KeptWindows::of(&self.by_id.lock(), self.known.alarms(), climate)
                })
                .await;
            self.keeper.append().await;
            if is_over {
                return;
            }
        }
    }

    /// Looks at one window, whose settings have changed: what a person wanted ends where its device is retired.
    pub fn examine_one(&self, device_id: &DeviceId) {
        #[expect(
            clippy::redundant_closure_for_method_calls,
            reason = "the method is not general enough in its lifetimes"
        )]
        self.known_turn(device_id, |turn| turn.examine());
    }

    /// Looks at every window.
    fn examine(&self) {
        self.known.examine(&self.keeper, self.clock.read().steady_ms);
        let known: Vec<DeviceId> = self.by_id.lock().keys().cloned().collect();
        for device_id in known {
            #[expect(
                clippy::redundant_closure_for_method_calls,
                reason = "the method is not general enough in its lifetimes"
            )]
            self.turn(&device_id, |turn| turn.examine());
        }
    }

    /// What the clocks show. Where the one on the wall was set since the last time, spans of time end as much later.
    fn now(&self, windows: &mut HashMap<DeviceId, Window>) -> Times {
        let now = self.clock.read();
        let last = std::mem::replace(&mut *self.last.lock(), now);
        let jump = now.wall.millis_since(last.wall) - (now.steady_ms - last.steady_ms);
        if jump.abs() > JUMP_MS {
            info!(
                by_ms = jump,
                "the clock was set: what lasts for a span of time ends as much later"
            );
            for window in windows.values_mut() {
                window.shift(jump);
            }
            self.keeper.changed();
        }
        now
    }

    /// Notes that the cause of an interlock is there: meanwhile the window is open by `most` at the most.
    pub fn limit(&self, device_id: &DeviceId, cause: Cause, most: Position) {
        self.turn(device_id, |turn| turn.limit(cause, most));
    }

    /// Notes that the cause of an interlock is gone. The interlock ends at `until`, unless the cause comes back before.
    pub fn unlimit(&self, device_id: &DeviceId, cause: Cause, until: Timestamp) {
        self.turn(device_id, |turn| turn.unlimit(cause, until));
    }

    /// Takes a wish of a schedule: the law judges it, and the window is told, or it is noted why not.
    pub(crate) fn wish(&self, device_id: &DeviceId, wish: Wish, of: Scheduled<'_>) {
        self.turn(device_id, |turn| turn.wish(wish, of));
    }

    /// Notes until when a schedule decides, and not the model.
    pub(crate) fn scheduled(&self, device_id: &DeviceId, until: Option<Timestamp>) {
        self.turn(device_id, |turn| turn.scheduled(until));
    }

    /// What is known of a window; `None` of one that was never heard of.
    pub fn view(&self, device_id: &DeviceId) -> Option<ControlView> {
        let setup = self.setups.of(device_id);
        let mut windows = self.by_id.lock();
        let now = self.now(&mut windows).wall;
        let window = windows.get(device_id).filter(|window| window.is_known)?;
        Some(window.view(&circumstances(&setup.window, now)))
    }

    /// Tells whose window has changed: its position, who holds it, what limits it, how far its command has come.
    pub fn changes(&self) -> broadcast::Receiver<DeviceId> {
        self.changes.subscribe()
    }

    /// Takes a command that was sent by whomever. Returns whether it is one of ours.
    pub(crate) fn action(&self, action: &WindowAction) -> bool {
        self.turn(&action.device_id, |turn| turn.action(action))
            .unwrap_or(false)
    }

    /// A command is about to be handed on by the broker: until then the window is told nothing, so that no answer overtakes it.
    pub(crate) fn hold_back(&self, device_id: &DeviceId) {
        self.outbox.hold_back(device_id);
    }

    /// It was handed on.
    pub(crate) fn let_go(&self, device_id: &DeviceId) {
        self.outbox.let_go(device_id);
    }

    /// Takes a report of a window.
    pub(crate) fn state(&self, state: &WindowState, is_late: bool) {
        self.turn(&state.device_id, |turn| turn.state(state, is_late));
    }

    /// Takes a birth or a last will.
    pub(crate) fn status(&self, device_id: &DeviceId, online: bool) {
        self.known_turn(device_id, |turn| if online { turn.born() } else { turn.left() });
    }

    /// Takes the newest commands and positions that were stored, of windows of which nothing was kept, and those that are newer than
    /// what was kept.
    pub(crate) fn remember(&self) {
        let known = self.devices.snapshot();
        let mut missed = Vec::new();
        let mut windows = self.by_id.lock();
        let steady_ms = self.now(&mut windows).steady_ms;
        for (device_id, view) in known {
            let commanded = view.command.map(|command| (command.position, command.timestamp));
            let reported = view.window.map(|window| (window.value, window.timestamp));
            let is_window = commanded.is_some() || reported.is_some();
            if let Some(window) = windows.get_mut(&device_id).filter(|window| window.is_known) {
                window.catch_up(commanded, steady_ms);
                missed.extend(reported.and_then(|reported| window.missed(device_id, reported)));
                continue;
            }
            if !is_window || windows.len() >= self.most {
                continue;
            }
            // What limits it may have been told before it was heard of.
            let before = windows.remove(&device_id).unwrap_or_default();
            windows.insert(device_id, before.remembering(commanded, reported));
        }
        drop(windows);
        for state in missed {
            self.turn(&state.device_id, |turn| turn.state(&state, false));
        }
    }

    /// Which interlock or schedule the newest command is of, if it has this id.
    pub(crate) fn cause(&self, device_id: &DeviceId, command_id: &str) -> Option<String> {
        let windows = self.by_id.lock();
        let command = windows.get(device_id)?.command.as_ref()?;
        let is_it = !command_id.is_empty() && command.command_id == command_id;
        command.cause.clone().filter(|_| is_it)
    }

    /// Everybody is to be told of every override, and of the end of those that are over.
    fn tell_overrides(&self) {
        for (device_id, window) in self.by_id.lock().iter() {
            if window.was_held {
                self.outbox.hold(device_id);
            }
        }
    }

    /// Who holds a window; `None` of one that was forgotten.
    fn notice(&self, device_id: &DeviceId) -> Option<OverrideNotice> {
        let mut windows = self.by_id.lock();
        let now = self.now(&mut windows).wall;
        let window = windows.get(device_id)?;
        let hold = window.hold(now).zip(window.holder.as_ref());
        Some(OverrideNotice {
            device_id: device_id.clone(),
            timestamp: now,
            hold: hold.map(|(hold, holder)| {
                let by = By::new(&holder.by, holder.source);
                (hold.position, hold.until, by)
            }),
        })
    }

    /// Takes that a command of ours was not sent in time.
    fn unsent(&self, action: &WindowAction) {
        let command_id = action.command_id.as_deref().unwrap_or_default();
        self.known_turn(&action.device_id, |turn| turn.unsent(command_id));
    }

    /// Drops everything that is known of a window.
    pub(crate) fn forget(&self, device_id: &DeviceId) {
        if self.by_id.lock().remove(device_id).is_some() {
            self.keeper.changed();
            self.outbox.hold(device_id);
        }
    }

    /// Takes a decision that was not carried out.
    pub(crate) fn held(&self, decision: &HeldDecision) {
        self.known_turn(&decision.device_id, |turn| turn.held(decision));
    }

    /// The same of a window that is known; `None` where it is not.
    fn known_turn<T>(&self, device_id: &DeviceId, work: impl FnOnce(&mut Turn<'_>) -> T) -> Option<T> {
        let is_known = self.by_id.lock().contains_key(device_id);
        is_known.then(|| self.turn(device_id, work)).flatten()
    }

    /// Looks at one window or changes it; `None` where there are too many.
    fn turn<T>(&self, device_id: &DeviceId, work: impl FnOnce(&mut Turn<'_>) -> T) -> Option<T> {
        let setup = self.setups.of(device_id);
        let mut windows = self.by_id.lock();
        let Times { wall, steady_ms } = self.now(&mut windows);
        let c = circumstances(&setup.window, wall);
        if !windows.contains_key(device_id) {
            if windows.len() >= self.most {
                return None;
            }
            windows.insert(device_id.clone(), Window::default());
        }
        let window = windows.get_mut(device_id)?;
        let mut turn = Turn::new(self, device_id, window, c, (&*setup, steady_ms));
        let done = work(&mut turn);
        turn.end();
        Some(done)
    }
}
