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
pub(crate) const TOO_MANY_BYTES: u32 = 307;
pub(crate) const TOO_MANY_ROWS_OR_BYTES: u32 = 396;
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

    /// Makes one of libchdb's, whose code is in its text. What each layer of the engine wrapped around it is taken off.
    pub(crate) fn from_engine(text: &str) -> Self {
        let text = innermost(text.trim());
        Self {
            code: head(text).map_or(UNKNOWN_EXCEPTION, |(code, _)| code),
            message: text.to_owned(),
        }
    }

    /// Returns the message without code and name.
    pub(crate) fn reason(&self) -> &str {
        let rest = head(&self.message).map_or(self.message.as_str(), |(_, rest)| rest);
        without_version(rest)
            .rsplit_once(". (")
            .map_or(rest, |(reason, _)| reason)
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

/// Splits `Code: 36. DB::Exception: text` into code and text.
fn head(text: &str) -> Option<(u32, &str)> {
    let (code, rest) = text.strip_prefix("Code: ")?.split_once(". ")?;
    let (class, rest) = rest.split_once(": ")?;
    let is_class = class.starts_with("DB::") && class.bytes().all(|b| b.is_ascii_alphanumeric() || b == b':');
    Some((code.parse().ok().filter(|_| is_class)?, rest))
}

/// Takes the name and the version off that each layer repeats: `Code: 1. DB::Exception: Code: 1. DB::Exception: text.
/// (NAME) (version 2). (NAME)` is one exception.
fn innermost(mut text: &str) -> &str {
    while let Some((_, rest)) = head(text)
        && head(rest).is_some()
    {
        let named = rest.strip_suffix(')').and_then(|rest| rest.rsplit_once(". ("));
        let is_name = |name: &str| {
            name.bytes()
                .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
        };
        text = match named {
            Some((inner, name)) if is_name(name) => without_version(inner),
            _ => rest,
        };
    }
    text
}

fn without_version(text: &str) -> &str {
    match text.rsplit_once(" (version ") {
        Some((before, version)) if version.ends_with(')') => before,
        _ => text,
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

    #[test]
    fn what_layers_repeat_stands_once() {
        for (text, expected) in [
            (
                "Code: 73. DB::Exception: Code: 73. DB::Exception: Code: 73. DB::Exception: Unknown format X. (UNKNOWN_FORMAT) (version 26.7.2.1). (UNKNOWN_FORMAT) (version 26.7.2.1). (UNKNOWN_FORMAT)",
                "Code: 73. DB::Exception: Unknown format X. (UNKNOWN_FORMAT)",
            ),
            (
                "Code: 36. DB::Exception: Code: 27. DB::ParsingException: Cannot parse 'Code: 1. DB::Exception: x'. (CANNOT_PARSE) (version 1.2 (official build)). (BAD_ARGUMENTS)\n",
                "Code: 27. DB::ParsingException: Cannot parse 'Code: 1. DB::Exception: x'. (CANNOT_PARSE)",
            ),
            (
                "Code: 36. DB::Exception: Code: 36. DB::Exception: no name",
                "Code: 36. DB::Exception: no name",
            ),
            (
                "Code: 36. DB::Exception: once. (BAD_ARGUMENTS) (version 1)",
                "Code: 36. DB::Exception: once. (BAD_ARGUMENTS) (version 1)",
            ),
        ] {
            assert_eq!(Exception::from_engine(text).message, expected);
        }
        assert_eq!(
            Exception::from_engine("Code: 36. DB::Exception: Code: 27. DB::Exception: x").code,
            27
        );
        let one = Exception::from_engine("Code: 36. DB::Exception: once. (BAD_ARGUMENTS) (version 1)");
        assert_eq!(one.reason(), "once");
        assert_eq!(Exception::bad_arguments("a. (b)").reason(), "a. (b)");
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "(Code: 36[.] DB::Exception: |[a-z.(): A-Z]|é){0,20}") {
            let exception = Exception::from_engine(&text);
            let _ = exception.reason();
        }
    }
}
