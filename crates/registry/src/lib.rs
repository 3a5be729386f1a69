//! Devices as people have set them up: names, places, settings of a device, of its group and of all.
//!
//! In: changes. Out: what is in effect for a device, and a file that holds every change before it is acknowledged. It knows
//! no broker and no database: those who carry settings to devices, or rows to tables, follow its changes.
//!
//! `book` is the content, `file` its durable form, `registry` both together for many tasks. `kept` is the form of what a
//! start can go on without.

mod book;
mod file;
mod kept;
mod registry;

pub use book::{AccountUse, Book, ChangeError, Entry, Foreign, Level, Patch, Revision};
pub use file::{Document, DocumentFile, FileError};
pub use kept::{Fault, KeptFile, Mergeable, Taken};
pub use registry::{Registry, RegistryError};
