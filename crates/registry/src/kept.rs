//! Files that a start can go on without, and that no end may lose: one rule for all of them.
//!
//! In: a file as it is found, changes. Out: what is known, why the file could not be used, a file that holds every change.
//! A damaged file is set aside under a number. One of a newer version, and one that cannot be read, are left alone: meanwhile
//! changes go to a file beside it, and the next start that can read the first one takes in both. The same holds for a file
//! beside: where it cannot be read, changes go to a further one.

use std::{
    fs::{self, File},
    io,
    marker::PhantomData,
    path::{Path, PathBuf},
    process,
    time::SystemTime,
};

use parking_lot::Mutex;
use tracing::warn;

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
    /// Of a file beside: its own, and those of others that were taken in with it. Of the first: those of the files beside that
    /// were taken in last. Each is taken in once.
    mark: String,
    /// The files beside that were taken in: they go when what they held is written.
    taken: Mutex<Vec<PathBuf>>,
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
    /// Whether changes are not known, for now or for good, that came after `document`, or after some of it: a file beside is
    /// damaged, or cannot be read.
    pub is_behind: bool,
    /// Whether what is known came from a file beside and has to be written.
    pub is_to_write: bool,
}

/// Why a file could not be used, in words that follow its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// It, or a file beside it, was damaged. Changes go to the file's place.
    Damaged(String),
    /// It, or a file beside it, is left as it is. Changes go to a further file beside it.
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
        let mut faults = Faults::default();
        let (first, known) = match read::<T>(&self.path) {
            Ok(first) => first.unzip(),
            Err(error) => {
                let why = faults.of(error, &self.path);
                faults.told.push(why);
                (None, None)
            }
        };
        let found = self.besides(&mut faults);
        let is_left = faults.is_left;
        // Of a file beside, the first is its own; the others are of what was taken in with it.
        let in_others = found.besides.iter().flat_map(|beside| beside.marks().skip(1));
        let taken_in: Vec<String> = known
            .iter()
            .flat_map(|mark| mark.split(' '))
            .chain(in_others)
            .map(str::to_owned)
            .collect();
        let own = |beside: &Beside<T>| beside.marks().next().unwrap_or_default().to_owned();
        let mut owns = Vec::new();
        let mut later = Vec::new();
        for beside in found.besides {
            let own = own(&beside);
            let is_old = !own.is_empty() && taken_in.contains(&own);
            if !is_left || beside.path != found.next {
                owns.push(own);
            }
            if is_old {
                discard(&beside.path);
            } else {
                later.push(beside);
            }
        }
        let is_to_write = !is_left && !later.is_empty();
        self.mark = if is_left {
            // Every start writes another one, since the first may have taken in that of the start before.
            owns.insert(0, fresh());
            owns.join(" ")
        } else if later.is_empty() {
            known.unwrap_or_default()
        } else {
            owns.join(" ")
        };
        self.target = if is_left { found.next } else { self.path.clone() };
        let taken = later.iter().map(|beside| beside.path.clone());
        *self.taken.lock() = taken.filter(|path| *path != self.target).collect();
        let later = later.into_iter().map(|beside| beside.document);
        Taken {
            document: first.into_iter().chain(later).reduce(T::merged),
            is_behind: faults.is_behind,
            fault: faults.told(&self.target),
            is_to_write,
        }
    }

    /// The files beside that can be read, as they were written, and where the next changes go if not to the first.
    fn besides(&self, faults: &mut Faults) -> Found<T> {
        let places = Place::all(&self.path, T::FORMAT);
        let mut next = Place {
            format: T::FORMAT,
            number: places
                .last()
                .filter(|last| last.format == T::FORMAT)
                .map_or(1, |last| last.number),
        };
        let mut besides = Vec::new();
        for place in places {
            let path = place.path(&self.path);
            match read::<T>(&path) {
                Ok(None) => {}
                Ok(Some((document, mark))) => besides.push(Beside { path, document, mark }),
                Err(error) => {
                    faults.is_behind = true;
                    let was_left = std::mem::take(&mut faults.is_left);
                    let why = faults.of(error, &path);
                    faults.told.push(format!(
                        "lacks what was kept meanwhile in {}, which {why}",
                        path.display()
                    ));
                    if faults.is_left && place == next {
                        next.number = next.number.saturating_add(1);
                    }
                    faults.is_left |= was_left;
                }
            }
        }
        Found {
            besides,
            next: next.path(&self.path),
        }
    }

    /// Puts `document` in its file's place. When this returns, it is on disk.
    pub fn write(&self, document: &T) -> io::Result<()> {
        write(&self.target, &self.mark, document)?;
        for beside in std::mem::take(&mut *self.taken.lock()) {
            discard(&beside);
        }
        Ok(())
    }
}

