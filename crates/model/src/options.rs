//! Options of loading a model: the device, and the location of ONNX Runtime.

use std::{
    fmt, io,
    path::{Path, PathBuf},
    str::FromStr,
};

use crate::OutputScale;

/// The device that computes predictions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Device {
    /// The CPU: about a microsecond for a prediction.
    #[default]
    Cpu,
    /// The NVIDIA GPU with this index, for `.onnx` models.
    Cuda(u32),
}

/// The text does not name a device.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no device, expected cpu, cuda or cuda:N")]
pub struct UnknownDevice(String);

impl FromStr for Device {
    type Err = UnknownDevice;
    fn from_str(text: &str) -> Result<Self, UnknownDevice> {
        match text {
            "cpu" => Ok(Self::Cpu),
            "cuda" => Ok(Self::Cuda(0)),
            _ => text
                .strip_prefix("cuda:")
                .and_then(|index| index.parse().ok())
                .map(Self::Cuda)
                .ok_or_else(|| UnknownDevice(text.chars().take(40).collect())),
        }
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(0) => f.write_str("cuda"),
            Self::Cuda(index) => write!(f, "cuda:{index}"),
        }
    }
}

/// Options of loading a model; the defaults suit a `.pth` file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LoadOptions {
    /// The device that computes predictions.
    pub device: Device,
    /// ONNX Runtime's library, a folder that contains it, or a Python environment with the `onnxruntime` wheel. By
    /// default, `ORT_DYLIB_PATH` and the usual places are searched. A process keeps the first library it loads.
    pub onnx_runtime: Option<PathBuf>,
    /// The scale of an `.onnx` model's outputs, if neither its side-car nor its metadata states it.
    pub output_scale: Option<OutputScale>,
    /// The path that means the built-in model while there is no file.
    pub built_in_at: Option<PathBuf>,
}

impl LoadOptions {
    /// Returns whether `path` means the built-in model: it is allowed to, and there is nothing, not even a link.
    pub fn is_built_in(&self, path: &Path) -> bool {
        self.built_in_at.as_deref() == Some(path)
            && path
                .symlink_metadata()
                .is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_read_as_torch_writes_them() {
        assert_eq!("cpu".parse(), Ok(Device::Cpu));
        assert_eq!("cuda".parse(), Ok(Device::Cuda(0)));
        assert_eq!("cuda:3".parse(), Ok(Device::Cuda(3)));
        for device in [Device::Cpu, Device::Cuda(0), Device::Cuda(3)] {
            assert_eq!(device.to_string().parse(), Ok(device));
        }
        for text in ["tpu", "cuda:", "cuda:x", "CPU", ""] {
            assert!(text.parse::<Device>().is_err(), "{text}");
        }
    }
}
