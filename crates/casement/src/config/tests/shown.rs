//! What people are shown of the configuration: the annotated file, the JSON Schema, the help.

use serde_json::{Value, json};

use super::{
    super::{json_schema, layers::SECRETS},
    Config, message,
};

/// Dotted keys and values of everything that is no section.
fn leaves(value: &Value, path: &str, found: &mut Vec<(String, Value)>) {
    match value {
        Value::Object(section) => {
            for (key, inner) in section {
                let path = if path.is_empty() {
                    key.clone()
                } else {
                    format!("{path}.{key}")
                };
                leaves(inner, &path, found);
            }
        }
        leaf => found.push((path.to_owned(), leaf.clone())),
    }
}

#[test]
fn the_annotated_file_shows_every_key_with_its_default() {
    let file: Value = serde_saphyr::from_str(include_str!("../../../../../config/casement.yaml")).unwrap();
    let (mut shown, mut known) = (Vec::new(), Vec::new());
    leaves(&file, "", &mut shown);
    leaves(&serde_json::to_value(Config::default()).unwrap(), "", &mut known);
    // Passwords may not stand in a file.
    known.retain(|(key, _)| !key.ends_with("password"));
    shown.sort_by(|a, b| a.0.cmp(&b.0));
    known.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(shown, known);
}

#[test]
fn the_schema_has_words_bounds_defaults_and_no_room_for_passwords() {
    let schema = json_schema();
    let key = |path: &str| {
        path.split('.')
            .fold(&schema, |schema, part| &schema["properties"][part])
    };
    assert_eq!(key("mqtt.protocol")["enum"], json!(["auto", "5", "3.1.1", 5]));
    assert_eq!(key("broker.embedded")["enum"], json!(["auto", true, false]));
    assert_eq!(
        key("audio.preprocessing.normalization")["enum"],
        json!(["none", "peak", "rms"])
    );
    assert_eq!(key("audio.features")["items"]["enum"][1], "spectral_centroid");
    let rate = key("audio.sample_rate");
    assert_eq!(
        (&rate["minimum"], &rate["maximum"]),
        (&json!(4_000), &json!(192_000))
    );
    assert_eq!(
        (&rate["default"], &rate["type"]),
        (&json!(16_000), &json!("integer"))
    );
    for password in SECRETS {
        let schema = key(password);
        assert_eq!(
            (&schema["type"], &schema["writeOnly"]),
            (&json!("null"), &json!(true)),
            "{password}"
        );
        assert!(schema["description"].as_str().unwrap().len() > 20, "{password}");
        let (section, key) = password.split_once('.').unwrap();
        assert!(message(&format!("{section}: {{{key}: hunter2}}")).contains("must not stand in"));
    }
    assert_eq!(
        schema.to_string().matches("writeOnly").count(),
        4,
        "another password to list here"
    );
    // An editor marks unknown keys, too.
    assert_eq!(
        (
            &schema["additionalProperties"],
            &key("mqtt")["additionalProperties"]
        ),
        (&json!(false), &json!(false))
    );
}

#[test]
fn every_key_is_described_in_the_schema() {
    fn walk(schema: &Value, path: &str) {
        for (key, inner) in schema["properties"].as_object().into_iter().flatten() {
            let path = format!("{path}.{key}");
            assert!(inner["description"].is_string(), "{path} has no description");
            walk(inner, &path);
        }
    }
    walk(&json_schema(), "");
}

#[test]
fn help_names_the_defaults() {
    let mut command = <crate::cli::Cli as clap::CommandFactory>::command();
    let defaults = Config::default();
    for (subcommand, values) in [
        (
            "up",
            vec![
                defaults.broker.addr.to_string(),
                defaults.http.addr.to_string(),
                defaults.engine.addr.to_string(),
            ],
        ),
        ("backend", vec![defaults.http.addr.to_string()]),
        ("engine", vec![defaults.engine.addr.to_string()]),
        ("sql", vec![defaults.clickhouse.addr.clone()]),
        ("simulate", vec![defaults.mqtt.broker.to_string()]),
    ] {
        let help = command
            .find_subcommand_mut(subcommand)
            .unwrap()
            .render_help()
            .to_string();
        let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
        for value in values {
            assert!(
                help.contains(&format!("[default: {value}]")),
                "{subcommand}: {value} in {help}"
            );
        }
    }
}
