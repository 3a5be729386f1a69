//! A model that was checked and is ready to predict.

use std::path::Path;

use domain::MODEL_AUDIO_INPUTS;
use sha2::{Digest, Sha256};

use crate::{LoadError, Sidecar, architecture, network::Network, pth};

/// How many numbers a model reads: temperature, humidity and the audio numbers.
pub const INPUTS: usize = 2 + MODEL_AUDIO_INPUTS;

/// The version of a model that neither a side-car nor the configuration names.
pub const UNVERSIONED: &str = "unversioned";

/// A loaded regressor. Cheap to share behind an `Arc`; it never changes.
#[derive(Debug, Clone)]
pub struct Model {
    network: Network,
    version: String,
    sha256: String,
    sidecar: Option<Sidecar>,
}

impl Model {
    /// Loads a `.pth` file and the side-car beside it, where there is one. A link is followed once, so that model and
    /// side-car belong together while the link changes.
    pub fn load(path: &Path) -> Result<Self, LoadError> {
        let path = &path.canonicalize().map_err(|source| LoadError::Read {
            path: path.to_owned(),
            source,
        })?;
        let (bytes, tensors) = pth::read_file(path)?;
        let mut model = Self::checked(&bytes, tensors)?;
        if let Some(sidecar) = Sidecar::beside(path, &model.sha256)? {
            model.version.clone_from(&sidecar.version);
            model.sidecar = Some(sidecar);
        }
        Ok(model)
    }

    /// Loads the bytes of a `.pth` file. They pass through a temporary file.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, LoadError> {
        Self::checked(bytes, pth::read_bytes(bytes)?)
    }

    fn checked(bytes: &[u8], tensors: Vec<pth::NamedTensor>) -> Result<Self, LoadError> {
        Ok(Self {
            network: architecture::assemble(tensors)?,
            version: UNVERSIONED.to_owned(),
            sha256: hex::encode(Sha256::digest(bytes)),
            sidecar: None,
        })
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
        self.network.feature_mean.len()
    }

    /// What its predictions are labelled with.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// SHA-256 of the file, in hex.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// What is known about it.
    pub fn sidecar(&self) -> Option<&Sidecar> {
        self.sidecar.as_ref()
    }

    /// The widths of its hidden layers.
    pub fn hidden_widths(&self) -> Vec<usize> {
        self.network.widths()
    }

    /// The means of its training data, one for each input.
    pub fn feature_mean(&self) -> &[f32] {
        &self.network.feature_mean
    }

    pub(crate) const fn network(&self) -> &Network {
        &self.network
    }
}

/// A model's input: temperature (°C), humidity (%), then the audio numbers in the order of
/// [`domain::ClipFeatures::model_inputs`]. Without a clip they are the means of the training data, so that they pull the
/// prediction nowhere.
pub fn input(
    temperature: f64,
    humidity: f64,
    audio: Option<&[f64; MODEL_AUDIO_INPUTS]>,
    model: &Model,
) -> [f32; INPUTS] {
    let mut input = [0.0; INPUTS];
    input[0] = temperature as f32;
    input[1] = humidity as f32;
    match audio {
        Some(numbers) => input[2..]
            .iter_mut()
            .zip(numbers)
            .for_each(|(x, number)| *x = *number as f32),
        None => input[2..].copy_from_slice(&model.feature_mean()[2..]),
    }
    input
}
