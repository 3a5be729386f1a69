//! One snapshot as plain text, for pipes and scripts.

use jiff::Timestamp;

use super::{State, draw::cells, text::shown};
use crate::table;

/// The state in lines.
pub(crate) fn snapshot(state: &State, now: Timestamp) -> String {
    let mut lines = Vec::new();
    if let Some(status) = &state.status {
        lines.push(format!(
            "casement {}: {} rooms, {} messages refused, {} records in the journal{}",
            shown(&status.version),
            state.devices.len(),
            status.counters.refused,
            status.journal_records,
            if status.accepting { "" } else { ", NOT ACCEPTING" }
        ));
    }
    for part in state.parts.iter().filter(|part| part.state != "ok") {
        let reason = part.reason.as_deref().unwrap_or_default();
        lines.push(format!(
            "{} is {}: {}",
            shown(&part.name),
            shown(&part.state),
            shown(reason)
        ));
    }
    let rows = state.rooms().into_iter().map(|room| cells(room, now));
    let head = ["ROOM", "PLACE", "HEALTH", "TEMP", "HUM", "SOUND", "WINDOW", "AGE"];
    lines.push(table::format(head, 3..6, rows));
    lines.join("\n")
}
