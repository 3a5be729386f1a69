//! Settings under kills: an editor changes devices through the API, one change after the other, while the process dies.
//!
//! In: a deployment. Out: how many changes were acknowledged, how many devices are older than that (lost), and how many are
//! something that nobody wrote (wrong): name, place and settings of a change belong together.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use anyhow::{Context as _, ensure};
use mqtt::{BrokerUrl, ConnectionOptions, Qos};
use serde_json::{Value, json};
use testkit::{Deployment, wait_until};

use super::{reconciliation::Reconciliation, scenarios::Fault};

const DEVICES: usize = 4;
const ANSWER: Duration = Duration::from_secs(5);
/// The number of a change is a device's reporting interval, s, which has a bound.
const MOST_CHANGES: u64 = 86_400;

/// What was done to one device.
#[derive(Debug, Clone, Copy, Default)]
struct Changes {
    /// The newest change that was acknowledged.
    acknowledged: u64,
    /// The newest that was sent.
    sent: u64,
}

/// Writes and reads devices through the API.
#[derive(Debug, Clone)]
struct Editor {
    agent: ureq::Agent,
    url: String,
    token: String,
}

impl Editor {
    fn of(deployment: &Deployment) -> anyhow::Result<Self> {
        let agent = ureq::Agent::config_builder().timeout_global(Some(ANSWER)).build();
        Ok(Self {
            agent: agent.into(),
            url: format!("http://{}/api/v1/devices", deployment.addresses().http),
            token: format!("Bearer {}", deployment.admin_token()?),
        })
    }

    /// Sends the change of that number; true once it is acknowledged.
    fn change(&self, device: usize, number: u64) -> bool {
        let body = json!({
            "name": number.to_string(), "location": number.to_string(), "settings": {"report_interval_s": number},
        });
        let request = self
            .agent
            .patch(format!("{}/edited-{device}", self.url))
            .header("authorization", &self.token)
            .header("content-type", "application/merge-patch+json");
        request.send(body.to_string()).is_ok()
    }

    /// The number of the change that a device shows, 0 before the first; `None` where it is no whole one.
    fn shown(&self, device: usize) -> anyhow::Result<Option<u64>> {
        let read = |path: String| -> anyhow::Result<Value> {
            let request = self.agent.get(path).header("authorization", &self.token);
            let text = request.call()?.body_mut().read_to_string()?;
            Ok(serde_json::from_str(&text)?)
        };
        let path = format!("{}/edited-{device}", self.url);
        let (device, settings) = (read(path.clone())?, read(format!("{path}/settings"))?);
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let number = |value: &Value| match text(value).as_str() {
            "" => Some(0),
            text => text.parse().ok(),
        };
        let shown = number(&device["name"]);
        let interval = settings["own"]["report_interval_s"].as_f64().unwrap_or(0.0) as u64;
        let is_whole = number(&device["location"]) == shown && Some(interval) == shown;
        Ok(shown.filter(|_| is_whole))
    }

    /// Changes the devices in turn until `stop`, or until no answer comes; `answered` counts the acknowledgements.
    fn run(&self, mut changes: Vec<Changes>, stop: &AtomicBool, answered: &AtomicU64) -> Vec<Changes> {
        for device in (0..changes.len()).cycle() {
            let number = changes[device].sent + 1;
            if stop.load(Relaxed) || number > MOST_CHANGES {
                break;
            }
            changes[device].sent = number;
            if !self.change(device, number) {
                break;
            }
            changes[device].acknowledged = number;
            answered.fetch_add(1, Relaxed);
        }
        changes
    }
}

