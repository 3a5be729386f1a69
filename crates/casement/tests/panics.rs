//! A panic ends a service in order, with a code, or concerns one request alone; never is a service half alive.
//!
//! Each case runs in a process of its own: this test's program, started again for the one test that is ignored.
#![allow(missing_docs, clippy::unwrap_used)]

use std::{
    process::{Command, ExitStatus},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use backend::{Backend, BackendOptions, Parts, Tables};
use casement::{commands, shutdown, supervision::Tasks, telemetry};
use journal::Journal;
use monitoring::Registry;
use store::{Batch, InsertError, StoreError, Table};
use testkit::Process;

/// How long a case may take; a service that hangs is ended after six seconds.
const END: Duration = Duration::from_secs(30);
const CASE: &str = "CASE_OF_A_PANIC";

/// Runs a case and returns its end and its log.
fn run(case: &str) -> (ExitStatus, String) {
    let mut command = Command::new(std::env::current_exe().expect("this program has a path"));
    command
        .args(["--exact", "the_service_of_a_case", "--ignored", "--nocapture"])
        .env(CASE, case)
        .env_remove("RUST_BACKTRACE")
        .env_remove("RUST_LOG");
    let mut process = Process::start(case, command).expect("this program starts");
    let status = process.wait(END).expect("it ends");
    (status, process.output())
}

#[test]
fn a_panic_anywhere_ends_the_service_in_order_with_a_code() {
    for (case, thread) in [
        ("task", "tokio"),
        ("thread", "plain"),
        ("main", ""),
        ("recorder", "tokio"),
    ] {
        let (status, log) = run(case);
        assert_eq!(
            status.code(),
            Some(telemetry::panics::EXIT_CODE.into()),
            "{case}: {log}"
        );
        assert!(
            log.contains("internal error, the process ends: thread '"),
            "{case}: {log}"
        );
        assert!(log.contains(thread) && log.contains("poisoned"), "{case}: {log}");
        assert!(case == "main" || log.contains("ended in order"), "{case}: {log}");
    }
}

#[test]
fn a_service_that_does_not_end_after_a_panic_is_ended() {
    let (status, log) = run("hang");
    assert_eq!(status.code(), Some(telemetry::panics::EXIT_CODE.into()), "{log}");
    assert!(!log.contains("ended in order"), "{log}");
}

#[test]
fn a_panic_that_concerns_one_request_is_logged_and_the_service_goes_on() {
    let (status, log) = run("contained");
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(
        log.contains("internal error, what it was at is refused: thread '"),
        "{log}"
    );
    assert!(log.contains("ended in order"), "{log}");
}

#[test]
fn a_log_line_that_panics_ends_the_service_and_not_the_log() {
    let (status, log) = run("log");
    assert_eq!(status.code(), Some(telemetry::panics::EXIT_CODE.into()), "{log}");
    assert!(
        log.contains("poisoned") && log.contains("ended in order"),
        "{log}"
    );
}

/// A value that cannot be shown.
struct Poison;

impl std::fmt::Display for Poison {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        panic!("poisoned line")
    }
}

#[test]
#[ignore = "a case of the tests above, for a process of its own"]
fn the_service_of_a_case() {
    let case = std::env::var(CASE).expect("it is set by the tests above");
    telemetry::start(false);
    let code = commands::conclude(|| {
        telemetry::go_on_without_readers()?;
        let runtime = tokio::runtime::Runtime::new()?;
        runtime.block_on(serve(&case))
    });
    std::process::exit(code.into());
}

async fn serve(case: &str) -> anyhow::Result<()> {
    let shutdown = shutdown::on_signal()?;
    let dir = tempfile::tempdir()?;
    let mut tasks = Tasks::default();
    let mut backend = None;
    match case {
        "task" => drop(tokio::spawn(async { panic!("poisoned task") })),
        "thread" => {
            let thread = std::thread::Builder::new().name("plain".into());
            thread.spawn(|| panic!("poisoned thread"))?;
        }
        "main" => panic!("poisoned role"),
        "log" => drop(tokio::spawn(async { tracing::warn!(poison = %Poison, "a line") })),
        "hang" => {
            tokio::spawn(async { panic!("poisoned task") });
            std::future::pending::<()>().await;
        }
        "contained" => {
            let work = tokio::spawn(async { monitoring::contain(|| panic!("poisoned request")) });
            assert!(matches!(work.await?, Err::<(), _>(monitoring::Panicked)));
            // Then it is told to end.
            shutdown.cancel();
        }
        "recorder" => {
            let store = store::Store::new(store::StoreOptions::new("http://127.0.0.1:1", "iot"))?;
            let parts = Parts {
                log: Arc::new(Journal::open(journal::Options::new(dir.path()))?),
                tables: Arc::new(Poisoned),
                history: Arc::new(store),
                registry: registry::Registry::in_memory(),
                windows: None,
                storage: None,
            };
            backend = Some(Backend::start(
                BackendOptions::default(),
                parts,
                &mut Registry::default(),
            )?);
        }
        other => anyhow::bail!("there is no case {other}"),
    }
    tasks.add("one that runs", std::future::pending());
    tasks.run_until(&shutdown).await?;
    if let Some(backend) = backend {
        backend.stop(Duration::from_secs(1)).await;
    }
    tracing::warn!("ended in order");
    Ok(())
}

/// A database whose client has a bug.
#[derive(Debug)]
struct Poisoned;

#[async_trait]
impl Tables for Poisoned {
    async fn prepare(&self, _: store::Tell<'_>) -> Result<u32, StoreError> {
        panic!("poisoned database")
    }

    async fn insert(&self, _: &Batch, _: &str, _: &[Table]) -> Result<(), InsertError> {
        panic!("poisoned database")
    }

    async fn forget(&self, _: &str) -> Result<(), StoreError> {
        panic!("poisoned database")
    }

    async fn judge_decisions(&self, _: domain::Timestamp) -> Result<bool, StoreError> {
        panic!("poisoned database")
    }
}
