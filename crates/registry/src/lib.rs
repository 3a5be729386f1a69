//! Devices as people have set them up: names, places, settings of a device, of its group and of all.
//!
//! In: changes. Out: what is in effect for a device, and a file that holds every change before it is acknowledged. It knows
//! no broker and no database: those who carry settings to devices, or rows to tables, follow its changes.
//!
//! `book` is the content, `file` its durable form, `registry` both together for many tasks.

mod book;
mod file;
mod registry;

pub use book::{Book, ChangeError, Entry, Foreign, Level, Patch, Revision};
pub use file::{Document, DocumentFile, FileError};
pub use registry::{Registry, RegistryError};
