//! The default model, which is part of the program and serves if no model file is installed.
//!
//! In: `models/window_regressor.pth` and its side-car at build time. Out: their bytes, which are loaded like those of a
//! file.

/// The name of the model in messages.
pub(crate) const NAME: &str = "models/window_regressor.pth";
pub(crate) const BYTES: &[u8] = include_bytes!("../../../models/window_regressor.pth");
pub(crate) const SIDECAR: &[u8] = include_bytes!("../../../models/window_regressor.pth.json");

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::{Device, LoadError, LoadOptions, Model};

    #[test]
    fn it_is_the_shipped_file_with_its_side_car() {
        let built_in = Model::built_in().unwrap();
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(NAME);
        let file = Model::load(&shipped).unwrap();
        assert_eq!(
            (built_in.version(), built_in.sha256(), built_in.sidecar()),
            (file.version(), file.sha256(), file.sidecar())
        );
        assert_eq!((built_in.path(), built_in.origin().as_str()), (None, "built in"));
        assert!(file.origin().ends_with("window_regressor.pth"));
    }

    #[test]
    fn it_stands_in_for_a_missing_file_only() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("model.pth");
        let mut options = LoadOptions::default();
        assert!(Model::load_with(&path, &options).is_err(), "nobody asked for it");
        options.built_in_at = Some(path.clone());
        assert_eq!(Model::load_with(&path, &options).unwrap().path(), None);
        assert!(Model::load_with(&path.with_extension("other"), &options).is_err());
        // A dangling link is a mistake that must be reported.
        std::os::unix::fs::symlink("gone.pth", &path).unwrap();
        assert!(Model::load_with(&path, &options).is_err());
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, b"PK").unwrap();
        assert!(Model::load_with(&path, &options).is_err());
        std::fs::remove_file(&path).unwrap();
        options.device = Device::Cuda(0);
        assert!(matches!(
            Model::load_with(&path, &options).unwrap_err(),
            LoadError::CudaForPth
        ));
    }
}
