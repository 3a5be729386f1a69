//! Telegraf as a peer: from MQTT into the same table of the same ClickHouse.
//!
//! In: its program, a deployment. Out: a running Telegraf, and how many of its rows are stored. Its settings are those
//! with which it is fastest here; with Mosquitto's usual limit it stores a third.

use std::{
    cell::Cell,
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use testkit::{Deployment, Process};

/// Telegraf acknowledges what it has written, so that no batch is larger than what the broker sends ahead.
pub(super) const BROKER_SETTINGS: &str = "max_inflight_messages 20000";
/// Counting rows costs the database more than asking the backend for its count.
const COUNT_EVERY: Duration = Duration::from_millis(200);

/// Returns the program: the one that was named, or the first on the path.
pub(super) fn find(named: Option<&Path>) -> Option<PathBuf> {
    if let Some(named) = named {
        return named.is_file().then(|| named.to_owned());
    }
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .map(|directory| directory.join("telegraf"))
        .find(|program| program.is_file())
}

pub(super) struct Telegraf {
    process: Process,
    counted: Cell<(u64, Instant)>,
}

impl Telegraf {
    /// Lets the backend make the tables, and starts Telegraf in its place.
    pub(super) async fn start(
        program: &Path,
        deployment: &mut Deployment,
        directory: &Path,
    ) -> anyhow::Result<Self> {
        deployment.start().await?;
        (deployment.backend, deployment.ml) = (None, None);
        let addresses = deployment.addresses();
        let file = directory.join("telegraf.conf");
        let (mqtt, clickhouse) = (addresses.mqtt.to_string(), addresses.clickhouse.to_string());
        fs::write(&file, configuration(&mqtt, &clickhouse))?;
        let mut command = Command::new(program);
        command.arg("--config").arg(&file);
        let mut process = Process::start("telegraf", command)?;
        process.wait_for_line("Connected [tcp://")?;
        Ok(Self {
            process,
            counted: Cell::new((0, Instant::now())),
        })
    }

    pub(super) fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// How many of its rows are stored.
    pub(super) fn stored(&self, deployment: &Deployment) -> anyhow::Result<u64> {
        let (count, at) = self.counted.get();
        if at.elapsed() < COUNT_EVERY {
            return Ok(count);
        }
        let count = deployment
            .sql("SELECT count() FROM iot.sensor_temperature")?
            .parse()?;
        self.counted.set((count, Instant::now()));
        Ok(count)
    }
}

fn configuration(mqtt: &str, clickhouse: &str) -> String {
    format!(
        r#"[agent]
  interval = "1s"
  flush_interval = "1s"
  flush_jitter = "0s"
  metric_batch_size = 5000
  metric_buffer_limit = 200000
  omit_hostname = true
  skip_processors_after_aggregators = true

[[inputs.mqtt_consumer]]
  servers = ["tcp://{mqtt}"]
  topics = ["sensor/+/temperature"]
  topic_tag = ""
  qos = 1
  persistent_session = true
  client_id = "telegraf"
  max_undelivered_messages = 20000
  name_prefix = "sensor_"
  data_format = "json"
  json_time_key = "timestamp"
  json_time_format = "2006-01-02T15:04:05Z07:00"
  [[inputs.mqtt_consumer.topic_parsing]]
    topic = "sensor/+/+"
    measurement = "_/_/measurement"
    tags = "_/device_id/_"

[[outputs.sql]]
  driver = "clickhouse"
  data_source_name = "http://{clickhouse}/iot"
  timestamp_column = "timestamp"
  batch_transactions = true
"#
    )
}
