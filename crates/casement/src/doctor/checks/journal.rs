//! The journal: how full it is, and whether messages are accepted.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use journal::JournalError;
use serde_json::Value;

use super::{
    super::{Context, Outcome, context::Unanswered},
    off_worker,
};

/// From so many per cent on, somebody should look.
const NEARLY_FULL: f64 = 80.0;
const REMEDY: &str =
    "Look at clickhouse: what waits is stored when it answers. Beyond journal.max_bytes nothing is accepted.";

pub(super) fn check(context: Arc<Context>) -> BoxFuture<'static, Outcome> {
    off_worker(context, |context| match context.ask("/api/v1/status") {
        Ok(status) => judged(&status),
        Err(Unanswered::NothingRuns) => at_rest(context),
        Err(why) => why.into(),
    })
}

fn judged(status: &Value) -> Outcome {
    let number = |name: &str| status[name].as_f64().unwrap_or_default();
    let accepting = status["accepting"].as_bool().unwrap_or(true);
    full(
        number("journal_records"),
        number("journal_bytes"),
        number("journal_max_bytes"),
        accepting,
    )
}

fn full(records: f64, bytes: f64, most: f64, accepting: bool) -> Outcome {
    let percent = if most > 0.0 { bytes / most * 100.0 } else { 0.0 };
    let found = format!("{records} records wait, {percent:.0} % of its bytes are taken");
    if !accepting || percent >= 100.0 {
        Outcome::failed(format!("messages are not accepted: {found}"), REMEDY)
    } else if percent >= NEARLY_FULL {
        Outcome::warning(found, REMEDY)
    } else {
        Outcome::ok(found)
    }
}

/// The journal of a service that does not run.
fn at_rest(context: &Context) -> Outcome {
    let config = &context.config.journal;
    if !config.path.join("log").exists() {
        return Outcome::skipped(format!("there is no journal yet in {}", config.path.display()));
    }
    match journal::inspect(&config.path, None, 0) {
        Ok(found) => {
            let records = found.next_seq - found.oldest_seq;
            full(records as f64, found.bytes as f64, config.max_bytes as f64, true)
        }
        Err(JournalError::Held { pid, .. }) => Outcome::failed(
            format!(
                "another process has the journal ({})",
                pid.map_or("unknown".to_owned(), |pid| format!("pid {pid}"))
            ),
            "Give doctor the flags and the configuration that the service was started with.",
        ),
        Err(error) => Outcome::failed(
            format!("the journal cannot be read: {}", monitoring::with_causes(&error)),
            "See casement journal verify.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::doctor::State;

    #[test]
    fn a_full_journal_has_failed_and_a_nearly_full_one_is_told() {
        let of = |bytes: u64, accepting: bool| {
            let status = json!({
                "journal_records": 10, "journal_bytes": bytes, "journal_max_bytes": 100, "accepting": accepting,
            });
            judged(&status).state
        };
        assert_eq!(of(10, true), State::Ok);
        assert_eq!(of(85, true), State::Warning);
        assert_eq!(of(100, true), State::Failed);
        assert_eq!(of(10, false), State::Failed);
    }
}
