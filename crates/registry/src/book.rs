//! The content of the registry, and how it changes.
//!
//! Every change has the next number of the book. Each level keeps the number of its last change, so that the largest of
//! the three is the version of a device's settings: it grows whenever they may have changed.

mod base;
mod foreign;
mod retirement;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use domain::{DeviceId, InvalidSetting, Settings};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Document;

pub use foreign::Foreign;
pub use retirement::AccountUse;

/// The form of the file; a later one is refused.
const FORMAT: u32 = 1;
/// Characters of a name or a location.
const MAX_TEXT: usize = 200;
/// Forgotten devices that are remembered as such.
const MOST_FORGOTTEN: usize = 10_000;

/// The number of a change.
pub type Revision = u64;

/// Settings of one level.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Level {
    /// What is set.
    pub settings: Settings,
    /// The number of its last change; 0 before the first.
    #[schema(value_type = u64)]
    pub revision: Revision,
}

/// A device that people have set up.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// What people call it; empty for its id.
    pub name: String,
    /// Where it is: the name of its group. Empty for nowhere.
    pub location: String,
    /// What is set for it alone.
    pub settings: Settings,
    /// The number of its last change.
    pub revision: Revision,
    /// The number of the last change that may have changed its settings in effect.
    pub settings_revision: Revision,
    /// Whether it was taken out of use: it is neither decided for nor shown among the others.
    #[serde(default)]
    pub retired: bool,
    /// The number of the last change that took it out of use; 0 before the first. What lasted until then is over, also where it
    /// was put back at once.
    #[serde(default, skip_serializing_if = "is_none")]
    pub retired_revision: Revision,
    /// `last_seen` of the newest row of another program that was taken over, ms.
    #[serde(default)]
    pub adopted: i64,
    /// When people changed it last, ms: rows of other programs of before say nothing any more.
    #[serde(default)]
    pub changed_at: i64,
}

/// What changes of a device; `None` stays as it is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Patch {
    /// What people call it.
    pub name: Option<String>,
    /// Where it is.
    pub location: Option<String>,
    /// What is set for it alone.
    pub settings: Option<Settings>,
    /// Whether it is out of use.
    pub retired: Option<bool>,
}

/// A change is not possible.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    /// Somebody else has changed it meanwhile.
    #[error("it was changed meanwhile (it has revision {now})")]
    Changed {
        /// Its present revision.
        now: Revision,
    },
    /// Settings cannot be used.
    #[error("{} cannot be used: {}", if .0.len() == 1 { "a setting" } else { "settings" }, told(.0))]
    Invalid(Vec<InvalidSetting>),
    /// There are as many devices or groups as there may be.
    #[error("there are {0} entries already, the most that are kept")]
    Full(usize),
}

fn told(problems: &[InvalidSetting]) -> String {
    let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
    told.join("; ")
}

/// Everything that people have set up.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Book {
    format: u32,
    revision: Revision,
    defaults: Level,
    groups: BTreeMap<String, Level>,
    devices: BTreeMap<DeviceId, Entry>,
    /// Devices that were forgotten, and when, ms: rows of before say nothing any more.
    #[serde(default)]
    forgotten: BTreeMap<DeviceId, i64>,
    /// The generations of the accounts' states that were taken over last.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    followed: BTreeMap<DeviceId, u64>,
    /// What holds where no level says anything: the service's own configuration.
    #[serde(skip)]
    base: Settings,
}

impl Document for Book {
    const FILE: &'static str = "registry.json";
    const WHAT: &'static str = "registry of devices";
    const FORMAT: u32 = FORMAT;
}

impl Default for Book {
    fn default() -> Self {
        Self {
            format: FORMAT,
            revision: 0,
            defaults: Level::default(),
            groups: BTreeMap::new(),
            devices: BTreeMap::new(),
            forgotten: BTreeMap::new(),
            followed: BTreeMap::new(),
            base: Settings::default(),
        }
    }
}

impl Book {
    /// The most devices and, apart from them, groups.
    pub const MOST: usize = 100_000;

    /// The number of the last change.
    pub const fn revision(&self) -> Revision {
        self.revision
    }

    /// What is set for all devices.
    pub const fn defaults(&self) -> &Level {
        &self.defaults
    }

    /// The settings of a device for which nothing of its own is set.
    pub fn general(&self) -> Settings {
        self.defaults.settings.over(&self.base)
    }

    /// What is set for the devices of a location.
    pub fn group(&self, location: &str) -> Option<&Level> {
        self.groups.get(location)
    }

    /// Every location for which something is set.
    pub fn groups(&self) -> impl Iterator<Item = (&str, &Level)> {
        self.groups
            .iter()
            .map(|(location, level)| (location.as_str(), level))
    }

    /// A device that somebody has set up.
    pub fn device(&self, device_id: &DeviceId) -> Option<&Entry> {
        self.devices.get(device_id)
    }

    /// Every device that somebody has set up.
    pub fn devices(&self) -> impl Iterator<Item = (&DeviceId, &Entry)> {
        self.devices.iter()
    }

    /// When a device was forgotten, ms, if it was.
    pub fn forgotten_at(&self, device_id: &DeviceId) -> Option<i64> {
        self.forgotten.get(device_id).copied()
    }

    /// The devices that were forgotten, and when, ms.
    pub fn forgotten(&self) -> impl Iterator<Item = (&DeviceId, i64)> {
        self.forgotten.iter().map(|(device_id, at)| (device_id, *at))
    }

