//! The engine's process: what stops it from starting, what it cleans up, what it keeps, and where backups go.
#![allow(missing_docs, clippy::unwrap_used, clippy::float_cmp, clippy::too_many_lines)]

mod support;

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    path::Path,
    process::{Command, Stdio},
};

use support::{Engine, program};
use testkit::free_addr;

/// What an engine that cannot start says last.
fn refusal(dir: &Path) -> String {
    let output = Command::new(program())
        .arg(dir)
        .arg(free_addr().to_string())
        .output()
        .unwrap();
    assert!(!output.status.success());
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let last = text.lines().rfind(|line| line.starts_with("error: "));
    last.unwrap_or_else(|| panic!("no reason in {text}")).to_owned()
}

#[test]
fn newer_data_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    drop(Engine::start(dir.path()));
    let stamp = dir.path().join("version");
    let ours = fs::read_to_string(&stamp).unwrap();
    assert!(ours.starts_with('2'), "{ours}");
    fs::write(&stamp, "99.1.1.1\n").unwrap();
    let said = refusal(dir.path());
    assert!(
        said.contains("99.1.1.1") && said.contains("newer version of Casement"),
        "{said}"
    );
    fs::write(&stamp, ours).unwrap();
    drop(Engine::start(dir.path()));
}

#[test]
fn damaged_data_is_named_with_a_remedy() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::start(dir.path());
    engine.sql("CREATE DATABASE d");
    engine.sql("CREATE TABLE d.t (a Int8) ENGINE = MergeTree ORDER BY a");
    drop(engine);
    let mut damaged = 0;
    let metadata = dir.path().join("clickhouse/metadata/d.sql");
    for path in [&metadata] {
        if path.exists() {
            fs::write(path, "this is not SQL").unwrap();
            damaged += 1;
        }
    }
    assert_eq!(
        damaged,
        1,
        "{} is where ClickHouse keeps a database",
        metadata.display()
    );
    let said = refusal(dir.path());
    assert!(
        said.contains("cannot open") && said.contains("restore a backup") && said.contains("yntax"),
        "{said}"
    );
}

#[test]
fn a_directory_in_use_and_one_that_is_a_file_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::start(dir.path());
    let said = refusal(dir.path());
    assert!(
        said.contains("in use by process") && said.contains("--data DIR"),
        "{said}"
    );
    drop(engine);
    let file = dir.path().join("file");
    fs::write(&file, "x").unwrap();
    assert!(refusal(&file).contains("cannot be used"));
}

#[test]
fn temporary_files_of_an_earlier_engine_are_removed() {
    let dir = tempfile::tempdir().unwrap();
    drop(Engine::start(dir.path()));
    let left = dir.path().join("clickhouse/tmp/tmp123");
    fs::write(&left, "left").unwrap();
    let engine = Engine::start(dir.path());
    assert!(!left.exists());
    assert_eq!(engine.sql("SELECT 1"), "1");
}

#[test]
fn memory_is_bounded_absolutely() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::start_with(dir.path(), &["--memory", "300000000"]);
    let setting = "SELECT value FROM system.server_settings WHERE name = 'max_server_memory_usage'";
    assert_eq!(engine.sql(setting), "300000000");
    let greedy = "SELECT length(groupArray(number)) FROM numbers(100000000) SETTINGS max_memory_usage = 0, max_threads = 1";
    let answer = engine.post("", greedy.as_bytes());
    assert_eq!(answer.code, "241", "{}", answer.text());
    // The engine goes on.
    assert_eq!(engine.sql("SELECT 1"), "1");
}

