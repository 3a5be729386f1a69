//! Things that come and go: a broker, a database, a file.

use parking_lot::Mutex;

use crate::{Part, State};

/// Something that is there or away.
#[derive(Debug)]
pub struct Link {
    name: &'static str,
    /// How the role is while it is away.
    state: State,
    /// Why it is away; `None` while it is there.
    away: Mutex<Option<String>>,
}

impl Link {
    /// Something without which the role does not work, away until it is met.
    pub fn needed(name: &'static str, reason: &str) -> Self {
        Self {
            name,
            state: State::Down,
            away: Mutex::new(Some(reason.to_owned())),
        }
    }

    /// Something without which the role does not work, there until it is missed.
    pub const fn met(name: &'static str) -> Self {
        Self {
            name,
            state: State::Down,
            away: Mutex::new(None),
        }
    }

    /// Something without which part of the work is missing.
    pub const fn wanted(name: &'static str) -> Self {
        Self {
            name,
            state: State::Degraded,
            away: Mutex::new(None),
        }
    }

    /// It is there; `true` where it was away.
    pub fn up(&self) -> bool {
        self.away.lock().take().is_some()
    }

    /// It is away; `true` where it was there.
    pub fn down(&self, reason: impl Into<String>) -> bool {
        self.away.lock().replace(reason.into()).is_none()
    }

    /// Whether it is there.
    pub fn is_up(&self) -> bool {
        self.away.lock().is_none()
    }

    /// The part as it is now.
    pub fn part(&self) -> Part {
        match &*self.away.lock() {
            None => Part::ok(self.name),
            Some(reason) if self.state == State::Degraded => Part::degraded(self.name, reason.clone()),
            Some(reason) => Part::down(self.name, reason.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_told_once_and_the_reason_stays() {
        let link = Link::needed("broker", "not connected yet");
        assert_eq!(link.part(), Part::down("broker", "not connected yet"));
        assert!(link.up() && !link.up() && link.is_up());
        assert_eq!(link.part(), Part::ok("broker"));
        assert!(link.down("refused") && !link.down("no route"));
        assert_eq!(link.part(), Part::down("broker", "no route"));
        let link = Link::wanted("model");
        link.down("not a model");
        assert_eq!(link.part(), Part::degraded("model", "not a model"));
    }
}
