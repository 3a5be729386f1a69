//! `casement top`: rooms, rates, windows, errors and the journal of a running service, live in a shell.
//!
//! In: answers and events of the HTTP API, keys. Out: a screen, drawn from one [`State`] by a pure function, or one plain snapshot.
//! It changes nothing, and restores the terminal however it ends.

mod answers;
mod draw;
mod events;
mod feed;
mod keys;
mod plain;
mod screen;
mod state;
mod text;

pub(crate) use feed::{Feed, Source};
pub(crate) use plain::snapshot;
pub(crate) use screen::show;
pub(crate) use state::State;
