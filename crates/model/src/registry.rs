//! Versions of a model as files: `DIR/versions/{version}.pth`, and `DIR/window_regressor.pth`, a link to the one that
//! serves.
//!
//! In: files to add, versions to promote. Out: the versions there are. Promoting replaces the link by one rename, so a
//! service that follows it sees the old version or the new one with its side-car, also after a crash in between. A file
//! enters only if it loads.

use std::{
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
};

use serde::Serialize;

use crate::{
    LoadError, Model, Sidecar,
    history::{Event, History},
    sidecar_path,
};

const FOLDER: &str = "versions";

/// Something cannot be done with a version.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// Not a name.
    #[error("'{0}' is no version: 1 to 64 letters, digits, '.', '_' and '-', not beginning with '.'")]
    BadVersion(String),
    /// No such version.
    #[error("there is no version '{version}'; known: {known}")]
    Unknown {
        /// What was asked for.
        version: String,
        /// What there is.
        known: String,
    },
    /// Another file has this version.
    #[error("version '{0}' is another file already; choose another name")]
    Taken(String),
    /// A file that names no version, and none was given.
    #[error("the model has no side-car that names its version; name one")]
    Unnamed,
    /// The version serves.
    #[error("version '{0}' serves; promote another one first")]
    Serving(String),
    /// There was none before the present one.
    #[error("there is nothing to go back to; promote a version by its name")]
    NoPredecessor,
    /// The file is refused.
    #[error("the model is refused")]
    Load(#[from] LoadError),
    /// A file cannot be read or written.
    #[error("cannot use {path}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// One version.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Version {
    /// Its name.
    pub version: String,
    /// Whether it is the one that serves.
    pub serves: bool,
    /// Its file.
    pub path: PathBuf,
    /// What is known about it.
    pub sidecar: Sidecar,
    /// Why it would be refused now, where its file was damaged after it was added.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// The versions around one model file.
#[derive(Debug, Clone)]
pub struct Registry {
    serving: PathBuf,
    folder: PathBuf,
    history: History,
}

impl Registry {
    /// The versions beside `serving`, the file that `model.path` names. Nothing is touched yet.
    pub fn beside(serving: &Path) -> Self {
        let folder = serving.parent().unwrap_or(Path::new("")).join(FOLDER);
        let history = History::at(folder.join("history.jsonl"));
        Self {
            serving: serving.to_owned(),
            folder,
            history,
        }
    }

    /// Every version, by name.
    pub fn list(&self) -> Result<Vec<Version>, RegistryError> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(io_error(&self.folder)(source)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let name = entry.map_err(io_error(&self.folder))?.file_name();
            names.extend(
                name.to_str()
                    .and_then(|name| name.strip_suffix(".pth"))
                    .map(str::to_owned),
            );
        }
        names.sort_unstable();
        Ok(names
            .iter()
            .filter(|name| is_version(name))
            .map(|name| self.read(name))
            .collect())
    }

    /// One version.
    pub fn show(&self, version: &str) -> Result<Version, RegistryError> {
        check(version)?;
        if self.path(version).exists() {
            return Ok(self.read(version));
        }
        let known: Vec<String> = self.list()?.into_iter().map(|known| known.version).collect();
        let known = if known.is_empty() {
            "none".into()
        } else {
            known.join(", ")
        };
        Err(RegistryError::Unknown {
            version: version.to_owned(),
            known,
        })
    }

    /// Takes a copy of `file` in, named `version` or as its side-car says. It does not serve yet. The same file again
    /// changes nothing.
    pub fn add(&self, file: &Path, version: Option<&str>) -> Result<Version, RegistryError> {
        let model = Model::load(file)?;
        let version = match (version, model.sidecar()) {
            (Some(version), _) => version,
            (None, Some(sidecar)) => &sidecar.version,
            (None, None) => return Err(RegistryError::Unnamed),
        };
        check(version)?;
        let path = self.path(version);
        if path.exists() {
            let known = self.read(version);
            let same = known.sidecar.sha256 == model.sha256();
            return if same {
                Ok(known)
            } else {
                Err(RegistryError::Taken(version.to_owned()))
            };
        }
        let mut sidecar = model
            .sidecar()
            .cloned()
            .unwrap_or_else(|| Sidecar::bare(model.sha256()));
        version.clone_into(&mut sidecar.version);
        fs::create_dir_all(&self.folder).map_err(io_error(&self.folder))?;
        let json = serde_json::to_vec_pretty(&sidecar).expect("a side-car is plain data");
        // The side-car first: a model without one would have no version.
        self.place(&sidecar_path(&path), &json)?;
        self.place(&path, &fs::read(file).map_err(io_error(file))?)?;
        // What was checked must be what was copied.
        if let Err(error) = Model::load(&path) {
            self.discard(version)?;
            return Err(error.into());
        }
        Ok(self.read(version))
    }

    /// Lets `version` serve. What served before, if it is not a version yet, becomes one: `unnamed` names it where its
    /// side-car does not. Gives the version that served.
    pub fn promote(&self, version: &str, unnamed: &str) -> Result<Option<String>, RegistryError> {
        self.show(version)?;
        Model::load(&self.path(version))?;
        let before = self.adopt(unnamed)?;
        if let Some(before) = &before
            && self
                .history
                .served()
                .map_err(io_error(self.history.path()))?
                .is_empty()
        {
            self.remember(Event::Promote, before)?;
        }
        self.link(version)?;
        self.remember(Event::Promote, version)?;
        Ok(before)
    }

    /// Lets the version serve that served before the present one. Gives it.
    pub fn rollback(&self) -> Result<String, RegistryError> {
        let mut served = self.history.served().map_err(io_error(self.history.path()))?;
        served.pop();
        let version = served.pop().ok_or(RegistryError::NoPredecessor)?;
        self.show(&version)?;
        Model::load(&self.path(&version))?;
        self.link(&version)?;
        self.remember(Event::Rollback, &version)?;
        Ok(version)
    }

    /// Forgets a version that does not serve.
    pub fn remove(&self, version: &str) -> Result<(), RegistryError> {
        if self.show(version)?.serves {
            return Err(RegistryError::Serving(version.to_owned()));
        }
        self.discard(version)
    }

    fn path(&self, version: &str) -> PathBuf {
        self.folder.join(format!("{version}.pth"))
    }

    fn read(&self, version: &str) -> Version {
        let path = self.path(version);
        let (sidecar, problem) = match Model::load(&path) {
            Ok(model) => (
                model
                    .sidecar()
                    .cloned()
                    .unwrap_or_else(|| Sidecar::bare(model.sha256())),
                None,
            ),
            Err(error) => (Sidecar::bare(""), Some(error.to_string())),
        };
        let sidecar = Sidecar {
            version: version.to_owned(),
            ..sidecar
        };
        let serves = matches!((path.canonicalize(), self.serving.canonicalize()), (Ok(a), Ok(b)) if a == b);
        Version {
            version: version.to_owned(),
            serves,
            path,
            sidecar,
            problem,
        }
    }

    /// The version that serves; a plain file is taken in first.
    fn adopt(&self, unnamed: &str) -> Result<Option<String>, RegistryError> {
        if !self.serving.exists() {
            return Ok(None);
        }
        let all = self.list()?;
        if let Some(serving) = all.into_iter().find(|version| version.serves) {
            return Ok(Some(serving.version));
        }
        let named = Model::load(&self.serving)?.sidecar().is_some();
        self.add(&self.serving, (!named).then_some(unnamed))
            .map(|version| Some(version.version))
    }

    fn link(&self, version: &str) -> Result<(), RegistryError> {
        let link = self.serving.with_extension("next");
        match fs::remove_file(&link) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(io_error(&link)(error)),
            _ => {}
        }
        std::os::unix::fs::symlink(Path::new(FOLDER).join(format!("{version}.pth")), &link)
            .map_err(io_error(&link))?;
        fs::rename(&link, &self.serving).map_err(io_error(&self.serving))
    }

    /// Writes a file that appears whole or not at all.
    fn place(&self, path: &Path, bytes: &[u8]) -> Result<(), RegistryError> {
        let mut file = tempfile::NamedTempFile::new_in(&self.folder).map_err(io_error(&self.folder))?;
        file.write_all(bytes)
            .and_then(|()| file.as_file().sync_all())
            .map_err(io_error(path))?;
        file.persist(path)
            .map(drop)
            .map_err(|error| io_error(path)(error.error))
    }

    fn remember(&self, event: Event, version: &str) -> Result<(), RegistryError> {
        self.history
            .remember(event, version)
            .map_err(io_error(self.history.path()))
    }

    fn discard(&self, version: &str) -> Result<(), RegistryError> {
        let path = self.path(version);
        fs::remove_file(&path).map_err(io_error(&path))?;
        // It may never have had one.
        let _ = fs::remove_file(sidecar_path(&path));
        Ok(())
    }
}

fn io_error(path: &Path) -> impl FnOnce(io::Error) -> RegistryError + use<> {
    let path = path.to_owned();
    move |source| RegistryError::Io { path, source }
}

fn is_version(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && !text.starts_with('.')
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

fn check(version: &str) -> Result<(), RegistryError> {
    if is_version(version) {
        Ok(())
    } else {
        Err(RegistryError::BadVersion(version.chars().take(80).collect()))
    }
}
