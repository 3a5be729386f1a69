//! Data directories, which nobody but their owner may enter: they hold what people say in their rooms.
//!
//! In: paths. Out: directories of mode 0700. One that was there before is closed if nothing but our data is in it;
//! otherwise its owner is told.

use std::{
    fs::{self, Permissions},
    io,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::Path,
};

use anyhow::Context as _;
use rustix::fs::Mode;
use tracing::{info, warn};

/// A file of this name makes a directory ours.
const MARKS: [&str; 2] = ["casement.lock", "owner"];
/// A directory with nothing but these is ours.
const PARTS: [&str; 11] = [
    "accounts",
    "archives",
    "backup-staging",
    "backup.sock",
    "backups",
    "broker",
    "engine",
    "journal",
    "recordings",
    "registry",
    "tls",
];

/// From here on, files and directories that this process makes are its user's alone.
pub fn make_files_private() {
    rustix::process::umask(Mode::RWXG | Mode::RWXO);
}

/// Creates the data directory `dir`, and closes it and the one that it is in to others.
pub fn create(dir: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(dir).with_context(|| {
        format!(
            "the data directory {} cannot be created; choose another with --data DIR",
            dir.display()
        )
    })?;
    close(dir);
    if let Some(root) = dir.parent().filter(|root| root.file_name().is_some())
        && holds_only_ours(root).unwrap_or(false)
    {
        close(root);
    }
    Ok(())
}

/// Closes a directory to others, if it is there and nothing but ours; otherwise says so.
pub fn close(dir: &Path) {
    let Ok(metadata) = fs::metadata(dir) else { return };
    let mode = metadata.mode() & 0o7777;
    let others = mode & 0o077;
    if others == 0 {
        return;
    }
    let path = dir.display();
    let is_ours =
        metadata.uid() == rustix::process::geteuid().as_raw() && holds_only_ours(dir).unwrap_or(false);
    if is_ours && fs::set_permissions(dir, Permissions::from_mode(mode & 0o700)).is_ok() {
        info!("other users could enter the data directory {path}; its mode is now 0700");
    } else {
        warn!(
            "other users can enter the data directory {path} (mode {mode:04o}); close it with: chmod 700 {path}"
        );
    }
}

fn holds_only_ours(dir: &Path) -> io::Result<bool> {
    let mut only_parts = true;
    for entry in fs::read_dir(dir)? {
        let name = entry?.file_name();
        if MARKS.iter().any(|mark| name == *mark) {
            return Ok(true);
        }
        only_parts &= PARTS.iter().any(|part| name == *part);
    }
    Ok(only_parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(dir: &Path) -> u32 {
        fs::metadata(dir).unwrap().mode() & 0o777
    }

    #[test]
    fn a_directory_of_ours_is_closed_and_one_of_others_is_left() {
        let root = tempfile::tempdir().unwrap();
        let open = |name: &str, files: &[&str]| {
            let dir = root.path().join(name);
            fs::create_dir(&dir).unwrap();
            for file in files {
                fs::write(dir.join(file), "").unwrap();
            }
            fs::set_permissions(&dir, Permissions::from_mode(0o755)).unwrap();
            dir
        };
        for (name, files, expected) in [
            ("empty", &[][..], 0o700),
            ("engine", &["casement.lock", "clickhouse"], 0o700),
            ("journal", &["owner", "log"], 0o700),
            ("data", &["accounts", "engine", "journal"], 0o700),
            ("home", &["engine", "letters"], 0o755),
        ] {
            let dir = open(name, files);
            close(&dir);
            assert_eq!(mode(&dir), expected, "{name}");
        }
        close(&root.path().join("missing"));
    }

    #[test]
    fn the_directory_around_is_closed_if_it_is_ours() {
        let root = tempfile::tempdir().unwrap();
        let data = root.path().join("data");
        fs::create_dir(&data).unwrap();
        fs::set_permissions(&data, Permissions::from_mode(0o755)).unwrap();
        create(&data.join("journal")).unwrap();
        assert_eq!((mode(&data), mode(&data.join("journal"))), (0o700, 0o700));
    }
}
