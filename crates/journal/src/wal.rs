//! The storage engine's write-ahead log as bytes: which batches are sound, where it is damaged, what can be saved.
//!
//! In: log files. Out: ranges and items. The engine has no interface for this, so its version is pinned exactly in the
//! workspace's `Cargo.toml`; look here when it is raised. Reads only.

use std::{
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom},
    ops::Range,
    path::{Path, PathBuf},
};

use xxhash_rust::xxh3::xxh3_64;

use crate::{
    JournalError,
    checkpoint::{self, Checkpoint},
    id,
    record::{self, Key},
};

/// Version of the storage engine's format that this crate reads, writes and repairs.
pub(crate) const VERSION: u8 = 3;
/// Starts the engine's marker, and precedes the version at the end of each batch of the log.
const MAGIC: [u8; 3] = *b"FJL";

/// Tags of a batch: a head (tag, count, number), items, and a trailer (tag, xxh3 of the items, magic, version).
const START: u8 = 1;
const ITEM: u8 = 2;
const END: u8 = 3;
const CLEAR: u8 = 4;
const HEAD: usize = 13;
const TRAILER: usize = 13;

/// An entry of a batch.
pub(crate) struct Item<'a> {
    /// The entry as stored.
    pub(crate) bytes: &'a [u8],
    pub(crate) key: &'a [u8],
    pub(crate) value: &'a [u8],
    is_value: bool,
}

/// What a log file consists of.
#[derive(Default)]
pub(crate) struct Scan {
    /// Sound batches of the known version.
    pub(crate) batches: Vec<Range<usize>>,
    /// Damaged stretches between them. A torn end of the last file is not among them.
    pub(crate) damaged: Vec<Range<usize>>,
    /// Versions of batches that another version wrote.
    pub(crate) other_versions: Vec<u8>,
    /// The number of the last sound batch.
    pub(crate) last_number: Option<u64>,
}

