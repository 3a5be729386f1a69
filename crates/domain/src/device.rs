//! The id of a device: the only part of a topic that a device chooses itself.
//!
//! In: text from a topic, a payload or a command line. Out: an id that is safe in topics, SQL parameters, file names
//! and metric labels.

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};

/// A device id: 1 to 64 characters of `A–Z a–z 0–9 _ -`. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DeviceId(Arc<str>);

/// The text is not a device id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a device id is 1 to 64 characters of A-Z a-z 0-9 _ -")]
pub struct InvalidDeviceId;

impl DeviceId {
    /// The most characters an id may have.
    pub const MAX_LEN: usize = 64;

    /// Parses `text` as an id.
    pub fn parse(text: &str) -> Result<Self, InvalidDeviceId> {
        let fits = (1..=Self::MAX_LEN).contains(&text.len());
        let clean = text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
        if fits && clean {
            Ok(Self(text.into()))
        } else {
            Err(InvalidDeviceId)
        }
    }

    /// Returns the id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl FromStr for DeviceId {
    type Err = InvalidDeviceId;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl TryFrom<String> for DeviceId {
    type Error = InvalidDeviceId;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<DeviceId> for String {
    fn from(id: DeviceId) -> Self {
        id.0.as_ref().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn refuses_what_could_leave_its_topic() {
        for bad in [
            "",
            "..",
            "a/b",
            "a b",
            "a'b",
            "a\"b",
            "a;DROP",
            "+",
            "#",
            "$SYS",
            "ä",
            "a\0",
            &"x".repeat(65),
        ] {
            assert_eq!(DeviceId::parse(bad), Err(InvalidDeviceId), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn keeps_every_valid_id(text in "[A-Za-z0-9_-]{1,64}") {
            let id = DeviceId::parse(&text).unwrap();
            prop_assert_eq!(id.as_str(), &text);
        }

        #[test]
        fn never_panics(text in any::<String>()) {
            let _ = DeviceId::parse(&text);
        }
    }
}
