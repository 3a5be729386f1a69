//! What the storage engine's log holds, checked before the engine opens it, and saved where it is damaged.
//!
//! The engine takes the first unreadable byte of its log for the end and cuts the rest off, or refuses to open at all.
//! That is right for a torn last write and wrong for a flipped bit: here each group is checked by itself, what carries
//! its own valid checksum is taken out of a damaged one, and the damaged file is kept aside. Never changes a sound log.

use std::{
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom, Write},
    ops::Range,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use xxhash_rust::xxh3::xxh3_64;

use crate::{
    JournalError, Key,
    keys::is_key,
    ledger::Ledger,
    record,
    storage::{self, ID, LEDGER},
};

/// The engine's log format, version 3: a group is a start (tag, count, number), items, and an end (tag, xxh3 of the
/// items, magic).
const START: u8 = 1;
const ITEM: u8 = 2;
const END: u8 = 3;
const CLEAR: u8 = 4;
const MAGIC: [u8; 4] = *b"FJL\x03";

/// Where items wait between leaving a damaged log and being put back.
const SAVED: &str = "saved";

/// What checking a journal's log found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct LogReport {
    pub(crate) groups: u64,
    pub(crate) damaged: Vec<LogDamage>,
}

/// A stretch of the log that is not what was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogDamage {
    /// The file.
    pub file: PathBuf,
    /// Offset of the first byte of the stretch.
    pub offset: u64,
    /// Its length in bytes.
    pub bytes: u64,
    /// Records within it that carry their own valid checksum, and so are saved.
    pub saved_records: u64,
}

struct Item<'a> {
    bytes: &'a [u8],
    key: &'a [u8],
    value: &'a [u8],
    is_value: bool,
}

type Group = Range<usize>;

/// Checks the log files in `directory`; changes nothing.
pub(crate) fn check(directory: &Path) -> Result<LogReport, JournalError> {
    let mut report = LogReport::default();
    let files = log_files(directory)?;
    for (i, path) in files.iter().enumerate() {
        let bytes = read_trimmed(path).map_err(|source| JournalError::directory(path, source))?;
        let (groups, damaged) = scan(&bytes, i + 1 == files.len());
        report.groups += groups.len() as u64;
        report
            .damaged
            .extend(damaged.into_iter().map(|range| describe(path, &bytes, &range)));
    }
    Ok(report)
}

/// Checks the log files in `directory/log` and rewrites damaged ones without their damage; the originals go to
/// `directory/damaged`.
pub(crate) fn repair(directory: &Path) -> Result<LogReport, JournalError> {
    let log = directory.join("log");
    let mut report = LogReport::default();
    let files = log_files(&log)?;
    for (i, path) in files.iter().enumerate() {
        let failed = |source| JournalError::directory(path, source);
        let bytes = read_trimmed(path).map_err(failed)?;
        let (groups, damaged) = scan(&bytes, i + 1 == files.len());
        report.groups += groups.len() as u64;
        if !damaged.is_empty() {
            set_aside(directory, path, &bytes).map_err(failed)?;
            save(directory, &bytes, &damaged).map_err(failed)?;
            replace(path, &without_damage(&bytes, &groups)).map_err(failed)?;
            report
                .damaged
                .extend(damaged.into_iter().map(|range| describe(path, &bytes, &range)));
        }
    }
    Ok(report)
}

/// Log files in the order in which they were written; none for a new journal.
fn log_files(directory: &Path) -> Result<Vec<PathBuf>, JournalError> {
    let failed = |source| JournalError::directory(directory, source);
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut files = Vec::new();
    for entry in entries {
        let name = entry.map_err(failed)?.file_name();
        if let Some(number) = name
            .to_str()
            .and_then(|name| name.strip_suffix(".jnl")?.parse::<u64>().ok())
        {
            files.push((number, directory.join(name)));
        }
    }
    files.sort();
    Ok(files.into_iter().map(|(_, path)| path).collect())
}

