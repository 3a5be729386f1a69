//! Versions of a model as files: `DIR/versions/{version}.pth` or `.onnx`. `DIR/window_regressor.pth` is a link to the
//! version that serves, `DIR/versions/shadow` to the candidate that predicts beside it.
//!
//! In: files to add, versions to promote or to shadow. Out: the existing versions. A link is replaced by one rename, so
//! a service that follows it sees the old version or the new one with its side-car, even after a crash. A file is added
//! only if it loads.

mod error;
mod folder;
mod history;
mod version;

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    Calibration, LoadError, LoadOptions, Model, OutputScale, Sidecar, Uncertainty, built_in, sidecar_path,
};

pub use error::RegistryError;
pub use folder::shadow_path;
pub use version::Version;

use error::io_error;
use folder::{Folder, replace_link, same_file};
use history::{Event, History};

/// What a file does not say of its model, for its side-car.
#[derive(Debug, Clone, Default)]
pub struct Details {
    /// The scale of an `.onnx` model's outputs.
    pub output_scale: Option<OutputScale>,
    /// The uncertainty that was measured for a model that states none.
    pub uncertainty: Option<Uncertainty>,
    /// Figures on examples that had no part in the measurement.
    pub calibration: Option<Calibration>,
}

impl Details {
    fn write_into(self, sidecar: &mut Sidecar) {
        sidecar.output_scale = self.output_scale.or(sidecar.output_scale);
        if self.uncertainty.is_some() {
            sidecar.uncertainty = self.uncertainty;
            sidecar.calibration = self.calibration;
        }
    }
}

/// The versions of the model that one file serves.
#[derive(Debug, Clone)]
pub struct Registry {
    serving: PathBuf,
    folder: Folder,
    history: History,
    options: LoadOptions,
}

impl Registry {
    /// Returns the versions beside `serving`, the file that `model.path` names. No file is accessed yet.
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

    /// Returns the registry with these options, which must be the service's for its checks to be valid.
    #[must_use]
    pub fn with_options(mut self, options: LoadOptions) -> Self {
        self.options = options;
        self
    }

    /// Returns every version, by name.
    pub fn list(&self) -> Result<Vec<Version>, RegistryError> {
        let names = self.folder.names()?;
        Ok(names.iter().map(|name| self.read(name)).collect())
    }

    /// Returns the serving model while it is not a version yet: a plain file, which is named `unnamed` if its side-car
    /// does not name it, or the built-in model.
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

    /// Returns one version: one in the folder, or the serving model that is not in it.
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

    /// Adds a copy of `file`, named `version` or by its side-car. It does not serve yet. Adding the same file again
    /// changes nothing.
    pub fn add(&self, file: &Path, version: Option<&str>) -> Result<Version, RegistryError> {
        self.add_with(file, version, Details::default())
    }

    /// Adds a copy of `file` as [`Self::add`] does, with these details in its side-car. Adding the same file again
    /// changes only them.
    pub fn add_with(
        &self,
        file: &Path,
        version: Option<&str>,
        details: Details,
    ) -> Result<Version, RegistryError> {
        let options = LoadOptions {
            output_scale: details.output_scale,
            ..self.options.clone()
        };
        let model = Model::load_with(file, &options)?;
        let version = match (version, model.sidecar()) {
            (Some(version), _) => version.to_owned(),
            (None, Some(sidecar)) if !sidecar.version.is_empty() => sidecar.version.clone(),
            _ => return Err(RegistryError::Unnamed),
        };
        let added = self.store(&model, &version, &details, || {
            fs::read(file).map_err(io_error(file))
        })?;
        self.describe_anew(added, details)
    }

    /// Replaces the details of a version.
    pub fn describe_version(&self, version: &str, details: Details) -> Result<Version, RegistryError> {
        let known = self.show(version)?;
        if !self.folder.file(version).exists() {
            return Err(RegistryError::NoFile(version.to_owned()));
        }
        self.describe_anew(known, details)
    }

    /// Writes these details into the side-car of a version, unless they stand there.
    fn describe_anew(&self, known: Version, details: Details) -> Result<Version, RegistryError> {
        let mut sidecar = known.sidecar.clone();
        details.write_into(&mut sidecar);
        if sidecar == known.sidecar {
            return Ok(known);
        }
        self.folder.place(&sidecar_path(&known.path), &json(&sidecar))?;
        Ok(self.read(&known.version))
    }

