//! The checks of a file before it is parsed: its kind and its sizes.

use std::{borrow::Cow, io::Cursor, ops::Range};

use zip::{ZipArchive, result::ZipError};

use crate::LoadError;

use super::{
    names,
    pickle::{self, Scan},
    stack::Fault,
};

/// The largest file. A hidden size of 64 needs 35 KB.
pub(super) const MAX_FILE_BYTES: u64 = 16 << 20;
/// The largest pickle. A state dict of ten tensors needs 1 KB.
const MAX_PICKLE_BYTES: usize = 64 << 10;
/// The most entries in a zip container. Ten tensors need 16.
const MAX_ENTRIES: usize = 4096;
/// The magic number of the container before PyTorch 1.6, as protocol 2 writes it.
const LEGACY_START: &[u8] = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.";
/// Magic number, protocol, system, object, keys of the storages.
const LEGACY_PICKLES: usize = 5;
const LEGACY_OBJECT: usize = 3;

/// A checked file.
pub(super) struct Checked<'a> {
    /// The bytes that the reader of `.pth` files understands.
    pub(super) plain: Cow<'a, [u8]>,
    /// The pickle of the object in the file.
    pub(super) pickle: Cow<'a, [u8]>,
}

/// Refuses a file that is not `.pth`, is larger than any model of this kind, or names something dangerous.
pub(super) fn check(bytes: &[u8]) -> Result<Checked<'_>, LoadError> {
    check_size(bytes)?;
    if bytes.starts_with(b"PK\x03\x04") {
        Ok(Checked {
            plain: Cow::Borrowed(bytes),
            pickle: Cow::Owned(check_zip(bytes)?),
        })
    } else if bytes.starts_with(LEGACY_START) && bytes.get(257..262) != Some(b"ustar") {
        check_legacy(bytes)
    } else {
        Err(LoadError::NotPth {
            found: kind_of(bytes),
        })
    }
}

/// Refuses a file that is larger than any model of this kind, whatever its format.
pub(crate) fn check_size(bytes: &[u8]) -> Result<(), LoadError> {
    let (bytes, limit) = (bytes.len() as u64, MAX_FILE_BYTES);
    if bytes > limit {
        return Err(LoadError::TooLarge { bytes, limit });
    }
    Ok(())
}

fn kind_of(bytes: &[u8]) -> &'static str {
    if bytes.is_empty() {
        "an empty file"
    } else if bytes.get(257..262) == Some(b"ustar") {
        "a TAR archive, as PyTorch before 0.1.10 wrote it"
    } else if bytes.get(8) == Some(&b'{') {
        "a safetensors file"
    } else if bytes.starts_with(b"\x08") {
        "an ONNX file"
    } else if bytes.starts_with(b"\x80") {
        "a pickle"
    } else {
        "another kind of file"
    }
}

/// Returns the pickle of a zip container.
fn check_zip(bytes: &[u8]) -> Result<Vec<u8>, LoadError> {
    // Entries are counted in the bytes, because a zip reader allocates memory for all of them when it opens the file.
    if bytes
        .windows(4)
        .filter(|window| *window == b"PK\x01\x02")
        .nth(MAX_ENTRIES)
        .is_some()
    {
        return Err(LoadError::Container(format!(
            "it has more than {MAX_ENTRIES} entries"
        )));
    }
    let damaged = |error: ZipError| LoadError::Container(words(&error));
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(damaged)?;
    // This hint takes precedence over other faults of such a file.
    if archive
        .file_names()
        .filter_map(Result::ok)
        .any(|name| name.ends_with("constants.pkl") || name.contains("/code/"))
    {
        return Err(LoadError::TorchScript);
    }
    let mut unpacked = 0_u64;
    let mut pickles = Vec::new();
    for index in 0..archive.len() {
        let entry = archive.by_index_raw(index).map_err(damaged)?;
        unpacked = unpacked.saturating_add(entry.size());
        let name = entry.name().map_err(damaged)?;
        if entry.compression() != zip::CompressionMethod::Stored || entry.size() != entry.compressed_size() {
            let name: String = name.chars().take(80).collect();
            return Err(LoadError::Container(format!(
                "entry '{name}' is compressed; torch.save stores all entries as they are"
            )));
        }
        if name == "data.pkl" || name.ends_with("/data.pkl") {
            if entry.size() > MAX_PICKLE_BYTES as u64 {
                return Err(LoadError::PickleTooLarge {
                    limit: MAX_PICKLE_BYTES,
                });
            }
            pickles.push(index);
        }
    }
    if unpacked > MAX_FILE_BYTES {
        return Err(LoadError::TooLarge {
            bytes: unpacked,
            limit: MAX_FILE_BYTES,
        });
    }
    match pickles.as_slice() {
        [] => Err(LoadError::Container(
            "it has no data.pkl: a zip file, but not from torch.save".into(),
        )),
        [index] => {
            let pickle = unpack(&mut archive, *index)?;
            check_pickle(&pickle)?;
            Ok(pickle)
        }
        _ => Err(LoadError::Container("it has more than one data.pkl".into())),
    }
}

