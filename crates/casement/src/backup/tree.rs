//! Trees of files: listed, linked, copied, hashed, made durable.
//!
//! In: paths. Out: files that only their owner may read. Links are made only to files that nobody writes to any more.

use std::{
    ffi::OsStr,
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _, PermissionsExt as _, symlink},
    path::{Path, PathBuf},
};

use sha2::{Digest as _, Sha256};

const BLOCK: usize = 1 << 20;
/// Directories of the storage engine whose files are written once.
const WRITTEN_ONCE: [&str; 2] = ["tables", "blobs"];
/// What stays of the zeros after a log, in bytes.
const LEFT_AHEAD: u64 = 4 << 10;
/// What a copy of a storage leaves out: who owns it, and what was set aside.
const LEFT_OUT: [&str; 2] = ["owner", "damaged"];

/// Makes a directory, and those that lead to it, for its owner alone.
pub(crate) fn private_dir(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Opens a new file for its owner alone.
pub(crate) fn private_file(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
}

/// Everything below `root` that is a file, a link or an empty directory, by its path below `root`, in order.
pub(crate) fn files(root: &Path) -> io::Result<Vec<PathBuf>> {
    fn walk(root: &Path, below: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
        let mut entries: Vec<_> = fs::read_dir(root.join(below))?.collect::<io::Result<_>>()?;
        if entries.is_empty() && below != Path::new("") {
            found.push(below.to_owned());
        }
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let path = below.join(entry.file_name());
            let kind = entry.file_type()?;
            if kind.is_dir() {
                walk(root, &path, found)?;
            } else if kind.is_file() || kind.is_symlink() {
                found.push(path);
            }
        }
        Ok(())
    }
    let mut found = Vec::new();
    walk(root, Path::new(""), &mut found)?;
    Ok(found)
}

/// Copies a storage whose files are closed: files that are written once are linked where that is possible.
pub(crate) fn copy_closed(from: &Path, to: &Path) -> io::Result<()> {
    private_dir(to)?;
    let written_once = from
        .file_name()
        .is_some_and(|name| WRITTEN_ONCE.iter().any(|known| name == *known));
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (source, name) = (entry.path(), entry.file_name());
        if is_left_out(&name) {
            continue;
        }
        let target = to.join(&name);
        if entry.file_type()?.is_dir() {
            copy_closed(&source, &target)?;
        } else if written_once {
            link_or_copy(&source, &target)?;
        } else if source.extension().is_some_and(|extension| extension == "jnl") {
            copy_log(&source, &target)?;
        } else {
            copy(&source, &target)?;
        }
    }
    Ok(())
}

/// Copies a log without the space that it reserves ahead: zeros, but for a block of them. Whole blocks are compared, as others
/// wait meanwhile.
fn copy_log(from: &Path, to: &Path) -> io::Result<()> {
    const CHUNK: u64 = 64 << 10;
    let zeros = vec![0_u8; CHUNK as usize];
    let mut chunk = vec![0_u8; CHUNK as usize];
    let source = File::open(from)?;
    let mut end = source.metadata()?.len();
    while end > 0 {
        let start = (end - 1) / CHUNK * CHUNK;
        let size = (end - start) as usize;
        source.read_exact_at(&mut chunk[..size], start)?;
        if chunk[..size] != zeros[..size] {
            break;
        }
        end = start;
    }
    let mut target = private_file(to)?;
    io::copy(&mut source.take(end + LEFT_AHEAD), &mut target)?;
    Ok(())
}

fn is_left_out(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    LEFT_OUT.contains(&&*name) || name.starts_with("damaged-")
}

/// Copies a directory, or a file; links stay links. What is not there is no error.
pub(crate) fn copy_tree(from: &Path, to: &Path) -> io::Result<()> {
    let metadata = match fs::symlink_metadata(from) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if metadata.is_symlink() {
        return symlink(fs::read_link(from)?, to);
    }
    if metadata.is_file() {
        return copy(from, to);
    }
    if !metadata.is_dir() {
        return Ok(());
    }
    private_dir(to)?;
    for entry in fs::read_dir(from)? {
        let name = entry?.file_name();
        copy_tree(&from.join(&name), &to.join(&name))?;
    }
    Ok(())
}

/// Links a directory's files, or copies them where the other place is on another file system. A file that goes meanwhile is
/// left out.
pub(crate) fn link_tree(from: &Path, to: &Path) -> io::Result<()> {
    private_dir(to)?;
    for path in files(from)? {
        let target = to.join(&path);
        target.parent().map(private_dir).transpose()?;
        if from.join(&path).is_dir() {
            continue;
        }
        match link_or_copy(&from.join(&path), &target) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            other => other?,
        }
    }
    Ok(())
}

