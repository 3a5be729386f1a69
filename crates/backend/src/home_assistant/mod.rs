//! Home Assistant: each room is announced to it, shown there, and taken away when it is gone.
//!
//! In: what happens, Home Assistant's birth, what the broker retains of earlier announcements, wishes of its switches. Out:
//! retained messages on a connection of its own, whose birth and will say whether Casement is there. Nothing that is decided
//! waits for it.
//!
//! What was announced is not noted: the broker retains it, and says it at each connection. Only the prefixes below which
//! something was announced are on disk (`notes`), so that all of it goes when the integration is switched off or moved.

mod announcer;
mod found;
mod notes;
mod room;
mod sweep;
mod telling;
#[cfg(test)]
mod tests;

use std::{collections::BTreeSet, path::PathBuf, sync::Arc};

use mqtt::{
    ConnectionOptions, Message, Subscription,
    homeassistant::{Discovery, STATUS_TOPIC, WISH_FILTER},
};
use tracing::{info, warn};

use crate::Backend;
use announcer::Announcer;
use notes::Notes;
use sweep::Sweep;

/// The words of birth and will.
const ONLINE: &[u8] = b"online";
const OFFLINE: &[u8] = b"offline";

/// Whether and how rooms are announced.
#[derive(Debug)]
pub struct HomeAssistantOptions {
    /// Whether they are. If not, what was announced before is taken away.
    pub enabled: bool,
    /// Where and how.
    pub discovery: Discovery,
    /// The file that says below which prefixes something was announced.
    pub notes: PathBuf,
}

impl Backend {
    /// Announces rooms to Home Assistant by `connection` until [`Backend::close_doors`], or takes away what an earlier start
    /// has announced.
    pub fn announce_rooms(&mut self, options: HomeAssistantOptions, connection: ConnectionOptions) {
        let HomeAssistantOptions {
            enabled,
            discovery,
            notes: path,
        } = options;
        let mut notes = match Notes::read(path.clone()) {
            Ok(notes) => notes,
            Err(error) => {
                warn!(%error, path = %path.display(), "what was announced to Home Assistant is not known, and is left as it is");
                return;
            }
        };
        let mut prefixes = notes.prefixes().clone();
        if enabled {
            prefixes.insert(discovery.prefix().to_owned());
        } else if prefixes.is_empty() {
            return;
        }
        let mut connection = subscribing(connection, &prefixes);
        if enabled {
            // On disk before the first announcement, so that none is forgotten.
            if let Err(error) = notes.write(prefixes) {
                warn!(%error, path = %path.display(), "rooms are not announced to Home Assistant: the file cannot be written");
                return;
            }
            connection.last_will = Some(status(OFFLINE));
            connection.birth = Some(status(ONLINE));
            let others = [discovery.birth_topic(), WISH_FILTER.to_owned()];
            connection.subscriptions.extend(others.map(Subscription::new));
            info!(prefix = discovery.prefix(), form = %discovery.form(), "rooms are announced to Home Assistant");
        } else {
            info!("what was announced to Home Assistant is taken away");
        }
        let (publisher, incoming) = mqtt::connect(connection);
        let doors = self.doors.clone();
        let task = if enabled {
            let announcer = Announcer::new(self, discovery, (publisher, incoming), notes);
            tokio::spawn(announcer.run(doors))
        } else {
            let sweep = Sweep {
                topics: Arc::new(discovery.topics().clone()),
                publisher,
                incoming,
                notes,
            };
            tokio::spawn(sweep.run(doors))
        };
        self.door_tasks.push(task);
    }
}

fn subscribing(connection: ConnectionOptions, prefixes: &BTreeSet<String>) -> ConnectionOptions {
    let filters = prefixes.iter().map(|prefix| Discovery::filter_below(prefix));
    ConnectionOptions {
        subscriptions: filters.map(Subscription::new).collect(),
        ..connection
    }
}

fn status(word: &'static [u8]) -> Message {
    Message::new(STATUS_TOPIC, word).retained()
}

/// A message that makes the broker forget what it retains on `topic`.
fn nothing(topic: impl Into<String>) -> Message {
    Message::new(topic, Vec::new()).retained()
}

/// What takes an announcement away: the entities of a whole device are named by `removal` before its topic is emptied.
fn taking_away(topic: &str, removal: Option<Vec<u8>>) -> impl Iterator<Item = Message> {
    let removal = removal.map(|removal| Message::new(topic, removal));
    removal.into_iter().chain([nothing(topic)])
}
