//! Start-up: opens the data before anything is served. Lock, stamp, leftovers, library, and the reason where it fails.
//!
//! In: the options. Out: a running engine and the lock on its directory. It knows no tables.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use crate::{
    EngineError, Options,
    exception::Exception,
    ffi::{Connection, Engine},
    library::find_library,
    lock::{DirectoryLock, wait_for_release},
    stamp,
};

/// Threads of a `BACKUP`, which runs beside inserts.
const BACKUP_THREADS: u32 = 1;

/// An engine that has opened its data.
pub(crate) struct Opened {
    pub(crate) engine: Engine,
    /// The table functions that it has.
    pub(crate) table_functions: Vec<String>,
    pub(crate) lock: DirectoryLock,
}

/// Returns where the engine and we write what nobody needs after a restart.
pub(crate) fn temporary(data_dir: &Path) -> PathBuf {
    data_dir.join("clickhouse").join("tmp")
}

/// Loads the library and opens the data.
pub(crate) fn open(options: &Options) -> Result<Opened, EngineError> {
    let library = find_library(options.library.as_deref())?;
    let dir = &options.data_dir;
    let lock = DirectoryLock::take(dir)?;
    let store = dir.join("clickhouse");
    let unusable = |source| EngineError::Directory {
        path: dir.clone(),
        source,
    };
    fs::create_dir_all(&store).map_err(unusable)?;
    wait_for_release(&store.join("status"));
    remove_leftovers(&temporary(dir));
    fs::create_dir_all(temporary(dir)).map_err(unusable)?;
    if let Some(version) = cached_version(&library) {
        stamp::check(dir, version)?;
    }
    let mut arguments = vec![
        "clickhouse".to_owned(),
        format!("--path={}", store.display()),
        format!("--max_server_memory_usage={}", options.limits.memory_bytes),
        "--mark_cache_size=67108864".to_owned(),
        "--uncompressed_cache_size=0".to_owned(),
    ];
    if let Some(backups) = &options.backups {
        fs::create_dir_all(backups).map_err(unusable)?;
        let path = dir.join("clickhouse.xml");
        fs::write(&path, configuration(backups)).map_err(unusable)?;
        arguments.push(format!("--config-file={}", path.display()));
    }
    let engine = Engine::load(&library, &arguments)?;
    let (opened, output) = with_stderr(&dir.join("start.log"), || first_connection(&engine));
    let (connection, version, table_functions) = opened.map_err(|error| EngineError::Open {
        path: store.clone(),
        reason: reason(&output).unwrap_or_else(|| error.to_string()),
    })?;
    stamp::check(dir, &version)?;
    stamp::write(dir, &version).map_err(unusable)?;
    // One connection stays open: the engine would close its data with the last one.
    std::mem::forget(connection);
    Ok(Opened {
        engine,
        table_functions,
        lock,
    })
}

fn first_connection(engine: &Engine) -> Result<(Connection, String, Vec<String>), Exception> {
    let mut connection = engine.connect()?;
    let mut lines = |sql: &str| -> Result<Vec<String>, Exception> {
        let (bytes, _) = connection.query(sql, "TSVRaw", &[])?;
        Ok(String::from_utf8_lossy(&bytes)
            .lines()
            .map(str::to_owned)
            .collect())
    };
    let version = lines("SELECT version()")?.concat();
    let table_functions = lines("SELECT name FROM system.table_functions")?;
    // Tables are loaded at their first use: damage is found now.
    lines("SELECT count() FROM system.tables WHERE NOT is_temporary")?;
    Ok((connection, version, table_functions))
}

/// Returns the version in the path of a library from the cache. Other libraries tell theirs when they run.
fn cached_version(library: &Path) -> Option<&str> {
    let version = library.parent()?.file_name()?.to_str()?;
    version.split_once("-stable").map(|(version, _)| version)
}

/// Removes what a killed engine was writing.
fn remove_leftovers(tmp: &Path) {
    for entry in fs::read_dir(tmp).into_iter().flatten().flatten() {
        let path = entry.path();
        let removed = if path.is_dir() && !path.is_symlink() {
            fs::remove_dir_all(&path)
        } else {
            fs::remove_file(&path)
        };
        if let Err(error) = removed {
            tracing::warn!(%error, path = %path.display(), "a leftover of an earlier engine cannot be removed");
        }
    }
}

fn configuration(backups: &Path) -> String {
    let path = std::path::absolute(backups).unwrap_or_else(|_| backups.into());
    let path = path.display().to_string();
    let path = path
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    format!(
        "<clickhouse><backups><allowed_path>{}</allowed_path></backups><backup_threads>{BACKUP_THREADS}</backup_threads></clickhouse>\n",
        path.trim_end_matches('/').to_owned() + "/"
    )
}

/// Runs `work` with standard error in a file. Returns what was written, which is passed on as well.
fn with_stderr<T>(log: &Path, work: impl FnOnce() -> T) -> (T, String) {
    let before = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stderr(), 3);
    let redirected =
        before.is_ok() && File::create(log).is_ok_and(|file| rustix::stdio::dup2_stderr(file).is_ok());
    let outcome = work();
    if !redirected {
        return (outcome, String::new());
    }
    if let Ok(before) = before {
        let _ = rustix::stdio::dup2_stderr(before);
    }
    let output = fs::read_to_string(log).unwrap_or_default();
    let _ = fs::remove_file(log);
    // By the log, which waits for no reader.
    output
        .lines()
        .for_each(|line| tracing::warn!("ClickHouse: {line}"));
    (outcome, output)
}

/// Returns the engine's own reason in one line: the last exception that it wrote.
fn reason(output: &str) -> Option<String> {
    let line = output.lines().rev().find(|line| line.contains("DB::Exception"))?;
    let text = line.split("DB::Exception: ").last()?;
    let text = text.split(", Stack trace").next().unwrap_or(text).trim();
    Some(text.chars().take(400).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_the_last_exception() {
        let output = "x\n<Error> Application: Code: 36. DB::Exception: Bad cast. (BAD), Stack trace (when copying)\n0. y\n";
        assert_eq!(reason(output).unwrap(), "Bad cast. (BAD)");
        assert_eq!(reason("nothing"), None);
    }

    #[test]
    fn the_version_of_a_cached_library_is_in_its_path() {
        let version = |path: &str| cached_version(Path::new(path)).map(str::to_owned);
        assert_eq!(version("/c/26.7.3-stable.1/libchdb.so"), Some("26.7.3".into()));
        assert_eq!(version("/usr/lib/libchdb.so"), None);
    }

    #[test]
    fn leftovers_are_removed() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("d")).unwrap();
        fs::write(dir.path().join("d/f"), "x").unwrap();
        fs::write(dir.path().join("g"), "x").unwrap();
        remove_leftovers(dir.path());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
        remove_leftovers(&dir.path().join("missing"));
    }
}
