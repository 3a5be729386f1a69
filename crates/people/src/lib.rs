//! Who asks over HTTP, and what they may: people at the page, programs with tokens, guests with a link.
//!
//! In: requests as they arrive, and the accounts. Out: the same requests let through or refused, sign-in and sign-out, share
//! links, and events for the audit log. It knows no page and no service: it stands in front of routes that others make.
//!
//! A request passes `guard`: `visitor` says who asks, `rules` whether they may, `origin` whether a page of another site made
//! them, `pace` how often they ask. `sessions` remembers who signed in, `presence` whether an answer that lasts may go on.

mod document;
mod event;
mod guard;
mod members;
mod origin;
mod pace;
mod pages;
mod presence;
mod rules;
mod sessions;
mod share_links;
mod sign_in;
mod visitor;

pub use document::document;
pub use event::{Audit, Event};
pub use members::{LINK_LIFE, People, PeopleOptions};
pub use pace::RequestLimits;
pub use presence::Presence;
pub use sessions::NewerSessions;
pub use visitor::Caller;