/// A log file without the zeros at its end: space is reserved ahead, and no group ends in a zero.
fn read_trimmed(path: &Path) -> io::Result<Vec<u8>> {
    const CHUNK: u64 = 1 << 20;
    let mut file = File::open(path)?;
    let mut end = file.metadata()?.len();
    let mut chunk = Vec::new();
    while end > 0 {
        let start = end.saturating_sub(CHUNK);
        file.seek(SeekFrom::Start(start))?;
        chunk.clear();
        (&mut file).take(end - start).read_to_end(&mut chunk)?;
        match chunk.iter().rposition(|&byte| byte != 0) {
            Some(last) => {
                end = start + last as u64 + 1;
                break;
            }
            None => end = start,
        }
    }
    file.seek(SeekFrom::Start(0))?;
    let mut bytes = Vec::with_capacity(end as usize);
    file.take(end).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The sound groups and the damaged stretches between them. A torn end of the last file is neither.
fn scan(bytes: &[u8], is_last: bool) -> (Vec<Group>, Vec<Range<usize>>) {
    let (mut groups, mut damaged) = (Vec::new(), Vec::new());
    let mut at = 0;
    while at < bytes.len() {
        if let Some(group) = parse_group(bytes, at) {
            at = group.end;
            groups.push(group);
            continue;
        }
        let next = (at + 1..bytes.len()).find(|&next| parse_group(bytes, next).is_some());
        let stretch = at..next.unwrap_or(bytes.len());
        at = stretch.end;
        if next.is_some() || !is_last || was_complete(&bytes[stretch.clone()]) {
            damaged.push(stretch);
        }
    }
    (groups, damaged)
}

/// Whether the last group was written to its end, and so may have been acknowledged: the ledger comes last.
fn was_complete(stretch: &[u8]) -> bool {
    stretch.ends_with(&MAGIC) || sound_items(stretch).any(|item| item.key == LEDGER.as_bytes())
}

fn parse_group(bytes: &[u8], at: usize) -> Option<Group> {
    let head = bytes.get(at..at + 13)?;
    if head[0] != START {
        return None;
    }
    let count = u32::from_le_bytes(head[1..5].try_into().ok()?);
    let items = at + 13;
    let mut position = items;
    for _ in 0..count {
        position += match bytes.get(position)? {
            &CLEAR => 9,
            _ => parse_item(&bytes[position..])?.bytes.len(),
        };
    }
    let end = bytes.get(position..position + 13)?;
    let sound =
        end[0] == END && end[1..9] == xxh3_64(&bytes[items..position]).to_le_bytes() && end[9..] == MAGIC;
    sound.then_some(at..position + 13)
}

fn parse_item(bytes: &[u8]) -> Option<Item<'_>> {
    let head = bytes.get(..21)?;
    let key_len = usize::from(u16::from_le_bytes(head[11..13].try_into().ok()?));
    let value_len = u32::from_le_bytes(head[13..17].try_into().ok()?) as usize;
    let stored_len = u32::from_le_bytes(head[17..21].try_into().ok()?) as usize;
    // We never compress, so both lengths are the same.
    if head[0] != ITEM || head[1] > 4 || head[2] != 0 || value_len != stored_len {
        return None;
    }
    let bytes = bytes.get(..21 + key_len + value_len)?;
    let (key, value) = bytes[21..].split_at(key_len);
    Some(Item {
        bytes,
        key,
        value,
        is_value: head[1] == 0,
    })
}

/// Items of a damaged stretch that prove themselves: a record, a key or a ledger with its own valid checksum.
fn sound_items(stretch: &[u8]) -> impl Iterator<Item = Item<'_>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < stretch.len() {
            if let Some(item) = parse_item(&stretch[at..]).filter(is_sound) {
                at += item.bytes.len();
                return Some(item);
            }
            at += 1;
        }
        None
    })
}

fn is_sound(item: &Item<'_>) -> bool {
    item.is_value
        && (is_record(item) || is_key(item.key, item.value) || is_ledger(item) || is_journal_id(item))
}

fn is_record(item: &Item<'_>) -> bool {
    record::parse_seq_key(item.key).is_some_and(|seq| record::decode(seq, item.value).is_ok())
}

fn is_journal_id(item: &Item<'_>) -> bool {
    item.key == ID.as_bytes() && storage::parse_id(item.value).is_some()
}

fn is_ledger(item: &Item<'_>) -> bool {
    item.key == LEDGER.as_bytes() && Ledger::decode(item.value).is_ok()
}

/// The log without its damage.
fn without_damage(bytes: &[u8], groups: &[Group]) -> Vec<u8> {
    groups
        .iter()
        .flat_map(|group| &bytes[group.clone()])
        .copied()
        .collect()
}

/// What was taken out of damaged stretches, waiting to be put back.
#[derive(Debug, Default)]
pub(crate) struct Saved {
    /// Sequence number and record as stored.
    pub(crate) records: Vec<(u64, Vec<u8>)>,
    pub(crate) keys: Vec<Key>,
    pub(crate) ledgers: Vec<Ledger>,
    pub(crate) id: Option<String>,
}

/// What a repair, this one or one that was interrupted, has saved; `None` when there was none.
pub(crate) fn saved(directory: &Path) -> Result<Option<Saved>, JournalError> {
    let path = directory.join(SAVED);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(JournalError::directory(path, source)),
    };
    let mut saved = Saved::default();
    for item in sound_items(&bytes) {
        if let Some(seq) = record::parse_seq_key(item.key) {
            saved.records.push((seq, item.value.to_vec()));
        } else if let Ok(key) = item.key.try_into() {
            saved.keys.push(Key(key));
        } else if item.key == ID.as_bytes() {
            saved.id = storage::parse_id(item.value);
        } else {
            saved.ledgers.extend(Ledger::decode(item.value));
        }
    }
    Ok(Some(saved))
}

/// To be called when what was saved is back in place, durably.
pub(crate) fn forget_saved(directory: &Path) -> Result<(), JournalError> {
    let path = directory.join(SAVED);
    fs::remove_file(&path).map_err(|source| JournalError::directory(path, source))
}

/// Adds the sound items of `stretches` to what waits to be put back.
fn save(directory: &Path, bytes: &[u8], stretches: &[Range<usize>]) -> io::Result<()> {
    let path = directory.join(SAVED);
    let mut saved = if path.exists() {
        fs::read(&path)?
    } else {
        Vec::new()
    };
    for stretch in stretches {
        sound_items(&bytes[stretch.clone()]).for_each(|item| saved.extend_from_slice(item.bytes));
    }
    replace(&path, &saved)
}

fn describe(file: &Path, bytes: &[u8], range: &Range<usize>) -> LogDamage {
    let saved_records = sound_items(&bytes[range.clone()]).filter(is_record).count() as u64;
    LogDamage {
        file: file.to_owned(),
        offset: range.start as u64,
        bytes: range.len() as u64,
        saved_records,
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
