//! What wrote a data directory: a line beside the data, so that older engines leave newer data alone.
//!
//! In: a directory and the library's version. Out: nothing, or an error that says what to do. The first line is
//! ClickHouse's version, which decides; the second says which Casement opened the data last.

use std::{fs, path::Path};

use crate::EngineError;

const NAME: &str = "version";
const PROGRAM: &str = "casement ";

/// Refuses data that a newer engine wrote. A directory without a stamp is older than stamps.
pub(crate) fn check(dir: &Path, ours: &str) -> Result<(), EngineError> {
    let Ok(text) = fs::read_to_string(dir.join(NAME)) else {
        return Ok(());
    };
    let mut lines = text.lines();
    let theirs = lines.next().unwrap_or_default().trim();
    if parts(theirs) > parts(ours) {
        let program = lines.next().and_then(|line| line.strip_prefix(PROGRAM));
        return Err(EngineError::Newer {
            path: dir.into(),
            theirs: theirs.to_owned(),
            ours: ours.to_owned(),
            program: program.unwrap_or_default().trim().to_owned(),
        });
    }
    Ok(())
}

/// Writes the version of the engine that has opened the data.
pub(crate) fn write(dir: &Path, ours: &str) -> std::io::Result<()> {
    let path = dir.join(NAME);
    let text = format!("{ours}\n{PROGRAM}{}\n", env!("CARGO_PKG_VERSION"));
    if fs::read_to_string(&path).is_ok_and(|written| written == text) {
        return Ok(());
    }
    // Whole or not at all.
    let new = dir.join("version.new");
    fs::write(&new, text)?;
    fs::rename(new, path)
}

/// Returns major and minor version. Patch releases do not change the data.
fn parts(version: &str) -> (u32, u32) {
    let mut numbers = version.split('.').map(|part| part.parse().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newer_data_is_refused_and_older_is_stamped_anew() {
        let dir = tempfile::tempdir().unwrap();
        assert!(check(dir.path(), "26.7.2.1").is_ok());
        write(dir.path(), "26.7.2.1").unwrap();
        assert!(check(dir.path(), "26.7.1.9").is_ok());
        assert!(check(dir.path(), "26.10.1.1").is_ok());
        let error = check(dir.path(), "26.6.9.1").unwrap_err().to_string();
        assert!(
            error.contains("26.7.2.1") && error.contains("26.6.9.1"),
            "{error}"
        );
        // It says which program to use; the stamps of before did not.
        let path = dir.path().join(NAME);
        for (text, program) in [
            ("26.9.1.1\ncasement 9.1.0\n", "Casement 9.1.0"),
            ("26.9.1.1\n", "a newer Casement"),
        ] {
            fs::write(&path, text).unwrap();
            let error = check(dir.path(), "26.7.2.1").unwrap_err().to_string();
            assert!(
                error.contains(program) && error.contains("restore a backup"),
                "{error}"
            );
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        fs::write(&path, "26.7.2.1\n").unwrap();
        assert!(check(dir.path(), "26.7.2.1").is_ok());
        fs::write(&path, "nonsense").unwrap();
        assert!(check(dir.path(), "26.7.2.1").is_ok());
    }
}
