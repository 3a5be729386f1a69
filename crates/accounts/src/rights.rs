//! What an account may publish and subscribe to.
//!
//! In: a role, and of a device its id. Out: two lists of topic filters. A message is allowed if a filter matches its
//! topic, a subscription if a filter covers its own: if every topic that the subscription's matches, that filter matches,
//! too (MQTT 5.0, 4.7).

use domain::DeviceId;

use crate::account::{AccountName, Role, State};

/// The topics of a device, with `{id}` for its id, and those of the services.
#[derive(Debug, Clone)]
pub struct TopicRules {
    /// What a device may publish.
    pub device_publish: Vec<String>,
    /// What a device may subscribe to.
    pub device_subscribe: Vec<String>,
    /// Where people's wishes for windows go, and alarms.
    pub wishes: Vec<String>,
    /// What home automation says beside wishes: that it has started, and what its switches say.
    pub bridge_publish: Vec<String>,
    /// What an ML service publishes.
    pub ml_publish: Vec<String>,
    /// What an ML service hears.
    pub ml_subscribe: Vec<String>,
    /// What a backend publishes.
    pub backend_publish: Vec<String>,
    /// What of that devices believe and brokers retain: nobody else publishes it, with or without an account.
    pub backend_alone: Vec<String>,
}

impl Default for TopicRules {
    fn default() -> Self {
        let list = |filters: &[&str]| filters.iter().map(|text| (*text).to_owned()).collect();
        Self {
            device_publish: list(&["sensor/{id}/#", "device/{id}/#", "window/{id}/state"]),
            device_subscribe: list(&["window/{id}/control", "device/{id}/config", "device/{id}/time"]),
            wishes: list(&["window/+/set", "alarm/+"]),
            bridge_publish: Vec::new(),
            ml_publish: list(&["window/+/control", "ml/prediction/#"]),
            ml_subscribe: list(&["ml/inference/request/+"]),
            backend_publish: list(&[
                "ml/inference/request/+",
                "window/+/control",
                "window/+/override",
                "device/+/config",
                "device/+/time",
            ]),
            backend_alone: list(&["window/+/override", "device/+/config", "device/+/time"]),
        }
    }
}

impl TopicRules {
    /// The default rules, with what Home Assistant and a backend that announces rooms to it say below this prefix.
    pub fn of_home_assistant(prefix: &str) -> Self {
        let mut rules = Self {
            bridge_publish: vec![format!("{prefix}/status"), "casement/+/hold".to_owned()],
            ..Self::default()
        };
        rules.backend_publish.extend([
            format!("{prefix}/+/casement/+/config"),
            "casement/status".to_owned(),
            "casement/+/state".to_owned(),
        ]);
        rules
    }

    /// Leaves out what others of the same list cover.
    pub fn tidy(&mut self) {
        for list in [
            &mut self.device_publish,
            &mut self.device_subscribe,
            &mut self.wishes,
            &mut self.bridge_publish,
            &mut self.ml_publish,
            &mut self.ml_subscribe,
            &mut self.backend_publish,
            &mut self.backend_alone,
        ] {
            let mut kept: Vec<String> = Vec::new();
            for filter in list.drain(..) {
                if !kept.iter().any(|other| covers(other, &filter)) {
                    kept.push(filter);
                }
            }
            *list = kept;
        }
    }
}

/// What one account may do at a broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rights {
    publish: Vec<String>,
    /// What is left out of it.
    withheld: Vec<String>,
    subscribe: Vec<String>,
    /// Whether it may take part in a shared subscription, which takes messages from others.
    shared: bool,
}

/// Everything that is not the broker's own.
const EVERYTHING: &str = "#";
const BROKERS_OWN: &str = "$SYS/#";

impl Rights {
    /// The rights of an account.
    pub fn of(name: &AccountName, role: Role, state: State, rules: &TopicRules) -> Self {
        let filled = |templates: &[String]| -> Vec<String> {
            templates
                .iter()
                .map(|template| template.replace("{id}", name.as_str()))
                .collect()
        };
        let everything = || vec![EVERYTHING.to_owned(), BROKERS_OWN.to_owned()];
        let (publish, subscribe) = match (state, role) {
            (State::Retired, _) | (State::Active, Role::Reader) => (Vec::new(), Vec::new()),
            // Others are never pending; what it says is looked at and goes no further.
            (State::Pending, _) => (filled(&rules.device_publish), Vec::new()),
            (State::Active, Role::Device) => {
                debug_assert!(DeviceId::parse(name.as_str()).is_ok());
                (filled(&rules.device_publish), filled(&rules.device_subscribe))
            }
            (State::Active, Role::Operator) => (rules.wishes.clone(), everything()),
            (State::Active, Role::Bridge) => {
                ([&rules.wishes[..], &rules.bridge_publish].concat(), everything())
            }
            (State::Active, Role::Monitor) => (Vec::new(), everything()),
            (State::Active, Role::Ml) => (rules.ml_publish.clone(), rules.ml_subscribe.clone()),
            (State::Active, Role::Backend) => (rules.backend_publish.clone(), everything()),
            (State::Active, Role::Admin) => (vec![EVERYTHING.to_owned()], everything()),
        };
        let withheld = match role {
            Role::Backend | Role::Admin => Vec::new(),
            _ => rules.backend_alone.clone(),
        };
        Self {
            publish,
            withheld,
            subscribe,
            shared: matches!(role, Role::Ml | Role::Backend | Role::Admin),
        }
    }

