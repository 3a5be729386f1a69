//! Repair of a damaged log, before the storage engine opens it.
//!
//! The engine treats the first unreadable byte of its log as the end and truncates it there, or refuses to open it.
//! That is right for a torn last write and wrong for a flipped bit. Here each batch is checked separately, items with
//! a valid checksum of their own are saved from damaged batches, and a copy of the damaged file is kept.

use std::{
    fs::{self, File},
    io::{self, Write},
    ops::Range,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use crate::{
    JournalError, Key,
    checkpoint::{self, Checkpoint},
    id, record,
    wal::{self, Scan},
};

/// The file that holds saved items until they are back in the storage.
const SAVED: &str = "saved";

/// The result of a check.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct LogReport {
    pub(crate) batches: u64,
    pub(crate) damaged: Vec<LogDamage>,
}

/// A damaged stretch of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogDamage {
    /// The file.
    pub file: PathBuf,
    /// Offset of the first byte of the stretch.
    pub offset: u64,
    /// Its length in bytes.
    pub bytes: u64,
    /// Records within it whose own checksum is valid. Repair saves them.
    pub saved_records: u64,
}

/// Checks the log of the journal in `directory`; changes nothing. Refuses a log that another version wrote.
pub(crate) fn check(directory: &Path) -> Result<LogReport, JournalError> {
    let mut report = LogReport::default();
    let mut other_versions = Vec::new();
    let files = wal::files(&directory.join("log"))?;
    let mut last_number = None;
    for (i, path) in files.iter().enumerate() {
        let (bytes, scan) = scan(path, i + 1 == files.len(), last_number)?;
        last_number = scan.last_number;
        let newest = scan.batches.last().map(|batch| &bytes[batch.clone()]);
        if let Some(version) = newest.and_then(wal::checkpoint_version) {
            checkpoint::expect_version(path, version)?;
        }
        let damaged = scan.damaged.iter().map(|range| describe(path, &bytes, range));
        report.damaged.extend(damaged);
        report.batches += scan.batches.len() as u64;
        other_versions.extend(scan.other_versions.iter().map(|&version| (path, version)));
    }
    match other_versions[..] {
        // A single version that differs in one bit is a flipped bit, which is repaired like any other damage.
        [(_, version)] if (version ^ wal::VERSION).is_power_of_two() => Ok(report),
        [(path, version), ..] => Err(JournalError::unknown_format(path, version)),
        [] => Ok(report),
    }
}

/// Checks the log of the journal in `directory` and rewrites damaged files without their damage; the originals go to
/// `directory/damaged`.
pub(crate) fn repair(directory: &Path) -> Result<LogReport, JournalError> {
    let report = check(directory)?;
    if report.damaged.is_empty() {
        return Ok(report);
    }
    let files = wal::files(&directory.join("log"))?;
    let mut last_number = None;
    for (i, path) in files.iter().enumerate() {
        let (bytes, scan) = scan(path, i + 1 == files.len(), last_number)?;
        last_number = scan.last_number;
        if !scan.damaged.is_empty() {
            let failed = |source| JournalError::directory(path, source);
            set_aside(directory, path, &bytes).map_err(failed)?;
            save(directory, &bytes, &scan.damaged).map_err(failed)?;
            replace(path, &without_damage(&bytes, &scan.batches)).map_err(failed)?;
        }
    }
    Ok(report)
}

fn scan(path: &Path, is_last: bool, previous: Option<u64>) -> Result<(Vec<u8>, Scan), JournalError> {
    let bytes = wal::read(path).map_err(|source| JournalError::directory(path, source))?;
    let scan = wal::scan(&bytes, is_last, previous);
    Ok((bytes, scan))
}

fn without_damage(bytes: &[u8], batches: &[Range<usize>]) -> Vec<u8> {
    let sound: Vec<&[u8]> = batches.iter().map(|batch| &bytes[batch.clone()]).collect();
    sound.concat()
}

/// Items saved from damaged stretches.
#[derive(Debug, Default)]
pub(crate) struct Saved {
    /// Sequence number and record as stored.
    pub(crate) records: Vec<(u64, Vec<u8>)>,
    pub(crate) keys: Vec<Key>,
    pub(crate) checkpoints: Vec<Checkpoint>,
    pub(crate) id: Option<String>,
}

/// Returns what this repair, or an interrupted one, has saved; `None` when there was none.
pub(crate) fn saved(directory: &Path) -> Result<Option<Saved>, JournalError> {
    let path = directory.join(SAVED);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(JournalError::directory(path, source)),
    };
    let mut saved = Saved::default();
    for item in wal::sound_items(&bytes) {
        if let Some(seq) = record::parse_seq_key(item.key) {
            saved.records.push((seq, item.value.to_vec()));
        } else if let Ok(key) = item.key.try_into() {
            saved.keys.push(Key(key));
        } else if item.key == id::KEY.as_bytes() {
            saved.id = id::parse(item.value);
        } else {
            saved.checkpoints.extend(Checkpoint::decode(item.value));
        }
    }
    Ok(Some(saved))
}

/// Removes the saved items; call it when they are durably back in the storage.
pub(crate) fn forget_saved(directory: &Path) -> Result<(), JournalError> {
    let path = directory.join(SAVED);
    fs::remove_file(&path).map_err(|source| JournalError::directory(path, source))
}

/// Adds the sound items of `stretches` to the saved ones.
fn save(directory: &Path, bytes: &[u8], stretches: &[Range<usize>]) -> io::Result<()> {
    let path = directory.join(SAVED);
    let mut saved = if path.exists() {
        fs::read(&path)?
    } else {
        Vec::new()
    };
    for stretch in stretches {
        let items = wal::sound_items(&bytes[stretch.clone()]);
        items.for_each(|item| saved.extend_from_slice(item.bytes));
    }
    replace(&path, &saved)
}

fn describe(file: &Path, bytes: &[u8], range: &Range<usize>) -> LogDamage {
    let items = wal::sound_items(&bytes[range.clone()]);
    LogDamage {
        file: file.to_owned(),
        offset: range.start as u64,
        bytes: range.len() as u64,
        saved_records: items.filter(wal::is_record).count() as u64,
    }
}

fn set_aside(directory: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let aside = directory.join("damaged");
    fs::create_dir_all(&aside)?;
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |elapsed| elapsed.as_millis());
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    fs::write(aside.join(format!("{now}-{name}")), bytes)
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = path.with_extension("repaired");
    let mut file = File::create(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}
