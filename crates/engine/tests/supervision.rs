//! The engine's process under its supervisor: started, restarted, ended, and refused with a reason.
#![allow(missing_docs, clippy::unwrap_used, clippy::float_cmp, clippy::too_many_lines)]

mod support;

use std::{net::TcpListener, time::Duration};

use engine::{EngineError, SpawnOptions, Supervisor};
use support::program;
use testkit::free_addr;

fn options(dir: &std::path::Path, addr: std::net::SocketAddr) -> SpawnOptions {
    SpawnOptions::new(
        program(),
        vec![dir.into(), addr.to_string().into(), "--supervised".into()],
        addr,
    )
}

fn soon() -> tokio::time::Instant {
    tokio::time::Instant::now() + Duration::from_secs(5)
}

fn answers(addr: std::net::SocketAddr) -> bool {
    ureq::get(format!("http://{addr}/?query=SELECT+1")).call().is_ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_engine_is_back_at_the_same_address() {
    let dir = tempfile::tempdir().unwrap();
    let addr = free_addr();
    let supervisor = Supervisor::start(options(dir.path(), addr)).await.unwrap();
    let first = supervisor.pid().unwrap();
    assert!(
        std::process::Command::new("kill")
            .args(["-9", &first.to_string()])
            .status()
            .unwrap()
            .success()
    );
    let back = async {
        while supervisor.restarts() == 0 || !answers(addr) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), back)
        .await
        .expect("the engine did not come back");
    assert_ne!(supervisor.pid().unwrap(), first);
    supervisor.stop(soon()).await;
    assert!(!answers(addr));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_prevents_a_start_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let addr = free_addr();
    let supervisor = Supervisor::start(options(dir.path(), addr)).await.unwrap();
    let held = Supervisor::start(options(dir.path(), free_addr()))
        .await
        .unwrap_err();
    assert!(
        matches!(&held, EngineError::Child { reason } if reason.contains("in use by process")),
        "{held}"
    );
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let other = tempfile::tempdir().unwrap();
    let port = Supervisor::start(options(other.path(), taken.local_addr().unwrap()))
        .await
        .unwrap_err();
    assert!(
        matches!(&port, EngineError::Child { reason } if reason.contains("cannot listen")),
        "{port}"
    );
    supervisor.stop(soon()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_hangs_is_ended_at_the_deadline() {
    let dir = tempfile::tempdir().unwrap();
    let addr = free_addr();
    let supervisor = Supervisor::start(options(dir.path(), addr)).await.unwrap();
    let pid = supervisor.pid().unwrap();
    let stopped = std::process::Command::new("kill")
        .args(["-STOP", &pid.to_string()])
        .status()
        .unwrap();
    assert!(stopped.success());
    let deadline = tokio::time::Instant::now() + Duration::from_millis(500);
    tokio::time::timeout(Duration::from_secs(20), supervisor.stop(deadline))
        .await
        .expect("the supervisor waited for a process that hangs");
    assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists());
}
