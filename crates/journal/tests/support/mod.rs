//! A journal's files as a crash would leave them.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Copies a journal's files, without the space that its log reserves ahead.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a directory");
    for entry in fs::read_dir(from).expect("a directory").flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            let bytes = fs::read(entry.path()).expect("a file");
            let is_log = target.extension().is_some_and(|extension| extension == "jnl");
            let written = bytes
                .iter()
                .rposition(|&byte| byte != 0)
                .map_or(0, |last| last + 1);
            let end = if is_log { written } else { bytes.len() };
            fs::write(target, &bytes[..end]).expect("a file");
        }
    }
}

/// The log file of a small journal.
pub(crate) fn log_file(image: &Path) -> PathBuf {
    let files = fs::read_dir(image.join("log"))
        .expect("a log directory")
        .flatten();
    files
        .map(|file| file.path())
        .find(|path| path.extension().is_some_and(|e| e == "jnl"))
        .expect("a log file")
}
