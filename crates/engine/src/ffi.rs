//! libchdb's C functions, made safe: the only module of Casement with `unsafe`.
//!
//! In: SQL and bytes. Out: bytes or an [`Exception`]. A [`Connection`] runs one statement at a time, which `&mut self`
//! enforces; several connections run side by side. The library is never unloaded.

use std::{
    ffi::{CString, c_char, c_int, c_void},
    path::Path,
    slice,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use libloading::{Library, Symbol};

use crate::{EngineError, exception::Exception};

type Raw = *mut c_void;

/// A named parameter of a query: `{name:Type}`.
pub(crate) type Parameter = (String, String);

struct Functions {
    connect: unsafe extern "C" fn(c_int, *mut *mut c_char) -> *mut Raw,
    close: unsafe extern "C" fn(*mut Raw),
    query: unsafe extern "C" fn(
        Raw,
        *const c_char,
        usize,
        *const c_char,
        usize,
        *const *const c_char,
        *const usize,
        *const *const c_char,
        *const usize,
        usize,
    ) -> Raw,
    stream: unsafe extern "C" fn(
        Raw,
        *const c_char,
        usize,
        *const c_char,
        usize,
        *const *const c_char,
        *const usize,
        *const *const c_char,
        *const usize,
        usize,
    ) -> Raw,
    fetch: unsafe extern "C" fn(Raw, Raw) -> Raw,
    cancel: unsafe extern "C" fn(Raw, Raw),
    insert: unsafe extern "C" fn(Raw, *const c_char, usize, *const c_char, usize) -> Raw,
    insert_error: unsafe extern "C" fn(Raw) -> *const c_char,
    append: unsafe extern "C" fn(Raw, *const c_char, usize) -> c_int,
    done: unsafe extern "C" fn(Raw) -> Raw,
    cancel_insert: unsafe extern "C" fn(Raw),
    destroy_insert: unsafe extern "C" fn(Raw),
    buffer: unsafe extern "C" fn(Raw) -> *const c_char,
    length: unsafe extern "C" fn(Raw) -> usize,
    error: unsafe extern "C" fn(Raw) -> *const c_char,
    result_rows: unsafe extern "C" fn(Raw) -> u64,
    result_bytes: unsafe extern "C" fn(Raw) -> u64,
    read_rows: unsafe extern "C" fn(Raw) -> u64,
    read_bytes: unsafe extern "C" fn(Raw) -> u64,
    written_rows: unsafe extern "C" fn(Raw) -> u64,
    written_bytes: unsafe extern "C" fn(Raw) -> u64,
    destroy: unsafe extern "C" fn(Raw),
}

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

/// What libchdb counted for a statement.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counters {
    pub(crate) result_rows: u64,
    pub(crate) result_bytes: u64,
    pub(crate) read_rows: u64,
    pub(crate) read_bytes: u64,
    pub(crate) written_rows: u64,
    pub(crate) written_bytes: u64,
}

impl std::ops::AddAssign for Counters {
    fn add_assign(&mut self, more: Self) {
        self.result_rows += more.result_rows;
        self.result_bytes += more.result_bytes;
        self.read_rows += more.read_rows;
        self.read_bytes += more.read_bytes;
        self.written_rows += more.written_rows;
        self.written_bytes += more.written_bytes;
    }
}

impl Engine {
    /// Loads the library; `arguments` are start options of every connection, and must be the same for all.
    pub(crate) fn load(path: &Path, arguments: &[String]) -> Result<Self, EngineError> {
        let broken = |error: libloading::Error| EngineError::LibraryBroken {
            path: path.into(),
            reason: error.to_string(),
        };
        // SAFETY: loading runs the library's initialisers; it is the pinned, verified libchdb or one the user named.
        let library = unsafe { Library::new(path) }.map_err(broken)?;
        // Unloading would free code that its threads still run.
        let library: &'static Library = Box::leak(Box::new(library));
        macro_rules! symbol {
            ($name:literal) => {
                // SAFETY: the type is that of libchdb's C interface of this name.
                *unsafe { library.get(concat!($name, "\0").as_bytes()) }.map_err(broken)?
            };
        }
        // SAFETY: as for `symbol!`.
        let set_signal_handlers: Symbol<'_, unsafe extern "C" fn(c_int)> =
            unsafe { library.get(b"chdb_set_signal_handlers_enabled\0") }.map_err(broken)?;
        // SAFETY: called before the first connection, as the library asks.
        unsafe { set_signal_handlers(0) };
        let functions = Functions {
            connect: symbol!("chdb_connect"),
            close: symbol!("chdb_close_conn"),
            query: symbol!("chdb_query_with_params_n"),
            stream: symbol!("chdb_stream_query_with_params_n"),
            fetch: symbol!("chdb_stream_fetch_result"),
            cancel: symbol!("chdb_stream_cancel_query"),
            insert: symbol!("chdb_stream_insert_n"),
            insert_error: symbol!("chdb_stream_insert_error"),
            append: symbol!("chdb_stream_append"),
            done: symbol!("chdb_stream_done"),
            cancel_insert: symbol!("chdb_stream_cancel_insert"),
            destroy_insert: symbol!("chdb_destroy_insert_stream"),
            buffer: symbol!("chdb_result_buffer"),
            length: symbol!("chdb_result_length"),
            error: symbol!("chdb_result_error"),
            result_rows: symbol!("chdb_result_rows_read"),
            result_bytes: symbol!("chdb_result_bytes_read"),
            read_rows: symbol!("chdb_result_storage_rows_read"),
            read_bytes: symbol!("chdb_result_storage_bytes_read"),
            written_rows: symbol!("chdb_result_rows_written"),
            written_bytes: symbol!("chdb_result_bytes_written"),
            destroy: symbol!("chdb_destroy_query_result"),
        };
        let c_string = |text: &String| CString::new(text.as_str()).expect("paths and options hold no NUL");
        Ok(Self {
            functions: Arc::new(functions),
            arguments: Arc::new(arguments.iter().map(c_string).collect()),
            connections: Arc::default(),
        })
    }

