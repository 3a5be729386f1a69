//! A model that was checked and is ready to predict.

use std::{
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use sha2::{Digest, Sha256};

use crate::{
    Device, LoadError, LoadOptions, Sidecar, architecture, built_in,
    network::Network,
    onnx::{self, OnnxNetwork},
    pth,
};

/// The version of a model that neither a side-car nor the configuration names.
pub const UNVERSIONED: &str = "unversioned";

/// What computes a model's outputs.
#[derive(Debug, Clone)]
pub(crate) enum Computation {
    /// A `.pth` file's weights, by our own forward pass.
    Dense(Arc<Network>),
    /// An `.onnx` file's graph, by ONNX Runtime.
    Onnx(Arc<OnnxNetwork>),
}

/// A loaded regressor. Cheap to clone; it never changes.
#[derive(Debug, Clone)]
pub struct Model {
    computation: Computation,
    version: String,
    sha256: String,
    sidecar: Option<Sidecar>,
    path: Option<PathBuf>,
}

impl Model {
    /// Loads a `.pth` or `.onnx` file for the CPU; see [`Self::load_with`].
    pub fn load(path: &Path) -> Result<Self, LoadError> {
        Self::load_with(path, &LoadOptions::default())
    }

    /// Loads a `.pth` file, or an `.onnx` file, and the side-car beside it,
    /// where there is one. What a file is shows in its bytes, not in its name. A link is followed once, so that model
    /// and side-car belong together while the link changes. Where the options say so, a path at which nothing is means
    /// the built-in model.
    pub fn load_with(path: &Path, options: &LoadOptions) -> Result<Self, LoadError> {
        if options.is_built_in(path) {
            return match options.device {
                Device::Cpu => Self::built_in(),
                Device::Cuda(_) => Err(LoadError::CudaForPth),
            };
        }
        let unreadable = |source| LoadError::Read {
            path: path.to_owned(),
            source,
        };
        let path = &path.canonicalize().map_err(unreadable)?;
        let mut first = Vec::new();
        File::open(path)
            .and_then(|file| file.take(1).read_to_end(&mut first))
            .map_err(unreadable)?;
        let mut model = if onnx::looks_like(&first) {
            Self::from_onnx(&pth::slurp(path)?, options)?
        } else if options.device == Device::Cpu {
            let (bytes, tensors) = pth::read_file(path)?;
            Self::checked(&bytes, tensors)?
        } else {
            return Err(LoadError::CudaForPth);
        };
        if let Some(sidecar) = Sidecar::beside(path, &model.sha256)? {
            model = model.with_sidecar(sidecar);
        }
        model.path = Some(path.clone());
        Ok(model)
    }

    /// Loads the built-in model.
    pub fn built_in() -> Result<Self, LoadError> {
        let model = Self::from_bytes(built_in::BYTES)?;
        let sidecar = Sidecar::parse(Path::new(built_in::NAME), built_in::SIDECAR, model.sha256())?;
        Ok(model.with_sidecar(sidecar))
    }

    /// Loads the bytes of a `.pth` file. They pass through a temporary file.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, LoadError> {
        Self::checked(bytes, pth::read_bytes(bytes)?)
    }

    fn checked(bytes: &[u8], tensors: Vec<pth::NamedTensor>) -> Result<Self, LoadError> {
        let network = architecture::assemble(tensors)?;
        Ok(Self::new(bytes, Computation::Dense(Arc::new(network))))
    }

    /// The same model, described and named by its side-car.
    fn with_sidecar(mut self, sidecar: Sidecar) -> Self {
        self.version.clone_from(&sidecar.version);
        self.sidecar = Some(sidecar);
        self
    }

    fn from_onnx(bytes: &[u8], options: &LoadOptions) -> Result<Self, LoadError> {
        pth::check_size(bytes)?;
        let network = OnnxNetwork::open(bytes, options)?;
        Ok(Self::new(bytes, Computation::Onnx(Arc::new(network))))
    }

    fn new(bytes: &[u8], computation: Computation) -> Self {
        Self {
            computation,
            version: UNVERSIONED.to_owned(),
            sha256: hex::encode(Sha256::digest(bytes)),
            sidecar: None,
            path: None,
        }
    }

    /// The same model, named `version` unless its side-car already named it.
    #[must_use]
    pub fn with_default_version(mut self, version: &str) -> Self {
        if self.sidecar.is_none() {
            version.clone_into(&mut self.version);
        }
        self
    }

    /// How many numbers it reads: [`INPUTS`].
    pub fn inputs(&self) -> usize {
        self.feature_mean().len()
    }

    /// What its predictions are labelled with.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// SHA-256 of the file, in hex.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// Returns the file it was loaded from, with every link followed; `None` for the built-in model.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Returns where it came from, in words for a log: its file, or `built in`.
    pub fn origin(&self) -> String {
        self.path()
            .map_or_else(|| "built in".to_owned(), |path| path.display().to_string())
    }

    /// What is known about it.
    pub fn sidecar(&self) -> Option<&Sidecar> {
        self.sidecar.as_ref()
    }

    /// Which kind of file it came from: `pth` or `onnx`.
    pub const fn format(&self) -> &'static str {
        match self.computation {
            Computation::Dense(_) => "pth",
            Computation::Onnx(_) => "onnx",
        }
    }

    /// The widths of its hidden layers; none are known of an `.onnx` graph.
    pub fn hidden_widths(&self) -> Vec<usize> {
        match &self.computation {
            Computation::Dense(network) => network.widths(),
            Computation::Onnx(_) => Vec::new(),
        }
    }

    /// The means of its training data, one for each input.
    pub fn feature_mean(&self) -> &[f32] {
        match &self.computation {
            Computation::Dense(network) => &network.feature_mean,
            Computation::Onnx(network) => network.feature_mean(),
        }
    }

    pub(crate) const fn computation(&self) -> &Computation {
        &self.computation
    }
}
