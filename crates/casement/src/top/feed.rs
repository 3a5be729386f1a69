//! What comes from the service: events as they happen, answers once a second.
//!
//! In: a URL. Out: updates in a bounded queue. Two threads ask and wait, so that keys never do. While events come, devices are
//! asked for every ten seconds only, or when something says that they changed otherwise.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

use super::{answers, events::Lines, state::Update};
use crate::asking::Client;

/// Updates that wait to be shown.
const WAITING: usize = 4_096;
const EVERY: Duration = Duration::from_secs(1);
/// How often devices are asked for while events come.
const REFRESH: Duration = Duration::from_secs(10);
/// The pause before events are asked for again.
const AGAIN: Duration = Duration::from_secs(3);
/// Longest line of an event.
const LONGEST: u64 = 1 << 20;

/// Where the service is, and how to ask it.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    pub(crate) url: String,
    pub(crate) client: Client,
}

/// The threads' other end.
pub(crate) struct Feed {
    updates: Receiver<Update>,
    refresh: Arc<AtomicBool>,
}

impl Source {
    /// The answers to one round of questions. It waits for them.
    pub(crate) fn ask(&self, devices: bool) -> Result<Vec<Update>, String> {
        let mut updates = Vec::new();
        let status = self.get("/api/v1/status")?;
        let status = serde_json::from_str(&status).map_err(|_| "this is not Casement's API".to_owned())?;
        updates.push(Update::Status(Box::new(status), Instant::now()));
        let health = self.get("/api/v1/health").or_else(|_| self.get("/ready"));
        updates.extend(health.map(|text| Update::Parts(answers::parts(&text))));
        if devices {
            updates.extend(answers::devices(&self.get("/api/v1/devices")?).map(Update::Devices));
        }
        Ok(updates)
    }

    fn get(&self, path: &str) -> Result<String, String> {
        let answer = self.client.get(&format!("{}{path}", self.url))?;
        match answer.status {
            // `/ready` has every part in both cases.
            200 | 503 => Ok(answer.text),
            401 | 403 => {
                Err("it wants to know who asks: set CASEMENT_TOKEN, or name --token-file".to_owned())
            }
            other => Err(format!("{path} is answered with {other}")),
        }
    }
}

impl Feed {
    /// Starts asking. The threads end with the process, or when nobody takes their updates.
    pub(crate) fn start(source: &Source) -> Self {
        let (sender, updates) = sync_channel(WAITING);
        let live = Arc::new(AtomicBool::new(false));
        let refresh = Arc::new(AtomicBool::new(true));
        let asking = (
            source.clone(),
            sender.clone(),
            Arc::clone(&live),
            Arc::clone(&refresh),
        );
        thread::spawn(move || ask_for_ever(&asking.0, &asking.1, &asking.2, &asking.3));
        let source = source.clone();
        thread::spawn(move || listen_for_ever(&source, &sender, &live));
        Self { updates, refresh }
    }

    /// What has come in.
    pub(super) fn take(&self) -> impl Iterator<Item = Update> + '_ {
        // As many as were there, so that a flood of events does not keep the screen from being drawn.
        self.updates.try_iter().take(WAITING)
    }

    /// Asks for devices at the next round.
    pub(super) fn refresh(&self) {
        self.refresh.store(true, Ordering::Relaxed);
    }
}

fn ask_for_ever(source: &Source, sender: &SyncSender<Update>, live: &AtomicBool, refresh: &AtomicBool) {
    let mut refreshed = None::<Instant>;
    loop {
        let started = Instant::now();
        let is_old = refreshed.is_none_or(|at| at.elapsed() >= REFRESH);
        let devices = refresh.swap(false, Ordering::Relaxed) || !live.load(Ordering::Relaxed) || is_old;
        let updates = source.ask(devices);
        if devices && updates.is_ok() {
            refreshed = Some(started);
        }
        for update in updates.unwrap_or_else(|reason| vec![Update::Trouble(reason)]) {
            if sender.send(update).is_err() {
                return;
            }
        }
        thread::sleep(EVERY.saturating_sub(started.elapsed()));
    }
}

fn listen_for_ever(source: &Source, sender: &SyncSender<Update>, live: &AtomicBool) {
    let mut lines = Lines::default();
    loop {
        let _ = listen(source, sender, live, &mut lines);
        live.store(false, Ordering::Relaxed);
        if sender.send(Update::Live(false)).is_err() {
            return;
        }
        thread::sleep(AGAIN);
    }
}

/// Hears events until the stream ends; `None` where it ends or cannot be had.
fn listen(source: &Source, sender: &SyncSender<Update>, live: &AtomicBool, events: &mut Lines) -> Option<()> {
    let mut headers = vec![("Accept", "text/event-stream".to_owned())];
    if !events.last_id().is_empty() {
        headers.push(("Last-Event-ID", events.last_id().to_owned()));
    }
    let url = format!("{}/api/v1/events", source.url);
    let mut reader = BufReader::new(source.client.stream(&url, &headers).ok()?);
    live.store(true, Ordering::Relaxed);
    sender.send(Update::Live(true)).ok()?;
    let mut text = String::new();
    loop {
        text.clear();
        if reader.by_ref().take(LONGEST).read_line(&mut text).ok()? == 0 {
            return None;
        }
        if let Some(event) = events.take(text.trim_end_matches(['\r', '\n'])) {
            sender.send(Update::Event(event)).ok()?;
        }
    }
}

#[cfg(test)]
mod tests;
