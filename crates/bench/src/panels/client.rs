//! A client that asks as the plugin does: `reader`, over HTTP, in the Native format.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use super::plugin::Chosen;

const MAX_ANSWER: u64 = 64 << 20;
const USER_AGENT: &str =
    "grafana/12.0 clickhouse-datasource/4.14.1 clickhouse-go/2.40 (lv:go/1.24; os:linux)";

/// A connection to ClickHouse. Clones share nothing.
pub(super) struct Client {
    agent: ureq::Agent,
    url: String,
    password: String,
}

impl Client {
    pub(super) fn new(url: &str, password: &str) -> Self {
        let config = ureq::Agent::config_builder().http_status_as_error(false).build();
        Self {
            agent: config.into(),
            url: url.trim_end_matches('/').to_owned(),
            password: password.to_owned(),
        }
    }

    fn post(&self, parameters: &str, sql: &str) -> anyhow::Result<Vec<u8>> {
        let url = format!("{}/?database=iot&{parameters}", self.url);
        let request = self.agent.post(&url).header("User-Agent", USER_AGENT);
        let request = request
            .header("X-ClickHouse-User", "reader")
            .header("X-ClickHouse-Key", &self.password);
        let mut answer = request.send(sql).with_context(|| {
            format!(
                "ClickHouse does not answer at {}; --clickhouse names it",
                self.url
            )
        })?;
        let status = answer.status();
        let body = answer.body_mut().with_config().limit(MAX_ANSWER).read_to_vec()?;
        let text = String::from_utf8_lossy(&body);
        if !status.is_success() || text.contains("DB::Exception") {
            bail!("{} for {sql}", text.trim());
        }
        Ok(body)
    }

    /// The time that a statement takes until its answer is complete.
    pub(super) fn time(&self, sql: &str) -> anyhow::Result<Duration> {
        let started = Instant::now();
        let native = "client_protocol_version=54460&default_format=Native&max_execution_time=60";
        self.post(native, sql)?;
        Ok(started.elapsed())
    }

    fn lines(&self, sql: &str) -> anyhow::Result<Vec<String>> {
        let body = self.post("default_format=TSVRaw", sql)?;
        let text = String::from_utf8(body)?;
        Ok(text.lines().map(str::to_owned).collect())
    }

    /// Every device, location and model that there is.
    pub(super) fn everything(&self) -> anyhow::Result<Chosen> {
        Ok(Chosen {
            devices: self.lines("SELECT device_id FROM device_registry FINAL ORDER BY device_id")?,
            locations: self.lines(
                "SELECT DISTINCT if(location = '', '(no location)', location) FROM device_registry FINAL",
            )?,
            models: self
                .lines("SELECT DISTINCT model_version FROM predictions_by_time WHERE step = 86400")?,
            quantity: "temperature".to_owned(),
        })
    }

    /// How many readings there are.
    pub(super) fn readings(&self) -> anyhow::Result<String> {
        let count = "SELECT sum(readings) FROM readings_by_time WHERE step = 86400";
        Ok(self.lines(count)?.concat())
    }
}
