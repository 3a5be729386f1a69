//! A Casement that announces rooms, and somebody who hears everything at its broker.

use std::{collections::BTreeMap, net::SocketAddr, path::Path, time::Duration};

use bytes::Bytes;
use mqtt::{BrokerUrl, ConnectionOptions, Event, Incoming, Publisher, Qos, Subscription};
use serde_json::Value;
use tempfile::TempDir;
use testkit::{Addresses, Process};

use crate::support::casement;

const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) struct World {
    pub(crate) data: TempDir,
    pub(crate) at: Addresses,
    pub(crate) process: Process,
}

impl World {
    /// `casement up` with this configuration; `broker` is one elsewhere.
    pub(crate) fn start(section: &str, broker: Option<SocketAddr>) -> Self {
        let (data, at) = (tempfile::tempdir().unwrap(), Addresses::free());
        let process = run(data.path(), at, section, broker);
        Self { data, at, process }
    }

    /// Ends it by SIGKILL, and starts it again with this configuration.
    pub(crate) fn kill_and_start(&mut self, section: &str, broker: Option<SocketAddr>) {
        self.process.kill();
        self.process = run(self.data.path(), self.at, section, broker);
    }

    /// ClickHouse's answer to a statement.
    pub(crate) fn ask_clickhouse(&self, statement: &str) -> String {
        let mut answer = ureq::post(format!("http://{}/", self.at.clickhouse))
            .send(statement)
            .unwrap();
        answer.body_mut().read_to_string().unwrap().trim().to_owned()
    }

    /// Asks the API as the admin; the status.
    pub(crate) fn ask(&self, method: &str, path: &str, body: &str) -> u16 {
        let token = std::fs::read_to_string(self.data.path().join("accounts/admin-token")).unwrap();
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("http://{}{path}", self.at.http))
            .header("authorization", format!("Bearer {}", token.trim()))
            .header("content-type", "application/json")
            .body(body.to_owned())
            .unwrap();
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .allow_non_standard_methods(true);
        let agent: ureq::Agent = config.build().into();
        agent.run(request).unwrap().status().as_u16()
    }
}

fn run(data: &Path, at: Addresses, section: &str, broker: Option<SocketAddr>) -> Process {
    let config = data.join("casement.yaml");
    std::fs::write(&config, format!("home_assistant: {section}\n")).unwrap();
    let mut arguments = at.arguments(data);
    arguments.push(format!("--config={}", config.display()));
    arguments.push("--no-ml".to_owned());
    if let Some(broker) = broker {
        let place = arguments.iter_mut().find(|flag| flag.starts_with("--mqtt="));
        *place.unwrap() = format!("--mqtt=tcp://{broker}");
    }
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut process = casement().start(&arguments).unwrap();
    process.wait_for_line("Casement is ready").unwrap();
    process
}

/// Hears everything, as Home Assistant does.
pub(crate) struct Tap {
    publisher: Publisher,
    incoming: Incoming,
    /// The newest payload of each topic; nothing of one that was cleared.
    pub(crate) latest: BTreeMap<String, Bytes>,
    /// How many messages came on each topic.
    pub(crate) count: BTreeMap<String, usize>,
    /// Topics and payloads of announcements, in their order.
    pub(crate) said: Vec<(String, String)>,
}

impl Tap {
    pub(crate) async fn connect(broker: SocketAddr) -> Self {
        let mut options = ConnectionOptions::new(BrokerUrl::tcp(broker.ip().to_string(), broker.port()), "");
        options.subscriptions = vec![Subscription::new("#")];
        let (publisher, incoming) = mqtt::connect(options);
        let mut tap = Self {
            publisher,
            incoming,
            latest: BTreeMap::new(),
            count: BTreeMap::new(),
            said: Vec::new(),
        };
        while tap.next().await != Some(Event::Subscribed) {}
        tap
    }

    async fn next(&mut self) -> Option<Event> {
        let event = self.incoming.recv().await?;
        if let Event::Message(delivery) = &event {
            *self.count.entry(delivery.topic.clone()).or_default() += 1;
            if delivery.topic.ends_with("/config") {
                let payload = String::from_utf8_lossy(&delivery.payload).into_owned();
                self.said.push((delivery.topic.clone(), payload));
            }
            if delivery.payload.is_empty() {
                self.latest.remove(&delivery.topic);
            } else {
                self.latest
                    .insert(delivery.topic.clone(), delivery.payload.clone());
            }
        }
        Some(event)
    }

    /// Listens until `is_so` of what was heard.
    pub(crate) async fn until(&mut self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let waiting = async {
            while !is_so(self) {
                self.next().await.unwrap();
            }
        };
        let in_time = tokio::time::timeout(PATIENCE, waiting).await;
        assert!(in_time.is_ok(), "{what}: heard {:#?}", self.latest);
    }

    /// Publishes at `QoS` 1.
    pub(crate) async fn say(&self, topic: &str, payload: impl Into<Bytes>, retain: bool) {
        let said = self
            .publisher
            .publish_confirmed(topic, payload, Qos::AtLeastOnce, retain);
        tokio::time::timeout(PATIENCE, said).await.unwrap().unwrap();
    }

    pub(crate) fn json(&self, topic: &str) -> Value {
        let payload = self.latest.get(topic);
        payload.map_or(Value::Null, |payload| serde_json::from_slice(payload).unwrap())
    }

    /// The topics of announcements.
    pub(crate) fn announced(&self) -> Vec<&str> {
        let topics = self.latest.keys().filter(|topic| topic.ends_with("/config"));
        let topics = topics.filter(|topic| topic.split('/').nth_back(2) == Some("casement"));
        topics.map(String::as_str).collect()
    }
}
