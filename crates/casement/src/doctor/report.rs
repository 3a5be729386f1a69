//! Findings for people, and for programs.

use serde_json::{Value, json};

use super::{Finding, State};
use crate::table;

const fn word(state: State) -> &'static str {
    match state {
        State::Ok => "ok",
        State::Skipped => "skipped",
        State::Warning => "WARNING",
        State::Failed => "FAILED",
    }
}

fn count(findings: &[Finding], state: State) -> usize {
    findings.iter().filter(|finding| finding.state == state).count()
}

/// A table, then what to do about each finding that is not well.
pub(crate) fn as_table(findings: &[Finding]) -> String {
    let rows = findings.iter().map(|finding| {
        let name = finding.name.to_owned();
        [name, word(finding.state).to_owned(), finding.summary.clone()]
    });
    let mut text = table::format(["CHECK", "RESULT", "FOUND"], 0..0, rows);
    for finding in findings {
        let lines = [finding.detail.as_ref(), finding.remedy.as_ref()];
        let is_well = matches!(finding.state, State::Ok | State::Skipped);
        let told: Vec<&str> = lines.into_iter().flatten().map(String::as_str).collect();
        if !is_well && !told.is_empty() {
            text = [text, format!("{}: {}", finding.name, told.join("\n  "))].join("\n\n");
        }
    }
    let (warnings, failed) = (count(findings, State::Warning), count(findings, State::Failed));
    let verdict = match (failed, warnings) {
        (0, 0) => "everything that was looked at is well".to_owned(),
        (0, _) => format!("{warnings} to look at, nothing failed"),
        _ => format!("{failed} failed, {warnings} more to look at"),
    };
    format!("{text}\n\n{verdict}")
}

/// One object: the worst state, the counts, and every finding.
pub(crate) fn as_json(findings: &[Finding]) -> Value {
    let worst = findings
        .iter()
        .map(|finding| finding.state)
        .max()
        .unwrap_or(State::Ok);
    let state = if worst == State::Skipped { State::Ok } else { worst };
    json!({
        "state": state,
        "version": env!("CARGO_PKG_VERSION"),
        "ok": count(findings, State::Ok),
        "skipped": count(findings, State::Skipped),
        "warnings": count(findings, State::Warning),
        "failed": count(findings, State::Failed),
        "checks": findings,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::{Group, Outcome};

    fn findings() -> Vec<Finding> {
        vec![
            Finding::new("broker", Group::Broker, Outcome::ok("it answers")),
            Finding::new("ports", Group::Host, Outcome::skipped("nothing runs")),
            Finding::new(
                "certificate",
                Group::Tls,
                Outcome::failed("it has expired", "Renew it.").with_detail("It ended yesterday."),
            ),
        ]
    }

    #[test]
    fn people_read_what_is_wrong_and_what_to_do() {
        let text = as_table(&findings());
        assert!(text.contains("certificate  FAILED   it has expired"), "{text}");
        assert!(
            text.contains("certificate: It ended yesterday.\n  Renew it."),
            "{text}"
        );
        assert!(text.ends_with("1 failed, 0 more to look at"), "{text}");
    }

    #[test]
    fn programs_read_counts_and_every_finding() {
        let value = as_json(&findings());
        assert_eq!(
            (&value["state"], &value["failed"], &value["skipped"]),
            (&json!("failed"), &json!(1), &json!(1))
        );
        assert_eq!(value["checks"][2]["remedy"], "Renew it.");
        assert_eq!(value["checks"][2]["group"], "tls");
        assert_eq!(as_json(&findings()[..2])["state"], "ok");
    }
}
