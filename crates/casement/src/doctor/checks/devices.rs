//! The devices: which of them are not there, or not to be believed.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde_json::Value;

use super::{
    super::{Context, Outcome},
    off_worker,
};

/// Devices that are named.
const NAMED: usize = 5;

pub(super) fn check(context: Arc<Context>) -> BoxFuture<'static, Outcome> {
    off_worker(context, |context| match context.ask("/api/v1/devices") {
        Ok(devices) => judged(&devices),
        Err(why) => why.into(),
    })
}

/// The devices of an answer, which is a list, or an object that has one.
pub(super) fn list(answer: &Value) -> &[Value] {
    let listed = answer.as_array().or_else(|| answer["devices"].as_array());
    let listed = listed.or_else(|| answer["items"].as_array());
    listed.map_or(&[], Vec::as_slice)
}

/// What is wrong with a device; `None` where nothing is, or it is out of use.
fn trouble(device: &Value) -> Option<String> {
    if device["retired"] == true {
        return None;
    }
    let health = &device["health"];
    match health["state"].as_str() {
        Some(state @ ("stale" | "offline")) => return Some(state.to_owned()),
        Some("never_seen") => return Some("never seen".to_owned()),
        None if device["is_active"] == false => return Some("silent".to_owned()),
        _ => {}
    }
    let problem = health["problems"].as_array()?.first()?;
    Some(problem["kind"].as_str().unwrap_or("not well").to_owned())
}

fn judged(answer: &Value) -> Outcome {
    let devices = list(answer);
    if devices.is_empty() {
        return Outcome::skipped("no device was heard of yet");
    }
    let troubles: Vec<String> = devices
        .iter()
        .filter_map(|device| Some((device["device_id"].as_str().unwrap_or_default(), trouble(device)?)))
        .map(|(id, what)| format!("{id} ({what})"))
        .collect();
    if troubles.is_empty() {
        return Outcome::ok(format!("{} devices, all well", devices.len()));
    }
    let more = troubles.len().saturating_sub(NAMED);
    let named = troubles[..troubles.len().min(NAMED)].join(", ");
    let shown = if more > 0 {
        format!("{named} and {more} more")
    } else {
        named
    };
    Outcome::warning(
        format!(
            "{} of {} devices are not well: {shown}",
            troubles.len(),
            devices.len()
        ),
        "Look at them on the page or in casement top: battery, network, sensor.",
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::doctor::State;

    #[test]
    fn devices_that_are_not_there_or_not_to_be_believed_are_named() {
        let device = |id: &str, health: Value| json!({"device_id": id, "health": health});
        let well = device("a", json!({"state": "online", "problems": []}));
        let gone = device("b", json!({"state": "offline", "problems": []}));
        let stuck = device("c", json!({"state": "online", "problems": [{"kind": "stuck"}]}));
        let mut retired = gone.clone();
        retired["retired"] = true.into();
        assert_eq!(judged(&json!([well, retired])).state, State::Ok);
        let found = judged(&json!([well, gone, stuck]));
        assert_eq!(found.state, State::Warning);
        assert_eq!(
            found.summary,
            "2 of 3 devices are not well: b (offline), c (stuck)"
        );
        let silent = json!({"device_id": "d", "is_active": false});
        assert_eq!(judged(&json!([silent])).state, State::Warning);
        let many: Vec<Value> = (0..100)
            .map(|n| device(&format!("d{n}"), json!({"state": "stale"})))
            .collect();
        assert!(judged(&json!(many)).summary.ends_with("and 95 more"));
    }
}