    /// Those of clients without an account, where they are let in: everything but what only the backend says.
    pub fn anonymous(rules: &TopicRules) -> Self {
        Self {
            publish: vec![EVERYTHING.to_owned()],
            withheld: rules.backend_alone.clone(),
            subscribe: vec![EVERYTHING.to_owned(), BROKERS_OWN.to_owned()],
            shared: true,
        }
    }

    /// Whether it may publish to `topic`, a name without wildcards.
    pub fn may_publish(&self, topic: &str) -> bool {
        let any = |filters: &[String]| filters.iter().any(|filter| matches(filter, topic));
        any(&self.publish) && !any(&self.withheld)
    }

    /// Whether it may subscribe to `filter`, which may begin with `$share/GROUP/`.
    pub fn may_subscribe(&self, filter: &str) -> bool {
        let pattern = match filter.strip_prefix("$share/") {
            Some(_) if !self.shared => return false,
            Some(rest) => rest.split_once('/').map_or("", |(_, pattern)| pattern),
            None => filter,
        };
        self.subscribe.iter().any(|own| covers(own, pattern))
    }

    /// The filters of topics that it may publish to.
    pub fn publish_filters(&self) -> &[String] {
        &self.publish
    }

    /// The filters of topics that it may subscribe to.
    pub fn subscribe_filters(&self) -> &[String] {
        &self.subscribe
    }
}

/// Whether `filter` matches `topic`. Takes time in proportion to the topic's length.
pub fn matches(filter: &str, topic: &str) -> bool {
    // A topic is a filter that matches itself alone: its levels are no wildcards, or it would be no name.
    !topic.contains(['+', '#']) && covers(filter, topic)
}

