//! The library itself, without users, limits and HTTP: what benchmarks measure the interface beside.
//!
//! In: options and SQL. Out: bytes. Nothing of the service uses it.

use crate::{
    EngineError, Options,
    exception::Exception,
    ffi::{self, Connection},
    session::connect,
    store,
};

/// An engine of this process; there can be only one.
pub struct Raw {
    engine: ffi::Engine,
    _opened: store::Opened,
}

/// One of its connections.
pub struct RawConnection(Connection);

impl Raw {
    /// Opens the data as the service does.
    pub fn open(options: &Options) -> Result<Self, EngineError> {
        let opened = store::open(options)?;
        Ok(Self {
            engine: opened.engine.clone(),
            _opened: opened,
        })
    }

    /// A connection of its own.
    pub fn connect(&self) -> Result<RawConnection, String> {
        connect(&self.engine).map(RawConnection).map_err(text)
    }
}

impl RawConnection {
    /// Runs a statement.
    pub fn query(&mut self, sql: &str, format: &str) -> Result<Vec<u8>, String> {
        self.0
            .query(sql, format, &[])
            .map(|(bytes, _)| bytes)
            .map_err(text)
    }

    /// Inserts `data` of that format; `head` is `INSERT INTO table`.
    pub fn insert(&mut self, head: &str, format: &str, data: &[u8]) -> Result<(), String> {
        let mut insert = self.0.insert(head, format).map_err(text)?;
        insert.append(data).map_err(text)?;
        insert.finish().map(drop).map_err(text)
    }
}

#[allow(clippy::needless_pass_by_value)]
fn text(error: Exception) -> String {
    error.to_string()
}
