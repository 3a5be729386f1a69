//! Passwords: read as text or from a file of their own, written as `[redacted]`, and not allowed in the configuration
//! file by the JSON Schema.
//!
//! In: a variable's value, or a file. Out: a secret that is there: an empty or blank one is an error, since it would
//! count as set.

use std::{fs::File, io::Read as _, path::Path};

use schemars::{Schema, SchemaGenerator, json_schema};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Deserializer, Serializer};

use super::ConfigError;

/// A first line that is longer is no password.
const LONGEST: u64 = 64 << 10;
/// What Windows editors put before the text.
const BYTE_ORDER_MARK: char = '\u{feff}';

#[expect(clippy::ref_option, reason = "the shape that serde asks for")]
pub(super) fn serialize<S: Serializer>(
    secret: &Option<SecretString>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match secret {
        Some(_) => serializer.serialize_str("[redacted]"),
        None => serializer.serialize_none(),
    }
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<SecretString>, D::Error> {
    Option::deserialize(deserializer)
}

/// Returns a schema that allows only `null`, so that an editor marks a password in the file.
pub(super) fn schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "null", "writeOnly": true })
}

/// Checks the secret of `key` that its variable has set. Without one, takes the first line of `file`.
pub(super) fn read(
    key: &str,
    variable: &str,
    file: Option<&Path>,
    secret: &mut Option<SecretString>,
) -> Result<(), ConfigError> {
    if let Some(set) = secret {
        return match fault(set.expose_secret()) {
            Some(fault) => Err(ConfigError::Value {
                key: key.into(),
                reason: format!("the value of {variable} {fault}; set a password, or unset the variable"),
            }),
            None => Ok(()),
        };
    }
    let Some(path) = file else { return Ok(()) };
    let read = secret_in(path).map_err(|reason| ConfigError::Value {
        key: format!("{key}_file"),
        reason,
    })?;
    *secret = Some(read);
    Ok(())
}

/// Takes the first line of a file. Otherwise says what is wrong with it and what to do.
pub fn secret_in(path: &Path) -> Result<SecretString, String> {
    let line = first_line(path)?;
    match fault(&line) {
        Some(fault) => Err(format!(
            "the first line of {} {fault}; write the password there",
            path.display()
        )),
        None => Ok(line.into()),
    }
}

/// Returns the first line of a file without its end and without a byte order mark.
fn first_line(path: &Path) -> Result<String, String> {
    if path.as_os_str().is_empty() {
        return Err("it names no file; name one, or remove the key".into());
    }
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(LONGEST).read_to_end(&mut bytes))
        .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    let end = bytes.iter().position(|byte| *byte == b'\n');
    if end.is_none() && bytes.len() as u64 == LONGEST {
        return Err(format!("{} has no line end within 64 KiB", path.display()));
    }
    bytes.truncate(end.unwrap_or(bytes.len()));
    let line = String::from_utf8(bytes)
        .map_err(|_| format!("{} is not UTF-8 text; save it as UTF-8", path.display()))?;
    let line = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&line);
    Ok(line.strip_suffix('\r').unwrap_or(line).to_owned())
}

/// Says what is wrong with a text as a secret.
fn fault(text: &str) -> Option<&'static str> {
    let is_invisible =
        |c: char| c.is_whitespace() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}');
    if text.is_empty() {
        Some("is empty")
    } else if text.chars().any(char::is_control) {
        Some("holds a control character, such as NUL or a line end")
    } else if text.chars().all(is_invisible) {
        Some("is blank")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from_file(bytes: &[u8]) -> Result<String, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("password");
        std::fs::write(&path, bytes).unwrap();
        let mut secret = None;
        read("engine.password", "V", Some(&path), &mut secret).map_err(|error| error.to_string())?;
        Ok(secret.unwrap().expose_secret().to_owned())
    }

    #[test]
    fn a_file_holds_its_first_line_without_mark_and_line_end() {
        for bytes in [
            &b"pass word"[..],
            b"pass word\n",
            b"pass word\r\n",
            b"pass word\nsecond\n",
            b"\xef\xbb\xbfpass word\r\n",
        ] {
            assert_eq!(from_file(bytes).unwrap(), "pass word", "{bytes:?}");
        }
        assert_eq!(from_file(b" kept \n").unwrap(), " kept ");
    }

    #[test]
    fn a_blank_secret_is_an_error_that_names_key_and_file() {
        for (bytes, said) in [
            (&b""[..], "is empty"),
            (b"\n", "is empty"),
            (b"\r\n", "is empty"),
            (b"\nsecond\n", "is empty"),
            (b"\xef\xbb\xbf", "is empty"),
            (b"\xef\xbb\xbf\r\nsecond", "is empty"),
            (b"  \n", "is blank"),
            ("\u{a0}\u{200b}".as_bytes(), "is blank"),
            (b"\t\n", "control character"),
            (b"a\0b", "control character"),
            (b"old\rlines\r", "control character"),
            (b"\xff\xfep\0a\0", "not UTF-8"),
        ] {
            let error = from_file(bytes).unwrap_err();
            assert!(
                error.contains("'engine.password_file'")
                    && error.contains(said)
                    && error.contains("password"),
                "{bytes:?}: {error}"
            );
        }
        assert!(from_file(&vec![b'x'; 1 << 20]).unwrap_err().contains("64 KiB"));
        let mut secret = None;
        let unnamed = read("mqtt.password", "V", Some(Path::new("")), &mut secret);
        assert!(unnamed.unwrap_err().to_string().contains("names no file"));
    }

    #[test]
    fn a_blank_variable_is_an_error_whatever_the_file_holds() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("password");
        std::fs::write(&path, "from a file").unwrap();
        let take = |text: &str| {
            let mut secret = Some(SecretString::from(text));
            let taken = read(
                "mqtt.password",
                "CASEMENT__MQTT__PASSWORD",
                Some(&path),
                &mut secret,
            );
            taken.map(|()| secret.unwrap().expose_secret().to_owned())
        };
        for text in ["", " ", "\t", "\u{feff}", "a\0", "secret\r"] {
            let error = take(text).unwrap_err().to_string();
            assert!(
                error.contains("'mqtt.password'") && error.contains("CASEMENT__MQTT__PASSWORD"),
                "{text:?}: {error}"
            );
        }
        assert_eq!(take("set").unwrap(), "set");
    }
}
