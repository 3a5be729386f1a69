//! What survives a restart: causes that are there, what sensors said, alarms, schedules that are on.
//!
//! The file is written beside, synced and renamed. One that cannot be read is left as it is until the next change.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use domain::{Cause, CauseState, DeviceId, Planner, Quantity};
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
}

#[derive(Debug, Serialize, Deserialize)]
struct KeptWindow {
    causes: BTreeMap<Cause, CauseState>,
    #[serde(default)]
    planner: Planner,
}

pub(super) fn read(path: &Path) -> io::Result<Kept> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Kept::default()),
        Err(error) => return Err(error),
    };
    if file.metadata()?.len() > MAX_BYTES {
        return Err(io::Error::other("it has more than 64 MiB"));
    }
    let kept: Kept = serde_json::from_reader(io::BufReader::new(file))?;
    if kept.format > FORMAT {
        let newer = "it was written by a newer casement, and is left as it is";
        return Err(io::Error::new(io::ErrorKind::Unsupported, newer));
    }
    Ok(kept)
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
        let mut state = self.state.lock();
        for (device_id, window) in kept.windows {
            let memory = state.memory.entry(device_id).or_default();
            memory.causes = window.causes.into_iter().collect();
            memory.planner = window.planner;
        }
    }

    /// What is to be written.
    pub(super) fn kept(&self) -> Kept {
        let state = self.state.lock();
        let mut kept = Kept {
            format: FORMAT,
            alarms: self.alarms.lock().clone(),
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
            };
            kept.windows.insert(device_id.clone(), window);
        }
        kept
    }
}
