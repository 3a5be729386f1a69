//! Which command judges which key, and what is shown of them.

use super::{Reader, sources};
use crate::config::Shown;

/// A fault in a key that no command but one uses, and the keys that all of `casement up` uses.
#[test]
fn a_key_is_judged_by_the_command_that_uses_it() {
    use Reader::{Backend, ClickHouse, Engine, Journal, Ml, Models, Storage, Up};
    let all = [Up, Backend, Ml, Engine, ClickHouse, Models, Journal, Storage];
    let faults: [(&str, &[Reader]); 24] = [
        ("mqtt: {broker: 'ws://b'}", &[Up, Backend, Ml]),
        ("mqtt: {broker: ''}", &[Up, Backend, Ml]),
        ("mqtt: {protocol: 4}", &[Up, Backend, Ml]),
        ("mqtt: {keep_alive_s: soon}", &[Up, Backend, Ml]),
        ("mqtt: {password_file: /no/such}", &[Backend, Ml]),
        (
            "mqtt: {topics: {humidity: 'sensor/+/temperature'}}",
            &[Up, Backend, Ml],
        ),
        (
            "clickhouse: {addr: 'ws://ch'}",
            &[Up, Backend, ClickHouse, Storage],
        ),
        ("clickhouse: {addr: ''}", &[Up, Backend, ClickHouse, Storage]),
        (
            "clickhouse: {password_file: /no/such}",
            &[Backend, ClickHouse, Storage],
        ),
        ("clickhouse: {database: [a]}", &[Up, Backend, ClickHouse, Storage]),
        ("change_detection: {humidity_threshold: -1}", &[Up, Backend]),
        ("model: {device: tpu}", &[Up, Ml, Models]),
        ("model: {path: $HOME/m.pth}", &[Up, Ml, Models]),
        ("audio: {n_fft: 2047}", &[Up, Backend, Ml]),
        ("audio: {features: [mfccs]}", &[Up, Backend, Ml]),
        ("journal: {max_bytes: 0}", &[Up, Backend, Journal]),
        ("http: {addr: here}", &[Up, Backend, Journal]),
        ("engine: {limits: {queries: 0}}", &[Up, Engine]),
        ("engine: {password_file: /no/such}", &[Up, Engine]),
        ("broker: {addr: here}", &[Up]),
        ("ml: {addr: here}", &[Ml]),
        ("retention: {rollups_days: 30}", &[Up, Backend, Storage]),
        ("backup: {every: often}", &[Up]),
        ("backup: {keep: 0}", &[Up]),
    ];
    for (yaml, users) in faults {
        for reader in all {
            let loaded = sources(yaml, &[]).1.load_for(reader);
            assert_eq!(
                loaded.is_err(),
                users.contains(&reader),
                "{yaml} for {reader:?}: {loaded:?}"
            );
        }
        let warnings = sources(yaml, &[]).1.show().unwrap().warnings;
        assert_eq!(warnings.len(), 1, "{yaml}: {warnings:?}");
    }
    // What the specification says of the backend is nobody's fault.
    for reader in all {
        let spec = include_str!("../../../tests/config/spec-backend.yaml");
        assert!(sources(spec, &[]).1.load_for(reader).is_ok(), "{reader:?}");
    }
}

#[test]
fn a_part_elsewhere_makes_its_own_section_unused_and_the_other_way_round() {
    let up = |yaml: &str| sources(yaml, &[]).1.load_for(Reader::Up).is_ok();
    let elsewhere = "mqtt: {broker: 'tcp://b'}\nclickhouse: {addr: ch}\nml: {embedded: false}\n";
    assert!(up(&format!("{elsewhere}engine: {{password_file: /no/such}}")));
    assert!(up(&format!("{elsewhere}model: {{device: tpu}}")));
    assert!(!up(&format!("{elsewhere}mqtt2: 1")));
    assert!(!up("mqtt: {broker: 'tcp://b', password_file: /no/such}"));
    assert!(!up("clickhouse: {addr: ch, password_file: /no/such}"));
    assert!(up("engine: {embedded: true}\nclickhouse: {addr: 'ws://ch'}"));
    assert!(up(
        "broker: {embedded: true}\nmqtt: {broker: 'ws://b', password_file: /no/such}"
    ));
    assert!(!up("engine: {embedded: false}\nclickhouse: {addr: 'ws://ch'}"));
}

#[test]
fn the_shown_configuration_has_values_as_they_are_warnings_and_no_secret() {
    let yaml = "clickhouse: {addr: 'http://default:s3cr%2Ft@ch:8123'}\nmqtt: {broker: 'tcp://u:hunter22@b'}\n\
                http: {addr: here}\nmodel: {path: ~/m.pth}";
    let env = [
        ("CASEMENT__ENGINE__PASSWORD", "letmein!"),
        ("CASEMENT__MODEL__VERSION", "letmein! s3cr/t"),
    ];
    let Shown {
        value: shown,
        warnings,
        ..
    } = sources(yaml, &env).1.show().unwrap();
    assert_eq!(shown["clickhouse"]["addr"], "http://[redacted]@ch:8123");
    assert_eq!(shown["mqtt"]["broker"], "tcp://[redacted]@b");
    assert_eq!(shown["engine"]["password"], "[redacted]");
    assert_eq!(shown["model"]["version"], "[redacted] [redacted]");
    assert_eq!(shown["http"]["addr"], "here");
    let home = std::env::var("HOME").unwrap();
    assert_eq!(shown["model"]["path"], format!("{home}/m.pth"));
    assert_eq!(warnings.len(), 3, "{warnings:?}");
    let said = format!("{shown} {warnings:?}");
    for secret in ["s3cr%2Ft", "s3cr/t", "hunter22", "letmein"] {
        assert!(!said.contains(secret), "{said}");
    }
    // A command that uses the address refuses the account, one that does not never sees it.
    for (reader, refused) in [
        (Reader::ClickHouse, "clickhouse.user"),
        (Reader::Backend, "CASEMENT__"),
    ] {
        let error = sources(yaml, &[]).1.load_for(reader).unwrap_err().to_string();
        assert!(
            error.contains(refused) && !error.contains("s3cr") && !error.contains("hunter"),
            "{error}"
        );
    }
    let engine = sources(yaml, &[]).1.load_for(Reader::Engine).unwrap();
    assert!(!format!("{engine:?}").contains("s3cr") && !format!("{engine:?}").contains("hunter"));
}
