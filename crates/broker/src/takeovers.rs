//! Clients that take one session from each other.
//!
//! In: takeovers. Out: the line for the log once there are so many within a minute that it is a fight: two clients with one account
//! and one client id that connect again whenever they are thrown out. Memory is bounded.

use std::{
    collections::HashMap,
    net::SocketAddr,
    time::{Duration, Instant},
};

use parking_lot::Mutex;

use crate::{
    events::{EventKind, What},
    session::Owner,
};

/// More takeovers of one session within [`WINDOW`] are a fight.
const PEACEFUL: u32 = 5;
const WINDOW: Duration = Duration::from_mins(1);
/// Sessions whose takeovers are counted.
const MAX_SESSIONS: usize = 1_000;

/// Takeovers of the present minute.
#[derive(Debug, Default)]
pub(crate) struct Takeovers(Mutex<HashMap<Owner, Counted>>);

#[derive(Debug)]
struct Counted {
    since: Instant,
    count: u32,
}

impl Counted {
    fn new() -> Self {
        Self {
            since: Instant::now(),
            count: 0,
        }
    }
}

impl Takeovers {
    /// Counts a takeover, and says so if it is one of a fight between clients at these addresses.
    pub(crate) fn fight(&self, owner: &Owner, [one, other]: [SocketAddr; 2]) -> Option<What> {
        let count = self.count(owner);
        let whose = owner.account.as_deref().unwrap_or("nobody");
        (count > PEACEFUL).then(|| {
            What::new(
                EventKind::TakeoverFight,
                format!(
                    "clients at {one} and {other} take this session (account {whose:?}) from each other, {count} times within a minute"
                ),
                "give each device an account and a client id of its own",
            )
        })
    }

    fn count(&self, owner: &Owner) -> u32 {
        let mut counted = self.0.lock();
        if counted.len() >= MAX_SESSIONS {
            counted.retain(|_, counted| counted.since.elapsed() < WINDOW);
        }
        if counted.len() >= MAX_SESSIONS {
            counted.clear();
        }
        let counted = counted.entry(owner.clone()).or_insert_with(Counted::new);
        if counted.since.elapsed() >= WINDOW {
            *counted = Counted::new();
        }
        counted.count += 1;
        counted.count
    }
}
