//! Files that a start can go on without, and that no end may lose: one rule for all of them.
//!
//! In: a file as it is found, changes. Out: what is known, why the file could not be used, a file that holds every change.
//! A damaged file is set aside under a number. One of a newer version, and one that cannot be read, are left alone: meanwhile
//! changes go to a file beside it, and the next start that can read the first one takes in both.

use std::{
    fs::{self, File},
    io,
    marker::PhantomData,
    path::{Path, PathBuf},
    process,
    time::SystemTime,
};

use parking_lot::Mutex;
use tracing::{error, warn};

use crate::file::{Document, FileError, directory, own, read, sync, write};

/// Damaged files of one name that are kept; beyond them the oldest goes.
const MOST_ASIDE: usize = 5;

/// A document that a start can go on without.
pub trait Mergeable: Document {
    /// What is known altogether, where `later` was written while this could not be used.
    #[must_use]
    fn merged(self, later: Self) -> Self;
}

/// The file of such a document, which this process alone writes.
#[derive(Debug)]
pub struct KeptFile<T> {
    path: PathBuf,
    /// Where changes go.
    target: PathBuf,
    /// Of a file beside: its own. Of the first: that of the file beside that was taken in last, which is taken in once.
    mark: String,
    /// The file beside that was taken in: it goes when what it held is written.
    taken: Mutex<Option<PathBuf>>,
    document: PhantomData<fn() -> T>,
    /// Held until the end, where the process does not own the directory anyway.
    _lock: Option<File>,
}

/// What a start finds.
#[derive(Debug)]
pub struct Taken<T> {
    /// What is known; `None` where nothing is.
    pub document: Option<T>,
    /// Why the file could not be used.
    pub fault: Option<Fault>,
    /// Whether what is known came from a file beside and has to be written.
    pub is_to_write: bool,
}

/// Why a file could not be used, in words that follow its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// It was damaged. Changes go to a new one.
    Damaged(String),
    /// It is left as it is. Changes go to a file beside it.
    Left(String),
}

impl<T: Mergeable> KeptFile<T> {
    /// Takes the document's file in the directory `dir`, which is made if it is missing.
    pub fn open(dir: &Path) -> Result<Self, FileError> {
        let path = dir.join(T::FILE);
        let lock = own(&path)?;
        Ok(Self::new(path, Some(lock)))
    }

    /// The document's file at `path`, in a directory that this process owns already.
    pub fn at(path: PathBuf) -> Self {
        Self::new(path, None)
    }

    fn new(path: PathBuf, lock: Option<File>) -> Self {
        Self {
            target: path.clone(),
            path,
            mark: String::new(),
            taken: Mutex::default(),
            document: PhantomData,
            _lock: lock,
        }
    }

    /// Reads what is there, and decides where changes go from now on.
    pub fn take(&mut self) -> Taken<T> {
        let beside = self.path.with_extension(format!("meanwhile-{}.json", T::FORMAT));
        let (first, fault) = match read::<T>(&self.path) {
            Ok(first) => (first, None),
            Err(error) => (None, Some(self.fault(error, &beside))),
        };
        let later = read::<T>(&beside).unwrap_or_else(|error| {
            error!("{error}: {}", put_aside(&beside));
            None
        });
        let is_left = matches!(fault, Some(Fault::Left(_)));
        let known = first.as_ref().map(|(_, mark)| mark.clone());
        let later = later.filter(|(_, mark)| {
            let is_new = known.as_ref() != Some(mark);
            if !is_new {
                discard(&beside);
            }
            is_new
        });
        let is_to_write = !is_left && later.is_some();
        self.mark = match &later {
            // Every start writes another one, since the first may have taken in that of the start before.
            _ if is_left => fresh(),
            Some((_, mark)) => mark.clone(),
            None => known.unwrap_or_default(),
        };
        *self.taken.lock() = is_to_write.then(|| beside.clone());
        self.target = if is_left { beside } else { self.path.clone() };
        let document = match (first, later) {
            (Some((first, _)), Some((later, _))) => Some(first.merged(later)),
            (first, later) => first.or(later).map(|(document, _)| document),
        };
        Taken {
            document,
            fault,
            is_to_write,
        }
    }

    fn fault(&self, error: FileError, beside: &Path) -> Fault {
        let why = match error {
            FileError::Damaged { reason, .. } => {
                let aside = put_aside(&self.path);
                return Fault::Damaged(format!("is damaged ({reason}), {aside}"));
            }
            FileError::Newer { program, .. } if program.is_empty() => {
                "was written by a newer casement".to_owned()
            }
            FileError::Newer { program, .. } => format!("was written by casement {program}"),
            FileError::Io { source, .. } => format!("cannot be read ({source})"),
            error @ FileError::InUse(_) => error.to_string(),
        };
        Fault::Left(format!(
            "{why}, and is left as it is; changes go to {} meanwhile",
            beside.display()
        ))
    }

    /// Puts `document` in its file's place. When this returns, it is on disk.
    pub fn write(&self, document: &T) -> io::Result<()> {
        write(&self.target, &self.mark, document)?;
        if let Some(beside) = self.taken.lock().take() {
            discard(&beside);
        }
        Ok(())
    }
}

/// Removes a file beside that was taken in. One that stays is not taken in again.
fn discard(beside: &Path) {
    if let Err(error) = fs::remove_file(beside)
        && error.kind() != io::ErrorKind::NotFound
    {
        warn!("{} is not needed any more and stays: {error}", beside.display());
    }
}

/// A mark that no other file has.
fn fresh() -> String {
    let since = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    format!("{}-{}", since.as_nanos(), process::id())
}

/// Gives a damaged file another name. Returns what became of it, in words.
fn put_aside(path: &Path) -> String {
    match set_aside(path) {
        Ok(aside) => format!("it is set aside as {}", aside.display()),
        Err(error) => format!("it cannot be set aside ({error}), and will be overwritten"),
    }
}

/// The next number is that after the largest.
fn set_aside(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let prefix = format!("{name}.damaged");
    let mut aside = Vec::new();
    for entry in fs::read_dir(directory(path))? {
        let entry = entry?;
        let name = entry.file_name();
        let number = match name.to_str().and_then(|name| name.strip_prefix(&prefix)) {
            // Earlier versions kept one.
            Some("") => Some(0),
            Some(number) => number.strip_prefix('.').and_then(|number| number.parse().ok()),
            None => None,
        };
        aside.extend(number.map(|number: u64| (number, entry.path())));
    }
    aside.sort_unstable();
    let next = aside.last().map_or(1, |(number, _)| number.saturating_add(1));
    let to = path.with_file_name(format!("{prefix}.{next}"));
    fs::rename(path, &to)?;
    let too_many = (aside.len() + 1).saturating_sub(MOST_ASIDE);
    for (_, oldest) in &aside[..too_many] {
        if let Err(error) = fs::remove_file(oldest) {
            warn!("{} stays: {error}", oldest.display());
        }
    }
    sync(path)?;
    Ok(to)
}

#[cfg(test)]
mod tests;
