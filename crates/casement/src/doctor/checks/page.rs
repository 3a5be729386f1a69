//! The running service: whether it answers, and what it says of its parts.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde_json::Value;

use super::{
    super::{Context, Outcome},
    off_worker,
};

pub(super) fn check(context: Arc<Context>) -> BoxFuture<'static, Outcome> {
    off_worker(context, |context| {
        if context.service.is_none() {
            return Outcome::failed(
                format!("no service answers at {}", context.urls.join(" or ")),
                "Start it. If it runs, give doctor the flags and the configuration that it was started with.",
            );
        }
        context
            .ask("/ready")
            .map_or_else(Into::into, |ready| judged(&ready))
    })
}

/// The parts that are not well.
fn judged(ready: &Value) -> Outcome {
    let Some(parts) = ready["parts"].as_array() else {
        // Who is not known hears yes or no.
        return if ready["state"] == "down" {
            Outcome::failed("a part of the service is down", "Look at /ready with a token.")
        } else {
            Outcome::ok("the service answers and is ready")
        };
    };
    let of = |state: &str| -> Vec<String> {
        let of_state = parts.iter().filter(|part| part["state"] == state);
        of_state
            .map(|part| {
                let text = |name: &str| part[name].as_str().unwrap_or_default().to_owned();
                format!("{}: {}", text("name"), text("reason"))
            })
            .collect()
    };
    let (down, degraded) = (of("down"), of("degraded"));
    let remedy = "The reason of each part says what to do; see /ready.";
    if !down.is_empty() {
        Outcome::failed(format!("down: {}", down.join("; ")), remedy)
    } else if !degraded.is_empty() {
        Outcome::warning(degraded.join("; "), remedy)
    } else {
        Outcome::ok(format!("the service answers, all {} parts are well", parts.len()))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::doctor::State;

    #[test]
    fn the_worst_part_decides() {
        let part = |name: &str, state: &str| json!({"name": name, "state": state, "reason": "why"});
        for (parts, state) in [
            (vec![part("a", "ok")], State::Ok),
            (vec![part("a", "ok"), part("b", "degraded")], State::Warning),
            (vec![part("a", "degraded"), part("b", "down")], State::Failed),
        ] {
            assert_eq!(judged(&json!({"parts": parts})).state, state);
        }
        assert_eq!(judged(&json!({"state": "down"})).state, State::Failed);
        assert_eq!(judged(&json!({"state": "ok"})).state, State::Ok);
    }
}
