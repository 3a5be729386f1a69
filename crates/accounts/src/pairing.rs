//! How a device without an account introduces itself.
//!
//! While a person holds the door open, a device that connects with an unknown id and a password of its own is bound to that
//! password, and waits until a person approves it by name.

use std::time::Duration;

/// How long the door stays open.
pub const PAIRING_WINDOW: Duration = Duration::from_mins(5);
/// The shortest password that a device may bind itself to.
pub const MIN_PASSWORD_CHARS: usize = 8;
/// The most devices that wait to be approved.
pub(crate) const MAX_PENDING: usize = 32;
/// The most of them that came from one address, so that one host leaves room for others.
pub(crate) const MAX_PENDING_OF_ADDRESS: usize = 8;

/// A device that introduces itself.
#[derive(Debug, Clone, Copy)]
pub struct Newcomer<'a> {
    /// Where it connects from.
    pub address: &'a str,
    /// Its client id.
    pub client_id: &'a str,
}
