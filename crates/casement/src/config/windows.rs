//! `windows`: what holds for devices where the registry says nothing.

use domain::Settings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `windows`: what is set for every device where the page and the API have set nothing else.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Windows {
    /// The time zone of hours and seasons, such as `Europe/Berlin`; by default the machine's.
    pub time_zone: Option<String>,
    /// Where the sun rises and sets: degrees north.
    #[schemars(range(min = -90.0, max = 90.0))]
    pub latitude: Option<f64>,
    /// The same: degrees east.
    #[schemars(range(min = -180.0, max = 180.0))]
    pub longitude: Option<f64>,
    /// The least time between two commands of model or schedules to a window, s.
    #[schemars(range(min = 0.0, max = 86_400.0))]
    pub min_interval_s: Option<f64>,
    /// The least change of position that is worth the motor, points.
    #[schemars(range(min = 0.0, max = 100.0))]
    pub min_move: Option<f64>,
    /// How long a person's wish lasts, s.
    #[schemars(range(min = 60.0, max = 2_592_000.0))]
    pub override_s: Option<f64>,
    /// When windows keep still: `from` and `until` of each span.
    #[schemars(with = "Option<Vec<serde_json::Map<String, serde_json::Value>>>")]
    pub quiet_hours: Option<Vec<domain::Hours>>,
    /// How far windows may open: `min`, `max` and `rules` by hours and season.
    #[schemars(with = "serde_json::Map<String, serde_json::Value>")]
    pub opening: domain::Opening,
    /// What closes or limits windows: `rain`, `wind`, `frost`, `alarm`, `locked`, `child_lock`.
    #[schemars(with = "serde_json::Map<String, serde_json::Value>")]
    pub interlocks: domain::InterlockSettings,
    /// When windows go somewhere by themselves, by name.
    #[schemars(with = "serde_json::Map<String, serde_json::Value>")]
    pub schedules: domain::Schedules,
}

impl Windows {
    /// Returns the same as the settings of a level.
    pub fn settings(&self) -> Settings {
        Settings {
            time_zone: self.time_zone.clone(),
            latitude: self.latitude,
            longitude: self.longitude,
            min_interval_s: self.min_interval_s,
            min_move: self.min_move,
            override_s: self.override_s,
            quiet_hours: self.quiet_hours.clone(),
            opening: self.opening.clone(),
            interlocks: self.interlocks.clone(),
            schedules: self.schedules.clone(),
            ..Settings::default()
        }
    }

    /// Says all that cannot be used.
    pub(super) fn check(&self) -> Result<(), String> {
        let problems = self.settings().problems();
        if problems.is_empty() {
            return Ok(());
        }
        let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
        Err(told.join("; "))
    }
}
