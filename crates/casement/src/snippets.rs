//! The lines that a maker pastes into a device's program.
//!
//! In: where the broker is, an account, its password. Out: text for Arduino, `ESPHome` and ESP-IDF, and the plain facts.

use std::{fs, io, net::IpAddr, path::PathBuf};

use accounts::{AccountName, Rights, Role, State};
use serde::{Deserialize, Serialize};

use crate::{assembly, certificates, config::Config, host};

/// How devices reach the service, below the accounts.
pub(crate) const DOOR_FILE: &str = "door.json";
const ARDUINO: &str = include_str!("snippets/arduino.ino");
const ESPHOME: &str = include_str!("snippets/esphome.yaml");
const ESP_IDF: &str = include_str!("snippets/esp_idf.c");
/// Stands for an authority that is not ours, and that a person has to know.
const OTHER_CA: &str =
    "-----BEGIN CERTIFICATE-----\nTHE CERTIFICATE OF YOUR AUTHORITY\n-----END CERTIFICATE-----";

/// How a device reaches the broker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Door {
    /// Host name or address.
    pub(crate) host: String,
    /// Port.
    pub(crate) port: u16,
    /// Whether it speaks TLS.
    pub(crate) tls: bool,
    /// The certificate of the authority to trust, in PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ca: Option<String>,
}

impl Door {
    /// Where devices reached the service that ran last; before its first start, where the configuration says.
    pub(crate) fn of(config: &Config) -> Self {
        let told = fs::read(Self::file(config)).ok();
        told.and_then(|text| serde_json::from_slice(&text).ok())
            .unwrap_or_else(|| Self::of_configuration(config))
    }

    /// Writes down how devices reach this service, for the commands that print it.
    pub(crate) fn remember(config: &Config) -> io::Result<()> {
        fs::create_dir_all(config.accounts_dir())?;
        let door = serde_json::to_vec(&Self::of_configuration(config)).expect("a door is plain data");
        fs::write(Self::file(config), door)
    }

    fn file(config: &Config) -> PathBuf {
        config.accounts_dir().join(DOOR_FILE)
    }

    /// In TLS and from other hosts, if there is such a listener.
    fn of_configuration(config: &Config) -> Self {
        let door = Self::without_authority(config);
        let ca = tls::Files::below(certificates::directory(config)).ca();
        let is_ours = door.tls && config.tls.certificate_file.is_none();
        Self {
            ca: is_ours.then(|| fs::read_to_string(ca).ok()).flatten(),
            ..door
        }
    }

    fn without_authority(config: &Config) -> Self {
        let doors = config.broker.doors();
        let door = doors
            .iter()
            .filter(|door| !door.websocket)
            .max_by_key(|door| (!door.addr.ip().is_loopback(), door.tls))
            .unwrap_or(&doors[0]);
        let ip = door.addr.ip();
        let host = if ip.is_unspecified() {
            host::addresses().first().copied().unwrap_or(ip)
        } else {
            ip
        };
        Self {
            host: host.to_string(),
            port: door.addr.port(),
            tls: door.tls,
            ca: None,
        }
    }

    /// Where devices on the network reach the broker now, as a URL; `None` where it listens on this machine alone, or where this
    /// machine has no address in a network.
    pub(crate) fn of_network(config: &Config) -> Option<String> {
        let door = Self::without_authority(config);
        let ip = door.host.parse::<IpAddr>().ok();
        ip.is_some_and(|ip| !ip.is_loopback() && !ip.is_unspecified())
            .then(|| door.url())
    }

    fn url(&self) -> String {
        let scheme = if self.tls { "mqtts" } else { "mqtt" };
        let host = if self.host.contains(':') {
            format!("[{}]", self.host)
        } else {
            self.host.clone()
        };
        format!("{scheme}://{host}:{}", self.port)
    }
}

/// What a device may publish and subscribe to.
pub(crate) struct DeviceTopics {
    pub(crate) publish: Vec<String>,
    pub(crate) subscribe: Vec<String>,
}

pub(crate) fn topics(config: &Config, name: &AccountName) -> DeviceTopics {
    // Patterns that cannot be used are refused when the service starts; here the usual ones do.
    let rules = assembly::topic_rules(config).unwrap_or_default();
    let rights = Rights::of(name, Role::Device, State::Active, &rules);
    DeviceTopics {
        publish: rights.publish_filters().to_vec(),
        subscribe: rights.subscribe_filters().to_vec(),
    }
}

/// Everything for a person to read and to paste.
pub(crate) fn text(door: &Door, name: &AccountName, password: &str, topics: &DeviceTopics) -> String {
    let mut text = format!(
        "{name} has an account. The password is shown once:\n\n  broker     {}\n  user       {name}\n  password   {password}\n  \
         publish    {}\n  subscribe  {}\n",
        door.url(),
        topics.publish.join(", "),
        topics.subscribe.join(", "),
    );
    if let Some(ca) = &door.ca {
        text += &["\nThe authority to trust (CA):\n\n", ca].concat();
    }
    for (title, template, comment) in [
        ("Arduino", ARDUINO, "//"),
        ("ESPHome", ESPHOME, "#"),
        ("ESP-IDF", ESP_IDF, "//"),
    ] {
        text += &["\n--- ", title, " ---\n"].concat();
        text.push_str(&filled(template, door, name, password, comment));
    }
    text
}

