//! Signals to every process at once, as a terminal's Ctrl-C or a service manager sends them: the engine's process leaves
//! them to its parent.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use testkit::{Signal, children, signal};

#[test]
fn the_engine_outlives_signals_until_its_parent_ends_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut up = support::up(&dir.path().join("data"), &[]);
    let engine = children(up.process.pid())[0];
    for by in [Signal::INT, Signal::TERM, Signal::HUP] {
        signal(engine, by).unwrap();
        signal(engine, by).unwrap();
        assert_eq!(up.sql("SELECT 1").unwrap(), "1", "{by:?}");
    }
    assert_eq!(children(up.process.pid()), [engine]);
    // To both at once, the engine first.
    signal(engine, Signal::INT).unwrap();
    signal(up.process.pid(), Signal::INT).unwrap();
    let status = up.process.wait(support::END).unwrap();
    let output = up.process.output();
    assert!(
        status.success() && !output.contains("starting it again"),
        "{output}"
    );
    assert!(testkit::has_ended(engine));
}
