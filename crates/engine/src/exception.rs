//! ClickHouse's errors: text with a code, and the HTTP status each code has.

use std::fmt;

/// An error as ClickHouse words it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Exception {
    pub(crate) code: u32,
    pub(crate) message: String,
}

pub(crate) const UNKNOWN_FORMAT: u32 = 73;
pub(crate) const CANNOT_READ: u32 = 74;
pub(crate) const NOT_IMPLEMENTED: u32 = 48;
pub(crate) const SYNTAX_ERROR: u32 = 62;
const BAD_ARGUMENTS: u32 = 36;
pub(crate) const READONLY: u32 = 164;
const ACCESS_DENIED: u32 = 497;
pub(crate) const AUTHENTICATION_FAILED: u32 = 516;
pub(crate) const TOO_MANY_QUERIES: u32 = 202;
pub(crate) const SESSION_NOT_FOUND: u32 = 372;
pub(crate) const SESSION_IS_LOCKED: u32 = 373;
pub(crate) const INCORRECT_DATA: u32 = 117;
const UNKNOWN_EXCEPTION: u32 = 1002;

impl Exception {
    /// Makes one of our own; `name` is ClickHouse's for the code.
    pub(crate) fn new(code: u32, name: &str, message: impl fmt::Display) -> Self {
        Self {
            code,
            message: format!("Code: {code}. DB::Exception: {message}. ({name})"),
        }
    }

    /// Makes the refusal of what is not allowed here.
    pub(crate) fn access_denied(message: impl fmt::Display) -> Self {
        Self::new(ACCESS_DENIED, "ACCESS_DENIED", message)
    }

    /// Makes the refusal of a request that cannot be understood.
    pub(crate) fn bad_arguments(message: impl fmt::Display) -> Self {
        Self::new(BAD_ARGUMENTS, "BAD_ARGUMENTS", message)
    }

    /// Makes one of libchdb's, whose code is in its text.
    pub(crate) fn from_engine(text: &str) -> Self {
        let code = text
            .split("Code: ")
            .nth(1)
            .and_then(|rest| rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok());
        Self {
            code: code.unwrap_or(UNKNOWN_EXCEPTION),
            message: text.trim().to_owned(),
        }
    }

    /// Returns the HTTP status that ClickHouse's server has for the code.
    pub(crate) fn status(&self) -> u16 {
        match self.code {
            194 => 401,
            192 | 193 | 516 | 511 | 497 => 403,
            6 | 26 | 27 | 36 | 38 | 41 | 43 | 44 | 49 | 51 | 53 | 62 | 69 | 70 | 72 | 117 | 130 | 131
            | 190 | 321 | 386 | 427 | 457 => 400,
            46 | 47 | 50 | 56 | 57 | 60 | 63 | 66 | 73 | 81 | 115 | 372 => 404,
            307 => 413,
            48 => 501,
            159 | 160 => 408,
            202 | 209 | 439 => 503,
            _ => 500,
        }
    }
}

impl fmt::Display for Exception {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_read_from_the_text() {
        let exception = Exception::from_engine(
            "Code: 60. DB::Exception: Unknown table expression identifier 'x'. (UNKNOWN_TABLE)",
        );
        assert_eq!((exception.code, exception.status()), (60, 404));
        assert_eq!(Exception::from_engine("something else").status(), 500);
    }
}
