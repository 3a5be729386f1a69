//! Who may enter: devices, people and programs, their secrets, and what each may say and hear at a broker.
//!
//! In: one file in the data directory, changed by commands and by the running service alike. Out: answers to "who is
//! this?" and "may they?". Nothing here needs ClickHouse or a network, so that devices enter while both are away.

mod account;
mod attempts;
mod book;
mod change;
mod export;
mod file;
mod guests;
mod hasher;
mod login;
mod pairing;
mod rights;
mod secret;
mod service;
mod tokens;

pub use account::{Account, AccountName, Credentials, InvalidName, Pending, Role, State};
pub use attempts::LoginLimits;
pub use book::{Book, BookError, NewAccount};
pub use change::Change;
pub use export::{PasswordFile, emqx_acl, mosquitto_acl, mosquitto_passwords};
pub use file::{AccountsFile, FileError, write_private};
pub use guests::Share;
pub use login::{Denied, Known, Login, Registration, Strangers};
pub use pairing::{MIN_PASSWORD_CHARS, Newcomer, PAIRING_WINDOW};
pub use rights::{Rights, TopicRules, covers, matches};
pub use secret::{Password, Token, digest};
pub use service::{Accounts, Counters};
pub use tokens::{TokenView, token_id};
