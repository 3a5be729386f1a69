//! How a model is to be loaded: where it computes, and where ONNX Runtime is.

use std::{path::PathBuf, str::FromStr};

/// Where predictions are computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Device {
    /// The processor: about a microsecond a prediction.
    #[default]
    Cpu,
    /// The NVIDIA GPU of this index, for `.onnx` models.
    Cuda(u32),
}

/// A device nobody knows.
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

/// How to load; the default is right for a `.pth` file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LoadOptions {
    /// Where predictions are computed.
    pub device: Device,
    /// ONNX Runtime's library, a folder that holds it, or a Python environment with the `onnxruntime` wheel. Without it,
    /// `ORT_DYLIB_PATH` and the usual places are looked at. The first that a process loads stays.
    pub onnx_runtime: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_read_as_torch_writes_them() {
        assert_eq!("cpu".parse(), Ok(Device::Cpu));
        assert_eq!("cuda".parse(), Ok(Device::Cuda(0)));
        assert_eq!("cuda:3".parse(), Ok(Device::Cuda(3)));
        for text in ["tpu", "cuda:", "cuda:x", "CPU", ""] {
            assert!(text.parse::<Device>().is_err(), "{text}");
        }
    }
}
