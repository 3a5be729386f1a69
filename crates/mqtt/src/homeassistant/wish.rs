//! `casement/{device_id}/hold`: what the switch and the list of durations say. A person holds the window where it is, for a
//! time, or lets go of it. A position is said on `window/{device_id}/set`.

use std::time::Duration;

use domain::{DeviceId, Timestamp};

/// The filter of all wishes.
pub const WISH_FILTER: &str = "casement/+/hold";

/// What the switch says.
pub(super) const HOLD: &str = "hold";
pub(super) const RESUME: &str = "resume";
/// The option that ends an override.
const AUTOMATIC: &str = "Automatic";
/// The option without an end.
const UNTIL_RESUMED: &str = "Until resumed";
/// The durations to choose from, in seconds.
const DURATIONS: [(&str, u32); 6] = [
    ("30 minutes", 1_800),
    ("1 hour", 3_600),
    ("2 hours", 7_200),
    ("4 hours", 14_400),
    ("8 hours", 28_800),
    ("24 hours", 86_400),
];
/// Durations this far apart are the same.
const TOLERANCE_MS: i64 = 2_000;
/// No word is longer.
const LONGEST: usize = 32;

/// What a person wants of a window where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// Hold it, as long as its settings say.
    Hold,
    /// Hold it for so long.
    HoldFor(Duration),
    /// Hold it until somebody ends that.
    HoldForever,
    /// Let the model decide again.
    Resume,
}

impl Wish {
    /// Reads a wish; `None` for anything but the words that Home Assistant was told.
    pub fn decode(payload: &[u8]) -> Option<Self> {
        if payload.len() > LONGEST {
            return None;
        }
        let word = std::str::from_utf8(payload).ok()?.trim();
        match word {
            HOLD => return Some(Self::Hold),
            UNTIL_RESUMED => return Some(Self::HoldForever),
            RESUME | AUTOMATIC => return Some(Self::Resume),
            _ => {}
        }
        let (_, seconds) = DURATIONS.iter().find(|(name, _)| *name == word)?;
        Some(Self::HoldFor(Duration::from_secs((*seconds).into())))
    }
}

/// The options to choose from.
pub(super) fn options() -> impl Iterator<Item = &'static str> {
    let durations = DURATIONS.iter().map(|(name, _)| *name);
    [AUTOMATIC].into_iter().chain(durations).chain([UNTIL_RESUMED])
}

/// The topic of a device's wishes.
pub fn wish_topic(device_id: &DeviceId) -> String {
    format!("casement/{device_id}/hold")
}

/// Whose wish is on `topic`.
pub fn wish_of_topic(topic: &str) -> Option<DeviceId> {
    let device_id = topic.strip_prefix("casement/")?.strip_suffix("/hold")?;
    DeviceId::parse(device_id).ok()
}

/// The option for an override that began at `since` and ends at `until`; `None` for a duration that is none to choose from.
pub fn hold_for(active: bool, since: Timestamp, until: Option<Timestamp>) -> Option<&'static str> {
    if !active {
        return Some(AUTOMATIC);
    }
    let Some(until) = until else {
        return Some(UNTIL_RESUMED);
    };
    let lasts_ms = until.millis_since(since);
    let same = |(_, seconds): &&(&str, u32)| (lasts_ms - i64::from(*seconds) * 1_000).abs() <= TOLERANCE_MS;
    DURATIONS.iter().find(same).map(|(name, _)| *name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_option_is_understood_and_shown_again() {
        let since = Timestamp::from_millis(1_761_307_200_000);
        for option in options() {
            let wish = Wish::decode(option.as_bytes()).unwrap();
            let shown = match wish {
                Wish::Resume => hold_for(false, since, None),
                Wish::HoldForever => hold_for(true, since, None),
                Wish::HoldFor(span) => hold_for(true, since, Some(since.plus(span))),
                Wish::Hold => None,
            };
            assert_eq!(shown, Some(option));
        }
        assert_eq!(
            hold_for(true, since, Some(since.plus(Duration::from_secs(100)))),
            None
        );
        assert_eq!(Wish::decode(b"hold"), Some(Wish::Hold));
        assert_eq!(Wish::decode(b"resume\n"), Some(Wish::Resume));
    }

    #[test]
    fn a_topic_names_its_device() {
        let device_id = DeviceId::parse("room-1").unwrap();
        assert_eq!(wish_of_topic(&wish_topic(&device_id)), Some(device_id));
        for other in [
            "casement//hold",
            "casement/a/b/hold",
            "casement/a b/hold",
            "casement/status",
            "",
        ] {
            assert_eq!(wish_of_topic(other), None, "{other}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(payload in prop::collection::vec(any::<u8>(), 0..80), topic in any::<String>()) {
            let _ = (Wish::decode(&payload), wish_of_topic(&topic));
        }
    }
}
