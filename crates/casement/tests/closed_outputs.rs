//! Services whose output nobody reads any more: they end in order at every signal.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use testkit::{Addresses, Signal, free_addr, signal};

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

#[test]
fn every_role_ends_at_every_signal_when_nobody_reads_its_output() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    for by in [Signal::TERM, Signal::INT, Signal::HUP] {
        let (addresses, nobody) = (Addresses::free(), free_addr().to_string());
        let (http, clickhouse) = (addresses.http.to_string(), addresses.clickhouse.to_string());
        let stored = data.display().to_string();
        let broker = format!("tcp://{nobody}");
        let environment = [
            ("CASEMENT__MQTT__BROKER", broker.clone()),
            ("CASEMENT__CLICKHOUSE__ADDR", nobody.clone()),
            (
                "CASEMENT__JOURNAL__PATH",
                dir.path().join("journal").display().to_string(),
            ),
            ("RUST_LOG", "debug".to_owned()),
        ];
        let up = addresses.arguments(&data);
        let up: Vec<&str> = up.iter().map(String::as_str).collect();
        let own = [("RUST_LOG", "debug".to_owned())];
        let roles: [Role; 5] = [
            (&["backend", "--http", &http], &environment),
            (&["ml", "--http", &http], &environment),
            (&["engine", "--data", &stored, "--clickhouse", &clickhouse], &own),
            (&["simulate", "--broker", &broker, "--devices", "2"], &own),
            (&up, &own),
        ];
        for (arguments, environment) in roles {
            let child = start_and_stop_reading(arguments, environment);
            let status = end(child, by);
            assert!(status.success(), "{} ended with {status} at {by:?}", arguments[0]);
        }
    }
}
