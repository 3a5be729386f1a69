//! Files that only their owner may read, written whole or not at all.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
};

use crate::TlsError;

/// Makes a directory of mode 0700, and closes one that was open to others.
pub(crate) fn directory(path: &Path) -> Result<(), TlsError> {
    let make = || -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        fs::set_permissions(path, Permissions::from_mode(0o700))
    };
    make().map_err(|source| TlsError::Write {
        path: path.into(),
        source,
    })
}

/// Writes a file of mode 0600 beside `path`, and renames it: readers see the old file or the new one.
pub(crate) fn write(path: &Path, text: &str) -> Result<(), TlsError> {
    let write = || -> io::Result<()> {
        let fresh = path.with_added_extension("new");
        // One that a crash left behind may have another mode.
        match fs::remove_file(&fresh) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&fresh)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&fresh, path)?;
        File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
    };
    write().map_err(|source| TlsError::Write {
        path: path.into(),
        source,
    })
}
