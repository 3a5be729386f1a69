//! The section `backup`: when `casement up` makes backups by itself, where, and how many are kept.

use std::{fmt, path::PathBuf, str::FromStr, time::Duration};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::{Config, text};
use crate::backup::{parts::Places, target::Target};

/// A shorter period would be another backup at work before the last is done.
const SHORTEST_S: u64 = 10;
/// The units of a period, in seconds.
const UNITS: [(&str, u64); 5] = [("s", 1), ("min", 60), ("h", 3_600), ("d", 86_400), ("w", 604_800)];

/// `backup`: backups that `casement up` makes by itself; none by default. `casement backup` makes one at any time.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Backup {
    /// How often: `never`, or a number with a unit, such as `6h`, `1d` or `1w`.
    #[serde(with = "text")]
    #[schemars(schema_with = "every")]
    pub every: Every,
    /// The directory in which each gets one of its own; by default `archives` in the data directory. Better is another disk.
    pub path: Option<PathBuf>,
    /// How many are kept, with those that they are based on. Older ones are removed when a scheduled one is done.
    #[schemars(range(min = 1, max = 10_000))]
    pub keep: u32,
    /// How many between two full ones hold only what the one before lacks; 0 makes every one full.
    #[schemars(range(max = 500))]
    pub incrementals: u32,
}

impl Default for Backup {
    fn default() -> Self {
        Self {
            every: Every::default(),
            path: None,
            keep: 7,
            incrementals: 0,
        }
    }
}

impl Config {
    /// Says why backups cannot go where they are said to go: among the data that they are copies of.
    pub(super) fn check_backup(&self) -> Result<(), String> {
        let Some(path) = &self.backup.path else {
            return Ok(());
        };
        let target = Target::Shelf(path.clone());
        let elsewhere = target.expect_elsewhere(&Places::of(self, None));
        elsewhere.map_err(|error| format!("{error:#}"))
    }
}

/// How often something happens by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Every(Option<u64>);

impl Every {
    /// Returns the time between two; `None` if it never happens.
    pub fn period(self) -> Option<Duration> {
        self.0.map(Duration::from_secs)
    }
}

impl fmt::Display for Every {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(seconds) = self.0 else {
            return f.write_str("never");
        };
        let largest = UNITS.iter().rev().find(|(_, unit)| seconds.is_multiple_of(*unit));
        let (name, unit) = largest.unwrap_or(&UNITS[0]);
        write!(f, "{}{name}", seconds / unit)
    }
}

impl FromStr for Every {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "never" {
            return Ok(Self(None));
        }
        let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = (text[..end].parse::<u64>().ok(), text[end..].trim());
        let unit = UNITS.iter().find(|(name, _)| *name == unit);
        let seconds = number
            .zip(unit)
            .and_then(|(number, (_, unit))| number.checked_mul(*unit));
        match seconds {
            Some(seconds) if (SHORTEST_S..=366 * 86_400).contains(&seconds) => Ok(Self(Some(seconds))),
            Some(_) => Err(format!("'{text}' is not from {SHORTEST_S} seconds to a year")),
            None => Err(format!(
                "'{text}' is no period; write never, or a number with s, min, h, d or w, such as 1d"
            )),
        }
    }
}

fn every(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "pattern": "^(never|[0-9]+ *(s|min|h|d|w))$" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_among_the_data_is_refused_and_one_that_cannot_be_looked_at_is_not() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("file"), "").unwrap();
        let data = dir.path().join("data");
        let mut config = Config::default();
        config.journal.path = data.join("journal");
        let refused = |config: &mut Config, path: PathBuf| {
            config.backup.path = Some(path);
            config.check_backup().err()
        };
        let among = refused(&mut config, data.join("journal/backups"));
        assert!(among.is_some_and(|said| said.contains("belongs to the data")));
        let around = refused(&mut config, dir.path().to_owned());
        assert!(around.is_some_and(|said| said.contains("holds the data directory")));
        assert_eq!(refused(&mut config, dir.path().join("backups")), None);
        assert_eq!(refused(&mut config, dir.path().join("file/backups")), None);
        // Data that this user cannot look at, such as behind a directory of another user.
        config.engine.path = dir.path().join("file/engine");
        assert_eq!(refused(&mut config, dir.path().join("backups")), None);
        assert!(refused(&mut config, data.join("journal/backups")).is_some());
        config.journal.path = dir.path().join("file/data/journal");
        assert_eq!(refused(&mut config, dir.path().join("backups")), None);
    }

    #[test]
    fn a_period_is_a_number_with_a_unit() {
        for (text, seconds, shown) in [
            ("10s", 10, "10s"),
            ("90 min", 5_400, "90min"),
            ("24h", 86_400, "1d"),
            ("7d", 604_800, "1w"),
        ] {
            let every: Every = text.parse().unwrap();
            assert_eq!(every.period(), Some(Duration::from_secs(seconds)), "{text}");
            assert_eq!(every.to_string(), shown);
        }
        assert_eq!("never".parse::<Every>().unwrap().period(), None);
        assert_eq!(Every::default().to_string(), "never");
        for wrong in ["", "1", "d", "9s", "2y", "-1d", "500d", "99999999999999999999w"] {
            let error = wrong.parse::<Every>().unwrap_err();
            assert!(error.contains(wrong), "{error}");
        }
    }
}
