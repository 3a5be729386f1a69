//! What survives a restart: causes that are there, what sensors said, alarms, schedules that are on.
//!
//! The file is written beside, synced and renamed. One that is damaged is set aside; one of a newer version, and one
//! that cannot be read, are left alone.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use domain::{Cause, CauseState, DeviceId, Planner, Quantity, Timestamp};
use serde::{Deserialize, Serialize};

use super::Rules;

/// The form of the file.
const FORMAT: u32 = 1;
/// A file of the most devices is smaller.
const MAX_BYTES: u64 = 64 << 20;

/// What the file holds.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Kept {
    format: u32,
    #[serde(default)]
    sensors: BTreeMap<DeviceId, BTreeMap<Quantity, f64>>,
    #[serde(default)]
    alarms: BTreeSet<DeviceId>,
    #[serde(default)]
    windows: BTreeMap<DeviceId, KeptWindow>,
    /// When what was kept was found to be lost: what windows were told then is held for a while.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) lost_at: Option<Timestamp>,
    /// Alarms of which anything was said since, and whether they were on.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    said: BTreeMap<DeviceId, bool>,
}

impl Kept {
    /// Whether any window is held by what was lost.
    pub(super) fn holds_any(&self) -> bool {
        self.windows.values().any(|window| !window.recalled.is_empty())
    }
}

/// The part of the file that every version writes.
#[derive(Deserialize)]
struct Form {
    format: u32,
}

/// What became of reading the file.
pub(super) enum Found {
    Kept(Kept),
    /// There is none.
    Nothing,
    /// A newer version wrote it.
    Newer,
    /// It cannot be read now, and why: what is in it is not known.
    Unreadable(io::Error),
    /// It is no such file, and why.
    Damaged(io::Error),
}

#[derive(Debug, Serialize, Deserialize)]
struct KeptWindow {
    causes: BTreeMap<Cause, CauseState>,
    #[serde(default)]
    planner: Planner,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    recalled: BTreeSet<Cause>,
}

pub(super) fn read(path: &Path) -> Found {
    let bytes = match read_bytes(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Found::Nothing,
        Err(error) => return Found::Unreadable(error),
    };
    match parse(&bytes) {
        Ok(kept) if kept.format > FORMAT => Found::Newer,
        Ok(kept) => Found::Kept(kept),
        Err(error) => Found::Damaged(error),
    }
}

/// The file's content, or a byte more than the most of it.
fn read_bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn parse(bytes: &[u8]) -> io::Result<Kept> {
    if bytes.len() as u64 > MAX_BYTES {
        return Err(io::Error::other("it has more than 64 MiB"));
    }
    // A newer version may have written anything beside its number.
    let form: Form = serde_json::from_slice(bytes)?;
    if form.format > FORMAT {
        return Ok(Kept {
            format: form.format,
            ..Kept::default()
        });
    }
    Ok(serde_json::from_slice(bytes)?)
}

/// Gives a damaged file another name, which it returns. One that was set aside before is replaced.
pub(super) fn set_aside(path: &Path) -> io::Result<PathBuf> {
    let aside = path.with_extension("json.damaged");
    fs::rename(path, &aside)?;
    Ok(aside)
}

pub(super) fn write(path: &Path, kept: &Kept) -> io::Result<()> {
    let partial = path.with_extension("json.new");
    let bytes = serde_json::to_vec(kept)?;
    let mut options = OpenOptions::new();
    let mut file = options
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(&partial)?;
    file.write_all(&bytes)?;
    file.sync_all()?;
    fs::rename(&partial, path)?;
    match path.parent() {
        Some(dir) => File::open(dir)?.sync_all(),
        None => Ok(()),
    }
}

impl Rules {
    /// Takes up what was there before the start. A sensor is silent only when it was so since the start.
    pub(super) fn restore(&self, kept: Kept) {
        let began = self.began.0;
        let mut senses = self.senses.lock();
        for (device_id, values) in &kept.sensors {
            for (quantity, value) in values {
                senses.take(device_id, *quantity, *value, began);
            }
        }
        *self.alarms.lock() = kept.alarms;
        if self.lost_at.is_some() {
            *self.said.lock() = kept.said;
        }
        let mut state = self.state.lock();
        for (device_id, window) in kept.windows {
            let memory = state.memory.entry(device_id).or_default();
            memory.causes = window.causes.into_iter().collect();
            memory.planner = window.planner;
            memory.recalled = window.recalled;
        }
    }

    /// What is to be written.
    pub(super) fn kept(&self) -> Kept {
        let state = self.state.lock();
        let mut kept = Kept {
            format: FORMAT,
            alarms: self.alarms.lock().clone(),
            lost_at: self.lost_at,
            said: self.said.lock().clone(),
            ..Kept::default()
        };
        for (device_id, quantity, heard) in self.senses.lock().all() {
            let values = kept.sensors.entry(device_id.clone()).or_default();
            values.insert(quantity, heard.value);
        }
        for (device_id, memory) in &state.memory {
            if memory.causes.is_empty() && memory.planner == Planner::default() {
                continue;
            }
            let window = KeptWindow {
                causes: memory
                    .causes
                    .iter()
                    .map(|(cause, state)| (*cause, *state))
                    .collect(),
                planner: memory.planner.clone(),
                recalled: memory.recalled.clone(),
            };
            kept.windows.insert(device_id.clone(), window);
        }
        kept
    }
}
