//! A house whose windows do as they are told.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::{
    support::client::{self, Client, now},
    world::World,
};

/// How soon a cause has to close a window.
pub(crate) const SOON: Duration = Duration::from_secs(5);
/// How long anything else may take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(40);
pub(crate) const POLL: Duration = Duration::from_millis(20);

#[derive(Debug, Clone)]
pub(crate) struct Command {
    device_id: String,
    pub(crate) position: f64,
    pub(crate) origin: String,
    pub(crate) reason: String,
    pub(crate) at: Instant,
}

/// A house whose windows do as they are told, and say so.
pub(crate) struct House {
    pub(crate) world: World,
    pub(crate) client: Client,
    commands: Arc<Mutex<Vec<Command>>>,
}

impl House {
    pub(crate) async fn start() -> Self {
        let world = World::start(&["--no-ml"]);
        let commands = Arc::<Mutex<Vec<Command>>>::default();
        let mut windows = Client::connect(world.at.mqtt, &["window/+/control"]).await;
        let (told, publisher) = (Arc::clone(&commands), windows.publisher.clone());
        tokio::spawn(async move {
            // It ends when nothing was said for a while, with the test.
            loop {
                let (_, command) = windows.json().await;
                let device_id = command["device_id"].as_str().unwrap().to_owned();
                let position = command["position"].as_f64().unwrap();
                let report = state(&device_id, position);
                let topic = format!("window/{device_id}/state");
                let _ = publisher
                    .publish_confirmed(&topic, report, mqtt::Qos::AtLeastOnce, false)
                    .await;
                told.lock().push(Command {
                    device_id,
                    position,
                    origin: command["origin"].as_str().unwrap_or_default().to_owned(),
                    reason: command["reason"].as_str().unwrap_or_default().to_owned(),
                    at: Instant::now(),
                });
            }
        });
        let client = Client::connect(world.at.mqtt, &[]).await;
        Self {
            world,
            client,
            commands,
        }
    }

    /// Sets a device up; a window says where it stands.
    pub(crate) async fn set_up(
        &self,
        device_id: &str,
        location: &str,
        settings: Value,
        position: Option<f64>,
    ) {
        let patch = json!({"location": location, "settings": settings});
        let device = format!("/api/v1/devices/{device_id}");
        let answer = self.world.ask("PATCH", &device, Some(&patch));
        assert!(matches!(answer.status, 200 | 201), "{}", answer.body);
        if let Some(position) = position {
            let topic = format!("window/{device_id}/state");
            self.client.publish(&topic, state(device_id, position)).await;
        }
    }

    pub(crate) async fn read(&self, device_id: &str, quantity: &str, value: f64) {
        let topic = format!("sensor/{device_id}/{quantity}");
        self.client.publish(&topic, client::reading(value, now())).await;
    }

    pub(crate) fn of(&self, device_id: &str) -> Vec<Command> {
        let commands = self.commands.lock();
        commands
            .iter()
            .filter(|command| command.device_id == device_id)
            .cloned()
            .collect()
    }

    /// Waits for the command of that number, from 0.
    pub(crate) async fn command(&self, device_id: &str, number: usize) -> Command {
        let began = Instant::now();
        loop {
            if let Some(command) = self.of(device_id).get(number) {
                return command.clone();
            }
            assert!(
                began.elapsed() < PATIENCE,
                "{device_id}: no command {number}: {:?}",
                self.of(device_id)
            );
            tokio::time::sleep(POLL).await;
        }
    }

    pub(crate) fn sql(&self, statement: &str) -> String {
        testkit::sql(self.world.at.clickhouse, statement).unwrap()
    }

    /// Waits until a device has had so many events of a kind.
    pub(crate) async fn events(&self, device_id: &str, event: &str, count: usize) {
        let began = Instant::now();
        let statement = format!(
            "SELECT count() FROM iot.device_events WHERE device_id = '{device_id}' AND event = '{event}'"
        );
        loop {
            let found = self.sql(&statement);
            if found.trim() == count.to_string() {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "{device_id}: {found} of {event}");
            tokio::time::sleep(POLL).await;
        }
    }

    pub(crate) async fn until_active(&self, device_id: &str, is_active: bool) -> Value {
        let began = Instant::now();
        loop {
            let all = self.world.get("/api/v1/schedules").body;
            let found = all
                .as_array()
                .unwrap()
                .iter()
                .find(|one| one["device_id"] == device_id);
            if let Some(one) = found
                && one["active"] == is_active
            {
                return one.clone();
            }
            assert!(began.elapsed() < PATIENCE, "{all}");
            tokio::time::sleep(POLL).await;
        }
    }
}

pub(crate) fn state(device_id: &str, position: f64) -> String {
    json!({"device_id": device_id, "timestamp": now().to_string(), "position": position}).to_string()
}

pub(crate) fn is(command: &Command, position: f64, origin: &str) {
    assert!(
        (command.position - position).abs() < 1e-9 && command.origin == origin,
        "{command:?} is not {position} by {origin}"
    );
}

/// The law's bound from a cause to its command.
pub(crate) fn soon(command: &Command, cause: Instant) {
    let took = command.at.duration_since(cause);
    assert!(took < SOON, "{took:?}: {command:?}");
}
