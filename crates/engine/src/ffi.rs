//! libchdb's C functions, made safe: the only module of Casement with `unsafe`.
//!
//! In: SQL and bytes. Out: bytes or an [`Exception`]. A [`Connection`] runs one statement at a time, which `&mut self`
//! enforces; several connections run side by side. The library is never unloaded.

mod functions;
mod insert;
mod result;

use std::{
    ffi::{CString, c_char, c_int},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

pub(crate) use self::result::Counters;
use self::{
    functions::{Functions, Raw},
    insert::Insert,
    result::QueryResult,
};
use crate::{EngineError, exception::Exception};

/// A named parameter of a query: `{name:Type}`.
pub(crate) type Parameter = (String, String);

/// The loaded library.
#[derive(Clone)]
pub(crate) struct Engine {
    functions: Arc<Functions>,
    arguments: Arc<Vec<CString>>,
    connections: Arc<AtomicU64>,
}

/// One connection. Its statements are serialized; it may move between threads.
pub(crate) struct Connection {
    functions: Arc<Functions>,
    handle: *mut Raw,
    name: String,
}

// SAFETY: libchdb's connections are not bound to a thread, only to one use at a time, which `&mut self` guarantees.
unsafe impl Send for Connection {}

impl Engine {
    /// Loads the library; `arguments` are start options of every connection, and must be the same for all.
    pub(crate) fn load(path: &Path, arguments: &[String]) -> Result<Self, EngineError> {
        let functions = Functions::load(path)?;
        let c_string = |text: &String| CString::new(text.as_str()).expect("paths and options hold no NUL");
        Ok(Self {
            functions: Arc::new(functions),
            arguments: Arc::new(arguments.iter().map(c_string).collect()),
            connections: Arc::default(),
        })
    }

    /// Opens a connection. A refusing engine writes its reason on standard error alone.
    pub(crate) fn connect(&self) -> Result<Connection, Exception> {
        let mut argv: Vec<*mut c_char> = self.arguments.iter().map(|a| a.as_ptr().cast_mut()).collect();
        // SAFETY: argv points at NUL-terminated strings that live through the call; libchdb copies them.
        let handle = unsafe { (self.functions.connect)(argv.len() as c_int, argv.as_mut_ptr()) };
        // SAFETY: a non-null handle points at the connection.
        let open = !handle.is_null() && !unsafe { *handle }.is_null();
        if !open {
            return Err(Exception::from_engine("the engine gave no connection"));
        }
        Ok(Connection {
            functions: Arc::clone(&self.functions),
            handle,
            name: format!("connection-{}", self.connections.fetch_add(1, Ordering::Relaxed)),
        })
    }
}

/// Ends this process at once, without the exit handlers: libchdb's would destroy what its own threads still use.
/// Inserts that were acknowledged are on disk by then, as after a kill.
pub fn leave(code: i32) -> ! {
    // SAFETY: ends the process; nothing of it is used afterwards.
    unsafe { libc::_exit(code) }
}

struct Pointers {
    names: Vec<*const c_char>,
    name_lengths: Vec<usize>,
    values: Vec<*const c_char>,
    value_lengths: Vec<usize>,
}

impl Pointers {
    fn new(parameters: &[Parameter]) -> Self {
        Self {
            names: parameters.iter().map(|(name, _)| name.as_ptr().cast()).collect(),
            name_lengths: parameters.iter().map(|(name, _)| name.len()).collect(),
            values: parameters
                .iter()
                .map(|(_, value)| value.as_ptr().cast())
                .collect(),
            value_lengths: parameters.iter().map(|(_, value)| value.len()).collect(),
        }
    }
}

impl Connection {
    fn raw(&self) -> Raw {
        // SAFETY: the handle is valid until `drop`.
        unsafe { *self.handle }
    }

    /// Returns a name that no other connection of this process has or had.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Runs one statement to its end and returns its whole result.
    pub(crate) fn query(
        &mut self,
        sql: &str,
        format: &str,
        parameters: &[Parameter],
    ) -> Result<(Vec<u8>, Counters), Exception> {
        let p = Pointers::new(parameters);
        // SAFETY: every pointer comes with its length and lives through the call.
        let result = unsafe {
            (self.functions.query)(
                self.raw(),
                sql.as_ptr().cast(),
                sql.len(),
                format.as_ptr().cast(),
                format.len(),
                p.names.as_ptr(),
                p.name_lengths.as_ptr(),
                p.values.as_ptr(),
                p.value_lengths.as_ptr(),
                parameters.len(),
            )
        };
        QueryResult {
            functions: &self.functions,
            raw: result,
        }
        .take()
    }

    /// Runs one statement and hands its result on in chunks, until `sink` says stop.
    pub(crate) fn stream(
        &mut self,
        sql: &str,
        format: &str,
        parameters: &[Parameter],
        mut sink: impl FnMut(Vec<u8>) -> Result<bool, Exception>,
    ) -> Result<Counters, Exception> {
        let p = Pointers::new(parameters);
        // SAFETY: as in `query`.
        let stream = unsafe {
            (self.functions.stream)(
                self.raw(),
                sql.as_ptr().cast(),
                sql.len(),
                format.as_ptr().cast(),
                format.len(),
                p.names.as_ptr(),
                p.name_lengths.as_ptr(),
                p.values.as_ptr(),
                p.value_lengths.as_ptr(),
                parameters.len(),
            )
        };
        let stream = QueryResult {
            functions: &self.functions,
            raw: stream,
        };
        stream.check()?;
        let mut total = Counters::default();
        loop {
            // SAFETY: connection and stream are valid; the chunk is ours to destroy.
            let chunk = unsafe { (self.functions.fetch)(self.raw(), stream.raw) };
            let (bytes, counters) = QueryResult {
                functions: &self.functions,
                raw: chunk,
            }
            .take()?;
            total += counters;
            if bytes.is_empty() {
                return Ok(total);
            }
            let wanted = sink(bytes);
            if !matches!(wanted, Ok(true)) {
                // SAFETY: as above; cancelling ends the statement, after which the stream is only destroyed.
                unsafe { (self.functions.cancel)(self.raw(), stream.raw) };
                return wanted.map(|_| total);
            }
        }
    }

    /// Starts an insert whose data follows in pieces.
    pub(crate) fn insert<'a>(&'a mut self, sql: &str, format: &str) -> Result<Insert<'a>, Exception> {
        // SAFETY: as in `query`; libchdb never returns null here.
        let raw = unsafe {
            (self.functions.insert)(
                self.raw(),
                sql.as_ptr().cast(),
                sql.len(),
                format.as_ptr().cast(),
                format.len(),
            )
        };
        Insert::new(Arc::clone(&self.functions), raw)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // SAFETY: the handle came from `connect` and is closed once.
        unsafe { (self.functions.close)(self.handle) };
    }
}