/// What is wrong with an archive, without the words of its format.
fn words(error: &ZipError) -> String {
    match error {
        ZipError::InvalidArchive(_) => {
            "its table of contents at the end is missing or wrong: was it copied as a whole?".into()
        }
        ZipError::UnsupportedArchive(_) => "it is a zip file of a kind that torch.save does not write".into(),
        other => other.to_string(),
    }
}

/// Returns the bytes of one entry, never more than a pickle may have, whatever size the entry states.
fn unpack(archive: &mut ZipArchive<Cursor<&[u8]>>, index: usize) -> Result<Vec<u8>, LoadError> {
    use std::io::Read as _;
    let damaged = |detail: String| LoadError::Container(format!("data.pkl: {detail}"));
    let entry = archive
        .by_index(index)
        .map_err(|error| damaged(error.to_string()))?;
    let mut bytes = Vec::new();
    entry
        .take(MAX_PICKLE_BYTES as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| damaged(error.to_string()))?;
    Ok(bytes)
}

fn check_legacy(bytes: &[u8]) -> Result<Checked<'_>, LoadError> {
    let (mut at, mut classes, mut object) = (0, Vec::new(), 0..0);
    for number in 0..LEGACY_PICKLES {
        let scan = check_pickle(&bytes[at..])?;
        classes.extend(
            scan.module_classes
                .iter()
                .map(|(place, index)| (at + place, *index)),
        );
        if number == LEGACY_OBJECT {
            object = at..at + scan.len;
        }
        at += scan.len;
    }
    let pickle = without_sources(bytes, object, &classes)?;
    let plain = if classes.is_empty() {
        Cow::Borrowed(bytes)
    } else {
        without_sources(bytes, 0..bytes.len(), &classes)?
    };
    Ok(Checked { plain, pickle })
}

/// Returns a part of the file without the sources of modules' classes. The reader does not support a module's class
/// with its source, so it gets the class alone: instead of resolving the pair (BINPERSID), POP drops it and
/// `LONG_BINGET` takes the class from the memo.
fn without_sources<'a>(
    bytes: &'a [u8],
    part: Range<usize>,
    classes: &[(usize, u64)],
) -> Result<Cow<'a, [u8]>, LoadError> {
    let mut plain = Vec::with_capacity(part.len() + 5 * classes.len());
    let mut copied = part.start;
    for (place, index) in classes.iter().filter(|(place, _)| part.contains(place)) {
        let index =
            u32::try_from(*index).map_err(|_| LoadError::Container("the pickle's memo is absurd".into()))?;
        plain.extend(&bytes[copied..*place]);
        plain.extend(b"0j");
        plain.extend(index.to_le_bytes());
        copied = place + 1;
    }
    plain.extend(&bytes[copied..part.end]);
    Ok(Cow::Owned(plain))
}

/// Checks the pickle at the start of `bytes`.
fn check_pickle(bytes: &[u8]) -> Result<Scan, LoadError> {
    let seen = &bytes[..bytes.len().min(MAX_PICKLE_BYTES)];
    let scan = pickle::scan(seen).map_err(|Fault(problem)| {
        if seen.len() < bytes.len() {
            LoadError::PickleTooLarge {
                limit: MAX_PICKLE_BYTES,
            }
        } else {
            LoadError::Container(format!("the pickle cannot be read: {problem}"))
        }
    })?;
    match scan.globals.iter().find(|global| !names::is_harmless(global)) {
        Some(global) => Err(LoadError::Hostile(global.clone())),
        None => Ok(scan),
    }
}
