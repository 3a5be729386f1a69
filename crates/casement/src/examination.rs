//! The checks of `casement doctor`, for the page of the service that runs.
//!
//! In: the configuration in effect. Out: findings in the API's words, without passwords. The service is asked over HTTP, as the
//! command does: what the checks find is what others meet.

use std::sync::Arc;

use api::{Doctor, Finding, FindingState, Told};
use futures_util::future::BoxFuture;

use crate::{
    config::Config,
    doctor::{self, Context, Setup, State, Target},
    telemetry::redaction::redact,
};

/// Examines the installation that it is part of.
pub(crate) struct Examiner {
    pub(crate) config: Config,
    pub(crate) setup: Setup,
}

impl Doctor for Examiner {
    fn examine(&self, told: Told) -> BoxFuture<'static, Vec<Finding>> {
        let (setup, config) = (self.setup, self.config.clone());
        Box::pin(async move {
            let target = Target {
                config,
                setup,
                quick: false,
                token: None,
                page_is_named: false,
            };
            let context = tokio::task::spawn_blocking(move || Context::open(target)).await;
            let context = Arc::new(context.expect("looking for the service does not panic"));
            let checks = doctor::of_installation(setup, false);
            let found = doctor::examine(context, checks, move |done, of, _| told(done, of)).await;
            found.into_iter().map(finding).collect()
        })
    }
}

fn finding(found: doctor::Finding) -> Finding {
    let clean = |text: String| redact(&text).into_owned();
    Finding {
        name: found.name.to_owned(),
        group: word(&found.group),
        state: match found.state {
            State::Ok => FindingState::Ok,
            State::Skipped => FindingState::Skipped,
            State::Warning => FindingState::Warning,
            State::Failed => FindingState::Failed,
        },
        summary: clean(found.summary),
        detail: found.detail.map(clean),
        remedy: found.remedy.map(clean),
    }
}

fn word(group: &impl serde::Serialize) -> String {
    let value = serde_json::to_value(group).expect("a word is plain data");
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::{Group, Outcome};

    #[test]
    fn findings_are_told_without_passwords() {
        let outcome = Outcome::failed("mqtt://ada:secret@broker does not answer", "Look at it.");
        let told = finding(doctor::Finding::new("broker", Group::ClickHouse, outcome));
        assert_eq!(
            (told.group.as_str(), told.state),
            ("clickhouse", FindingState::Failed)
        );
        assert!(!told.summary.contains("secret"), "{}", told.summary);
    }
}
