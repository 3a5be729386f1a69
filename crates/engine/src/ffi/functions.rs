//! libchdb's C functions, found by name in the loaded library.

use std::{
    ffi::{c_char, c_int, c_void},
    path::Path,
};

use libloading::{Library, Symbol};

use crate::EngineError;

pub(super) type Raw = *mut c_void;

pub(super) struct Functions {
    pub(super) connect: unsafe extern "C" fn(c_int, *mut *mut c_char) -> *mut Raw,
    pub(super) close: unsafe extern "C" fn(*mut Raw),
    pub(super) query: unsafe extern "C" fn(
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
    pub(super) stream: unsafe extern "C" fn(
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
    pub(super) fetch: unsafe extern "C" fn(Raw, Raw) -> Raw,
    pub(super) cancel: unsafe extern "C" fn(Raw, Raw),
    pub(super) insert: unsafe extern "C" fn(Raw, *const c_char, usize, *const c_char, usize) -> Raw,
    pub(super) insert_error: unsafe extern "C" fn(Raw) -> *const c_char,
    pub(super) append: unsafe extern "C" fn(Raw, *const c_char, usize) -> c_int,
    pub(super) done: unsafe extern "C" fn(Raw) -> Raw,
    pub(super) cancel_insert: unsafe extern "C" fn(Raw),
    pub(super) destroy_insert: unsafe extern "C" fn(Raw),
    pub(super) buffer: unsafe extern "C" fn(Raw) -> *const c_char,
    pub(super) length: unsafe extern "C" fn(Raw) -> usize,
    pub(super) error: unsafe extern "C" fn(Raw) -> *const c_char,
    pub(super) result_rows: unsafe extern "C" fn(Raw) -> u64,
    pub(super) result_bytes: unsafe extern "C" fn(Raw) -> u64,
    pub(super) read_rows: unsafe extern "C" fn(Raw) -> u64,
    pub(super) read_bytes: unsafe extern "C" fn(Raw) -> u64,
    pub(super) written_rows: unsafe extern "C" fn(Raw) -> u64,
    pub(super) written_bytes: unsafe extern "C" fn(Raw) -> u64,
    pub(super) destroy: unsafe extern "C" fn(Raw),
}

impl Functions {
    /// Loads the library, which is never unloaded.
    pub(super) fn load(path: &Path) -> Result<Self, EngineError> {
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
        // SAFETY: called before the first connection, as the library requires.
        unsafe { set_signal_handlers(0) };
        Ok(Self {
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
        })
    }
}
