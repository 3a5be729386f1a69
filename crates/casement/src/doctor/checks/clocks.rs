//! Clocks: this machine's against its own file system and against those of the devices. Nobody here knows the true time: where
//! many devices with time servers differ from this machine in one way, this machine is probably wrong.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use futures_util::future::BoxFuture;
use serde_json::Value;

use super::{
    super::{Context, Outcome},
    off_worker,
};

/// The last release cannot be in the future: 2025-01-01.
const EARLIEST: Duration = Duration::from_hours(482_136);
/// How far a file's time may be from ours: file systems round.
const APART: Duration = Duration::from_secs(5);
/// From so many seconds on, a device's clock is told.
const OFF_S: f64 = 60.0;

pub(super) fn host(context: Arc<Context>) -> BoxFuture<'static, Outcome> {
    off_worker(context, |context| {
        let now = SystemTime::now();
        if now < SystemTime::UNIX_EPOCH + EARLIEST {
            return Outcome::failed(
                "the clock of this machine was never set",
                "Let it ask a time server: timedatectl set-ntp true",
            );
        }
        let directories = super::disk::directories(context);
        let Some((_, path)) = directories.first() else {
            return Outcome::ok("the clock of this machine was set");
        };
        let written = tempfile::tempfile_in(path).and_then(|file| file.metadata()?.modified());
        match written {
            Err(_) => Outcome::ok("the clock of this machine was set"),
            Ok(time) if apart(time, now) <= APART => {
                Outcome::ok("the clock of this machine was set, and its file system has the same time")
            }
            Ok(time) => Outcome::warning(
                format!(
                    "the file system of the data is {} s from this machine's clock",
                    apart(time, now).as_secs()
                ),
                "Set the clocks of this machine and of the file server by time servers.",
            ),
        }
    })
}

fn apart(one: SystemTime, other: SystemTime) -> Duration {
    one.duration_since(other).unwrap_or_else(|error| error.duration())
}

pub(super) fn devices(context: Arc<Context>) -> BoxFuture<'static, Outcome> {
    off_worker(context, |context| match context.ask("/api/v1/devices") {
        Ok(devices) => judged(&devices),
        Err(why) => why.into(),
    })
}

fn judged(answer: &Value) -> Outcome {
    let devices = super::devices::list(answer);
    if devices.is_empty() {
        return Outcome::skipped("no device was heard of yet");
    }
    let name = |device: &Value| device["device_id"].as_str().unwrap_or_default().to_owned();
    let wrong: Vec<String> = devices
        .iter()
        .filter(|device| device["clock"].is_object())
        .map(name)
        .collect();
    let ahead = |device: &Value| device["health"]["clock_ahead_s"].as_f64();
    let known: Vec<f64> = devices.iter().filter_map(ahead).collect();
    let off = known.iter().filter(|ahead| ahead.abs() > OFF_S).count();
    if known.len() >= 3 && off * 2 > known.len() {
        return Outcome::warning(
            format!(
                "{off} of {} devices differ from this machine's clock by more than {OFF_S} s",
                known.len()
            ),
            "Where so many agree, look at this machine's clock first: timedatectl",
        );
    }
    if wrong.is_empty() {
        return Outcome::ok(format!("{} devices, none with a wrong clock", devices.len()));
    }
    let shown = wrong.iter().take(5).cloned().collect::<Vec<_>>().join(", ");
    Outcome::warning(
        format!(
            "{} of {} devices have a wrong clock: {shown}",
            wrong.len(),
            devices.len()
        ),
        "Let them ask a time server (SNTP); their messages are stored with the time of receipt meanwhile.",
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::doctor::State;

    #[test]
    fn wrong_clocks_are_told_and_when_most_agree_this_machine_is_suspected() {
        let right = json!({"device_id": "a", "health": {"clock_ahead_s": 0.2}});
        let unset = json!({"device_id": "b", "clock": {"state": "unset"}, "health": {"clock_ahead_s": -1e9}});
        let hour = json!({"device_id": "c", "health": {"clock_ahead_s": 3600.0}});
        assert_eq!(judged(&json!([])).state, State::Skipped);
        assert_eq!(judged(&json!([right, right])).state, State::Ok);
        let one = judged(&json!([right, right, unset]));
        assert!(
            one.state == State::Warning && one.summary.ends_with("wrong clock: b"),
            "{one:?}"
        );
        let most = judged(&json!([right, hour, hour]));
        assert!(most.remedy.unwrap().contains("this machine"));
    }
}
