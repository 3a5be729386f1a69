//! Versions of a model as files: `DIR/versions/{version}.pth` or `.onnx`; `DIR/window_regressor.pth` links to the one
//! that serves, `DIR/versions/shadow` to the candidate that predicts beside it.
//!
//! In: files to add, versions to promote or to shadow. Out: the versions there are. A link is replaced by one rename, so a
//! service that follows it sees the old version or the new one with its side-car, also after a crash in between. A file
//! enters only if it loads.

use std::{
    fs, io,
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use serde::Serialize;

use crate::{
    LoadError, LoadOptions, Model, Sidecar, built_in,
    history::{Event, History},
    sidecar_path,
};

const FOLDER: &str = "versions";
const SHADOW: &str = "shadow";
const FORMATS: [&str; 2] = ["pth", "onnx"];

/// Where the link to the candidate is that predicts beside `serving`, the file that `model.path` names.
pub fn shadow_path(serving: &Path) -> PathBuf {
    folder(serving).join(SHADOW)
}

fn folder(serving: &Path) -> PathBuf {
    serving.parent().unwrap_or(Path::new("")).join(FOLDER)
}

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
    /// The version is the candidate.
    #[error("version '{0}' predicts in the shadow; end that first: casement models shadow --off")]
    Shadows(String),
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
    /// Whether it is the candidate that predicts beside the one that serves.
    pub shadows: bool,
    /// Its file; of the built-in model, where a file would take its place.
    pub path: PathBuf,
    /// Whether it is the model that is part of the program.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub built_in: bool,
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
    options: LoadOptions,
}

impl Registry {
    /// The versions beside `serving`, the file that `model.path` names. Nothing is touched yet.
    pub fn beside(serving: &Path) -> Self {
        let folder = folder(serving);
        let history = History::at(folder.join("history.jsonl"));
        Self {
            serving: serving.to_owned(),
            folder,
            history,
            options: LoadOptions::default(),
        }
    }

