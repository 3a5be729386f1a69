//! Whether a command can write where it is told to: asked before its work, not after it.
//!
//! In: a path. Out: nothing, or what is wrong with it. Nothing is left behind, and what is there stays as it is.

use std::{
    fs::{self, OpenOptions},
    io::ErrorKind,
    path::Path,
    process,
};

use anyhow::{Context as _, bail};

/// Refuses a file that cannot be written, or whose directory is not there.
pub(super) fn file(path: &Path) -> anyhow::Result<()> {
    let dir = parent(path);
    if !dir.exists() {
        bail!(
            "cannot write {}: the directory {} is not there; make it first, or name another place",
            path.display(),
            dir.display()
        );
    }
    file_anywhere(path)
}

/// Refuses a file that cannot be written. Its directories are made with it.
pub(super) fn file_anywhere(path: &Path) -> anyhow::Result<()> {
    let shown = path.display();
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => bail!("cannot write {shown}: it is a directory; name a file"),
        Ok(found) if found.is_file() => {
            let opened = OpenOptions::new().append(true).open(path);
            opened.with_context(|| format!("cannot write {shown}"))?;
            Ok(())
        }
        // A pipe or a device, which waits for its other side.
        Ok(_) => Ok(()),
        Err(_) => {
            let takes = takes_files(parent(path)).and_then(|()| takes_names(path));
            takes.with_context(|| format!("cannot write {shown}"))
        }
    }
}

/// Refuses a directory that cannot be made, or in which nothing can be written.
pub(super) fn directory(path: &Path) -> anyhow::Result<()> {
    let takes = takes_files(path).and_then(|()| takes_names(path));
    takes.with_context(|| format!("cannot write to {}", path.display()))
}

/// Tries the directory, or the nearest one above it that is there.
fn takes_files(dir: &Path) -> anyhow::Result<()> {
    let there = nearest(dir);
    if !there.is_dir() {
        bail!("{} is no directory", there.display());
    }
    let probe = there.join(format!(".casement-probe-{}", process::id()));
    let made = OpenOptions::new().write(true).create_new(true).open(&probe);
    made.with_context(|| {
        format!(
            "in {}, nothing can be written; name another place",
            there.display()
        )
    })?;
    fs::remove_file(&probe)?;
    Ok(())
}

/// Tries the names that are not there yet, which may be too long for the file system.
fn takes_names(path: &Path) -> anyhow::Result<()> {
    let there = nearest(path);
    for name in path.strip_prefix(there).unwrap_or(path).components() {
        let found = there.join(name).symlink_metadata();
        if found.is_err_and(|error| error.kind() == ErrorKind::InvalidFilename) {
            bail!("a name is too long for {}; choose a shorter one", there.display());
        }
    }
    Ok(())
}

/// The path, or the nearest one above it that is there.
fn nearest(path: &Path) -> &Path {
    let there = path.ancestors().find(|above| above.symlink_metadata().is_ok());
    there.unwrap_or(Path::new("."))
}

fn parent(path: &Path) -> &Path {
    let parent = path.parent().unwrap_or(path);
    if parent.as_os_str().is_empty() {
        Path::new(".")
    } else {
        parent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(dir: &Path) -> usize {
        fs::read_dir(dir).unwrap().count()
    }

    #[test]
    fn what_can_be_written_is_left_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::write(at("there"), "before").unwrap();
        for path in [at("there"), at("new")] {
            file(&path).unwrap();
            file_anywhere(&path).unwrap();
        }
        file_anywhere(&at("a/b/new")).unwrap();
        directory(dir.path()).unwrap();
        directory(&at("a/b")).unwrap();
        file(Path::new("/dev/null")).unwrap();
        assert_eq!(fs::read_to_string(at("there")).unwrap(), "before");
        assert_eq!(entries(dir.path()), 1);
    }

    #[test]
    fn what_cannot_be_written_is_told_with_the_place() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::write(at("there"), "before").unwrap();
        let said = |result: anyhow::Result<()>| format!("{:#}", result.unwrap_err());
        assert!(said(file(dir.path())).contains("name a file"));
        assert!(said(file(&at("a/new"))).contains("is not there"));
        for path in [
            at("there/new"),
            at("there/a/new"),
            "/proc/nope".into(),
            "/proc/a/b".into(),
        ] {
            let said = said(file_anywhere(&path));
            assert!(
                said.contains(&format!("cannot write {}", path.display())),
                "{said}"
            );
        }
        let long = "a".repeat(300);
        for path in [at(&long), at(&format!("a/{long}")), at(&format!("{long}/a"))] {
            assert!(said(file_anywhere(&path)).contains("too long"));
            assert!(said(directory(&path)).contains("too long"));
        }
        assert!(said(file(&at(&long))).contains("too long"));
        assert!(said(directory(&at("there"))).contains("is no directory"));
        assert!(said(directory(Path::new("/proc"))).contains("nothing can be written"));
        assert_eq!(entries(dir.path()), 1);
    }
}