/// What was found wrong.
#[derive(Debug, Default)]
struct Faults {
    told: Vec<String>,
    /// Whether any file is left as it is.
    is_left: bool,
    /// Whether it is of a file beside.
    is_behind: bool,
}

impl Faults {
    /// What becomes of the file at `path`, in words.
    fn of(&mut self, error: FileError, path: &Path) -> String {
        let why = match error {
            FileError::Damaged { reason, .. } => {
                return format!("is damaged ({reason}), {}", put_aside(path));
            }
            FileError::Newer { program, .. } if program.is_empty() => {
                "was written by a newer casement".to_owned()
            }
            FileError::Newer { program, .. } => format!("was written by casement {program}"),
            FileError::Io { source, .. } => format!("cannot be read ({source})"),
            error @ FileError::InUse(_) => error.to_string(),
        };
        self.is_left = true;
        format!("{why}, and is left as it is")
    }

    fn told(mut self, target: &Path) -> Option<Fault> {
        if self.is_left {
            self.told
                .push(format!("changes go to {} meanwhile", target.display()));
            return Some(Fault::Left(self.told.join("; ")));
        }
        (!self.told.is_empty()).then(|| Fault::Damaged(self.told.join("; ")))
    }
}

/// A file beside that can be read.
struct Beside<T> {
    path: PathBuf,
    document: T,
    mark: String,
}

impl<T> Beside<T> {
    fn marks(&self) -> impl Iterator<Item = &str> {
        self.mark.split(' ')
    }
}

struct Found<T> {
    besides: Vec<Beside<T>>,
    next: PathBuf,
}

/// The name of a file beside: the form that its version wrote, and its number, from 1. Later ones are larger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    format: u32,
    number: u64,
}

impl Place {
    fn path(self, first: &Path) -> PathBuf {
        let Self { format, number } = self;
        first.with_extension(match number {
            1 => format!("meanwhile-{format}.json"),
            _ => format!("meanwhile-{format}-{number}.json"),
        })
    }

    /// Those of the file at `first` of a form up to `format`, in their order. Newer versions take in those of earlier ones.
    fn all(first: &Path, format: u32) -> Vec<Self> {
        let stem = first.file_stem().unwrap_or_default().to_string_lossy();
        let prefix = format!("{stem}.meanwhile-");
        let usual = Self { format, number: 1 };
        // Where nobody may list the directory, the usual one can still be read.
        let Ok(entries) = fs::read_dir(directory(first)) else {
            return vec![usual];
        };
        let names = entries
            .flatten()
            .filter_map(|entry| entry.file_name().into_string().ok());
        let places = names.filter_map(|name| {
            let own = name.strip_prefix(&prefix)?.strip_suffix(".json")?;
            let (own, number) = match own.split_once('-') {
                Some((own, number)) => (own, number.parse().ok()?),
                None => (own, 1),
            };
            let place = Self {
                format: own.parse().ok()?,
                number,
            };
            (place.format <= format && place.path(first).ends_with(&name)).then_some(place)
        });
        let mut places: Vec<Self> = places.collect();
        places.sort_unstable();
        places
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
