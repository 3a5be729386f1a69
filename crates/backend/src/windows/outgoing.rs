//! What windows are to be told: the newest command of each, and who holds it.
//!
//! In: commands. Out: the same in the order of their windows, each once; a newer one takes the place of an older one that has
//! not left yet.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    time::Duration,
};

use domain::{DeviceId, WindowAction};
use parking_lot::Mutex;
use tokio::{sync::Notify, time::Instant};

/// What is held back longer than this is told: who was to hand on another command has not.
const LONGEST: Duration = Duration::from_secs(1);

/// What is to be said next.
#[derive(Debug)]
pub(crate) enum Outgoing {
    /// A window is told where to go.
    Command(Box<WindowAction>),
    /// Everybody is told who holds a window.
    Override(DeviceId),
}

#[derive(Debug, Default)]
struct Waiting {
    commands: HashMap<DeviceId, Box<WindowAction>>,
    order: VecDeque<DeviceId>,
    holds: HashSet<DeviceId>,
    /// Windows to which a broker is about to hand on so many commands of others, and since when they are told nothing.
    held_back: HashMap<DeviceId, (usize, Instant)>,
}

/// What waits to be said.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    waiting: Mutex<Waiting>,
    arrived: Notify,
}

impl Outbox {
    /// A window is to be told where to go.
    pub(super) fn command(&self, action: WindowAction) {
        let device_id = action.device_id.clone();
        let mut waiting = self.waiting.lock();
        let older = waiting.commands.insert(device_id.clone(), Box::new(action));
        if older.is_none() {
            waiting.order.push_back(device_id);
        }
        drop(waiting);
        self.arrived.notify_one();
    }

    /// A window is told nothing until somebody else's command was handed on to it.
    pub(super) fn hold_back(&self, device_id: &DeviceId) {
        let mut waiting = self.waiting.lock();
        // Further commands do not prolong it: whoever sends one after the other would keep the window for ever.
        let (count, _) = waiting
            .held_back
            .entry(device_id.clone())
            .or_insert((0, Instant::now()));
        *count += 1;
    }

    /// It was handed on.
    pub(super) fn let_go(&self, device_id: &DeviceId) {
        let mut waiting = self.waiting.lock();
        if let Some((count, _)) = waiting.held_back.get_mut(device_id) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                waiting.held_back.remove(device_id);
            }
        }
        drop(waiting);
        self.arrived.notify_one();
    }

    /// Everybody is to be told who holds a window.
    pub(super) fn hold(&self, device_id: &DeviceId) {
        self.waiting.lock().holds.insert(device_id.clone());
        self.arrived.notify_one();
    }

    /// Waits for what is to be said next. Commands come first.
    pub(super) async fn next(&self) -> Outgoing {
        loop {
            let arrived = self.arrived.notified();
            if let Some(next) = self.take() {
                return next;
            }
            arrived.await;
        }
    }

    /// What is to be said next, if anything.
    pub(super) fn take(&self) -> Option<Outgoing> {
        let mut waiting = self.waiting.lock();
        waiting
            .held_back
            .retain(|_, (_, since)| since.elapsed() < LONGEST);
        let is_free = |device_id: &DeviceId| !waiting.held_back.contains_key(device_id);
        if let Some(place) = waiting.order.iter().position(is_free) {
            let device_id = waiting.order.remove(place)?;
            return waiting.commands.remove(&device_id).map(Outgoing::Command);
        }
        let device_id = waiting.holds.iter().next().cloned()?;
        waiting.holds.remove(&device_id);
        Some(Outgoing::Override(device_id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> DeviceId {
        DeviceId::parse(name).unwrap()
    }

    fn command(outbox: &Outbox, name: &str) {
        let payload = br#"{"timestamp": "2026-11-27T00:00:00Z", "position": 10, "confidence": 1,
            "features_used": {"temperature": 20, "humidity": 50}}"#;
        outbox.command(mqtt::decode_control(named(name), payload).unwrap());
    }

    #[tokio::test(start_paused = true)]
    async fn commands_one_after_the_other_do_not_hold_an_answer_back_for_ever() {
        let outbox = Outbox::default();
        let started = Instant::now();
        outbox.hold_back(&named("a"));
        command(&outbox, "a");
        while outbox.take().is_none() {
            assert!(started.elapsed() < LONGEST, "it is still held back");
            tokio::time::advance(Duration::from_millis(10)).await;
            // The next one comes before the one before it was handed on.
            outbox.hold_back(&named("a"));
            outbox.let_go(&named("a"));
        }
        assert!(started.elapsed() >= LONGEST);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_does_not_overtake_the_command_that_it_answers() {
        let outbox = Outbox::default();
        let next = || match outbox.take() {
            Some(Outgoing::Command(action)) => Some(action.device_id.to_string()),
            _ => None,
        };
        outbox.hold_back(&named("a"));
        outbox.hold_back(&named("a"));
        command(&outbox, "a");
        command(&outbox, "b");
        assert_eq!(next().as_deref(), Some("b"), "others do not wait");
        outbox.let_go(&named("a"));
        assert_eq!(next(), None, "another one is on its way");
        outbox.let_go(&named("a"));
        assert_eq!(next().as_deref(), Some("a"));
        // Who was to hand it on is gone.
        outbox.hold_back(&named("a"));
        command(&outbox, "a");
        assert_eq!(next(), None);
        tokio::time::advance(LONGEST).await;
        assert_eq!(next().as_deref(), Some("a"));
    }
}
