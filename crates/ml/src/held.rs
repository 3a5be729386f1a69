//! A decision that is recorded in place of a command.

use domain::{HeldDecision, WindowAction};

use crate::reason;

/// Returns what is to be recorded in place of sending `action`: `why` in words, and in one word what the law of moves said.
pub(crate) fn held(action: &WindowAction, why: &str, verdict: Option<&str>) -> HeldDecision {
    let basis = action.reason.as_deref().unwrap_or("predicted");
    HeldDecision {
        device_id: action.device_id.clone(),
        timestamp: action.timestamp,
        position: action.position,
        confidence: action.confidence,
        temperature: action.temperature,
        humidity: action.humidity,
        model_version: action.origin.model_version().unwrap_or_default().to_owned(),
        inference_time_ms: action.inference_time_ms,
        reason: Some(reason::kept(basis, action.position, why)),
        verdict: verdict.map(str::to_owned),
        contributions: action.contributions,
        guard: action.guard,
    }
}
