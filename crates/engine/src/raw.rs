//! For benchmarks alone: the library without users, limits and HTTP, and the parsing of a statement by itself.
//!
//! In: options and SQL. Out: bytes. Nothing of the service uses it.

use crate::{
    EngineError, Options,
    access::Policy,
    exception::Exception,
    ffi::{self, Connection},
    sql::Statement,
    startup,
    users::User,
};

/// An engine of this process; there can be only one.
pub struct Raw {
    engine: ffi::Engine,
    _opened: startup::Opened,
}

/// One of its connections.
pub struct RawConnection(Connection);

impl Raw {
    /// Opens the data as the service does.
    pub fn open(options: &Options) -> Result<Self, EngineError> {
        let opened = startup::open(options)?;
        Ok(Self {
            engine: opened.engine.clone(),
            _opened: opened,
        })
    }

    /// Opens a connection.
    pub fn connect(&self) -> Result<RawConnection, String> {
        self.engine.connect().map(RawConnection).map_err(text)
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

/// The reading of statements, without an engine.
pub struct Reading(Policy);

impl Default for Reading {
    fn default() -> Self {
        Self(Policy::new(false, false, &[], &crate::Limits::default()))
    }
}

impl Reading {
    /// Parses a statement and checks it, as a request does. Returns whether it may run without the engine's own
    /// reading.
    pub fn permits(&self, sql: &str) -> bool {
        let permitted = self.0.permit(User::Default, Statement::parse(sql), &[], false);
        permitted.is_ok_and(|permitted| !self.0.is_delicate(permitted.statement().sql()))
    }
}
