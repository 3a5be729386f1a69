//! All accounts, and what may be done to them. Pure: time and secrets come from outside.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    account::{Account, AccountName, Credentials, Role, State},
    change::{Change, KEPT},
    guests::{OnceLink, Share},
    secret::{Password, PasswordHash},
};

/// The form of the file. A file of another form is left alone.
pub(crate) const FORMAT: u32 = 1;
pub(crate) const MAX_ACCOUNTS: usize = 100_000;
pub(crate) const MAX_TEXT_CHARS: usize = 128;

/// Why something cannot be done to the accounts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BookError {
    /// There is one of this name.
    #[error("there is an account '{0}' already; its password is made anew by: casement {1} rotate {0}")]
    Exists(String, &'static str),
    /// There is none of this name.
    #[error("there is no account '{0}'{1}")]
    Unknown(String, String),
    /// It is not of the kind that the command is for.
    #[error("'{0}' is not a {1}: its role is {2}")]
    OtherKind(String, &'static str, Role),
    /// It is in a state that does not allow it.
    #[error("'{0}' is {1}: {2}")]
    State(String, &'static str, &'static str),
    /// Nobody holds the door open for devices without an account.
    #[error("the door is closed")]
    DoorClosed,
    /// There are too many.
    #[error("{0}")]
    Full(&'static str),
    /// A text is too long or has control characters.
    #[error("{0} has at most 128 characters and no control characters")]
    Text(&'static str),
}

/// A new account.
#[derive(Debug, Clone)]
pub struct NewAccount {
    /// Its name.
    pub name: AccountName,
    /// What it is for.
    pub role: Role,
    /// What people call it.
    pub label: String,
    /// Where it is.
    pub location: String,
}

/// All accounts.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Book {
    format: u32,
    /// Rises with every change of an account.
    pub(crate) generation: u64,
    pub(crate) accounts: BTreeMap<AccountName, Account>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) shares: BTreeMap<String, Share>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) links: Vec<OnceLink>,
    /// Until when devices may introduce themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pairing_until: Option<Timestamp>,
    #[serde(default)]
    changes: VecDeque<Change>,
}

impl Default for Book {
    fn default() -> Self {
        Self {
            format: FORMAT,
            generation: 0,
            accounts: BTreeMap::new(),
            shares: BTreeMap::new(),
            links: Vec::new(),
            pairing_until: None,
            changes: VecDeque::new(),
        }
    }
}

/// Who changes something, and when.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hand<'a> {
    pub(crate) by: &'a str,
    pub(crate) now: Timestamp,
}

impl Book {
    pub(crate) const fn format(&self) -> u32 {
        self.format
    }

    /// Every account with its name, in the order of names.
    pub fn iter(&self) -> impl Iterator<Item = (&AccountName, &Account)> {
        self.accounts.iter()
    }

    /// The account of that name.
    pub fn get(&self, name: &str) -> Option<(&AccountName, &Account)> {
        let name = AccountName::parse(name).ok()?;
        self.accounts.get_key_value(&name)
    }

    /// The changes after number `seen`, oldest first; only the newest thousand are kept.
    pub fn changes_after(&self, seen: u64) -> impl Iterator<Item = &Change> {
        self.changes.iter().filter(move |change| change.number > seen)
    }

    pub(crate) fn add(
        &mut self,
        new: NewAccount,
        password: &Password,
        hand: Hand<'_>,
    ) -> Result<(), BookError> {
        check_text("the name", &new.label)?;
        check_text("the location", &new.location)?;
        if let Some(present) = self.accounts.get(&new.name) {
            return Err(BookError::Exists(new.name.to_string(), group(present.role)));
        }
        if self.accounts.len() >= MAX_ACCOUNTS {
            return Err(BookError::Full(
                "there are 100,000 accounts already: forget those that are not used",
            ));
        }
        let detail = new.role.as_str();
        let generation = self.next();
        let account = Account {
            role: new.role,
            state: State::Active,
            created: hand.now,
            generation,
            label: new.label,
            location: new.location,
            credentials: Credentials {
                password: Some(PasswordHash::generated(password)),
                tokens: Vec::new(),
            },
            secrets_since: None,
            retired_with_device: false,
            device_is_out: false,
            retired_generation: 0,
            state_generation: generation,
            pending: None,
        };
        self.note(hand, "add", new.name.as_str(), detail);
        self.accounts.insert(new.name, account);
        Ok(())
    }

    /// Lets a waiting or retired account in.
    pub(crate) fn approve(&mut self, name: &AccountName, hand: Hand<'_>) -> Result<(), BookError> {
        let generation = self.next();
        let account = self.find(name)?;
        if account.state == State::Active {
            return Err(BookError::State(
                name.to_string(),
                "in use",
                "there is nothing to approve",
            ));
        }
        account.state = State::Active;
        account.pending = None;
        account.retired_with_device = false;
        account.device_is_out = false;
        account.generation = generation;
        account.state_generation = generation;
        self.note(hand, "approve", name.as_str(), "");
        Ok(())
    }

    /// Closes an account and keeps it. Whether the device of that name is in use stays as it is.
    pub(crate) fn retire(&mut self, name: &AccountName, hand: Hand<'_>) -> Result<(), BookError> {
        self.shut(name, false, hand)
    }

