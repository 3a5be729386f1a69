//! Versions of a model as files: `DIR/versions/{version}.pth` or `.onnx`; `DIR/window_regressor.pth` links to the one
//! that serves, `DIR/versions/shadow` to the candidate that predicts beside it.
//!
//! In: files to add, versions to promote or to shadow. Out: the versions there are. A link is replaced by one rename, so a
//! service that follows it sees the old version or the new one with its side-car, also after a crash in between. A file
//! enters only if it loads.

mod error;
mod folder;
mod history;
mod version;

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{LoadError, LoadOptions, Model, Sidecar, built_in, sidecar_path};

pub use error::RegistryError;
pub use folder::shadow_path;
pub use version::Version;

use error::io_error;
use folder::{Folder, replace_link, same_file};
use history::{Event, History};

/// The versions around one model file.
#[derive(Debug, Clone)]
pub struct Registry {
    serving: PathBuf,
    folder: Folder,
    history: History,
    options: LoadOptions,
}

impl Registry {
    /// The versions beside `serving`, the file that `model.path` names. Nothing is touched yet.
    pub fn beside(serving: &Path) -> Self {
        let folder = Folder::beside(serving);
        let history = History::at(folder.path().join("history.jsonl"));
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
        let names = self.folder.names()?;
        Ok(names.iter().map(|name| self.read(name)).collect())
    }

    /// Returns what serves while it is no version yet: a plain file, which `unnamed` names where its side-car does not, or
    /// the built-in model.
    pub fn plain(&self, unnamed: &str) -> Option<Version> {
        let built_in = self.serves_built_in();
        if !built_in {
            let path = self.serving.canonicalize().ok()?;
            if path.parent() == self.folder.path().canonicalize().ok().as_deref() {
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
        version::check(version)?;
        if self.folder.file(version).exists() {
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
        version::check(version)?;
        let path = self.folder.new_file(version, model.format());
        if self.folder.file(version).exists() {
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
        self.folder.create()?;
        let json = serde_json::to_vec_pretty(&sidecar).expect("a side-car is plain data");
        // The side-car first: a model without one would have no version.
        self.folder.place(&sidecar_path(&path), &json)?;
        self.folder.place(&path, &bytes()?)?;
        // What was checked must be what was copied.
        if let Err(error) = self.load(&path) {
            self.folder.discard(version)?;
            return Err(error.into());
        }
        Ok(self.read(version))
    }

    /// Lets `version` serve. What served before, if it is not a version yet, becomes one: `unnamed` names it where its
    /// side-car does not. Returns the version that served.
    pub fn promote(&self, version: &str, unnamed: &str) -> Result<Option<String>, RegistryError> {
        self.show(version)?;
        let path = self.folder.file(version);
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
        self.serve(version)?;
        self.remember(Event::Promote, version)?;
        // Beside itself it has nothing to say.
        if self.folder.shadows(version) {
            self.folder.unshadow()?;
        }
        Ok(before)
    }

    /// Lets the version serve that served before the present one, and returns it.
    pub fn rollback(&self) -> Result<String, RegistryError> {
        let mut served = self.history.served().map_err(io_error(self.history.path()))?;
        served.pop();
        let version = served.pop().ok_or(RegistryError::NoPredecessor)?;
        self.show(&version)?;
        self.load(&self.folder.file(&version))?;
        self.serve(&version)?;
        self.remember(Event::Rollback, &version)?;
        Ok(version)
    }

    /// Lets `version` predict beside the one that serves, in place of any other candidate.
    pub fn shadow(&self, version: &str) -> Result<(), RegistryError> {
        if self.show(version)?.serves {
            return Err(RegistryError::Serving(version.to_owned()));
        }
        self.load(&self.folder.file(version))?;
        self.folder.shadow(version)
    }

    /// Ends the candidate's predicting. Returns its version, if there was one.
    pub fn unshadow(&self) -> Result<Option<String>, RegistryError> {
        self.folder.unshadow()
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
        self.folder.discard(version)
    }

    /// Whether the built-in model serves, because there is no file.
    fn serves_built_in(&self) -> bool {
        self.options.is_built_in(&self.serving)
    }

    fn load(&self, path: &Path) -> Result<Model, LoadError> {
        Model::load_with(path, &self.options)
    }

    fn read(&self, version: &str) -> Version {
        let path = self.folder.file(version);
        let (sidecar, problem) = self.describe(&path);
        let sidecar = Sidecar {
            version: version.to_owned(),
            ..sidecar
        };
        Version {
            version: version.to_owned(),
            serves: same_file(&self.serving, &path),
            shadows: self.folder.shadows(version),
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

    /// Makes the serving path lead to `version`.
    fn serve(&self, version: &str) -> Result<(), RegistryError> {
        replace_link(&self.folder.link_target(version), &self.serving)
    }

    fn remember(&self, event: Event, version: &str) -> Result<(), RegistryError> {
        self.history
            .remember(event, version)
            .map_err(io_error(self.history.path()))
    }
}

/// An error and its causes in one line.
fn chain(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {}", chain(cause)),
        None => error.to_string(),
    }
}
