//! Services whose output nobody reads, or nobody reads any more: they serve, and end in order at every signal.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use std::{
    io::{BufRead as _, BufReader, PipeReader, PipeWriter, Write as _, pipe},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::fs::{OFlags, fcntl_setfl};
use testkit::{Addresses, Signal, free_addr, get, signal, wait_until_blocking};

/// Time in which every role reaches its first log lines.
const WARM_UP: Duration = Duration::from_millis(1_500);

/// Arguments and environment of a role.
type Role<'a> = (&'a [&'a str], &'a [(&'a str, String)]);

/// Starts a role, waits for its first line, and closes the reading ends of both of its streams.
fn start_and_stop_reading(arguments: &[&str], environment: &[(&str, String)]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_casement"));
    command.args(arguments).current_dir(support::root());
    command.envs(environment.iter().map(|(name, value)| (name, value)));
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let (out, err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let (told, first) = std::sync::mpsc::channel();
    let err_told = told.clone();
    thread::spawn(move || told.send(BufReader::new(out).lines().next().is_some()));
    thread::spawn(move || err_told.send(BufReader::new(err).lines().next().is_some()));
    // Either stream; both are dropped, and so closed, after their first line at the latest.
    first.recv_timeout(Duration::from_mins(1)).unwrap();
    thread::sleep(WARM_UP);
    child
}

fn end(mut child: Child, by: Signal) -> ExitStatus {
    signal(child.id(), by).unwrap();
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if started.elapsed() > support::END {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("it still ran {:?} after {by:?}", support::END);
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// A pipe that takes nothing more, and whose reader never reads.
fn full_pipe() -> (PipeReader, PipeWriter) {
    let (reader, mut writer) = pipe().expect("there is room for a pipe");
    fcntl_setfl(&writer, OFlags::NONBLOCK).expect("it is ours");
    while writer.write(&[b'x'; 4096]).is_ok() {}
    while writer.write(b"x").is_ok() {}
    fcntl_setfl(&writer, OFlags::empty()).expect("it is ours");
    (reader, writer)
}

/// Runs `check` with each role, in an environment without broker and ClickHouse, until it is ended by `by`.
fn with_each_role(dir: &Path, by: Signal, start: impl Fn(&[&str], &[(&str, String)], SocketAddr) -> Child) {
    let data = dir.join("data");
    let (addresses, nobody) = (Addresses::free(), free_addr().to_string());
    let (http, clickhouse) = (addresses.http.to_string(), addresses.clickhouse.to_string());
    let stored = data.display().to_string();
    let broker = format!("tcp://{nobody}");
    let environment = [
        ("CASEMENT__MQTT__BROKER", broker.clone()),
        ("CASEMENT__CLICKHOUSE__ADDR", nobody.clone()),
        (
            "CASEMENT__JOURNAL__PATH",
            dir.join("journal").display().to_string(),
        ),
        ("RUST_LOG", "debug".to_owned()),
    ];
    let up = addresses.arguments(&data);
    let up: Vec<&str> = up.iter().map(String::as_str).collect();
    let own = [("RUST_LOG", "debug".to_owned())];
    let roles: [(Role, SocketAddr); 5] = [
        ((&["backend", "--http", &http], &environment), addresses.http),
        ((&["ml", "--http", &http], &environment), addresses.http),
        (
            (&["engine", "--data", &stored, "--clickhouse", &clickhouse], &own),
            addresses.clickhouse,
        ),
        (
            (&["simulate", "--broker", &broker, "--devices", "2"], &own),
            addresses.mqtt,
        ),
        ((&up, &own), addresses.http),
    ];
    for ((arguments, environment), page) in roles {
        let child = start(arguments, environment, page);
        let status = end(child, by);
        assert!(status.success(), "{} ended with {status} at {by:?}", arguments[0]);
    }
}

#[test]
fn every_role_ends_at_every_signal_when_nobody_reads_its_output() {
    let dir = tempfile::tempdir().unwrap();
    for by in [Signal::TERM, Signal::INT, Signal::HUP] {
        with_each_role(dir.path(), by, |arguments, environment, _| {
            start_and_stop_reading(arguments, environment)
        });
    }
}

#[test]
fn every_role_serves_and_ends_while_its_reader_does_not_read() {
    let dir = tempfile::tempdir().unwrap();
    let ((_out_reader, out), (_err_reader, err)) = (full_pipe(), full_pipe());
    for by in [Signal::TERM, Signal::INT, Signal::HUP] {
        with_each_role(dir.path(), by, |arguments, environment, page| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_casement"));
            command.args(arguments).current_dir(support::root());
            command.envs(environment.iter().map(|(name, value)| (name, value)));
            let child = command
                .stdin(Stdio::null())
                .stdout(out.try_clone().expect("it is ours"))
                .stderr(err.try_clone().expect("it is ours"))
                .spawn()
                .expect("the binary starts");
            if arguments[0] == "simulate" {
                thread::sleep(WARM_UP);
            } else {
                let ready = || get(&format!("http://{page}/health")).is_ok();
                wait_until_blocking(arguments[0], ready).expect("it serves");
            }
            child
        });
    }
}
