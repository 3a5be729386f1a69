//! Messages that state times, right and wrong, and what became of them.

use backend::Passage;
use serde_json::Value;
use store::Row;

use super::{Bench, NOON};

pub const LIVE: Passage = Passage {
    connection: 0,
    is_marked: false,
    may_be_resent: false,
    has_waited: false,
    is_history: false,
    is_taken_first: false,
    may_clear: false,
};
/// What a device without a time, or with a wrong one, states.
pub const WRONG_TIMES: [&str; 6] = [
    "1970-01-01T00:00:05Z",
    "0001-01-01T00:00:00Z",
    "1900-01-01T00:00:00Z",
    "2036-02-07T06:28:16Z",
    "2106-02-07T06:28:15Z",
    "9999-12-30T00:00:00Z",
];

/// Topic and payload of each kind of message that states a time, with the table's content.
pub fn messages(device: &str, content: f64, timestamp: &str) -> Vec<(String, String)> {
    let used = r#""features_used": {"temperature": 20, "humidity": 50}"#;
    let position = format!(r#""timestamp": "{timestamp}", "position": {content}"#);
    vec![
        (
            format!("sensor/{device}/temperature"),
            format!(r#"{{"value": {content}, "timestamp": "{timestamp}"}}"#),
        ),
        (format!("window/{device}/state"), format!("{{{position}}}")),
        (
            format!("window/{device}/control"),
            format!(r#"{{{position}, "confidence": 1, {used}}}"#),
        ),
        (
            format!("ml/prediction/shadow/{device}"),
            format!(r#"{{{position}, "confidence": 1, "model_version": "v2"}}"#),
        ),
    ]
}

/// Table, time since noon in ms and content of every row that states a time; a command's own prediction is left out.
pub fn stored(bench: &Bench) -> Vec<(&'static str, i64, f64)> {
    let row = |row: Row| {
        Some(match row {
            Row::Reading(_, row) => ("reading", row.timestamp - NOON, row.value),
            Row::WindowState(row) => ("state", row.timestamp - NOON, row.position),
            Row::WindowAction(row) => ("action", row.timestamp - NOON, row.position),
            Row::MlPrediction(row) if row.model_version == "v2" => {
                ("shadow", row.timestamp - NOON, row.prediction)
            }
            _ => return None,
        })
    };
    bench.tables.rows().into_iter().filter_map(row).collect()
}

pub async fn settled(bench: &Bench) {
    bench.backend.ready().await;
    bench.until("stored", |bench| bench.log.records() == 0).await;
}

pub fn requests(bench: &Bench) -> Vec<Value> {
    bench.outlet.sent.lock().clone()
}
