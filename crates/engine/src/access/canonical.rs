//! The engine's own reading of a statement: its canonical form, or the error that says why it has none.
//!
//! In: a statement and a connection. Out: text, in which each clause has a line of its own.

use crate::{
    exception::{Exception, SYNTAX_ERROR},
    ffi::Connection,
    sql::{Statement, quote},
};

/// The engine reads no longer ones, unless a client's setting says so.
const LONGEST_REFUSED: usize = 256 << 10;

/// Returns the canonical form. An error is the engine's syntax error, or says that the statement cannot be read.
pub(super) fn text(connection: &mut Connection, statement: &Statement) -> Result<String, Exception> {
    let end = if statement.is_insert() {
        " FORMAT Values"
    } else {
        ""
    };
    let text = quote(&format!("{}{end}", statement.text()));
    let query = format!("SELECT formatQuery({text})");
    let (canonical, _) = connection.query(&query, "RawBLOB", &[]).map_err(|error| {
        // The engine names the statement that asked it, which is ours.
        let reason = error.reason().split(": In scope SELECT formatQuery").next();
        let reason = reason.unwrap_or_default();
        if error.code == SYNTAX_ERROR {
            return Exception::new(SYNTAX_ERROR, "SYNTAX_ERROR", reason);
        }
        Exception::access_denied(format_args!("the statement cannot be read for certain: {reason}"))
    })?;
    Ok(String::from_utf8_lossy(&canonical).into_owned())
}

/// Returns the engine's syntax error of a statement that is refused for another reason; `None` where it has none.
pub(super) fn syntax_error(connection: &mut Connection, statement: &Statement) -> Option<Exception> {
    if statement.text().len() > LONGEST_REFUSED {
        return None;
    }
    text(connection, statement)
        .err()
        .filter(|error| error.code == SYNTAX_ERROR)
}