    /// Adds a checked model to the folder.
    fn store(
        &self,
        model: &Model,
        version: &str,
        details: &Details,
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
        details.clone().write_into(&mut sidecar);
        self.folder.create()?;
        // The side-car comes first: a model without one would have no version.
        self.folder.place(&sidecar_path(&path), &json(&sidecar))?;
        self.folder.place(&path, &bytes()?)?;
        // The copy must be what was checked.
        if let Err(error) = self.load(&path) {
            self.folder.discard(version)?;
            return Err(error.into());
        }
        Ok(self.read(version))
    }

    /// Lets `version` serve. If the model that served before is not a version yet, it becomes one, named `unnamed` if
    /// its side-car does not name it. Returns the version that served before.
    pub fn promote(&self, version: &str, unnamed: &str) -> Result<Option<String>, RegistryError> {
        self.show(version)?;
        let path = self.folder.file(version);
        // The serving model may not be a version yet; the next step makes it one.
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
            self.record(Event::Promote, before)?;
        }
        self.serve(version)?;
        // One that serves already gets no predecessor of its own name.
        if before.as_deref() != Some(version) {
            self.record(Event::Promote, version)?;
        }
        // A serving version is not its own candidate.
        if self.folder.shadows(version) {
            self.folder.unshadow()?;
        }
        Ok(before)
    }

    /// Returns the version that [`Self::rollback`] would let serve; `None` where nothing served before.
    pub fn predecessor(&self) -> Result<Option<String>, RegistryError> {
        let mut served = self.history.served().map_err(io_error(self.history.path()))?;
        served.pop();
        Ok(served.pop())
    }

    /// Lets the version serve that served before the current one, and returns it.
    pub fn rollback(&self) -> Result<String, RegistryError> {
        let version = self.predecessor()?.ok_or(RegistryError::NoPredecessor)?;
        self.show(&version)?;
        self.load(&self.folder.file(&version))?;
        self.serve(&version)?;
        self.record(Event::Rollback, &version)?;
        Ok(version)
    }

    /// Makes `version` the candidate, in place of any other.
    pub fn shadow(&self, version: &str) -> Result<(), RegistryError> {
        if self.show(version)?.serves {
            return Err(RegistryError::Serving(version.to_owned()));
        }
        self.load(&self.folder.file(version))?;
        self.folder.shadow(version)
    }

    /// Removes the candidate. Returns its version, if there was one.
    pub fn unshadow(&self) -> Result<Option<String>, RegistryError> {
        self.folder.unshadow()
    }

    /// Removes a version that neither serves nor shadows.
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

    /// Returns whether the built-in model serves, because there is no file.
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

    /// Returns the side-car of the model at `path`, or why it cannot be loaded.
    fn describe(&self, path: &Path) -> (Sidecar, Option<String>) {
        match self.load(path) {
            Ok(model) => {
                let bare = || Sidecar::bare(model.sha256());
                (model.sidecar().cloned().unwrap_or_else(bare), None)
            }
            Err(error) => (Sidecar::bare(""), Some(chain(&error))),
        }
    }

    /// Returns the version that serves. A plain file or the built-in model is added to the folder first, so that a
    /// rollback is possible.
    fn adopt(&self, unnamed: &str) -> Result<Option<String>, RegistryError> {
        if self.serves_built_in() {
            let model = self.load(&self.serving)?;
            let stored = self.store(&model, model.version(), &Details::default(), || {
                Ok(built_in::BYTES.to_vec())
            });
            return match stored {
                Ok(version) => Ok(Some(version.version)),
                // Another model has its name, and keeps it.
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

    fn record(&self, event: Event, version: &str) -> Result<(), RegistryError> {
        self.history
            .record(event, version)
            .map_err(io_error(self.history.path()))
    }
}

fn json(sidecar: &Sidecar) -> Vec<u8> {
    serde_json::to_vec_pretty(sidecar).expect("a side-car is plain data")
}

/// Returns an error and its causes in one line.
fn chain(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {}", chain(cause)),
        None => error.to_string(),
    }
}