/// Whether every topic that `asked` matches, `own` matches, too. Takes time in proportion to the length of `asked`.
pub fn covers(own: &str, asked: &str) -> bool {
    if asked.is_empty() {
        return false;
    }
    // Wildcards at the beginning do not match the broker's own topics; a filter that begins with one does not ask for
    // them, so only a name that begins with `$` is no match.
    if asked.starts_with('$') && !own.starts_with('$') {
        return false;
    }
    let (mut own, mut asked) = (own.split('/'), asked.split('/'));
    loop {
        match (own.next(), asked.next()) {
            (Some("#"), _) | (None, None) => return true,
            (Some("+"), Some(level)) if level != "#" => {}
            (Some(level), Some(wanted)) if level == wanted && level != "+" => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rights(name: &str, role: Role, state: State) -> Rights {
        Rights::of(
            &AccountName::parse(name).unwrap(),
            role,
            state,
            &TopicRules::default(),
        )
    }

    #[test]
    fn a_device_has_its_own_topics() {
        let device = rights("sensor-001", Role::Device, State::Active);
        for topic in [
            "sensor/sensor-001/temperature",
            "sensor/sensor-001/a/b",
            "sensor/sensor-001",
            "device/sensor-001/status",
            "window/sensor-001/state",
        ] {
            assert!(device.may_publish(topic), "{topic}");
        }
        for topic in [
            "sensor/sensor-002/temperature",
            "sensor/sensor-0011/temperature",
            "sensor/sensor-001temperature",
            "sensor//temperature",
            "Sensor/sensor-001/temperature",
            "/sensor/sensor-001/temperature",
            "sensor/+/temperature",
            "sensor/sensor-001/#",
            "window/sensor-001/control",
            "window/sensor-001/state/x",
            "window/sensor-001/set",
            "alarm/sensor-001",
            "ml/inference/request/sensor-001",
            "$SYS/x",
            "$share/g/sensor/sensor-001/x",
            "",
        ] {
            assert!(!device.may_publish(topic), "{topic}");
        }
        for filter in [
            "window/sensor-001/control",
            "device/sensor-001/config",
            "device/sensor-001/time",
        ] {
            assert!(device.may_subscribe(filter), "{filter}");
            assert!(!device.may_subscribe(&format!("$share/g/{filter}")), "{filter}");
        }
        for filter in [
            "#",
            "+/+/#",
            "+/+/+",
            "window/+/control",
            "window/#",
            "window/sensor-001/#",
            "window/sensor-001/+",
            "window/sensor-002/control",
            "+/sensor-001/control",
            "device/+/config",
            "$SYS/#",
            "$share/x/#",
            "$share//#",
            "$share/x",
            "sensor/sensor-001/#",
            "",
        ] {
            assert!(!device.may_subscribe(filter), "{filter}");
        }
    }

    #[test]
    fn other_roles() {
        let monitor = rights("tap", Role::Monitor, State::Active);
        assert!(monitor.may_subscribe("#") && monitor.may_subscribe("$SYS/#"));
        assert!(!monitor.may_publish("x"));
        assert!(
            !monitor.may_subscribe("$share/g/sensor/#"),
            "it would take them from others"
        );
        let bridge = rights("ha", Role::Bridge, State::Active);
        assert!(bridge.may_publish("alarm/smoke"));
        assert!(bridge.may_publish("window/room/set") && !bridge.may_publish("window/room/control"));
        assert!(bridge.may_subscribe("+/+/#") && !bridge.may_publish("homeassistant/status"));
        let name = AccountName::parse("ha").unwrap();
        let rules = TopicRules::of_home_assistant("homeassistant");
        let bridge = Rights::of(&name, Role::Bridge, State::Active, &rules);
        assert!(bridge.may_publish("homeassistant/status") && bridge.may_publish("casement/room/hold"));
        assert!(!bridge.may_publish("homeassistant/cover/casement/window_room/config"));
        assert!(!bridge.may_publish("casement/status") && !bridge.may_publish("casement/room/state"));
        let backend = Rights::of(&name, Role::Backend, State::Active, &rules);
        assert!(backend.may_publish("homeassistant/cover/casement/window_room/config"));
        assert!(backend.may_publish("casement/room/state") && !backend.may_publish("homeassistant/status"));
        let ml = rights("mine", Role::Ml, State::Active);
        assert!(ml.may_publish("window/room/control") && ml.may_publish("ml/prediction/shadow/room"));
        assert!(ml.may_subscribe("$share/ml/ml/inference/request/+"));
        assert!(ml.may_subscribe("ml/inference/request/+") && ml.may_subscribe("ml/inference/request/room"));
        assert!(!ml.may_subscribe("ml/#") && !ml.may_subscribe("sensor/#"));
        let reader = rights("grafana", Role::Reader, State::Active);
        assert!(!reader.may_subscribe("#") && !reader.may_publish("x"));
        let pending = rights("new", Role::Device, State::Pending);
        assert!(
            pending.may_publish("sensor/new/temperature") && !pending.may_subscribe("window/new/control")
        );
        let retired = rights("old", Role::Admin, State::Retired);
        assert!(!retired.may_publish("x") && !retired.may_subscribe("x"));
        let admin = rights("me", Role::Admin, State::Active);
        assert!(admin.may_publish("any/thing") && !admin.may_publish("$SYS/x"));
        let anyone = Rights::anonymous(&TopicRules::default());
        assert!(
            anyone.may_publish("any/thing") && anyone.may_subscribe("#") && anyone.may_subscribe("$SYS/#")
        );
    }

    #[test]
    fn what_the_backend_tells_devices_is_said_by_nobody_else() {
        let rules = TopicRules::default();
        let device = rights("room", Role::Device, State::Active);
        let anyone = Rights::anonymous(&rules);
        let waiting = rights("room", Role::Device, State::Pending);
        let others = [&device, &anyone, &waiting];
        let (admin, backend) = (
            rights("me", Role::Admin, State::Active),
            rights("service", Role::Backend, State::Active),
        );
        for topic in ["device/room/config", "device/room/time", "window/room/override"] {
            assert!(others.iter().all(|rights| !rights.may_publish(topic)), "{topic}");
            assert!(admin.may_publish(topic) && backend.may_publish(topic), "{topic}");
        }
        for topic in [
            "device/room/config/ack",
            "device/room/time/get",
            "device/room/status",
        ] {
            assert!(others.iter().all(|rights| rights.may_publish(topic)), "{topic}");
        }
        // The specification's own clients ask the model, and answer as one, without an account.
        for topic in ["ml/inference/request/room", "window/room/control"] {
            assert!(anyone.may_publish(topic), "{topic}");
        }
    }

    proptest::proptest! {
        /// What is covered matches nothing that the cover does not match.
        #[test]
        fn a_covered_filter_matches_no_more(
            own in "[ab+]?(/[ab+]){0,3}(/#)?",
            asked in "[ab+]?(/[ab+]){0,3}(/#)?",
            topic in "[ab]?(/[ab]){0,3}",
        ) {
            if covers(&own, &asked) && matches(&asked, &topic) {
                assert!(matches(&own, &topic), "{own} covers {asked}, which matches {topic}");
            }
        }

        #[test]
        fn arbitrary_text_never_panics(own: String, asked: String) {
            let _ = covers(&own, &asked);
            let _ = matches(&own, &asked);
        }
    }
}
