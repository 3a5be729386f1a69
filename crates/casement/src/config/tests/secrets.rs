//! Passwords: where they may stand, what counts as one, and that none is shown.

use serde_json::json;

use super::super::{Reader, Sources, layers::SECRETS};
use super::{load, message};

#[test]
fn secrets_stay_out_of_the_file_and_of_the_output() {
    assert!(message("mqtt: {password: hunter2}").contains("CASEMENT__MQTT__PASSWORD"));
    let env = [
        ("CASEMENT__MQTT__PASSWORD", "hunter2"),
        ("CASEMENT__MQTT__USERNAME", "ann"),
    ];
    let config = load("", &env).unwrap();
    assert!(!format!("{config:?}").contains("hunter2"));
    assert_eq!(
        serde_json::to_value(&config).unwrap()["mqtt"]["password"],
        json!("[redacted]")
    );
}

#[test]
fn a_secret_that_is_empty_is_an_error_and_not_a_password() {
    for key in SECRETS {
        let variable = format!("CASEMENT__{}", key.to_uppercase().replace('.', "__"));
        for value in ["", " ", "\t", "a\0b", "not UTF-8: \u{fffd}"] {
            let error = load("", &[(variable.as_str(), value)]).unwrap_err().to_string();
            assert!(
                error.contains(&variable) && error.contains(key),
                "{value:?}: {error}"
            );
        }
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        std::fs::write(&path, "\n").unwrap();
        let file = format!("{variable}_FILE");
        let error = load("", &[(file.as_str(), path.to_str().unwrap())]).unwrap_err();
        assert!(error.to_string().contains(&format!("'{key}_file'")), "{error}");
        std::fs::write(&path, "\u{feff}s3cret\r\n").unwrap();
        let env = [
            (file.as_str(), path.to_str().unwrap()),
            ("CASEMENT__MQTT__USERNAME", "ann"),
        ];
        assert!(load("", &env).is_ok());
    }
    // A key that is no secret may be empty where it was before.
    assert_eq!(
        load("", &[("CASEMENT__MQTT__USERNAME", "")])
            .unwrap()
            .mqtt
            .username
            .as_deref(),
        Some("")
    );
}

#[test]
fn a_password_that_nobody_would_send_is_an_error() {
    let password = ("CASEMENT__MQTT__PASSWORD", "hunter2");
    for env in [vec![password], vec![password, ("CASEMENT__MQTT__USERNAME", "")]] {
        let error = load("", &env).unwrap_err().to_string();
        assert!(
            error.contains("'mqtt.password'") && error.contains("mqtt.username"),
            "{error}"
        );
    }
    assert!(load("mqtt: {username: ann}", &[password]).is_ok());
    // The embedded broker has no accounts.
    let sources = || Sources {
        env: vec![(password.0.to_owned(), password.1.to_owned())],
        ..Sources::default()
    };
    assert!(sources().load_for(Reader::Up).is_ok());
    assert!(sources().load_for(Reader::Backend).is_err());
}
