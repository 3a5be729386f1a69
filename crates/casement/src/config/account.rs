//! Accounts and parameters in addresses: they belong into keys and files of their own.
//!
//! In: the address in a layer. Out: the address without them, in the layer, and the fault. What may be a secret is kept out
//! of everything that is written from then on.

use serde_json::Value;

use super::{judge::Problem, keys::lookup_mut, layers::variable};
use crate::telemetry::redaction::{REDACTED, remember};

/// What names of parameters that hold secrets contain.
const SECRET: [&str; 6] = ["pass", "pwd", "secret", "token", "key", "auth"];

/// Takes account and parameters out of the address at `key`; `None` where it has neither.
pub(super) fn take(merged: &mut Value, key: &str) -> Option<Problem> {
    let Some(Value::String(text)) = lookup_mut(merged, key) else {
        return None;
    };
    let (shown, what) = cleaned(text)?;
    *text = shown;
    let (user, password) = if key == "mqtt.broker" {
        ("mqtt.username", "mqtt.password")
    } else {
        ("clickhouse.user", "clickhouse.password")
    };
    Some(Problem {
        key: key.into(),
        reason: format!(
            "{what} not belong into an address; write the address alone, the name in {user}, and the password in {} or \
             in a file that {password}_file names",
            variable(password)
        ),
    })
}

/// The address with what may be secret redacted, and the subject of the fault.
fn cleaned(text: &str) -> Option<(String, &'static str)> {
    let begin = text.find("://").map_or(0, |at| at + 3);
    let (scheme, rest) = text.split_at(begin);
    if let Some((account, host)) = rest.rsplit_once('@') {
        remember(account.split_once(':').map_or(account, |(_, password)| password));
        remember_parameters(account);
        // A parameter may hold the sign that ends an account; then what follows belongs to a secret.
        if account.contains(['?', '#']) && account.contains('=') {
            return Some((format!("{scheme}{REDACTED}"), "parameters do"));
        }
        let (host, parameters) = split_parameters(host);
        remember_parameters(parameters);
        return Some((format!("{scheme}{REDACTED}@{host}"), "an account does"));
    }
    let (host, parameters) = split_parameters(rest);
    if parameters.is_empty() {
        return None;
    }
    remember_parameters(parameters);
    Some((format!("{scheme}{host}?{REDACTED}"), "parameters do"))
}

fn split_parameters(host: &str) -> (&str, &str) {
    host.split_at(host.find(['?', '#']).unwrap_or(host.len()))
}

fn remember_parameters(text: &str) {
    for parameter in text.split(['?', '&', '#', ';']) {
        if let Some((name, value)) = parameter.split_once('=') {
            let name = name.to_ascii_lowercase();
            if SECRET.iter().any(|part| name.contains(part)) {
                remember(value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::redaction::redact;

    #[test]
    fn what_may_be_secret_is_taken_out() {
        for (text, shown, what) in [
            (
                "http://ann:hunter21@ch:8123",
                "http://[redacted]@ch:8123",
                "account",
            ),
            ("ann:hunter22@ch", "[redacted]@ch", "account"),
            ("tcp://u:p@ss@w0rd@b:1883", "tcp://[redacted]@b:1883", "account"),
            (
                "http://ch:8123/?user=ann&password=hunter23",
                "http://ch:8123/?[redacted]",
                "parameters",
            ),
            (
                "tcp://b:1883?password=hunter24",
                "tcp://b:1883?[redacted]",
                "parameters",
            ),
            ("ch:8123#token=hunter25", "ch:8123?[redacted]", "parameters"),
            (
                "http://ch/?password=hunter26@x",
                "http://[redacted]",
                "parameters",
            ),
            (
                "http://u:hunter27@ch/?key=hunter28",
                "http://[redacted]@ch/",
                "account",
            ),
            ("http://u:p?w@ch", "http://[redacted]@ch", "account"),
        ] {
            let (cleaned, subject) = cleaned(text).expect("it is not an address alone");
            assert_eq!(cleaned, shown, "{text}");
            assert!(subject.contains(what), "{text}: {subject}");
        }
        for number in 21..=28 {
            let secret = format!("hunter{number}");
            assert!(!redact(&secret).contains(&secret), "{secret}");
        }
        for text in [
            "http://ch:8123",
            "ch",
            "",
            "https://ch/prefix",
            "tcp://[::1]:1883",
        ] {
            assert_eq!(cleaned(text), None, "{text}");
        }
    }
}
