//! Health as a value: the parts of a role, each with its state and, unless all is well, the reason.
//!
//! In: parts as services see them. Out: one [`Health`], and whether the role is ready. Metrics and pages show it; none of
//! them decides it.

use std::sync::Arc;

use serde::Serialize;
use utoipa::ToSchema;

/// How a part is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = HealthState)]
pub enum State {
    /// It works.
    Ok,
    /// It works, but somebody should look at it.
    Degraded,
    /// It does not work: the role is not ready.
    Down,
}

/// One part of a role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = HealthPart)]
pub struct Part {
    /// Its name: `broker`, `clickhouse`, `journal`, `ml_model`, …
    pub name: &'static str,
    /// How it is.
    pub state: State,
    /// Why it is not well, and what to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Part {
    /// A part that works.
    pub const fn ok(name: &'static str) -> Self {
        Self {
            name,
            state: State::Ok,
            reason: None,
        }
    }

    /// A part that works, but should be looked at.
    pub fn degraded(name: &'static str, reason: impl Into<String>) -> Self {
        Self {
            name,
            state: State::Degraded,
            reason: Some(reason.into()),
        }
    }

    /// A part that does not work.
    pub fn down(name: &'static str, reason: impl Into<String>) -> Self {
        Self {
            name,
            state: State::Down,
            reason: Some(reason.into()),
        }
    }

    /// A part that works where `works`, and is down for `reason` otherwise.
    pub fn up_if(works: bool, name: &'static str, reason: &str) -> Self {
        if works {
            Self::ok(name)
        } else {
            Self::down(name, reason)
        }
    }
}

/// What gives the parts of one service. It is called for each question and must not wait.
pub type HealthSource = Arc<dyn Fn() -> Vec<Part> + Send + Sync>;

/// The health of a role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ServiceHealth)]
pub struct Health {
    /// The worst state of any part.
    pub state: State,
    /// Every part.
    pub parts: Vec<Part>,
}

impl Health {
    /// The health of a role with these parts.
    pub fn of(parts: Vec<Part>) -> Self {
        let worst = parts.iter().map(|part| part.state).max();
        Self {
            state: worst.unwrap_or(State::Ok),
            parts,
        }
    }

    /// Whether the role does its work: no part is down.
    pub fn is_ready(&self) -> bool {
        self.state < State::Down
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_part_decides() {
        let ok = Part::ok("broker");
        let degraded = Part::degraded("journal", "nearly full");
        let down = Part::down("clickhouse", "refuses connections");
        assert_eq!(Health::of(vec![]).state, State::Ok);
        assert!(Health::of(vec![ok.clone(), degraded.clone()]).is_ready());
        let health = Health::of(vec![ok, down, degraded]);
        assert_eq!((health.state, health.is_ready()), (State::Down, false));
        assert_eq!(
            serde_json::to_value(&health).unwrap()["parts"][1],
            serde_json::json!({"name": "clickhouse", "state": "down", "reason": "refuses connections"})
        );
    }
}
