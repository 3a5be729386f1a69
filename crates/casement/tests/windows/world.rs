//! A running Casement whose motors take half a second, and windows that a test moves.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::Up;

use crate::support::{
    casement,
    client::{Client, now},
};

/// Long enough for anything on a loaded machine.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) struct World {
    pub(crate) up: Up,
    token: String,
    pub(crate) data: TempDir,
}

impl World {
    /// With these settings for all devices, beside a quick motor.
    pub(crate) fn start(settings: &Value, flags: &[&str]) -> Self {
        Self::configured(settings, flags, "")
    }

    /// The same with a configuration file.
    pub(crate) fn configured(settings: &Value, flags: &[&str], configuration: &str) -> Self {
        let data = tempfile::tempdir().unwrap();
        let mut all = json!({"motor_travel_s": 0.6, "min_interval_s": 0.0, "min_move": 5.0});
        all.as_object_mut()
            .unwrap()
            .extend(settings.as_object().unwrap().clone());
        let registry = json!({
            "format": 1, "revision": 1, "defaults": {"settings": all, "revision": 1}, "groups": {}, "devices": {},
        });
        std::fs::create_dir(data.path().join("registry")).unwrap();
        std::fs::write(data.path().join("registry/registry.json"), registry.to_string()).unwrap();
        let file = data.path().join("casement.yaml");
        std::fs::write(&file, configuration).unwrap();
        let file = format!("--config={}", file.display());
        let flags = [flags, &[file.as_str()]].concat();
        let up = Up::start(casement(), data.path(), &flags).unwrap();
        let token = std::fs::read_to_string(data.path().join("accounts/admin-token")).unwrap();
        Self {
            up,
            token: token.trim().to_owned(),
            data,
        }
    }

    /// Asks over HTTP as the admin; status and answer.
    pub(crate) fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        ask(self.up.http, &self.token, method, path, body)
    }

    pub(crate) fn hold(&self, id: &str, body: &Value) -> Value {
        let (status, control) = self.ask("PUT", &format!("/api/v1/devices/{id}/override"), Some(body));
        assert_eq!(status, 202, "{control}");
        control
    }

    pub(crate) fn resume(&self, id: &str) -> Value {
        let (status, control) = self.ask("DELETE", &format!("/api/v1/devices/{id}/override"), None);
        assert_eq!(status, 200, "{control}");
        control
    }

    /// What is known of a window.
    pub(crate) fn control(&self, id: &str) -> Value {
        let (status, device) = self.ask("GET", &format!("/api/v1/devices/{id}"), None);
        assert_eq!(status, 200, "{device}");
        device["control"].clone()
    }

    /// Waits until that is so of a window, and until its device is known.
    pub(crate) async fn until(&self, id: &str, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let (status, device) = self.ask("GET", &format!("/api/v1/devices/{id}"), None);
            assert!(matches!(status, 200 | 404), "{device}");
            let control = &device["control"];
            if status == 200 && is_so(control) {
                return control.clone();
            }
            assert!(Instant::now() < deadline, "{id} is not {what}: {device}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub(crate) async fn window(&self, id: &'static str) -> Window {
        let topic = format!("window/{id}/control");
        Window {
            id,
            client: Client::connect(self.up.mqtt, &[&topic]).await,
        }
    }
}

/// Asks over HTTP with a token; status and answer.
pub(crate) fn ask(
    http: SocketAddr,
    token: &str,
    method: &str,
    path: &str,
    body: Option<&Value>,
) -> (u16, Value) {
    let request = ureq::http::Request::builder()
        .method(method)
        .uri(format!("http://{http}{path}"))
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/json");
    let body = body
        .map(|body| serde_json::to_vec(body).unwrap())
        .unwrap_or_default();
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(PATIENCE))
        .allow_non_standard_methods(true)
        .build()
        .into();
    let mut answer = agent.run(request.body(body).unwrap()).unwrap();
    let status = answer.status().as_u16();
    let text = answer.body_mut().read_to_string().unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::Null))
}

/// A window's controller.
pub(crate) struct Window {
    pub(crate) id: &'static str,
    pub(crate) client: Client,
}

impl Window {
    pub(crate) async fn publish(&self, topic: &str, payload: String) {
        self.client.publish(topic, payload).await;
    }

    pub(crate) async fn report(&self, position: f64) {
        let report = json!({"timestamp": now().to_string(), "position": position});
        self.publish(&format!("window/{}/state", self.id), report.to_string())
            .await;
    }

    /// The same as an answer to a command.
    pub(crate) async fn answer(&self, command: &Value, position: f64) {
        let report = json!({
            "timestamp": now().to_string(), "position": position, "command_id": command["command_id"],
        });
        self.publish(&format!("window/{}/state", self.id), report.to_string())
            .await;
    }

    /// The next command that comes, within a minute.
    pub(crate) async fn command(&mut self) -> Value {
        let told = tokio::time::timeout(PATIENCE, self.client.json_in_time(PATIENCE)).await;
        told.expect("a command in time").1
    }

    /// The positions of every command that came until now: what a question of ours overtakes is none of them.
    pub(crate) async fn positions(&mut self) -> Vec<f64> {
        let mut positions = Vec::new();
        while let Some((_, command)) = self.client.json_within(Duration::from_millis(300)).await {
            positions.push(command["position"].as_f64().unwrap());
        }
        positions
    }

    /// What a model commands that knows only the specification's fields.
    pub(crate) async fn model(&self, position: f64) {
        let command = json!({
            "device_id": self.id, "timestamp": now().to_string(), "position": position, "confidence": 0.9,
            "features_used": {"temperature": 24.0, "humidity": 50.0},
        });
        self.publish(&format!("window/{}/control", self.id), command.to_string())
            .await;
    }
}

pub(crate) fn is(control: &Value, motion: &str) -> bool {
    control["motion"] == motion
}

pub(crate) fn is_in_state(control: &Value, state: &str) -> bool {
    control["command"]["state"] == state
}
