//! The folder of versions: a file and a side-car for each version, and the link to the candidate.
//!
//! In: bytes to store, versions to remove. Out: names and paths. A file appears complete or not at all; a link is
//! replaced by one rename.

use std::{
    fs, io,
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use super::{
    error::{RegistryError, io_error},
    version::is_version,
};
use crate::sidecar_path;

const FOLDER: &str = "versions";
const SHADOW: &str = "shadow";
const FORMATS: [&str; 2] = ["pth", "onnx"];

/// Returns the link to the candidate that predicts beside `serving`, the file that `model.path` names.
pub fn shadow_path(serving: &Path) -> PathBuf {
    Folder::beside(serving).0.join(SHADOW)
}

/// The folder's path.
#[derive(Debug, Clone)]
pub(super) struct Folder(PathBuf);

impl Folder {
    /// Returns the folder beside the serving file.
    pub(super) fn beside(serving: &Path) -> Self {
        Self(serving.parent().unwrap_or(Path::new("")).join(FOLDER))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    pub(super) fn create(&self) -> Result<(), RegistryError> {
        fs::create_dir_all(&self.0).map_err(io_error(&self.0))
    }

    /// Returns the names of all versions in order.
    pub(super) fn names(&self) -> Result<Vec<String>, RegistryError> {
        let entries = match fs::read_dir(&self.0) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(io_error(&self.0)(source)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let name = entry.map_err(io_error(&self.0))?.file_name();
            let name = Path::new(&name);
            if name
                .extension()
                .is_some_and(|format| FORMATS.iter().any(|known| format == *known))
            {
                names.extend(name.file_stem().and_then(|stem| stem.to_str()).map(str::to_owned));
            }
        }
        names.retain(|name| is_version(name));
        names.sort_unstable();
        names.dedup();
        Ok(names)
    }

    /// Returns the path of the version's file, whether or not it exists.
    pub(super) fn file(&self, version: &str) -> PathBuf {
        let [pth, onnx] = FORMATS.map(|format| self.0.join(format!("{version}.{format}")));
        if onnx.exists() { onnx } else { pth }
    }

    /// Returns the file that a new version of this format gets.
    pub(super) fn new_file(&self, version: &str, format: &str) -> PathBuf {
        self.0.join(format!("{version}.{format}"))
    }

    /// Returns the target of a link beside the folder that leads to the version.
    pub(super) fn link_target(&self, version: &str) -> PathBuf {
        Path::new(FOLDER).join(self.file(version).file_name().unwrap_or_default())
    }

    /// Returns whether `version` is the candidate.
    pub(super) fn shadows(&self, version: &str) -> bool {
        same_file(&self.0.join(SHADOW), &self.file(version))
    }

    /// Makes `version` the candidate, in place of any other.
    pub(super) fn shadow(&self, version: &str) -> Result<(), RegistryError> {
        let path = self.file(version);
        let name = path.file_name().unwrap_or_default();
        replace_link(Path::new(name), &self.0.join(SHADOW))
    }

    /// Removes the link to the candidate. Returns its version, if there was one.
    pub(super) fn unshadow(&self) -> Result<Option<String>, RegistryError> {
        let link = self.0.join(SHADOW);
        let version = fs::read_link(&link)
            .ok()
            .and_then(|target| Some(target.file_stem()?.to_string_lossy().into_owned()));
        match fs::remove_file(&link) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(io_error(&link)(source)),
            Ok(()) => Ok(version),
        }
    }

    /// Writes a file that appears complete or not at all.
    pub(super) fn place(&self, path: &Path, bytes: &[u8]) -> Result<(), RegistryError> {
        // The umask decides who may read it: the service may run as another user than the person who adds it.
        let mut file = tempfile::Builder::new()
            .permissions(fs::Permissions::from_mode(0o666))
            .tempfile_in(&self.0)
            .map_err(io_error(&self.0))?;
        file.write_all(bytes)
            .and_then(|()| file.as_file().sync_all())
            .map_err(io_error(path))?;
        file.persist(path)
            .map(drop)
            .map_err(|error| io_error(path)(error.error))
    }

    /// Removes a version and its side-car.
    pub(super) fn discard(&self, version: &str) -> Result<(), RegistryError> {
        let path = self.file(version);
        fs::remove_file(&path).map_err(io_error(&path))?;
        // There may be none.
        let _ = fs::remove_file(sidecar_path(&path));
        Ok(())
    }
}

/// Makes `link` lead to `target` by one rename.
pub(super) fn replace_link(target: &Path, link: &Path) -> Result<(), RegistryError> {
    let next = link.with_extension("next");
    match fs::remove_file(&next) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(io_error(&next)(error)),
        _ => {}
    }
    std::os::unix::fs::symlink(target, &next).map_err(io_error(&next))?;
    fs::rename(&next, link).map_err(io_error(link))
}

/// Returns whether both paths lead to the same file.
pub(super) fn same_file(a: &Path, b: &Path) -> bool {
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}