    /// Checks versions as a service with these options would load them.
    #[must_use]
    pub fn with_options(mut self, options: LoadOptions) -> Self {
        self.options = options;
        self
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
            let name = Path::new(&name);
            if name
                .extension()
                .is_some_and(|format| FORMATS.iter().any(|known| format == *known))
            {
                names.extend(name.file_stem().and_then(|stem| stem.to_str()).map(str::to_owned));
            }
        }
        names.sort_unstable();
        names.dedup();
        Ok(names
            .iter()
            .filter(|name| is_version(name))
            .map(|name| self.read(name))
            .collect())
    }

    /// Returns what serves while it is no version yet: a plain file, which `unnamed` names where its side-car does not, or
    /// the built-in model.
    pub fn plain(&self, unnamed: &str) -> Option<Version> {
        let built_in = self.serves_built_in();
        if !built_in {
            let path = self.serving.canonicalize().ok()?;
            if path.parent() == self.folder.canonicalize().ok().as_deref() {
                return None;
            }
        }
        let (sidecar, problem) = self.describe(&self.serving);
        let version = if sidecar.version.is_empty() {
            unnamed
        } else {
            &sidecar.version
        }
        .to_owned();
        Some(Version {
            version,
            serves: true,
            shadows: false,
            path: self.serving.clone(),
            built_in,
            sidecar,
            problem,
        })
    }

    /// Returns one version: of the folder, or what serves without being in it.
    pub fn show(&self, version: &str) -> Result<Version, RegistryError> {
        check(version)?;
        if self.path(version).exists() {
            return Ok(self.read(version));
        }
        let plain = self.plain("");
        if let Some(plain) = plain.filter(|plain| plain.version == version) {
            return Ok(plain);
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
        let model = self.load(file)?;
        let version = match (version, model.sidecar()) {
            (Some(version), _) => version,
            (None, Some(sidecar)) => &sidecar.version,
            (None, None) => return Err(RegistryError::Unnamed),
        };
        self.keep(&model, version, || fs::read(file).map_err(io_error(file)))
    }

    /// Puts a checked model into the folder.
    fn keep(
        &self,
        model: &Model,
        version: &str,
        bytes: impl FnOnce() -> Result<Vec<u8>, RegistryError>,
    ) -> Result<Version, RegistryError> {
        check(version)?;
        let path = self.folder.join(format!("{version}.{}", model.format()));
        if self.path(version).exists() {
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
        self.place(&path, &bytes()?)?;
        // What was checked must be what was copied.
        if let Err(error) = self.load(&path) {
            self.discard(version)?;
            return Err(error.into());
        }
        Ok(self.read(version))
    }

    /// Lets `version` serve. What served before, if it is not a version yet, becomes one: `unnamed` names it where its
    /// side-car does not. Returns the version that served.
    pub fn promote(&self, version: &str, unnamed: &str) -> Result<Option<String>, RegistryError> {
        self.show(version)?;
        let path = self.path(version);
        // What serves already may be no version yet; it becomes one with the next step.
        if path.exists() {
            self.load(&path)?;
        }
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
        // Beside itself it has nothing to say.
        if self.shadows(version) {
            self.unshadow()?;
        }
        Ok(before)
    }

    /// Lets the version serve that served before the present one, and returns it.
    pub fn rollback(&self) -> Result<String, RegistryError> {
        let mut served = self.history.served().map_err(io_error(self.history.path()))?;
        served.pop();
        let version = served.pop().ok_or(RegistryError::NoPredecessor)?;
        self.show(&version)?;
        self.load(&self.path(&version))?;
        self.link(&version)?;
        self.remember(Event::Rollback, &version)?;
        Ok(version)
    }

    /// Lets `version` predict beside the one that serves, in place of any other candidate.
    pub fn shadow(&self, version: &str) -> Result<(), RegistryError> {
        if self.show(version)?.serves {
            return Err(RegistryError::Serving(version.to_owned()));
        }
        let path = self.path(version);
        self.load(&path)?;
        let name = path.file_name().unwrap_or_default();
        replace_link(Path::new(name), &self.folder.join(SHADOW))
    }

    /// Ends the candidate's predicting. Returns its version, where there was one.
    pub fn unshadow(&self) -> Result<Option<String>, RegistryError> {
        let link = self.folder.join(SHADOW);
        let version = fs::read_link(&link)
            .ok()
            .and_then(|target| Some(target.file_stem()?.to_string_lossy().into_owned()));
        match fs::remove_file(&link) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(io_error(&link)(source)),
            Ok(()) => Ok(version),
        }
    }

    /// Forgets a version that neither serves nor shadows.
    pub fn remove(&self, version: &str) -> Result<(), RegistryError> {
        let known = self.show(version)?;
        if known.serves {
            return Err(RegistryError::Serving(known.version));
        }
        if known.shadows {
            return Err(RegistryError::Shadows(known.version));
        }
        self.discard(version)
    }

    /// Whether the built-in model serves, because there is no file.
    fn serves_built_in(&self) -> bool {
        self.options.is_built_in(&self.serving)
    }

    fn load(&self, path: &Path) -> Result<Model, LoadError> {
        Model::load_with(path, &self.options)
    }

    /// The version's file; of one that is not there, where it would be.
    fn path(&self, version: &str) -> PathBuf {
        let [pth, onnx] = FORMATS.map(|format| self.folder.join(format!("{version}.{format}")));
        if onnx.exists() { onnx } else { pth }
    }

    fn shadows(&self, version: &str) -> bool {
        same_file(&self.folder.join(SHADOW), &self.path(version))
    }

    fn read(&self, version: &str) -> Version {
        let path = self.path(version);
        let (sidecar, problem) = self.describe(&path);
        let sidecar = Sidecar {
            version: version.to_owned(),
            ..sidecar
        };
        Version {
            version: version.to_owned(),
            serves: same_file(&self.serving, &path),
            shadows: self.shadows(version),
            path,
            built_in: false,
            sidecar,
            problem,
        }
    }

    /// What is known about the model at `path`, or why it would be refused.
    fn describe(&self, path: &Path) -> (Sidecar, Option<String>) {
        match self.load(path) {
            Ok(model) => {
                let bare = || Sidecar::bare(model.sha256());
                (model.sidecar().cloned().unwrap_or_else(bare), None)
            }
            Err(error) => (Sidecar::bare(""), Some(chain(&error))),
        }
    }

    /// Returns the version that serves. A plain file and the built-in model are copied into the folder first, so that
    /// there is something to go back to.
    fn adopt(&self, unnamed: &str) -> Result<Option<String>, RegistryError> {
        if self.serves_built_in() {
            let model = self.load(&self.serving)?;
            let kept = self.keep(&model, model.version(), || Ok(built_in::BYTES.to_vec()));
            return match kept {
                Ok(version) => Ok(Some(version.version)),
                // Another model has its name: then that one is what people mean by it.
                Err(RegistryError::Taken(_)) => Ok(None),
                Err(error) => Err(error),
            };
        }
        if !self.serving.exists() {
            return Ok(None);
        }
        let all = self.list()?;
        if let Some(serving) = all.into_iter().find(|version| version.serves) {
            return Ok(Some(serving.version));
        }
        let named = self.load(&self.serving)?.sidecar().is_some();
        self.add(&self.serving, (!named).then_some(unnamed))
            .map(|version| Some(version.version))
    }

    fn link(&self, version: &str) -> Result<(), RegistryError> {
        let path = self.path(version);
        let target = Path::new(FOLDER).join(path.file_name().unwrap_or_default());
        replace_link(&target, &self.serving)
    }

    /// Writes a file that appears whole or not at all.
    fn place(&self, path: &Path, bytes: &[u8]) -> Result<(), RegistryError> {
        // Readable for whoever may read files here: the service may run as another user than the person who adds.
        let mut file = tempfile::Builder::new()
            .permissions(fs::Permissions::from_mode(0o666))
            .tempfile_in(&self.folder)
            .map_err(io_error(&self.folder))?;
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

/// Makes `link` lead to `target` by one rename.
fn replace_link(target: &Path, link: &Path) -> Result<(), RegistryError> {
    let next = link.with_extension("next");
    match fs::remove_file(&next) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(io_error(&next)(error)),
        _ => {}
    }
    std::os::unix::fs::symlink(target, &next).map_err(io_error(&next))?;
    fs::rename(&next, link).map_err(io_error(link))
}

fn same_file(a: &Path, b: &Path) -> bool {
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}

/// An error and its causes in one line.
fn chain(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {}", chain(cause)),
        None => error.to_string(),
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
