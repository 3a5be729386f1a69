//! The id of a device: the only part of a topic that a device chooses itself.
//!
//! In: text from a topic, a payload or a command line. Out: an id that is safe in topics, SQL parameters, file names
//! and metric labels.

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A device id: 1 to 64 characters of `A–Z a–z 0–9 _ -`. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[schema(value_type = String, pattern = "^[A-Za-z0-9_-]{1,64}$", examples("sensor-001"))]
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

    /// Returns the 12 hex digits of a MAC address in lower case, if `text` is one in any of the usual spellings:
    /// `aa:bb:cc:dd:ee:ff`, `AA-BB-CC-DD-EE-FF`, `aabb.ccdd.eeff`, `AABBCCDDEEFF`. They are the id of a device that is
    /// named by its address.
    pub fn of_mac_address(text: &str) -> Option<Self> {
        // The longest spelling has 17 characters.
        let bytes = Some(text.as_bytes()).filter(|bytes| bytes.len() <= 17)?;
        let spelt = |separator: u8, group: usize| {
            let groups = || bytes.split(move |b| *b == separator);
            groups().count() * group == 12 && groups().all(|part| part.len() == group)
        };
        let shaped = bytes.len() == 12 || spelt(b':', 2) || spelt(b'-', 2) || spelt(b'.', 4);
        let digits: String = text.chars().filter(char::is_ascii_hexdigit).collect();
        let separators = text.len() - digits.len();
        let bare = shaped && digits.len() == 12 && matches!(separators, 0 | 2 | 5);
        bare.then(|| Self(digits.to_ascii_lowercase().into()))
    }

    /// Returns whether `text` names this device: the id itself or, of an id that is a MAC address, another spelling.
    pub fn is_named(&self, text: &str) -> bool {
        text == self.as_str()
            || Self::of_mac_address(text)
                .is_some_and(|claimed| Self::of_mac_address(self.as_str()) == Some(claimed))
    }

    /// Returns why `text` is no id, with an id to use instead where there is an obvious one.
    pub fn explain(text: &str) -> String {
        let shown: String = text.chars().take(Self::MAX_LEN).collect();
        let problem = if text.is_empty() {
            "the device id is empty".to_owned()
        } else if text.len() > Self::MAX_LEN {
            format!("'{shown}…' is too long for a device id")
        } else {
            let bad = text
                .chars()
                .find(|c| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '-'));
            let bad = bad.unwrap_or_default().escape_debug();
            format!("'{shown}' is no device id: '{bad}' cannot stand in it")
        };
        match Self::of_mac_address(text) {
            Some(id) => format!("{problem}; use '{id}' in every topic of this device"),
            None => format!("{problem}; {InvalidDeviceId}"),
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

    #[test]
    fn mac_addresses_have_one_id_each() {
        let id = DeviceId::parse("aabbccddee01").unwrap();
        for text in [
            "aa:bb:cc:dd:ee:01",
            "AA-BB-CC-DD-EE-01",
            "AABBCCDDEE01",
            "aabb.ccdd.ee01",
        ] {
            assert_eq!(DeviceId::of_mac_address(text), Some(id.clone()), "{text}");
            assert!(id.is_named(text), "{text}");
        }
        assert!(
            DeviceId::parse("AA-BB-CC-DD-EE-01")
                .unwrap()
                .is_named("aa:bb:cc:dd:ee:01")
        );
        for text in [
            "aa:bb:cc:dd:ee",
            "aa:bb:cc:dd:ee:0g",
            "a:abb:cc:dd:ee:01",
            "aabbccddee0",
            "sensor-001",
            "",
            "äabbccddee01",
        ] {
            assert_eq!(DeviceId::of_mac_address(text), None, "{text}");
            assert!(!id.is_named(text), "{text}");
        }
        let explained = DeviceId::explain("aa:bb:cc:dd:ee:01");
        assert!(
            explained.contains("':'") && explained.contains("'aabbccddee01'"),
            "{explained}"
        );
        assert!(DeviceId::explain("living room").contains("' '"));
        assert!(DeviceId::explain(&"x".repeat(70_000)).len() < 300);
    }

    proptest! {
        #[test]
        fn any_text_is_explained(text in any::<String>()) {
            prop_assert!(!DeviceId::explain(&text).is_empty());
            let _ = DeviceId::of_mac_address(&text);
        }

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
