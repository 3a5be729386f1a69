//! The data of earlier versions: nothing of it is lost, and nobody is asked.

use std::process::{Command, Output};

use store::{SCHEMA_VERSION, Store, StoreOptions};
use testkit::{Addresses, free_addr, get, sql, wait_sql};

use super::{Past, support};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_row_of_every_table_is_as_it_was() {
    for name in Past::ALL {
        let dir = tempfile::tempdir().unwrap();
        let past = Past::unpack(name, dir.path());
        let clickhouse = free_addr();
        let mut engine = support::casement().engine(&past.data, clickhouse).unwrap();
        engine.wait_for_line("casement engine is running").unwrap();
        let store = Store::new(StoreOptions::new(format!("http://{clickhouse}"), "iot")).unwrap();
        assert_eq!(store.migrate().await.unwrap(), SCHEMA_VERSION);
        let tables = past.account["tables"].as_object().unwrap();
        assert!(tables.len() >= 27, "{name} has every table: {}", tables.len());
        for (table, was) in tables {
            // Migrations since then have rows of their own.
            let only = match table.as_str() {
                "schema_migrations" => format!("WHERE version <= {}", past.number("schema")),
                _ => String::new(),
            };
            let (sum, last) = (was["sum"].as_str().unwrap(), was["final"].as_str().unwrap());
            let is = sql(
                clickhouse,
                &format!("SELECT count(), {sum} FROM iot.{table} {last} {only}"),
            )
            .unwrap();
            let expected = format!("{}\t{}", was["rows"], was["checksum"].as_str().unwrap());
            assert_eq!(is, expected, "{table} of {name}");
        }
        let different: Vec<_> = store.compare_rollups().await.unwrap();
        let different: Vec<_> = different.iter().filter(|one| one.different > 0).collect();
        assert!(different.is_empty(), "{different:?}");
        engine.terminate(support::END).unwrap();
    }
}

fn mosquitto(program: &str, at: Addresses, arguments: &[&str]) -> Output {
    let port = at.mqtt.port().to_string();
    let mut command = Command::new(program);
    command.args(["-h", "127.0.0.1", "-p", &port, "-V", "mqttv5", "-q", "1"]);
    command.args(arguments).output().unwrap()
}

fn heard(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

#[test]
fn journal_broker_accounts_registry_and_models_go_on() {
    for name in Past::ALL {
        let dir = tempfile::tempdir().unwrap();
        let past = Past::unpack(name, dir.path());
        let at = Addresses::free();
        let mut up = past.up(at);
        let ready = up.wait_for_line("Casement is ready").unwrap();
        // The version that was promoted last serves.
        assert!(
            ready.contains(&format!("model {}", past.text("model"))),
            "{ready}"
        );
        // What waited in the journal is stored.
        assert!(past.number("journal_records") >= 6);
        wait_sql(
            at.clickhouse,
            "SELECT arraySort(groupArray(value)) FROM iot.sensor_temperature WHERE device_id = 'room-102'",
            "[18.25,18.5,18.75]",
        )
        .unwrap();
        // A session finds its message, and its subscription; a retained message is there.
        let bridge = [
            "-i", "bridge", "-c", "-x", "86400", "-t", "other", "-C", "1", "-W", "20",
        ];
        assert_eq!(heard(&mosquitto("mosquitto_sub", at, &bridge)), "waiting");
        let retained = [
            "-t",
            "homeassistant/sensor/room-101/config",
            "-C",
            "1",
            "-W",
            "20",
        ];
        assert_eq!(
            heard(&mosquitto("mosquitto_sub", at, &retained)),
            r#"{"name": "Living room"}"#
        );
        // A device's password opens the door, its neighbour's does not; what is set for it holds.
        let device = past.text("device");
        let publish = |password: &str| {
            let topic = format!("sensor/{device}/temperature");
            let payload = r#"{"value": 33.5, "timestamp": 1900000000000}"#;
            mosquitto(
                "mosquitto_pub",
                at,
                &["-t", &topic, "-m", payload, "-u", device, "-P", password],
            )
        };
        assert!(publish(past.text("password")).status.success());
        assert!(!publish("wrong").status.success());
        wait_sql(
            at.clickhouse,
            &format!("SELECT count() FROM iot.sensor_temperature WHERE device_id = '{device}' AND value = 33 AND offset = -0.5"),
            "1",
        )
        .unwrap();
        // So does a token.
        let url = format!("http://{}/api/v1/devices/{device}", at.http);
        let answer = ureq::get(&url)
            .header("Authorization", format!("Bearer {}", past.text("token")))
            .call();
        let answer = answer.unwrap().body_mut().read_to_string().unwrap();
        assert!(answer.contains(past.text("name")), "{answer}");
        let wrong = ureq::get(&url).header("Authorization", "Bearer cas_00").call();
        assert!(wrong.is_err(), "a token that was never made");
        assert!(get(&format!("http://{}/ready", at.http)).is_ok());
        up.terminate(support::END).unwrap();
        let output = up.output();
        assert!(
            !output.contains("ERROR") && !output.contains("set aside"),
            "{output}"
        );
    }
}