    /// The version of the settings in effect for a device.
    pub fn version(&self, device_id: &DeviceId) -> Revision {
        let own = self.devices.get(device_id);
        let group = self.groups.get(own.map_or("", |own| own.location.as_str()));
        let revisions = [
            self.defaults.revision,
            group.map_or(0, |group| group.revision),
            own.map_or(0, |own| own.settings_revision),
        ];
        revisions.into_iter().max().unwrap_or(0)
    }

    /// The settings in effect for a device at `location`, and their version: both of its group and of all where it has
    /// none of its own.
    pub fn effective(&self, device_id: &DeviceId, location: &str) -> Level {
        let (own, group) = (self.devices.get(device_id), self.groups.get(location));
        let nothing = Settings::default();
        let above = group
            .map_or(&nothing, |group| &group.settings)
            .over(&self.defaults.settings)
            .over(&self.base);
        let revisions = [
            self.defaults.revision,
            group.map_or(0, |group| group.revision),
            own.map_or(0, |own| own.settings_revision),
        ];
        Level {
            settings: own.map_or(&nothing, |own| &own.settings).over(&above),
            revision: revisions.into_iter().max().unwrap_or(0),
        }
    }

    /// Changes a device, which is set up if it was not. With `expected`, only if that is its revision (0 before the first).
    pub fn patch(
        &mut self,
        device_id: &DeviceId,
        patch: Patch,
        expected: Option<Revision>,
    ) -> Result<&Entry, ChangeError> {
        let known = self.devices.get(device_id);
        let now = known.map_or(0, |entry| entry.revision);
        unchanged(expected, now)?;
        let mut problems = patch
            .settings
            .as_ref()
            .map(Settings::problems)
            .unwrap_or_default();
        text(&mut problems, "name", patch.name.as_deref());
        text(&mut problems, "location", patch.location.as_deref());
        refuse(problems)?;
        if known.is_none() && self.devices.len() >= Self::MOST {
            return Err(ChangeError::Full(Self::MOST));
        }
        self.forgotten.remove(device_id);
        let revision = self.next();
        let entry = self.devices.entry(device_id.clone()).or_default();
        let moved = patch
            .location
            .as_ref()
            .is_some_and(|location| *location != entry.location);
        if moved || patch.settings.is_some() {
            entry.settings_revision = revision;
        }
        entry.name = patch.name.unwrap_or_else(|| std::mem::take(&mut entry.name));
        entry.location = patch
            .location
            .unwrap_or_else(|| std::mem::take(&mut entry.location));
        entry.settings = patch
            .settings
            .unwrap_or_else(|| std::mem::take(&mut entry.settings));
        if patch.retired == Some(true) && !entry.retired {
            entry.retired_revision = revision;
        }
        entry.retired = patch.retired.unwrap_or(entry.retired);
        entry.revision = revision;
        Ok(entry)
    }

    /// Sets what is set for all devices. With `expected`, only if that is its revision.
    pub fn set_defaults(
        &mut self,
        settings: Settings,
        expected: Option<Revision>,
    ) -> Result<&Level, ChangeError> {
        unchanged(expected, self.defaults.revision)?;
        refuse(settings.problems())?;
        let revision = self.next();
        self.defaults = Level { settings, revision };
        Ok(&self.defaults)
    }

    /// Sets what is set for the devices of a location. With `expected`, only if that is its revision (0 before the first).
    pub fn set_group(
        &mut self,
        location: &str,
        settings: Settings,
        expected: Option<Revision>,
    ) -> Result<&Level, ChangeError> {
        let known = self.groups.get(location);
        unchanged(expected, known.map_or(0, |group| group.revision))?;
        let mut problems = settings.problems();
        text(&mut problems, "location", Some(location));
        refuse(problems)?;
        if known.is_none() && self.groups.len() >= Self::MOST {
            return Err(ChangeError::Full(Self::MOST));
        }
        // An empty one stays: its number says that something changed.
        let revision = self.next();
        let group = self.groups.entry(location.to_owned()).or_default();
        *group = Level { settings, revision };
        Ok(group)
    }

    /// Forgets a device: what was set for it is gone, and rows of before `now`, ms, say nothing any more. Returns whether
    /// it was set up.
    pub fn forget(&mut self, device_id: &DeviceId, now: i64) -> bool {
        let was_known = self.devices.remove(device_id).is_some();
        self.next();
        self.forgotten.insert(device_id.clone(), now);
        while self.forgotten.len() > MOST_FORGOTTEN {
            let oldest = self.forgotten.iter().min_by_key(|(_, at)| **at);
            let Some(oldest) = oldest.map(|(device_id, _)| device_id.clone()) else {
                break;
            };
            self.forgotten.remove(&oldest);
        }
        was_known
    }

    const fn next(&mut self) -> Revision {
        self.revision += 1;
        self.revision
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_none(revision: &Revision) -> bool {
    *revision == 0
}

fn unchanged(expected: Option<Revision>, now: Revision) -> Result<(), ChangeError> {
    if expected.is_some_and(|expected| expected != now) {
        return Err(ChangeError::Changed { now });
    }
    Ok(())
}

fn refuse(problems: Vec<InvalidSetting>) -> Result<(), ChangeError> {
    if problems.is_empty() {
        Ok(())
    } else {
        Err(ChangeError::Invalid(problems))
    }
}

fn text(problems: &mut Vec<InvalidSetting>, path: &str, text: Option<&str>) {
    let Some(text) = text else { return };
    let problem = if text.chars().count() > MAX_TEXT {
        "has more than 200 characters"
    } else if text.chars().any(char::is_control) {
        "has control characters"
    } else {
        return;
    };
    problems.push(InvalidSetting {
        path: path.into(),
        problem: problem.into(),
    });
}
