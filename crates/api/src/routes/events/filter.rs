//! What a listener wants to hear.

use backend::Happening;
use domain::DeviceId;
use monitoring::{Problem, extract::invalid};

use super::kind;

const KINDS: [&str; 13] = [
    "reading",
    "suspect",
    "clip",
    "command",
    "held",
    "withheld",
    "telemetry",
    "settings",
    "window",
    "control",
    "device",
    "registry",
    "refused",
];

/// What a listener hears.
#[derive(Debug, Clone)]
pub(super) struct Filter {
    device_id: Option<DeviceId>,
    kinds: Vec<&'static str>,
}

impl Filter {
    /// `guest`: a refused message may hold anything, which is not for somebody with a link.
    pub(super) fn new(
        device_id: Option<DeviceId>,
        kinds: Option<&str>,
        guest: bool,
    ) -> Result<Self, Problem> {
        let mut wanted = Vec::new();
        for text in kinds
            .into_iter()
            .flat_map(|kinds| kinds.split(','))
            .map(str::trim)
        {
            let known = KINDS.into_iter().find(|kind| *kind == text);
            let known = known.ok_or_else(|| {
                let shown: String = text.chars().take(64).collect();
                invalid(
                    "events",
                    format!("'{shown}' is no event; events are {}", KINDS.join(", ")),
                )
            })?;
            if !wanted.contains(&known) {
                wanted.push(known);
            }
        }
        if kinds.is_none() {
            wanted = KINDS.to_vec();
        }
        if guest {
            wanted.retain(|kind| *kind != "refused");
        }
        Ok(Self {
            device_id,
            kinds: wanted,
        })
    }

    pub(super) fn wants(&self, happening: &Happening) -> bool {
        let (kind, device_id) = kind(happening);
        // Settings of groups and of all are every device's.
        let is_meant =
            |wanted: &DeviceId| device_id.map_or(kind == "registry", |device_id| device_id == wanted);
        self.kinds.contains(&kind) && self.device_id.as_ref().is_none_or(is_meant)
    }
}

#[cfg(test)]
mod tests {
    use domain::Timestamp;

    use super::*;

    fn window(id: &str) -> Happening {
        Happening::Window {
            device_id: DeviceId::parse(id).unwrap(),
            position: 50.0,
            timestamp: Timestamp::from_millis(0),
        }
    }

    fn refused() -> Happening {
        Happening::Refused {
            topic: "sensor/a".into(),
            reason: "payload",
            detail: String::new(),
        }
    }

    #[test]
    fn a_listener_hears_what_it_asked_for() {
        let registry = Happening::Registry { revision: 1 };
        let all = Filter::new(None, None, false).unwrap();
        assert!(all.wants(&window("a")) && all.wants(&refused()) && all.wants(&registry));
        let guest = Filter::new(None, None, true).unwrap();
        assert!(guest.wants(&window("a")) && !guest.wants(&refused()));
        assert!(
            !Filter::new(None, Some("refused"), true)
                .unwrap()
                .wants(&refused())
        );
        let one = Filter::new(DeviceId::parse("a").ok(), None, false).unwrap();
        assert!(one.wants(&window("a")) && !one.wants(&window("b")));
        assert!(one.wants(&registry) && !one.wants(&refused()));
        let some = Filter::new(None, Some("reading, window"), false).unwrap();
        assert!(some.wants(&window("a")) && !some.wants(&registry));
        assert!(Filter::new(None, Some("reading,colour"), false).is_err());
        assert!(Filter::new(None, Some(""), false).is_err());
    }
}