/// Links a file that nobody writes to any more, or copies it.
pub(crate) fn link_or_copy(from: &Path, to: &Path) -> io::Result<()> {
    match fs::hard_link(from, to) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => copy(from, to),
        other => other,
    }
}

/// Copies a file and its time of change into a new one for its owner alone.
pub(crate) fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let mut source = File::open(from)?;
    let mut target = private_file(to)?;
    io::copy(&mut source, &mut target)?;
    target.set_modified(source.metadata()?.modified()?)
}

/// Reads to the end. Returns the number of bytes and their SHA-256.
pub(crate) fn digest(mut source: impl Read) -> io::Result<(u64, String)> {
    struct Hashing(Sha256);
    impl Write for Hashing {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.update(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut hashing = io::BufWriter::with_capacity(BLOCK, Hashing(Sha256::new()));
    let bytes = io::copy(&mut source, &mut hashing)?;
    hashing.flush()?;
    let hash = hashing.into_inner().map_err(io::IntoInnerError::into_error)?.0;
    Ok((bytes, hex::encode(hash.finalize())))
}

/// Closes a tree to others: directories 0700, files 0600.
pub(crate) fn close(root: &Path) -> io::Result<()> {
    for entry in fs::read_dir(root)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            close(&entry.path())?;
        } else if kind.is_file() {
            let mode = entry.metadata()?.permissions().mode() & 0o777;
            if mode != 0o600 {
                fs::set_permissions(entry.path(), Permissions::from_mode(0o600))?;
            }
        }
    }
    fs::set_permissions(root, Permissions::from_mode(0o700))
}

/// Makes a tree durable, file by file: what others write to the same disk meanwhile does not wait for all of it at once.
pub(crate) fn sync(root: &Path) -> io::Result<()> {
    for entry in fs::read_dir(root)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            sync(&entry.path())?;
        } else if kind.is_file() {
            File::open(entry.path())?.sync_all()?;
        }
    }
    File::open(root)?.sync_all()
}

/// Bytes that are free for this user on the file system of `path`.
pub(crate) fn free(path: &Path) -> io::Result<u64> {
    let figures = rustix::fs::statvfs(path)?;
    Ok(figures.f_bavail.saturating_mul(figures.f_frsize))
}

/// Renames within a directory, durably.
pub(crate) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    File::open(parent(to))?.sync_all()
}

/// The directory that `path` is in.
pub(crate) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Removes a directory or a file with all that is in it; what is not there is no error.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    let removed = match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_storage_is_copied_but_for_its_owner_and_what_was_set_aside() {
        let root = tempfile::tempdir().unwrap();
        let from = root.path().join("journal");
        for (path, text) in [
            ("owner", "17"),
            ("damaged/x", "x"),
            ("damaged-1/x", "x"),
            ("log/0.jnl", "log"),
            ("log/keyspaces/1/tables/7", "table"),
        ] {
            let path = from.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let to = root.path().join("copy");
        copy_closed(&from, &to).unwrap();
        assert_eq!(
            files(&to).unwrap(),
            ["log/0.jnl", "log/keyspaces/1/tables/7"].map(PathBuf::from)
        );
        // The space that a log reserves ahead goes, but for a block.
        fs::write(
            from.join("log/1.jnl"),
            [b"log".as_slice(), &vec![0; 3 << 20]].concat(),
        )
        .unwrap();
        let again = root.path().join("again");
        copy_closed(&from, &again).unwrap();
        let trimmed = fs::read(again.join("log/1.jnl")).unwrap();
        assert_eq!(
            (trimmed.len(), &trimmed[..4]),
            ((64 << 10) + (4 << 10), &b"log\0"[..])
        );
        // What is appended to the log later is none of the copy's.
        fs::write(from.join("log/0.jnl"), "log and more").unwrap();
        assert_eq!(fs::read_to_string(to.join("log/0.jnl")).unwrap(), "log");
    }

    #[test]
    fn a_tree_is_closed_to_others() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("a");
        fs::create_dir(&dir).unwrap();
        fs::write(dir.join("f"), "x").unwrap();
        fs::set_permissions(&dir, Permissions::from_mode(0o755)).unwrap();
        fs::set_permissions(dir.join("f"), Permissions::from_mode(0o644)).unwrap();
        close(root.path()).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&dir), mode(&dir.join("f"))), (0o700, 0o600));
    }

    #[test]
    fn a_digest_is_that_of_sha256sum() {
        let (bytes, sha256) = digest(&b"abc"[..]).unwrap();
        assert_eq!(bytes, 3);
        assert_eq!(
            sha256,
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
