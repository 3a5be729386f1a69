//! Results: bytes and counters, copied out of libchdb's memory.

use std::{
    ffi::{CStr, c_char},
    slice,
};

use super::functions::{Functions, Raw};
use crate::exception::Exception;

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

/// A result that is destroyed when it is dropped.
pub(super) struct QueryResult<'a> {
    pub(super) functions: &'a Functions,
    pub(super) raw: Raw,
}

impl QueryResult<'_> {
    /// Returns the error that the result holds.
    pub(super) fn check(&self) -> Result<(), Exception> {
        if self.raw.is_null() {
            return Err(Exception::from_engine("the engine gave no result"));
        }
        // SAFETY: the result is valid until `drop`; the text is copied.
        let error = unsafe { text((self.functions.error)(self.raw)) };
        error.map_or(Ok(()), |error| Err(Exception::from_engine(&error)))
    }

    /// Returns bytes and counters, or the error.
    pub(super) fn take(self) -> Result<(Vec<u8>, Counters), Exception> {
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

/// Copies a C string. SAFETY of the caller: the pointer is null, or a NUL-terminated string that is valid now.
pub(super) unsafe fn text(pointer: *const c_char) -> Option<String> {
    if pointer.is_null() {
        return None;
    }
    // SAFETY: see above.
    let text = unsafe { CStr::from_ptr(pointer) }.to_string_lossy().into_owned();
    (!text.is_empty()).then_some(text)
}
