//! A full disk: the call fails as a whole, acknowledged records stay, and the journal continues when there is space.
//!
//! The child is this test binary with a limit on file sizes, so that writes fail as on a full disk.

use std::process::Command;

use journal::{Entry, Journal, JournalError, Options, PlanLimits};

const DIRECTORY: &str = "JOURNAL_FULL_DIRECTORY";
const PAYLOAD: usize = 256 << 10;

#[tokio::test]
async fn a_failed_write_is_an_error_and_costs_nothing_that_was_acknowledged() {
    if std::env::var(DIRECTORY).is_ok() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    // 64 MiB is what the log reserves at once; the write that exceeds it fails.
    let limited = "trap '' XFSZ; ulimit -f 65536; exec \"$0\" --exact child --nocapture";
    let output = Command::new("bash")
        .args(["-c", limited])
        .arg(std::env::current_exe().unwrap())
        .env(DIRECTORY, directory.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{said}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let number = |word: &str| -> u64 {
        let line = said
            .lines()
            .find_map(|line| line.strip_prefix(word))
            .expect("the child says it");
        line.trim().parse().expect("a number")
    };
    let (acknowledged, refused) = (number("acknowledged"), number("refused"));
    assert!(acknowledged > 0 && refused > 0, "{said}");

    let journal = Journal::open(Options::new(directory.path())).unwrap();
    let mut delivered = 0;
    while let Some(plan) = journal.next_plan(PlanLimits::default()).await.unwrap() {
        assert!(plan.damaged.is_empty());
        for (seq, payload) in &plan.records {
            delivered += 1;
            assert_eq!((*seq, payload.len()), (delivered, PAYLOAD));
        }
        journal.finish(&plan).await.unwrap();
    }
    // The refused calls may have reached the disk; the acknowledged ones must.
    assert!(
        (acknowledged..=acknowledged + refused).contains(&delivered),
        "{delivered} of {acknowledged}"
    );
    journal.append(vec![record()]).await.unwrap();
}

fn record() -> Entry {
    Entry {
        key: None,
        payload: vec![b'x'; PAYLOAD],
    }
}

/// Not a test by itself: the process whose files cannot grow.
#[tokio::test]
async fn child() {
    let Ok(directory) = std::env::var(DIRECTORY) else {
        return;
    };
    let journal = Journal::open(Options::new(directory)).unwrap();
    let mut acknowledged = 0;
    let error = loop {
        match journal.append(vec![record()]).await {
            Ok(_) => acknowledged += 1,
            Err(error) => break error,
        }
        assert!(acknowledged < 1000, "the limit is reached long before");
    };
    assert!(matches!(error, JournalError::Write { .. }), "{error:?}");
    // Still full: refused again, with or without having reopened meanwhile.
    let mut refused = 1;
    for _ in 0..3 {
        assert!(journal.append(vec![record()]).await.is_err());
        refused += 1;
        tokio::time::sleep(std::time::Duration::from_millis(210)).await;
    }
    assert!(journal.stats().write_failures > 0);
    println!("\nacknowledged {acknowledged}\nrefused {refused}");
}