/// Fills a template. Lines that begin with the comment sign and `tls:` or `plain:` stand only where the door is so.
fn filled(template: &str, door: &Door, name: &AccountName, password: &str, comment: &str) -> String {
    let kept = |line: &str| -> Option<String> {
        let trimmed = line.trim_start();
        for (mark, is_kept) in [("tls:", door.tls), ("plain:", !door.tls)] {
            let mark = format!("{comment}{mark}");
            if let Some(rest) = trimmed.strip_prefix(&mark) {
                let indent = &line[..line.len() - trimmed.len()];
                return is_kept.then(|| format!("{indent}{rest}"));
            }
        }
        Some(line.to_owned())
    };
    let ca = door.ca.as_deref().unwrap_or(OTHER_CA);
    let quoted: Vec<String> = ca.lines().map(|line| format!("  \"{line}\\n\"")).collect();
    let indented: Vec<String> = ca.lines().map(|line| format!("    {line}")).collect();
    let lines: Vec<String> = template.lines().filter_map(kept).collect();
    lines
        .join("\n")
        .replace("{CA_QUOTED}", &quoted.join("\n"))
        .replace("{CA_INDENTED}", indented.join("\n").trim_start())
        .replace("{URL}", &door.url())
        .replace("{HOST}", &door.host)
        .replace("{PORT}", &door.port.to_string())
        .replace("{ID}", name.as_str())
        .replace("{PASSWORD}", password)
        + "\n"
}

#[cfg(test)]
mod tests {
    use crate::config::BrokerListener;

    use super::*;

    fn door(tls: bool) -> Door {
        Door {
            host: "192.0.2.7".into(),
            port: if tls { 8883 } else { 1883 },
            tls,
            ca: tls.then(|| "-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----\n".into()),
        }
    }

    #[test]
    fn the_address_in_the_network_is_none_of_this_machine_alone() {
        assert_eq!(Door::of_network(&Config::default()), None);
        let listener = |addr: &str, tls, websocket| BrokerListener {
            addr: addr.parse().unwrap(),
            tls,
            websocket,
            anonymous: None,
        };
        let mut config = Config::default();
        config.broker.listeners = vec![
            listener("127.0.0.1:1883", false, false),
            listener("192.0.2.7:8884", true, true),
            listener("192.0.2.7:1884", false, false),
            listener("192.0.2.7:8883", true, false),
        ];
        assert_eq!(
            Door::of_network(&config).as_deref(),
            Some("mqtts://192.0.2.7:8883"),
            "in TLS, and not over WebSocket"
        );
        // At every address: at one that others reach, or at none.
        config.broker.listeners = vec![listener("0.0.0.0:8883", true, false)];
        let told = Door::of_network(&config);
        assert_eq!(told.is_some(), !host::addresses().is_empty());
        assert!(told.is_none_or(|url| !url.contains("127.0.0.1") && !url.contains("0.0.0.0")));
    }

    #[test]
    fn every_placeholder_is_filled_and_nothing_of_the_other_kind_is_left() {
        let name = AccountName::parse("sensor-001").unwrap();
        let topics = topics(&Config::default(), &name);
        for tls in [true, false] {
            let text = text(&door(tls), &name, "secret", &topics);
            for mark in [
                "{ID",
                "{URL",
                "{HOST",
                "{PORT",
                "{PASSWORD",
                "{CA",
                "tls:",
                "plain:",
            ] {
                assert!(!text.contains(mark), "{mark} in {text}");
            }
            assert_eq!(text.contains("8883"), tls);
            assert_eq!(text.contains("BEGIN CERTIFICATE"), tls);
            assert!(text.contains("sensor/sensor-001/#") && text.contains("window/sensor-001/control"));
            assert!(text.matches("secret").count() >= 4);
        }
    }

    #[test]
    fn esphome_reads_its_lines_and_no_program_lacks_an_authority() {
        let name = AccountName::parse("sensor-001").unwrap();
        let of_others = Door {
            ca: None,
            ..door(true)
        };
        for door in [door(true), door(false), of_others] {
            let yaml = filled(ESPHOME, &door, &name, "secret", "#");
            let read: serde_json::Value = serde_saphyr::from_str(&yaml).unwrap();
            let ca = read["mqtt"]["certificate_authority"].as_str();
            assert_eq!(ca.is_some(), door.tls, "{yaml}");
            if let (Some(own), Some(ca)) = (&door.ca, ca) {
                assert_eq!(ca, own);
            }
            assert_eq!(read["sensor"][0]["pin"], "GPIO4");
            for (template, comment) in [(ARDUINO, "//"), (ESP_IDF, "//")] {
                let text = filled(template, &door, &name, "secret", comment);
                assert!(!text.contains("CA[] =\n;"), "{text}");
                assert_eq!(text.contains("\\n\";"), door.tls, "{text}");
            }
        }
    }
}