    /// Opens a connection; `None` where the engine refuses, with its reason on standard error.
    pub(crate) fn connect(&self) -> Option<Connection> {
        let mut argv: Vec<*mut c_char> = self.arguments.iter().map(|a| a.as_ptr().cast_mut()).collect();
        // SAFETY: argv points at NUL-terminated strings that live through the call; libchdb copies them.
        let handle = unsafe { (self.functions.connect)(argv.len() as c_int, argv.as_mut_ptr()) };
        // SAFETY: a non-null handle points at the connection.
        let open = !handle.is_null() && !unsafe { *handle }.is_null();
        open.then(|| Connection {
            functions: Arc::clone(&self.functions),
            handle,
            name: format!("connection-{}", self.connections.fetch_add(1, Ordering::Relaxed)),
        })
    }
}

/// Ends this process at once, without the exit handlers: libchdb's would destroy what its own threads still use. Inserts
/// that were acknowledged are on disk by then, as after a kill.
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

    /// A name that no other connection of this process has or had.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Runs one statement to its end and gives its whole result.
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
        let insert = Insert {
            functions: Arc::clone(&self.functions),
            raw,
            finished: false,
            connection: std::marker::PhantomData,
        };
        insert.check()?;
        Ok(insert)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // SAFETY: the handle came from `connect` and is closed once.
        unsafe { (self.functions.close)(self.handle) };
    }
}

struct QueryResult<'a> {
    functions: &'a Functions,
    raw: Raw,
}

impl QueryResult<'_> {
    fn check(&self) -> Result<(), Exception> {
        if self.raw.is_null() {
            return Err(Exception::from_engine("the engine gave no result"));
        }
        // SAFETY: the result is valid until `drop`; the text is copied.
        let error = unsafe { text((self.functions.error)(self.raw)) };
        error.map_or(Ok(()), |error| Err(Exception::from_engine(&error)))
    }

    fn take(self) -> Result<(Vec<u8>, Counters), Exception> {
        self.check()?;
        // SAFETY: buffer and length belong together and are valid until `drop`; the bytes are copied.
        let bytes = unsafe {
            let (buffer, length) = (
                (self.functions.buffer)(self.raw),
                (self.functions.length)(self.raw),
            );
            if buffer.is_null() || length == 0 {
                Vec::new()
            } else {
                slice::from_raw_parts(buffer.cast::<u8>(), length).to_vec()
            }
        };
        // SAFETY: as above.
        let counters = unsafe {
            Counters {
                result_rows: (self.functions.result_rows)(self.raw),
                result_bytes: (self.functions.result_bytes)(self.raw),
                read_rows: (self.functions.read_rows)(self.raw),
                read_bytes: (self.functions.read_bytes)(self.raw),
                written_rows: (self.functions.written_rows)(self.raw),
                written_bytes: (self.functions.written_bytes)(self.raw),
            }
        };
        Ok((bytes, counters))
    }
}

impl Drop for QueryResult<'_> {
    fn drop(&mut self) {
        if !self.raw.is_null() {
            // SAFETY: results are destroyed once, here.
            unsafe { (self.functions.destroy)(self.raw) };
        }
    }
}

/// An insert under way; dropped unfinished, it inserts nothing.
pub(crate) struct Insert<'a> {
    functions: Arc<Functions>,
    raw: Raw,
    finished: bool,
    connection: std::marker::PhantomData<&'a mut Connection>,
}

impl Insert<'_> {
    fn check(&self) -> Result<(), Exception> {
        // SAFETY: the stream is valid until `drop`; the text is copied.
        let error = unsafe { text((self.functions.insert_error)(self.raw)) };
        error.map_or(Ok(()), |error| Err(Exception::from_engine(&error)))
    }

    pub(crate) fn append(&mut self, data: &[u8]) -> Result<(), Exception> {
        // SAFETY: pointer and length belong together and live through the call.
        let code = unsafe { (self.functions.append)(self.raw, data.as_ptr().cast(), data.len()) };
        self.check()?;
        if code == 0 {
            Ok(())
        } else {
            Err(Exception::from_engine("the engine refused a piece of the insert"))
        }
    }

    pub(crate) fn finish(mut self) -> Result<Counters, Exception> {
        self.finished = true;
        // SAFETY: called once; the result is ours.
        let raw = unsafe { (self.functions.done)(self.raw) };
        let functions = Arc::clone(&self.functions);
        QueryResult {
            functions: &functions,
            raw,
        }
        .take()
        .map(|(_, counters)| counters)
    }
}

impl Drop for Insert<'_> {
    fn drop(&mut self) {
        // SAFETY: an unfinished stream is cancelled, every stream is destroyed once.
        unsafe {
            if !self.finished {
                (self.functions.cancel_insert)(self.raw);
            }
            (self.functions.destroy_insert)(self.raw);
        }
    }
}

/// SAFETY of the caller: null, or a NUL-terminated string that is valid now.
unsafe fn text(pointer: *const c_char) -> Option<String> {
    if pointer.is_null() {
        return None;
    }
    // SAFETY: see above.
    let text = unsafe { std::ffi::CStr::from_ptr(pointer) }
        .to_string_lossy()
        .into_owned();
    (!text.is_empty()).then_some(text)
}
