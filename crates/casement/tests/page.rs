//! The page in a real Chromium: `web/browser`, run by vitest and playwright-core against this binary. Pictures: `target/page`.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use std::{
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use support::root;

/// All of it takes two minutes on an idle machine.
const WITHIN: Duration = Duration::from_mins(15);
const POLL: Duration = Duration::from_millis(200);

#[test]
fn the_page_works_in_a_real_browser() {
    let web = root().join("web").canonicalize().unwrap();
    let vitest = web.join("node_modules/vitest/vitest.mjs");
    assert!(
        vitest.is_file(),
        "run scripts/page.sh: it fetches what this test needs"
    );
    assert!(
        Path::new("/usr/bin/chromium").is_file(),
        "run scripts/packages.sh test: it installs Chromium"
    );
    // A group of its own, so that whatever it started ends with it.
    let mut child = Command::new("node")
        .arg(vitest)
        .args(["run", "--config", "browser/vitest.config.ts"])
        .current_dir(&web)
        .env("CASEMENT_BIN", env!("CARGO_BIN_EXE_casement"))
        .env("SHOTS", root().join("target/page"))
        .stdin(Stdio::null())
        .process_group(0)
        .spawn()
        .unwrap();
    let group = format!("-{}", child.id());
    let started = Instant::now();
    let status = loop {
        let ended = child.try_wait().unwrap();
        if ended.is_some() || started.elapsed() > WITHIN {
            break ended;
        }
        thread::sleep(POLL);
    };
    // Nobody may be left of it; where it ended in order, there is nobody to end.
    let _ = Command::new("kill")
        .args(["-KILL", "--", &group])
        .stderr(Stdio::null())
        .status();
    let _ = child.wait();
    let status = status.unwrap_or_else(|| panic!("not within {WITHIN:?}"));
    assert!(status.success(), "{status}");
}