/// Returns the log files of `directory` in the order in which they were written; none for a new journal.
pub(crate) fn files(directory: &Path) -> Result<Vec<PathBuf>, JournalError> {
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

/// Reads a log file without the zeros at its end: space is reserved ahead, and no batch ends in a zero.
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
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

/// Divides a log file into batches and damage. `previous` is the number of the last sound batch before this file.
pub(crate) fn scan(bytes: &[u8], is_last: bool, previous: Option<u64>) -> Scan {
    let mut scan = Scan::default();
    let mut at = 0;
    while at < bytes.len() {
        if let Some(batch) = parse_batch(bytes, at) {
            at = batch.end;
            scan.batches.push(batch);
            continue;
        }
        let next = (at + 1..bytes.len()).find(|&next| parse_batch(bytes, next).is_some());
        let stretch = at..next.unwrap_or(bytes.len());
        at = stretch.end;
        let damaged = &bytes[stretch.clone()];
        scan.other_versions.extend(other_versions(damaged));
        if next.is_some() || !is_last || was_complete(damaged) {
            scan.damaged.push(stretch);
        }
    }
    scan.set_aside_misnumbered(bytes, previous);
    scan
}

impl Scan {
    /// Moves batches whose number is out of order to the damage. No checksum covers the number, and the engine trusts
    /// it: it skips a batch whose number is too low, and numbers new batches after the highest.
    fn set_aside_misnumbered(&mut self, bytes: &[u8], previous: Option<u64>) {
        let batches = std::mem::take(&mut self.batches);
        let number = |batch: &Range<usize>| batch_number(&bytes[batch.clone()]).unwrap_or(u64::MAX);
        let numbers: Vec<u64> = batches.iter().map(number).collect();
        let ordered = in_order(&numbers, previous);
        self.last_number = ordered.last().map(|&place| numbers[place]).or(previous);
        let mut ordered = ordered.into_iter().peekable();
        for (place, batch) in batches.into_iter().enumerate() {
            if ordered.next_if_eq(&place).is_some() {
                self.batches.push(batch);
            } else {
                self.damaged.push(batch);
            }
        }
        self.damaged.sort_by_key(|stretch| stretch.start);
    }
}

/// The engine uses numbers below this one.
const NUMBERS_END: u64 = 1 << 63;

fn batch_number(batch: &[u8]) -> Option<u64> {
    Some(u64::from_le_bytes(batch.get(5..HEAD)?.try_into().ok()?))
}

/// Returns the places of the longest series of numbers that grow from `previous` on.
fn in_order(numbers: &[u64], previous: Option<u64>) -> Vec<usize> {
    // Of all series of a length, the one that ends lowest; each place knows the one before it.
    let mut ends: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = vec![None; numbers.len()];
    for (place, &number) in numbers.iter().enumerate() {
        if number >= NUMBERS_END || previous.is_some_and(|previous| number <= previous) {
            continue;
        }
        let length = ends.partition_point(|&end| numbers[end] < number);
        before[place] = length.checked_sub(1).map(|shorter| ends[shorter]);
        match ends.get_mut(length) {
            Some(end) => *end = place,
            None => ends.push(place),
        }
    }
    let mut series: Vec<usize> =
        std::iter::successors(ends.last().copied(), |&place| before[place]).collect();
    series.reverse();
    series
}

/// Whether the last batch was written completely, and so may have been acknowledged: the checkpoint comes last.
fn was_complete(stretch: &[u8]) -> bool {
    trailer_version(stretch) == Some(VERSION)
        || sound_items(stretch).any(|item| item.key == checkpoint::KEY.as_bytes())
}

/// Returns the versions of other versions' batches in a stretch. A batch of unknown layout is recognised by its end.
fn other_versions(stretch: &[u8]) -> Vec<u8> {
    let mut versions = Vec::new();
    let mut at = 0;
    while at < stretch.len() {
        let batch = batch_end(stretch, at).and_then(|end| Some((end, trailer_version(&stretch[..end])?)));
        match batch {
            Some((end, version)) if version != VERSION => {
                versions.push(version);
                at = end;
            }
            _ => at += 1,
        }
    }
    if versions.is_empty() {
        versions.extend(trailer_version(stretch).filter(|&version| version != VERSION));
    }
    versions
}

fn trailer_version(bytes: &[u8]) -> Option<u8> {
    let (rest, &[version]) = bytes.split_last_chunk()?;
    rest.ends_with(&MAGIC).then_some(version)
}

/// Parses a sound batch of the known version.
fn parse_batch(bytes: &[u8], at: usize) -> Option<Range<usize>> {
    let end = batch_end(bytes, at)?;
    (trailer_version(&bytes[..end]) == Some(VERSION)).then_some(at..end)
}

/// Returns the end of a batch whose items match their checksum, whatever its version.
fn batch_end(bytes: &[u8], at: usize) -> Option<usize> {
    let head = bytes.get(at..at + HEAD)?;
    if head[0] != START {
        return None;
    }
    let count = u32::from_le_bytes(head[1..5].try_into().ok()?);
    let items = at + HEAD;
    let mut position = items;
    for _ in 0..count {
        position += match bytes.get(position)? {
            &CLEAR => 9,
            _ => parse_item(&bytes[position..])?.bytes.len(),
        };
    }
    let trailer = bytes.get(position..position + TRAILER)?;
    let is_sound = trailer[0] == END && trailer[1..9] == xxh3_64(&bytes[items..position]).to_le_bytes();
    is_sound.then_some(position + TRAILER)
}

/// Returns the version of a sound batch's checkpoint, if it has one.
pub(crate) fn checkpoint_version(batch: &[u8]) -> Option<u8> {
    let mut rest = batch.get(HEAD..batch.len().checked_sub(TRAILER)?)?;
    let mut version = None;
    while let Some(&tag) = rest.first() {
        let length = if tag == CLEAR {
            9
        } else {
            let item = parse_item(rest)?;
            if item.key == checkpoint::KEY.as_bytes() {
                version = Checkpoint::version(item.value);
            }
            item.bytes.len()
        };
        rest = rest.get(length..)?;
    }
    version
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

/// Returns the items of a damaged stretch whose own checksum is valid: records, keys, checkpoints, the journal id.
pub(crate) fn sound_items(stretch: &[u8]) -> impl Iterator<Item = Item<'_>> {
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
        && (is_record(item)
            || Key::parse(item.key, item.value).is_some()
            || is_checkpoint(item)
            || is_journal_id(item))
}

pub(crate) fn is_record(item: &Item<'_>) -> bool {
    record::parse_seq_key(item.key).is_some_and(|seq| record::decode(seq, item.value).is_ok())
}

fn is_journal_id(item: &Item<'_>) -> bool {
    item.key == id::KEY.as_bytes() && id::parse(item.value).is_some()
}

fn is_checkpoint(item: &Item<'_>) -> bool {
    item.key == checkpoint::KEY.as_bytes() && Checkpoint::decode(item.value).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_out_of_order_is_found_and_its_neighbours_stay() {
        let places = |numbers: &[u64]| in_order(numbers, Some(10));
        assert_eq!(places(&[11, 12, 14, 20]), [0, 1, 2, 3]);
        assert_eq!(places(&[11, 12 + (1 << 40), 13, 14]), [0, 2, 3], "too high");
        assert_eq!(places(&[11, 12, 1, 14]), [0, 1, 3], "too low");
        assert_eq!(
            places(&[11, 12, 13 + (1 << 63)]),
            [0, 1],
            "beyond what the engine counts"
        );
        assert_eq!(places(&[3, 12, 13]), [1, 2], "below the file before");
        assert_eq!(places(&[]), [0; 0]);
    }
}
