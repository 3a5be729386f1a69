//! No secret leaves the process in a log, an error, a panic or a shown configuration.
//!
//! In: text, and the secrets that the configuration knows. Out: the text with `[redacted]` in place of every secret, in
//! each form in which it may be written, and of every account in a URL.

use std::{borrow::Cow, fmt::Write as _, sync::Arc};

use monitoring::HealthSource;
use parking_lot::RwLock;

/// What stands in place of a secret.
pub const REDACTED: &str = "[redacted]";

/// Shorter secrets would take ordinary words and numbers out of every line; they never reach a text but by chance.
const SHORTEST: usize = 4;

/// The forms of all secrets, longest first, so that none hides a part of another.
static FORMS: RwLock<Vec<String>> = RwLock::new(Vec::new());

/// Keeps `secret` out of everything that is written from here on.
pub fn remember(secret: &str) {
    let secret = secret.trim();
    if secret.len() < SHORTEST {
        return;
    }
    let mut forms = FORMS.write();
    for form in [
        secret.to_owned(),
        percent_encoded(secret, false),
        percent_encoded(secret, true),
        percent_decoded(secret),
        escaped(&format!("{secret:?}")),
        escaped(&serde_json::Value::from(secret).to_string()),
    ] {
        if form.len() >= SHORTEST && !forms.contains(&form) {
            forms.push(form);
        }
    }
    forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
}

/// Returns `text` without secrets.
pub fn redact(text: &str) -> Cow<'_, str> {
    let mut text = accounts(text);
    for form in FORMS.read().iter() {
        if text.contains(form.as_str()) {
            text = Cow::Owned(text.replace(form.as_str(), REDACTED));
        }
    }
    text
}

/// Redacts the account in every URL of `text`: what stands between `://` and the last `@` before the URL ends. A
/// password may hold any character that no quotation mark or space ends.
pub fn accounts(text: &str) -> Cow<'_, str> {
    if !text.contains("://") {
        return Cow::Borrowed(text);
    }
    let (mut clean, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        clean.push_str(before);
        let end = after
            .find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>' | '`'))
            .unwrap_or(after.len());
        rest = after;
        if let Some(account) = after[..end].rfind('@') {
            clean.push_str(REDACTED);
            rest = &after[account..];
        }
    }
    clean.push_str(rest);
    Cow::Owned(clean)
}

/// `source` without secrets in its reasons.
pub fn health(source: HealthSource) -> HealthSource {
    Arc::new(move || {
        let mut parts = source();
        for reason in parts.iter_mut().filter_map(|part| part.reason.as_mut()) {
            *reason = redact(reason).into_owned();
        }
        parts
    })
}

/// The inside of a quoted text.
fn escaped(quoted: &str) -> String {
    quoted[1..quoted.len() - 1].to_owned()
}

/// Every byte but letters, digits and `-._~`; with `lower`, digits in lower case.
fn percent_encoded(text: &str, lower: bool) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(byte.into());
        } else if lower {
            let _ = write!(encoded, "%{byte:02x}");
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    let (mut decoded, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while let Some(byte) = bytes.get(at) {
        if let (b'%', Some(high), Some(low)) = (byte, digit(at + 1), digit(at + 2)) {
            decoded.push((high * 16 + low) as u8);
            at += 3;
        } else {
            decoded.push(*byte);
            at += 1;
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn accounts_of_urls_are_redacted_and_nothing_else() {
        for (text, clean) in [
            (
                "http://default:s3cret@ch:8123/?query=1",
                "http://[redacted]@ch:8123/?query=1",
            ),
            (
                "at 'mqtts://u:p@ss/w?rd#@b:8883', retrying",
                "at 'mqtts://[redacted]@b:8883', retrying",
            ),
            (
                "http://token@ch and tcp://a:b%40c@d",
                "http://[redacted]@ch and tcp://[redacted]@d",
            ),
            (
                "{\"addr\":\"https://u:p@h\"}",
                "{\"addr\":\"https://[redacted]@h\"}",
            ),
            (
                "http://ch:8123 mail me@example.org",
                "http://ch:8123 mail me@example.org",
            ),
            ("://", "://"),
            ("no URL", "no URL"),
        ] {
            assert_eq!(redact(text), clean, "{text}");
        }
    }

    #[test]
    fn secrets_are_redacted_in_every_form() {
        let secret = "Grüß \"Gott\"/100%&more";
        remember(secret);
        let percent = percent_encoded(secret, false);
        for form in [
            secret.to_owned(),
            format!("{secret:?}"),
            serde_json::json!(secret).to_string(),
            percent.clone(),
            percent
                .to_ascii_lowercase()
                .replace("gr", "Gr")
                .replace("gott", "Gott"),
        ] {
            let line = format!("before {form} after");
            let clean = redact(&line);
            assert!(
                clean.contains(REDACTED) && !clean.contains("more"),
                "{line} became {clean}"
            );
        }
        remember("pass%2Fword");
        assert_eq!(redact("pass%2Fword or pass/word"), "[redacted] or [redacted]");
        // It would take every `a` out of the log.
        remember("a");
        assert_eq!(redact("a banana"), "a banana");
    }

    #[test]
    fn reasons_of_health_have_no_secret() {
        let source: HealthSource =
            Arc::new(|| vec![monitoring::Part::down("broker", "no answer at tcp://u:s3cret@b")]);
        assert_eq!(
            health(source)()[0].reason.as_deref(),
            Some("no answer at tcp://[redacted]@b")
        );
    }

    proptest! {
        #[test]
        fn never_panics_and_leaves_no_secret(before in ".*", secret in "[!-~]{6,20}", after in ".*") {
            remember(&secret);
            let text = format!("{before}{secret}{after}");
            prop_assert!(!redact(&text).contains(&secret));
        }

        #[test]
        fn what_is_percent_encoded_reads_back(text in ".*") {
            prop_assert_eq!(percent_decoded(&percent_encoded(&text, true)), text);
        }
    }
}