/// Kills the process `rounds` times while an editor is at work.
pub(super) async fn run(
    deployment: &mut Deployment,
    rounds: u32,
    fault: Fault,
) -> anyhow::Result<Reconciliation> {
    introduce(deployment).await?;
    let mut changes = vec![Changes::default(); DEVICES];
    let mut result = Reconciliation::default();
    for round in 0..rounds {
        let (editor, stop) = (Editor::of(deployment)?, Arc::new(AtomicBool::new(false)));
        let before: u64 = changes.iter().map(|changes| changes.acknowledged).sum();
        let answered = Arc::new(AtomicU64::new(0));
        let (working, stopping, counted) = (editor.clone(), Arc::clone(&stop), Arc::clone(&answered));
        let work = tokio::task::spawn_blocking(move || working.run(changes, &stopping, &counted));
        // A slow machine has not answered yet after the pause below: a round without a change shows nothing.
        let has_answered = || answered.load(Relaxed) > 0 || work.is_finished();
        wait_until("a change is acknowledged", has_answered).await?;
        // A different duration each time, so that the kill meets different phases of a write.
        tokio::time::sleep(Duration::from_millis(200 + u64::from(round) * 137 % 400)).await;
        if fault == Fault::EditedUpKilled {
            deployment.up = None;
            deployment.start_up()?;
        } else {
            deployment.backend = None;
            deployment.start_backend()?;
        }
        deployment.wait_ready().await?;
        stop.store(true, Relaxed);
        changes = work.await?;
        let acknowledged: u64 = changes.iter().map(|changes| changes.acknowledged).sum();
        ensure!(
            acknowledged > before,
            "no change was acknowledged in round {}",
            round + 1
        );
        result.acknowledged = acknowledged as usize;
        // The API serves before ClickHouse has said which devices were known.
        let are_known = || (0..DEVICES).all(|device| editor.shown(device).is_ok());
        wait_until("the devices of before are known", are_known).await?;
        for (device, changes) in changes
            .iter_mut()
            .enumerate()
            .filter(|(_, changes)| changes.sent > 0)
        {
            let shown = editor
                .shown(device)
                .context("a device cannot be read after a kill")?;
            result.wrong += usize::from(shown.is_none_or(|shown| shown > changes.sent));
            result.lost += usize::from(shown.is_some_and(|shown| shown < changes.acknowledged));
            // One that was not acknowledged may be there or not; it is not sent again.
            changes.acknowledged = changes.acknowledged.max(shown.unwrap_or(0));
        }
    }
    mirror(deployment).await?;
    Ok(result)
}

/// Lets every device be heard of, and registered: the table of devices has those alone.
async fn introduce(deployment: &Deployment) -> anyhow::Result<()> {
    let broker = deployment.addresses().mqtt;
    let broker = BrokerUrl::tcp(broker.ip().to_string(), broker.port());
    let (publisher, _incoming) = mqtt::connect(ConnectionOptions::new(broker, ""));
    for device in 0..DEVICES {
        let topic = format!("sensor/edited-{device}/temperature");
        let payload = format!(r#"{{"value": 20, "timestamp": "{}"}}"#, jiff::Timestamp::now());
        let sent = publisher.publish_confirmed(topic, payload, Qos::AtLeastOnce, false);
        tokio::time::timeout(ANSWER, sent)
            .await
            .context("no acknowledgement")??;
    }
    let sql = "SELECT count() FROM iot.device_registry FINAL WHERE device_id LIKE 'edited-%'";
    let all = DEVICES.to_string();
    let are_registered = || deployment.sql(sql).is_ok_and(|count| count == all);
    Ok(wait_until("the devices are registered", are_registered).await?)
}

/// Waits until ClickHouse's table says what the API says.
async fn mirror(deployment: &Deployment) -> anyhow::Result<()> {
    let editor = Editor::of(deployment)?;
    let mut shown = Vec::new();
    for device in 0..DEVICES {
        let number = editor.shown(device)?.context("a device is no whole change")?;
        // A slow machine may not have come to every device.
        let text = if number == 0 {
            String::new()
        } else {
            number.to_string()
        };
        shown.push(format!("edited-{device}\t{text}\t{text}"));
    }
    let sql = "SELECT device_id, name, location FROM iot.device_registry FINAL \
               WHERE device_id LIKE 'edited-%' ORDER BY device_id";
    let is_mirrored = || deployment.sql(sql).is_ok_and(|rows| rows == shown.join("\n"));
    let waited = wait_until("the table of devices says what the API says", is_mirrored).await;
    waited.with_context(|| format!("it says {:?}, the API {shown:?}", deployment.sql(sql)))
}
