//! `scripts/fetch-engine.sh`: fetched once, verified, offline afterwards, and clear where it cannot.
#![allow(missing_docs, clippy::unwrap_used)]

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Output},
};

fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/fetch-engine.sh")
}

/// A folder of links to what the script needs, but for npm; `npm` is put beside them where a test wants one.
fn programs(dir: &Path) -> PathBuf {
    let bin = dir.join("bin");
    fs::create_dir(&bin).unwrap();
    for name in [
        "awk",
        "base64",
        "bash",
        "cat",
        "cut",
        "df",
        "du",
        "flock",
        "grep",
        "kill",
        "mkdir",
        "mktemp",
        "mv",
        "openssl",
        "rm",
        "sha512sum",
        "sleep",
        "tail",
        "tar",
        "uname",
        "xxd",
    ] {
        let found = ["/usr/bin", "/bin"]
            .iter()
            .map(|dir| Path::new(dir).join(name))
            .find(|path| path.exists());
        if let Some(path) = found {
            std::os::unix::fs::symlink(path, bin.join(name)).unwrap();
        }
    }
    bin
}

fn run(dir: &Path, bin: &Path, library: Option<&Path>) -> Output {
    let mut command = Command::new("/bin/bash");
    command
        .arg(script())
        .env_clear()
        .env("PATH", bin)
        .env("HOME", dir)
        .env("XDG_CACHE_HOME", dir.join("cache"));
    command.envs(library.map(|path| ("CASEMENT_LIBCHDB", path)));
    command.output().unwrap()
}

fn error(output: &Output) -> String {
    assert!(!output.status.success());
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn cached(dir: &Path) -> PathBuf {
    let text = fs::read_to_string(script()).unwrap();
    let version = text
        .lines()
        .find_map(|line| line.strip_prefix("version="))
        .unwrap();
    dir.join("cache/casement/chdb").join(version).join("libchdb.so")
}

#[test]
fn what_is_there_is_not_fetched_again() {
    let dir = tempfile::tempdir().unwrap();
    let bin = programs(dir.path());
    let library = cached(dir.path());
    fs::create_dir_all(library.parent().unwrap()).unwrap();
    fs::write(&library, "a library").unwrap();
    // Neither npm nor a network.
    let output = run(dir.path(), &bin, None);
    assert!(output.status.success() && output.stdout.is_empty(), "{output:?}");
    let other = dir.path().join("libchdb.so");
    fs::write(&other, "x").unwrap();
    fs::remove_file(library).unwrap();
    assert!(run(dir.path(), &bin, Some(&other)).status.success());
    assert!(error(&run(dir.path(), &bin, Some(&dir.path().join("none")))).contains("which is not there"));
}

#[test]
fn where_there_is_no_engine_the_build_goes_on_and_says_what_to_do() {
    for machine in ["Linux aarch64", "Darwin arm64"] {
        let dir = tempfile::tempdir().unwrap();
        let bin = programs(dir.path());
        fs::remove_file(bin.join("uname")).unwrap();
        let (system, processor) = machine.split_once(' ').unwrap();
        let uname = format!("#!/bin/bash\n[ \"$1\" = -s ] && echo {system} || echo {processor}\n");
        fs::write(bin.join("uname"), uname).unwrap();
        fs::set_permissions(bin.join("uname"), fs::Permissions::from_mode(0o755)).unwrap();
        let output = run(dir.path(), &bin, None);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{machine}: {said}");
        assert!(
            said.contains("casement up --clickhouse http://HOST:8123") && said.contains("CASEMENT_LIBCHDB"),
            "{said}"
        );
        let other = dir.path().join("libchdb.so");
        fs::write(&other, "x").unwrap();
        let output = run(dir.path(), &bin, Some(&other));
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
        // A library that is named must be there, whatever the machine.
        assert!(error(&run(dir.path(), &bin, Some(&dir.path().join("none")))).contains("which is not there"));
    }
}

#[test]
fn without_npm_it_says_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let bin = programs(dir.path());
    let said = error(&run(dir.path(), &bin, None));
    assert!(
        said.contains("npm") && said.contains("CASEMENT_LIBCHDB"),
        "{said}"
    );
}

#[test]
fn what_is_not_the_pinned_package_is_not_installed() {
    let dir = tempfile::tempdir().unwrap();
    let bin = programs(dir.path());
    let npm = bin.join("npm");
    // An npm that packs something else, and one that fails.
    fs::write(&npm, "#!/bin/bash\necho other > package.tgz\necho package.tgz\n").unwrap();
    fs::set_permissions(&npm, fs::Permissions::from_mode(0o755)).unwrap();
    let said = error(&run(dir.path(), &bin, None));
    assert!(said.contains("is not what was pinned"), "{said}");
    fs::write(&npm, "#!/bin/bash\necho 'network is unreachable' >&2\nexit 1\n").unwrap();
    let said = error(&run(dir.path(), &bin, None));
    assert!(
        said.contains("could not fetch") && said.contains("network is unreachable"),
        "{said}"
    );
    assert!(!cached(dir.path()).exists());
    // Nothing half fetched stays behind.
    let left = fs::read_dir(dir.path().join("cache/casement/chdb")).unwrap();
    let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
    assert!(
        !left
            .iter()
            .any(|name| name.to_string_lossy().starts_with("fetching")),
        "{left:?}"
    );
}
