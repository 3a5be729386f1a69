//! Inserts whose data arrives in pieces.

use std::{marker::PhantomData, sync::Arc};

use super::{
    functions::{Functions, Raw},
    result::{Counters, QueryResult, text},
};
use crate::exception::Exception;

/// An insert under way; dropped unfinished, it inserts nothing.
pub(crate) struct Insert<'a> {
    functions: Arc<Functions>,
    raw: Raw,
    finished: bool,
    /// Its connection runs nothing else meanwhile.
    connection: PhantomData<&'a mut ()>,
}

impl Insert<'_> {
    /// Takes over what libchdb has started.
    pub(super) fn new(functions: Arc<Functions>, raw: Raw) -> Result<Self, Exception> {
        let insert = Self {
            functions,
            raw,
            finished: false,
            connection: PhantomData,
        };
        insert.check()?;
        Ok(insert)
    }

    fn check(&self) -> Result<(), Exception> {
        // SAFETY: the stream is valid until `drop`; the text is copied.
        let error = unsafe { text((self.functions.insert_error)(self.raw)) };
        error.map_or(Ok(()), |error| Err(Exception::from_engine(&error)))
    }

    /// Hands a piece of the data over.
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

    /// Ends the data and returns what was counted.
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
