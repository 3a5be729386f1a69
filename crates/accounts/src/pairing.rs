//! How a device without an account introduces itself.
//!
//! While a person holds the door open, a device that connects with an unknown id and a password of its own is bound to that
//! password, and waits until a person approves it by name.

use std::time::Duration;

use jiff::Timestamp;

use crate::{
    account::{Account, AccountName, Credentials, Pending, Role, State},
    book::{Book, BookError, Hand, MAX_ACCOUNTS, MAX_TEXT_CHARS},
    secret::PasswordHash,
};

/// How long the door stays open.
pub const PAIRING_WINDOW: Duration = Duration::from_mins(5);
/// The shortest password that a device may bind itself to.
pub const MIN_PASSWORD_CHARS: usize = 8;
/// The most devices that wait to be approved.
pub(crate) const MAX_PENDING: usize = 32;
/// The most of them that came from one address, so that one host leaves room for others.
pub(crate) const MAX_PENDING_OF_ADDRESS: usize = 8;

/// The most characters that are kept of a first message.
const MAX_FIRST_CHARS: usize = 120;

/// A device that introduces itself.
#[derive(Debug, Clone, Copy)]
pub struct Newcomer<'a> {
    /// Where it connects from.
    pub address: &'a str,
    /// Its client id.
    pub client_id: &'a str,
}

impl Book {
    /// Until when devices may introduce themselves, if they may at `now`.
    pub fn pairing(&self, now: Timestamp) -> Option<Timestamp> {
        self.pairing_until.filter(|until| *until > now)
    }

    /// A device binds itself to its password, while the door is open.
    pub(crate) fn introduce(
        &mut self,
        name: AccountName,
        password: PasswordHash,
        newcomer: Newcomer<'_>,
        now: Timestamp,
    ) -> Result<(), BookError> {
        if self.pairing(now).is_none() {
            return Err(BookError::DoorClosed);
        }
        if self.accounts.contains_key(&name) {
            return Err(BookError::Exists(name.to_string(), "devices"));
        }
        let pending = self
            .accounts
            .values()
            .filter_map(|account| account.pending.as_ref());
        let of_address = pending.clone().filter(|other| other.address == newcomer.address);
        if of_address.count() >= MAX_PENDING_OF_ADDRESS {
            return Err(BookError::Full(
                "8 devices of this address wait to be approved: approve or forget some of them",
            ));
        }
        if pending.count() >= MAX_PENDING || self.accounts.len() >= MAX_ACCOUNTS {
            return Err(BookError::Full(
                "32 devices wait to be approved: approve or forget some of them",
            ));
        }
        let client_id: String = newcomer.client_id.chars().take(64).collect();
        let detail = format!("from {} as client {client_id:?}", newcomer.address);
        let generation = self.next();
        let account = Account {
            role: Role::Device,
            state: State::Pending,
            created: now,
            generation,
            label: String::new(),
            location: String::new(),
            credentials: Credentials {
                password: Some(password),
                tokens: Vec::new(),
            },
            secrets_since: None,
            retired_with_device: false,
            device_is_out: false,
            retired_generation: 0,
            state_generation: generation,
            pending: Some(Pending {
                address: newcomer.address.to_owned(),
                client_id,
                since: now,
                first: Vec::new(),
            }),
        };
        self.note(Hand { by: "pairing", now }, "introduce", name.as_str(), &detail);
        self.accounts.insert(name, account);
        Ok(())
    }

    /// Notes what a waiting device has sent first. Returns whether there was room for one more.
    pub(crate) fn heard(&mut self, name: &AccountName, topic: &str, payload: &[u8]) -> bool {
        let waiting = self
            .accounts
            .get_mut(name)
            .and_then(|account| account.pending.as_mut());
        let Some(pending) = waiting.filter(|pending| pending.first.len() < Pending::MAX_FIRST) else {
            return false;
        };
        if pending.first.iter().any(|(heard, _)| heard == topic) {
            return false;
        }
        let start = &payload[..payload.len().min(4 * MAX_FIRST_CHARS)];
        let shown = String::from_utf8_lossy(start);
        let shown = shown.chars().map(|c| if c.is_control() { ' ' } else { c });
        let shown = shown.take(MAX_FIRST_CHARS).collect();
        pending
            .first
            .push((topic.chars().take(MAX_TEXT_CHARS).collect(), shown));
        true
    }

    pub(crate) fn open_pairing(&mut self, hand: Hand<'_>) -> Timestamp {
        let until = hand.now + PAIRING_WINDOW;
        self.pairing_until = Some(until);
        self.note(hand, "pairing", "", &format!("open until {until:.0}"));
        until
    }

    pub(crate) fn close_pairing(&mut self, hand: Hand<'_>) {
        if self.pairing_until.take().is_some_and(|until| until > hand.now) {
            self.note(hand, "pairing", "", "closed");
        }
    }
}
