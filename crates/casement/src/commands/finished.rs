//! The end of a command that has said what there is to say, with an exit code that means something.

use std::fmt;

/// A command is done.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) code: u8,
    /// What remains to be said, on standard error.
    pub(super) line: Option<String>,
}

impl Finished {
    /// Nothing is left to say.
    pub(super) const fn with(code: u8) -> Self {
        Self { code, line: None }
    }

    /// An error with an exit code of its own.
    pub(super) fn telling(code: u8, error: &anyhow::Error) -> Self {
        Self {
            code,
            line: Some(format!("{error:#}")),
        }
    }
}

impl fmt::Display for Finished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.line.as_deref().unwrap_or("it is done"))
    }
}

impl std::error::Error for Finished {}