#[test]
fn backups_go_into_their_folder_and_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let backups = dir.path().join("backups & more");
    let flags = ["--confined", "--backups", backups.to_str().unwrap()];
    let data = dir.path().join("data");
    let engine = Engine::start_with(&data, &flags);
    engine.sql("CREATE TABLE default.t (a UInt32, b String) ENGINE = MergeTree ORDER BY a");
    engine.sql("INSERT INTO default.t SELECT number, toString(number) FROM numbers(10000)");
    assert!(
        engine
            .sql("BACKUP TABLE default.t TO File('monday')")
            .contains("BACKUP_CREATED")
    );
    assert!(
        engine
            .sql("BACKUP TABLE default.t TO File('all.tar')")
            .contains("BACKUP_CREATED")
    );
    assert!(backups.join("monday").is_dir() && backups.join("all.tar").is_file());
    // There is one already.
    assert_ne!(
        engine
            .post("", b"BACKUP TABLE default.t TO File('monday')")
            .status,
        200
    );
    for statement in [
        "BACKUP TABLE default.t TO File('../elsewhere')",
        "BACKUP TABLE default.t TO File('/tmp/elsewhere')",
    ] {
        assert_ne!(engine.post("", statement.as_bytes()).status, 200, "{statement}");
        assert_ne!(
            engine.post("user=reader", statement.as_bytes()).status,
            200,
            "{statement}"
        );
    }
    assert_ne!(
        engine
            .post("user=reader", b"BACKUP TABLE default.t TO File('mine')")
            .status,
        200
    );
    drop(engine);
    fs::remove_dir_all(&data).unwrap();
    // Into a new, empty engine.
    let engine = Engine::start_with(&data, &flags);
    assert!(
        engine
            .sql("RESTORE TABLE default.t FROM File('monday')")
            .contains("RESTORED")
    );
    assert_eq!(
        engine.sql("SELECT count(), sum(a), uniqExact(b) FROM default.t"),
        "10000\t49995000\t10000"
    );
    assert!(
        engine
            .sql("RESTORE TABLE default.t AS default.u FROM File('all.tar')")
            .contains("RESTORED")
    );
    assert_eq!(engine.sql("SELECT count() FROM default.u"), "10000");
}

#[test]
fn without_a_folder_there_are_no_backups() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::start(dir.path());
    engine.sql("CREATE TABLE default.t (a Int8) ENGINE = Memory");
    let answer = engine.post("", b"BACKUP TABLE default.t TO File('x')");
    assert_eq!(answer.code, "497", "{}", answer.text());
}

#[test]
fn other_addresses_need_passwords() {
    let dir = tempfile::tempdir().unwrap();
    let output = Command::new(program())
        .arg(dir.path())
        .arg("0.0.0.0:0")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        text.contains("password") && text.contains("engine.reader_password_file"),
        "{text}"
    );
}

#[test]
fn a_reader_has_a_password_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let output = Command::new(program())
        .arg(dir.path())
        .args(["127.0.0.1:0", "--passwords", "same", "same"])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "{text}");
    assert!(text.contains("same password"), "{text}");
}

#[test]
fn a_running_insert_is_finished_before_the_end() {
    let dir = tempfile::tempdir().unwrap();
    {
        let engine = Engine::start(dir.path());
        engine.sql("CREATE TABLE default.t (a UInt32) ENGINE = MergeTree ORDER BY a");
    }
    let addr = free_addr();
    let mut child = Command::new(program())
        .arg(dir.path())
        .args([&addr.to_string(), "--supervised"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = [0; 5];
    child.stdout.as_mut().unwrap().read_exact(&mut line).unwrap();
    assert_eq!(&line, b"ready");
    let mut stream = TcpStream::connect(addr).unwrap();
    let head = "POST /?query=INSERT+INTO+default.t+FORMAT+TSV HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n";
    write!(stream, "{head}4\r\n1\n2\n\r\n").unwrap();
    // Its connection is taken up before the end is asked for.
    while ureq::get(format!("http://{addr}/ping")).call().is_err() {}
    drop(child.stdin.take());
    write!(stream, "4\r\n3\n4\n\r\n0\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    child.wait().unwrap();
    let engine = Engine::start(dir.path());
    assert_eq!(engine.sql("SELECT count() FROM default.t"), "4");
}
