//! The section `home_assistant` and its rules.

use mqtt::homeassistant::{Discovery, Form};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{text, words};

/// `home_assistant`: rooms are announced to Home Assistant by MQTT discovery.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HomeAssistant {
    /// Whether they are. Switched off, what was announced is taken away at the next start.
    pub enabled: bool,
    /// The discovery prefix of Home Assistant's MQTT integration.
    pub prefix: String,
    /// `component`: a message for each entity, which every version understands; `device`: one for each device, from 2024.11 on.
    #[serde(with = "text")]
    #[schemars(schema_with = "words::discovery")]
    pub discovery: Form,
    /// The address of the page, for links from Home Assistant; by default its address in the network, if it has one.
    #[schemars(extend("format" = "uri"))]
    pub page_url: Option<String>,
}

impl HomeAssistant {
    /// Says what is wrong with the prefix.
    pub(super) fn check_prefix(&self) -> Result<(), String> {
        let checked = Discovery::new(&self.prefix, self.discovery, mqtt::Topics::default(), None);
        checked.map(drop).map_err(|error| error.to_string())
    }

    /// Says what is wrong with the page's address: Home Assistant refuses a device whose link is none.
    pub(super) fn check_page(&self) -> Result<(), String> {
        let Some(page) = &self.page_url else { return Ok(()) };
        let rest = page
            .strip_prefix("http://")
            .or_else(|| page.strip_prefix("https://"));
        let host = rest.map_or("", |rest| rest.split(['/', ':']).next().unwrap_or_default());
        if host.is_empty() || page.contains(|c: char| c.is_whitespace() || c.is_control() || c == '#') {
            return Err("it has to be the address of the page, like https://casement.local:8443".into());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_and_addresses_that_cannot_be_used_are_found() {
        let with = |prefix: &str, page: Option<&str>| HomeAssistant {
            prefix: prefix.into(),
            page_url: page.map(str::to_owned),
            ..HomeAssistant::default()
        };
        for right in ["homeassistant", "ha/discovery"] {
            assert_eq!(with(right, None).check_prefix(), Ok(()));
        }
        for wrong in ["", "/ha", "ha/", "ha/#", "+", "$SYS"] {
            assert!(with(wrong, None).check_prefix().is_err(), "{wrong}");
        }
        for right in [
            "http://casement.local:8080",
            "https://192.0.2.1/",
            "https://h/casement",
        ] {
            assert_eq!(with("h", Some(right)).check_page(), Ok(()));
        }
        for wrong in [
            "",
            "casement.local",
            "ftp://h",
            "http://",
            "https://:8443",
            "https://h h",
            "http://h/#/x",
        ] {
            assert!(with("h", Some(wrong)).check_page().is_err(), "{wrong}");
        }
    }
}
