//! What every question about the past has in common: its period, its pages, its device, and why it has no answer.

mod pages;
mod period;

use domain::DeviceId;
use monitoring::{Problem, extract::invalid, with_causes};
use store::{Page, StoreError};
use tracing::{debug, warn};

use crate::{
    Parts,
    problems::{INTERNAL, NOT_FOUND, UNAVAILABLE},
};

pub(crate) use pages::{Asked, Narrowing, Paging};
pub(crate) use period::{DAY_MS, Fineness, Intervals, intervals, span};

/// Longest text that is compared with stored ones, bytes.
const MAX_WORD: usize = 1_024;

/// What makes a problem of a question that was not answered.
pub(crate) fn unanswered(parts: &Parts) -> impl FnOnce(StoreError) -> Problem + '_ {
    |error| {
        // ClickHouse is up when its tables are made or upgraded, and rows are stored.
        let may_lack_tables = !parts.views.status().store_up;
        problem_of(&error, may_lack_tables)
    }
}

fn problem_of(error: &StoreError, may_lack_tables: bool) -> Problem {
    let away = |detail: &str, seconds| Problem::new(&UNAVAILABLE, detail).retry_after(seconds);
    match error {
        StoreError::Busy => away("ClickHouse is asked as much as it may be at a time", 2),
        StoreError::Timeout => away("ClickHouse takes too long; a shorter period may be answered", 10),
        StoreError::TooLarge(_) => invalid(
            "from",
            "the answer would be too large; ask for a shorter period, or for another format",
        ),
        StoreError::Unavailable(_) if takes_too_long(error) => away(
            "the question takes ClickHouse too long; a shorter period may be answered",
            10,
        ),
        StoreError::Unavailable(_) => away("ClickHouse does not answer", 5),
        _ if may_lack_tables && error.is_of_another_schema() => {
            debug!("ClickHouse has not what is asked for: {}", with_causes(error));
            away(
                "ClickHouse has not its tables yet, or they are brought up to this version",
                5,
            )
        }
        _ => {
            warn!(
                "a question about the past is refused by ClickHouse: {}",
                with_causes(error)
            );
            Problem::new(&INTERNAL, "ClickHouse refuses the question; the log says why")
        }
    }
}

/// A column of 32 bits as it is told, in hundredths.
pub(crate) fn hundredths(number: f32) -> f64 {
    (f64::from(number) * 100.0).round() / 100.0
}

fn takes_too_long(error: &StoreError) -> bool {
    with_causes(error).contains("TIMEOUT_EXCEEDED")
}

/// The page of a device's rows that was found; a problem if there is none, and nobody has heard of `device`.
pub(crate) async fn of_known<T>(
    parts: &Parts,
    device: &DeviceId,
    found: Result<Page<T>, StoreError>,
) -> Result<Page<T>, Problem> {
    let page = found.map_err(unanswered(parts))?;
    if page.rows.is_empty() {
        expect_known(parts, device).await?;
    }
    Ok(page)
}

/// A problem if nobody has heard of `device`: it is not set up, it is not known, and nothing of it is stored.
pub(crate) async fn expect_known(parts: &Parts, device: &DeviceId) -> Result<(), Problem> {
    let is_known = parts.views.devices().get(device).is_some()
        || parts.views.registry().book().device(device).is_some()
        || parts.store.knows(device).await.map_err(unanswered(parts))?;
    if is_known {
        return Ok(());
    }
    Err(Problem::new(
        &NOT_FOUND,
        format!("no device '{device}' was heard of"),
    ))
}

/// A text that is compared with stored ones.
pub(crate) fn word<'a>(name: &str, text: Option<&'a str>) -> Result<Option<&'a str>, Problem> {
    match text {
        Some(text) if text.len() > MAX_WORD => Err(invalid(name, format!("is longer than {MAX_WORD} bytes"))),
        Some(text) if text.chars().any(char::is_control) => {
            Err(invalid(name, "has control characters, which no stored text has"))
        }
        text => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use clickhouse::error::Error;

    use super::*;

    #[test]
    fn tables_that_are_missing_are_worth_waiting_for_only_while_they_may_come() {
        let refused = |text: &str| StoreError::Query(Error::BadResponse(text.into()));
        let lacking =
            refused("Code: 60. DB::Exception: Table iot.window_actions does not exist. (UNKNOWN_TABLE)");
        let ours = refused("Code: 46. DB::Exception: Unknown function `medain`. (UNKNOWN_FUNCTION)");
        for error in [lacking, ours] {
            let status = |may_lack_tables| {
                let problem = problem_of(&error, may_lack_tables);
                axum::response::IntoResponse::into_response(problem)
                    .status()
                    .as_u16()
            };
            assert_eq!((status(true), status(false)), (503, 500), "{error:?}");
        }
        let wrong = refused("Code: 62. DB::Exception: Syntax error");
        let problem = axum::response::IntoResponse::into_response(problem_of(&wrong, true));
        assert_eq!(problem.status().as_u16(), 500);
    }
}
