//! The setting that decides whether a part is embedded: `auto`, `true` or `false`.

use std::{fmt, str::FromStr};

/// Whether a part of `casement up` is embedded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Embedded {
    /// Yes, unless an address other than the embedded part's is configured.
    #[default]
    Auto,
    /// Yes, whatever is configured.
    Yes,
    /// No: the configured address is used, even if it is the default.
    No,
}

impl fmt::Display for Embedded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Yes => "true",
            Self::No => "false",
        })
    }
}

impl FromStr for Embedded {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "auto" => Ok(Self::Auto),
            "true" => Ok(Self::Yes),
            "false" => Ok(Self::No),
            _ => Err("expected auto, true or false"),
        }
    }
}

impl Embedded {
    /// Returns the decision, which is that of `auto` unless the configuration is explicit.
    pub(super) fn decide(self, auto: impl FnOnce() -> bool) -> bool {
        match self {
            Self::Auto => auto(),
            Self::Yes => true,
            Self::No => false,
        }
    }
}
