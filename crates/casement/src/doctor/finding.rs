//! What a check found.

use serde::Serialize;

/// How it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    /// It is well.
    Ok,
    /// It could not be looked at, for a reason that is no fault.
    Skipped,
    /// It works, and somebody should look at it.
    Warning,
    /// It does not work, or is not safe.
    Failed,
}

/// What a check is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Group {
    Configuration,
    Broker,
    Accounts,
    Tls,
    ClickHouse,
    Model,
    Host,
    Data,
    Devices,
    Page,
}

/// The result of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) state: State,
    pub(crate) summary: String,
    pub(crate) detail: Option<String>,
    pub(crate) remedy: Option<String>,
}

impl Outcome {
    pub(crate) fn ok(summary: impl Into<String>) -> Self {
        Self {
            state: State::Ok,
            summary: summary.into(),
            detail: None,
            remedy: None,
        }
    }

    pub(crate) fn skipped(summary: impl Into<String>) -> Self {
        Self {
            state: State::Skipped,
            ..Self::ok(summary)
        }
    }

    pub(crate) fn warning(summary: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            state: State::Warning,
            remedy: Some(remedy.into()),
            ..Self::ok(summary)
        }
    }

    pub(crate) fn failed(summary: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            state: State::Failed,
            remedy: Some(remedy.into()),
            ..Self::ok(summary)
        }
    }

    #[must_use]
    pub(crate) fn with_detail(self, detail: impl Into<String>) -> Self {
        Self {
            detail: Some(detail.into()),
            ..self
        }
    }

    /// The worst of several, with the summaries of all that are as bad.
    pub(crate) fn worst(outcomes: Vec<Self>, well: impl FnOnce() -> Self) -> Self {
        let Some(state) = outcomes.iter().map(|outcome| outcome.state).max() else {
            return well();
        };
        let mut worst = outcomes.into_iter().filter(|outcome| outcome.state == state);
        let mut first = worst.next().expect("one has this state");
        for other in worst {
            first.summary = format!("{}; {}", first.summary, other.summary);
            first.remedy = first.remedy.or(other.remedy);
            first.detail = first.detail.or(other.detail);
        }
        first
    }
}

/// What a check found, with its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    pub(crate) name: &'static str,
    pub(crate) group: Group,
    pub(crate) state: State,
    pub(crate) summary: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) detail: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) remedy: Option<String>,
}

impl Finding {
    pub(crate) fn new(name: &'static str, group: Group, outcome: Outcome) -> Self {
        let Outcome {
            state,
            summary,
            detail,
            remedy,
        } = outcome;
        Self {
            name,
            group,
            state,
            summary,
            detail,
            remedy,
        }
    }
}