    /// Closes the account of a device that goes out of use; it opens again with the device.
    pub(crate) fn retire_with_device(&mut self, name: &AccountName, hand: Hand<'_>) -> Result<(), BookError> {
        self.shut(name, true, hand)
    }

    fn shut(&mut self, name: &AccountName, with_device: bool, hand: Hand<'_>) -> Result<(), BookError> {
        let generation = self.next();
        let account = self.find(name)?;
        let was_out = account.retires_device() == Some(true);
        account.state = State::Retired;
        account.pending = None;
        account.retired_with_device = with_device;
        account.device_is_out = with_device || was_out;
        if with_device {
            account.retired_generation = generation;
        }
        account.generation = generation;
        // Of a device that was out of use already, closing the account alone says nothing new.
        if with_device || !was_out {
            account.state_generation = generation;
        }
        let detail = if with_device { "with its device" } else { "" };
        self.note(hand, "retire", name.as_str(), detail);
        Ok(())
    }

    /// Notes that the device of a closed account is in use again; the account stays closed.
    pub(crate) fn return_device(&mut self, name: &AccountName, hand: Hand<'_>) -> Result<(), BookError> {
        let account = self.find(name)?;
        account.retired_with_device = false;
        account.device_is_out = false;
        self.note(hand, "return", name.as_str(), "its device");
        Ok(())
    }

    /// Removes an account.
    pub(crate) fn forget(&mut self, name: &AccountName, hand: Hand<'_>) -> Result<(), BookError> {
        self.find(name)?;
        self.accounts.remove(name);
        self.next();
        self.note(hand, "forget", name.as_str(), "");
        Ok(())
    }

    /// Gives an account a new password; the old one, and every token, is void.
    pub(crate) fn rotate(
        &mut self,
        name: &AccountName,
        password: &Password,
        hand: Hand<'_>,
    ) -> Result<(), BookError> {
        let generation = self.next();
        let account = self.find(name)?;
        if account.state == State::Retired {
            return Err(BookError::State(name.to_string(), "retired", "approve it first"));
        }
        // A new password is a person's word for a device that waits, too.
        if account.state != State::Active {
            account.state = State::Active;
            account.state_generation = generation;
        }
        account.pending = None;
        account.generation = generation;
        account.credentials = Credentials {
            password: Some(PasswordHash::generated(password)),
            tokens: Vec::new(),
        };
        account.secrets_since = Some(hand.now);
        self.note(hand, "rotate", name.as_str(), "");
        Ok(())
    }

    /// Changes what people call it, and where it is; `None` leaves either.
    pub(crate) fn rename(
        &mut self,
        name: &AccountName,
        label: Option<String>,
        location: Option<String>,
        hand: Hand<'_>,
    ) -> Result<(), BookError> {
        check_text("the name", label.as_deref().unwrap_or_default())?;
        check_text("the location", location.as_deref().unwrap_or_default())?;
        let account = self.find(name)?;
        if let Some(label) = label {
            account.label = label;
        }
        if let Some(location) = location {
            account.location = location;
        }
        self.note(hand, "rename", name.as_str(), "");
        Ok(())
    }

    /// The account of that name, if it is in use.
    pub(crate) fn in_use(&mut self, name: &AccountName) -> Result<&mut Account, BookError> {
        let account = self.find(name)?;
        if account.state == State::Active {
            Ok(account)
        } else {
            let state = account.state.as_str();
            Err(BookError::State(name.to_string(), state, "approve it first"))
        }
    }

    pub(crate) fn find(&mut self, name: &AccountName) -> Result<&mut Account, BookError> {
        if !self.accounts.contains_key(name) {
            let near = self.nearest(name.as_str());
            return Err(BookError::Unknown(name.to_string(), near));
        }
        Ok(self.accounts.get_mut(name).expect("it was just there"))
    }

    fn nearest(&self, name: &str) -> String {
        let distance = |known: &AccountName| strsim::damerau_levenshtein(known.as_str(), name);
        let nearest = self.accounts.keys().min_by_key(|known| distance(known));
        nearest
            .filter(|known| distance(known) <= 2)
            .map_or_else(String::new, |known| format!("; did you mean '{known}'?"))
    }

    pub(crate) const fn next(&mut self) -> u64 {
        self.generation += 1;
        self.generation
    }

    pub(crate) fn note(&mut self, hand: Hand<'_>, action: &str, account: &str, detail: &str) {
        let number = self.changes.back().map_or(0, |change| change.number) + 1;
        if self.changes.len() >= KEPT {
            self.changes.pop_front();
        }
        self.changes.push_back(Change {
            number,
            at: hand.now,
            by: hand.by.to_owned(),
            action: action.to_owned(),
            account: account.to_owned(),
            detail: detail.to_owned(),
        });
    }
}

/// The command that an account belongs to.
fn group(role: Role) -> &'static str {
    if role == Role::Device {
        "devices"
    } else {
        "accounts"
    }
}

pub(crate) fn check_text(what: &'static str, text: &str) -> Result<(), BookError> {
    let fits = text.chars().count() <= MAX_TEXT_CHARS && !text.chars().any(char::is_control);
    if fits { Ok(()) } else { Err(BookError::Text(what)) }
}
