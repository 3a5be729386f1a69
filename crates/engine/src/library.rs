//! The path of libchdb: named explicitly, by `CASEMENT_LIBCHDB`, or in the user's cache, where set-up puts it.

use std::{
    env,
    path::{Path, PathBuf},
};

use crate::EngineError;

/// The version that set-up fetches.
pub const LIBRARY_VERSION: &str = "26.7.3-stable.1";

/// Returns the library's path, which exists.
pub fn find_library(explicit: Option<&Path>) -> Result<PathBuf, EngineError> {
    let named = explicit.map(Path::to_path_buf).or_else(|| {
        env::var_os("CASEMENT_LIBCHDB")
            .filter(|v| !v.is_empty())
            .map(PathBuf::from)
    });
    if let Some(path) = named {
        return if path.is_file() {
            Ok(path)
        } else {
            Err(EngineError::NoSuchLibrary { path })
        };
    }
    let home = || env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let cache = env::var_os("XDG_CACHE_HOME")
        .filter(|v| !v.is_empty())
        .map(PathBuf::from)
        .or_else(home);
    let path = cache
        .unwrap_or_else(|| "/var/cache".into())
        .join("casement/chdb")
        .join(LIBRARY_VERSION)
        .join("libchdb.so");
    if path.is_file() {
        Ok(path)
    } else {
        Err(EngineError::LibraryMissing { path })
    }
}
