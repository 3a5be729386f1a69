//! The library of ONNX Runtime: found at run time and loaded once for the whole process.
//!
//! In, by precedence: the configured library, `ORT_DYLIB_PATH`, the `onnxruntime` wheels of Python environments, the
//! system's loader. Out: the environment of sessions. The first library found is kept.

use std::path::{Path, PathBuf};

use ort::environment::Environment;
use parking_lot::Mutex;

use super::OnnxError;

/// The variable that other users of ONNX Runtime set, too.
const VARIABLE: &str = "ORT_DYLIB_PATH";
const STEM: &str = "libonnxruntime.";
/// The name passed to the system's loader.
const SYSTEM: [&str; 2] = ["libonnxruntime.so", "libonnxruntime.so.1"];

/// The library stays loaded for the lifetime of the process: unloading it while another thread ends would crash.
static LOADED: Mutex<Option<Environment>> = Mutex::new(None);

/// Returns the environment, and loads the library unless one is loaded. `chosen` is a library, a folder with one, or a
/// Python environment.
pub(super) fn environment(chosen: Option<&Path>) -> Result<Environment, OnnxError> {
    let mut loaded = LOADED.lock();
    if let Some(environment) = &*loaded {
        return Ok(environment.clone());
    }
    let builder = match find(chosen)? {
        Some(path) => ort::init_from(&path).map_err(|error| OnnxError::Library {
            path,
            source: Box::new(error),
        })?,
        None => SYSTEM
            .iter()
            .find_map(|name| ort::init_from(name).ok())
            .ok_or_else(|| OnnxError::NoLibrary {
                searched: format!(
                    "model.onnx_runtime, {VARIABLE}, the onnxruntime wheel of {}, and {} where libraries are",
                    pythons()
                        .iter()
                        .map(|dir| dir.display().to_string())
                        .collect::<Vec<_>>()
                        .join(", "),
                    SYSTEM[0]
                ),
            })?,
    };
    let environment = builder
        .with_name("casement")
        .with_telemetry(false)
        .build()
        .map_err(|error| OnnxError::Session(Box::new(error)))?;
    *loaded = Some(environment.clone());
    Ok(environment)
}

/// Returns the library's file; `None` if only the system's loader may find one. A configured one must exist.
fn find(chosen: Option<&Path>) -> Result<Option<PathBuf>, OnnxError> {
    let variable = std::env::var_os(VARIABLE)
        .filter(|path| !path.is_empty())
        .map(PathBuf::from);
    if let Some(named) = chosen.map(Path::to_owned).or(variable) {
        return resolve(&named).map(Some).ok_or_else(|| OnnxError::NoLibrary {
            searched: named.display().to_string(),
        });
    }
    Ok(pythons().iter().find_map(|dir| resolve(dir)))
}

/// Returns Python environments, the active one first.
fn pythons() -> Vec<PathBuf> {
    let own = ["VIRTUAL_ENV", "CONDA_PREFIX"]
        .into_iter()
        .filter_map(std::env::var_os);
    let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local"));
    own.map(PathBuf::from)
        .chain(home)
        .chain(["/usr/local".into(), "/usr".into()])
        .collect()
}

/// Returns the library at `path`: the file itself, a file in that folder, or one in that Python environment.
fn resolve(path: &Path) -> Option<PathBuf> {
    if path.is_file() {
        // The loader would resolve a relative path against the program's folder.
        return path.canonicalize().ok();
    }
    in_folder(path).or_else(|| {
        let pythons = entries(&path.join("lib"))
            .into_iter()
            .filter(|dir| named(dir).starts_with("python3"));
        pythons
            .flat_map(|python| ["site-packages", "dist-packages"].map(|packages| python.join(packages)))
            .find_map(|packages| in_folder(&packages.join("onnxruntime/capi")))
    })
}

fn in_folder(dir: &Path) -> Option<PathBuf> {
    // In sorted order, the plain name precedes those with versions.
    entries(dir)
        .into_iter()
        .find(|file| named(file).starts_with(&format!("{STEM}so")) || named(file) == format!("{STEM}dylib"))
}

fn entries(dir: &Path) -> Vec<PathBuf> {
    let read = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = read.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

fn named(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_is_found_by_file_by_folder_and_in_a_wheel() {
        let dir = tempfile::tempdir().unwrap();
        let capi = dir.path().join("lib/python3.11/site-packages/onnxruntime/capi");
        std::fs::create_dir_all(&capi).unwrap();
        assert_eq!(resolve(dir.path()), None);
        std::fs::write(capi.join("libonnxruntime_providers_shared.so"), "").unwrap();
        assert_eq!(resolve(dir.path()), None);
        let library = capi.join("libonnxruntime.so.1.32.0");
        std::fs::write(&library, "").unwrap();
        let library = library.canonicalize().unwrap();
        for named in [dir.path(), &capi, &library] {
            assert_eq!(resolve(named).unwrap().canonicalize().unwrap(), library);
        }
    }

    #[test]
    fn what_is_named_must_be_there() {
        let message = find(Some(Path::new("no/such/folder"))).unwrap_err().to_string();
        assert!(
            message.starts_with("ONNX Runtime is not found (looked for no/such/folder): install it with"),
            "{message}"
        );
    }
}
