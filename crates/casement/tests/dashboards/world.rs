//! An engine with a month of two rooms in it.

use std::{net::SocketAddr, path::PathBuf};

use store::{Store, StoreOptions};
use testkit::{Casement, Process, free_addr, sql};

use crate::plugin::Answer;

pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A running engine with our schema.
pub(crate) struct World {
    address: SocketAddr,
    store: Store,
    _engine: Process,
    _data: tempfile::TempDir,
}

impl World {
    pub(crate) async fn empty() -> Self {
        let data = tempfile::tempdir().expect("a directory");
        let address = free_addr();
        let casement = Casement::new(env!("CARGO_BIN_EXE_casement"));
        let mut engine = casement
            .engine(&data.path().join("data"), address)
            .expect("the engine starts");
        engine
            .wait_for_line("casement engine is running")
            .expect("the engine runs");
        let store = Store::new(StoreOptions::new(format!("http://{address}"), "iot")).expect("options");
        store.migrate().await.expect("the schema");
        Self {
            address,
            store,
            _engine: engine,
            _data: data,
        }
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    fn run(&self, statement: &str) {
        let statement = statement.replace("INTO ", "INTO iot.");
        sql(self.address, &statement).unwrap_or_else(|error| panic!("{statement}: {error}"));
    }

    /// A month until now, of two rooms and one with a difficult name, with everything that a dashboard shows.
    pub(crate) async fn live_a_month(&self) {
        let devices = "arrayJoin(['room-a', 'room-b', 'o\\'brien\\\\'])";
        let every = |minutes: u32, columns: &str| {
            format!(
                "SELECT now64(3) - toIntervalMinute(number * {minutes}) - toIntervalSecond(20) AS timestamp, \
                 {devices} AS device_id, {columns} FROM numbers({})",
                30 * 1_440 / minutes
            )
        };
        for (quantity, value) in [("temperature", 21), ("humidity", 50), ("co2", 700)] {
            // Far from both ends, that no cut-off mean consists of a spike alone.
            let spike = "if(number % 97 = 48, 10, 0)";
            self.run(&format!(
                "INSERT INTO sensor_{quantity} (timestamp, device_id, value) {}",
                every(5, &format!("{value} + {spike}"))
            ));
        }
        let features = r#"'{"level":{"equivalent_dbfs":-40,"max_dbfs":-20},"rms":{"mean":[0.01]},"spectral_centroid":{"mean":[1800]},"spectral_rolloff":{"mean":[4000]},"zero_crossing_rate":{"mean":[0.1]},"mfcc":{"mean":[-300,80,-4,7,-2]}}'"#;
        // As clips of before have none.
        let spectrum =
            "if(device_id = 'room-a', arrayMap(band -> -20 - band, range(32)), [])::Array(Float32)";
        self.run(&format!(
            "INSERT INTO sensor_audio (timestamp, device_id, sample_rate, duration, format, audio_hash, features, mel_db) {}",
            every(20, &format!("16000, 2., 'wav', toString(number), {features}, {spectrum}"))
        ));
        // A person corrects every fifth decision, two minutes later.
        self.run(&format!(
            "INSERT INTO window_actions (timestamp, device_id, position, confidence, temperature, humidity, audio_hash, \
             command_id, model_version, origin) {}",
            every(10, "40., 0.05 * (number % 20) + 0.01, 21., 50., '', concat('c', toString(number)), if(number < 2000, 'v1', 'v2'), 'model'")
        ));
        self.run(&format!(
            "INSERT INTO window_actions (timestamp, device_id, position, confidence, temperature, humidity, audio_hash, \
             command_id, model_version, origin) SELECT timestamp + toIntervalMinute(2), * EXCEPT timestamp FROM ({}) \
             WHERE timestamp < now() - INTERVAL 5 MINUTE",
            every(50, "70., 1., 21., 50., '', '', '', 'person'")
        ));
        self.run(&format!(
            "INSERT INTO window_actions (timestamp, device_id, position, confidence, temperature, humidity, audio_hash, \
             command_id, model_version, origin, cause) \
             SELECT now64(3) - toIntervalMinute(3), {devices}, 40., 1., 21., 50., '', '', '', 'interlock', 'rain'"
        ));
        self.run(&format!(
            "INSERT INTO ml_predictions (timestamp, device_id, prediction, confidence, inference_time_ms, model_version, \
             command_id, held, average, contribution_temperature, contribution_humidity, contribution_sound, verdict) {}",
            every(10, "40., 0.05 * (number % 20) + 0.01, 0.5 + number % 7, if(number < 2000, 'v1', 'v2'), concat('c', toString(number)), \
                       number % 20 < 4, 31., 8., -1., 2., if(number % 20 < 4, 'unsure', 'moved')")
        ));
        self.run(&format!(
            "INSERT INTO window_states (timestamp, device_id, position) {}",
            every(5, "40.")
        ));
        self.run(&format!(
            "INSERT INTO device_events (timestamp, device_id, event) {}",
            every(600, "['online', 'offline'][number % 2 + 1]")
        ));
        self.run(&format!(
            "INSERT INTO device_registry (device_id, name, location, registered_at, last_seen, is_active, config) \
             SELECT {devices}, 'a name', ['', 'attic'][rand() % 2 + 1], now64(3), now64(3), true, '{{}}'"
        ));
        self.run(
            "INSERT INTO ingest_errors SELECT now64(3) - toIntervalMinute(number), 'sensor/x/temperature', 'json', 'why', '{' \
             FROM numbers(3000)",
        );
        self.run(
            "INSERT INTO system_metrics (timestamp, instance, interval_s, uptime_s, messages, refused, rows_stored, \
             journal_bytes, journal_max_bytes, journal_age_ms, row_delay_ms, reading_to_row_ms, decision_ms, inference_ms, database_memory_bytes, \
             database_disk_bytes, disk_free_bytes, database_uptime_s) SELECT now64(3) - toIntervalSecond(number * 10), 'box', 10, 1000000 - number, \
             map('temperature', 3, 'humidity', 3), map('not_json', 1, 'suspect', 1), 6, 100, 1000, 0, 900, 950, 2, 0.5, 300000000, 1000000, 5000000000, 1000000 - number \
             FROM numbers(259000)",
        );
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .expect("a sane clock");
        while self
            .store
            .judge_decisions(now.as_millis() as i64)
            .await
            .expect("judged")
        {}
    }

    /// Sends a statement as the plugin does, then once more for its columns.
    pub(crate) fn ask(&self, name: &str, statement: &str) -> Answer {
        let native = format!(
            "http://{}/?client_protocol_version=54460&database=iot&default_format=Native&max_execution_time=30",
            self.address
        );
        let body = Self::post(name, &native, statement);
        let exception = body
            .windows(b"DB::Exception".len())
            .any(|window| window == b"DB::Exception");
        assert!(!exception, "{name}: {}", String::from_utf8_lossy(&body));
        let json = format!("http://{}/?database=iot&default_format=JSONCompact", self.address);
        let answer: serde_json::Value =
            serde_json::from_slice(&Self::post(name, &json, statement)).expect("JSON");
        let types = answer["meta"].as_array().expect("columns").iter();
        Answer {
            types: types
                .map(|column| column["type"].as_str().unwrap_or_default().to_owned())
                .collect(),
            rows: serde_json::from_value(answer["data"].clone()).expect("rows"),
        }
    }

    fn post(name: &str, url: &str, statement: &str) -> Vec<u8> {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .build()
            .into();
        let request = agent
            .post(url)
            .header("Authorization", "Basic cmVhZGVyOg==")
            .header(
                "User-Agent",
                "grafana/12.0 clickhouse-datasource/4.14.1 clickhouse-go/2.40 (lv:go/1.24; os:linux)",
            );
        let mut answer = request.send(statement).expect("the engine answers");
        let status = answer.status();
        let body = answer
            .body_mut()
            .with_config()
            .limit(64 << 20)
            .read_to_vec()
            .expect("a body");
        assert!(
            status.is_success(),
            "{name}: {status} {}\n{statement}",
            String::from_utf8_lossy(&body)
        );
        body
    }
}
