//! A loaded and checked model.

use std::{
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use sha2::{Digest, Sha256};

use crate::{
    Device, LoadError, LoadOptions, OutputScale, Sidecar, Uncertainty, architecture, built_in,
    network::Network,
    onnx::{self, OnnxNetwork},
    pth,
};

/// The version of a model that neither a side-car nor the configuration names.
pub const UNVERSIONED: &str = "unversioned";

/// The implementation that computes a model's outputs.
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

    /// Loads a `.pth` or `.onnx` file, and its side-car if there is one. The format is recognised by the content, not
    /// by the name. A link is resolved once, so that model and side-car match even while the link changes. If the
    /// options allow it, a path without a file means the built-in model.
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
            let bytes = pth::read_limited(path)?;
            let sidecar = Sidecar::beside(path, &hex::encode(Sha256::digest(&bytes)))?;
            Self::from_onnx(&bytes, options, sidecar.and_then(|known| known.output_scale))?
        } else if options.device == Device::Cpu {
            let (bytes, contents) = pth::read_file(path)?;
            Self::checked(&bytes, contents)?
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

    /// Loads the bytes of a `.pth` file, by way of a temporary file.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, LoadError> {
        Self::checked(bytes, pth::read_bytes(bytes)?)
    }

    fn checked(bytes: &[u8], contents: pth::Contents) -> Result<Self, LoadError> {
        let network = architecture::assemble(contents)?;
        Ok(Self::new(bytes, Computation::Dense(Arc::new(network))))
    }

    /// Returns the model with its side-car, which also names its version.
    fn with_sidecar(mut self, sidecar: Sidecar) -> Self {
        self.version.clone_from(&sidecar.version);
        self.sidecar = Some(sidecar);
        self
    }

    fn from_onnx(
        bytes: &[u8],
        options: &LoadOptions,
        declared: Option<OutputScale>,
    ) -> Result<Self, LoadError> {
        pth::check_size(bytes)?;
        let network = OnnxNetwork::open(bytes, options, declared)?;
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

    /// Returns the model with this version, unless its side-car states one.
    #[must_use]
    pub fn with_default_version(mut self, version: &str) -> Self {
        if self.sidecar.is_none() {
            version.clone_into(&mut self.version);
        }
        self
    }

    /// Returns the number of its inputs: [`crate::INPUTS`].
    pub fn inputs(&self) -> usize {
        self.feature_mean().len()
    }

    /// Returns the version that is stated with its predictions.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Returns the SHA-256 of the file in hex.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// Returns the file it was loaded from, with links resolved; `None` for the built-in model.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Returns its origin for a log: its file, or `built in`.
    pub fn origin(&self) -> String {
        self.path()
            .map_or_else(|| "built in".to_owned(), |path| path.display().to_string())
    }

    /// Returns its side-car, if there is one.
    pub fn sidecar(&self) -> Option<&Sidecar> {
        self.sidecar.as_ref()
    }

    /// Returns the format of its file: `pth` or `onnx`.
    pub const fn format(&self) -> &'static str {
        match self.computation {
            Computation::Dense(_) => "pth",
            Computation::Onnx(_) => "onnx",
        }
    }

    /// Returns the widths of its hidden layers; none for an `.onnx` graph, where they are unknown.
    pub fn hidden_widths(&self) -> Vec<usize> {
        match &self.computation {
            Computation::Dense(network) => network.widths(),
            Computation::Onnx(_) => Vec::new(),
        }
    }

    /// Returns whether the model itself computes how uncertain it is.
    pub fn states_variance(&self) -> bool {
        match &self.computation {
            Computation::Dense(_) => true,
            Computation::Onnx(network) => network.states_variance(),
        }
    }

    /// Returns the uncertainty that was measured, if the model states none itself.
    pub fn uncertainty(&self) -> Option<&Uncertainty> {
        let known = self.sidecar.as_ref()?.uncertainty.as_ref();
        known.filter(|_| !self.states_variance())
    }

    /// Returns the model with this uncertainty, as if its side-car named it.
    #[must_use]
    pub fn with_uncertainty(mut self, uncertainty: Uncertainty) -> Self {
        let sidecar = self.sidecar.get_or_insert_with(|| Sidecar::bare(&self.sha256));
        sidecar.uncertainty = Some(uncertainty);
        self
    }

    /// Returns whether its file names no activations, so that they are taken for `ReLU`, as documented.
    pub fn assumes_relu(&self) -> bool {
        match &self.computation {
            Computation::Dense(network) => network.assumes_relu,
            Computation::Onnx(_) => false,
        }
    }

    /// Returns the hidden layers that its file states, in order; none for an `.onnx` graph.
    pub fn layers(&self) -> Vec<String> {
        match &self.computation {
            Computation::Dense(network) => network.hidden.iter().map(ToString::to_string).collect(),
            Computation::Onnx(_) => Vec::new(),
        }
    }

    /// Returns the means of its training data, one for each input.
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
