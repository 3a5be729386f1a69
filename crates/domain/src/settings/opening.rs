//! How far a window may open: always, in some hours, in some season.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::times::{DayOfYear, Hours, TimeOfDay};

/// How far a window may open.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields, remote = "Self")]
pub struct Opening {
    /// The least, % open.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 100)]
    pub min: Option<f64>,
    /// The most, % open.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 100)]
    pub max: Option<f64>,
    /// Narrower limits at times. Where several apply, each of them does.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 16)]
    pub rules: Option<Vec<OpeningRule>>,
}

/// Limits that apply at times.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields, remote = "Self")]
pub struct OpeningRule {
    /// The hours of the day; without them, all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hours: Option<Hours>,
    /// The days of the year; without them, all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub season: Option<Season>,
    /// The least, % open.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 100)]
    pub min: Option<f64>,
    /// The most, % open.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 100)]
    pub max: Option<f64>,
}

/// A part of each year, both ends included, over New Year where the second is earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct Season {
    /// Its first day, `MM-DD`.
    #[schema(value_type = String, pattern = "^[01][0-9]-[0-3][0-9]$", examples("11-01"))]
    pub from: DayOfYear,
    /// Its last day, `MM-DD`.
    #[schema(value_type = String, pattern = "^[01][0-9]-[0-3][0-9]$", examples("03-31"))]
    pub until: DayOfYear,
}

/// The limits at one time, % open; `min` is at most `max`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// The least.
    pub min: f64,
    /// The most.
    pub max: f64,
}

impl Season {
    /// Returns whether `day` is in this part of the year.
    pub fn contains(self, day: DayOfYear) -> bool {
        if self.from <= self.until {
            self.from <= day && day <= self.until
        } else {
            self.from <= day || day <= self.until
        }
    }
}

impl Opening {
    /// Returns these limits, with those of `above` where these say nothing. Rules are taken as a whole.
    #[must_use]
    pub fn over(&self, above: &Self) -> Self {
        Self {
            min: self.min.or(above.min),
            max: self.max.or(above.max),
            rules: self.rules.clone().or_else(|| above.rules.clone()),
        }
    }

    /// Returns whether nothing is set.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Returns the limits at this time. Where a rule's most is below another's least, the most wins: a window that is
    /// too far shut harms less.
    pub fn limits(&self, time: TimeOfDay, day: DayOfYear) -> Limits {
        let mut limits = Limits {
            min: self.min.unwrap_or(0.0),
            max: self.max.unwrap_or(100.0),
        };
        let applies = |rule: &&OpeningRule| {
            rule.hours.is_none_or(|hours| hours.contains(time))
                && rule.season.is_none_or(|season| season.contains(day))
        };
        for rule in self.rules.iter().flatten().filter(applies) {
            limits.min = limits.min.max(rule.min.unwrap_or(0.0));
            limits.max = limits.max.min(rule.max.unwrap_or(100.0));
        }
        limits.min = limits.min.min(limits.max);
        limits
    }
}
