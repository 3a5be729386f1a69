//! The journal's contract on a real directory: acknowledged records survive, in order, once.

use std::time::Duration;

use journal::{Appended, Entry, Journal, JournalError, Key, Options, PlanLimits};

fn entry(text: &str) -> Entry {
    Entry {
        key: Some(key(text)),
        payload: text.as_bytes().to_vec(),
    }
}

fn key(text: &str) -> Key {
    let mut bytes = [0; 16];
    bytes[..text.len()].copy_from_slice(text.as_bytes());
    Key(bytes)
}

fn texts(plan: &journal::Plan) -> Vec<String> {
    plan.records
        .iter()
        .map(|(_, payload)| String::from_utf8_lossy(payload).into_owned())
        .collect()
}

#[tokio::test]
async fn records_leave_in_order_and_once() {
    let directory = tempfile::tempdir().unwrap();
    let journal = Journal::open(Options::new(directory.path())).unwrap();
    let appended = journal
        .append(vec![entry("a"), entry("b"), entry("a")])
        .await
        .unwrap();
    assert_eq!(
        appended,
        [Appended::Stored(1), Appended::Stored(2), Appended::Duplicate]
    );
    assert_eq!(
        journal.append(vec![entry("b"), entry("c")]).await.unwrap(),
        [Appended::Duplicate, Appended::Stored(3)]
    );

    let two = PlanLimits {
        max_records: 2,
        ..PlanLimits::default()
    };
    let plan = journal.next_plan(two).await.unwrap().unwrap();
    assert_eq!(
        (plan.first, plan.last, texts(&plan)),
        (1, 2, vec!["a".to_owned(), "b".to_owned()])
    );
    assert_eq!(plan.token(), format!("{}/1-2", journal.id()));
    let again = journal.next_plan(PlanLimits::default()).await.unwrap().unwrap();
    assert_eq!(again.token(), plan.token());
    journal.finish(&plan).await.unwrap();
    assert!(matches!(
        journal.finish(&plan).await,
        Err(JournalError::StalePlan { .. })
    ));

    let plan = journal.next_plan(two).await.unwrap().unwrap();
    assert_eq!((plan.first, plan.last), (3, 3));
    journal.finish(&plan).await.unwrap();
    assert!(journal.next_plan(two).await.unwrap().is_none());
    assert_eq!(journal.stats().bytes, 0);
}

#[tokio::test]
async fn a_restart_continues_where_the_last_one_stopped() {
    let directory = tempfile::tempdir().unwrap();
    let options = Options::new(directory.path());
    let journal = Journal::open(options.clone()).unwrap();
    let id = journal.id().to_owned();
    journal
        .append(vec![entry("a"), entry("b"), entry("c")])
        .await
        .unwrap();
    let plan = journal
        .next_plan(PlanLimits {
            max_records: 2,
            ..PlanLimits::default()
        })
        .await
        .unwrap()
        .unwrap();
    drop(journal);

    let journal = Journal::open(options.clone()).unwrap();
    assert_eq!(journal.id(), id);
    assert_eq!(
        journal.append(vec![entry("b")]).await.unwrap(),
        [Appended::Duplicate]
    );
    let again = journal.next_plan(PlanLimits::default()).await.unwrap().unwrap();
    assert_eq!((again.token(), texts(&again)), (plan.token(), texts(&plan)));
    journal.finish(&again).await.unwrap();
    let rest = journal.next_plan(PlanLimits::default()).await.unwrap().unwrap();
    journal.finish(&rest).await.unwrap();
    drop(journal);

    // The journal is empty, and still no number is used twice.
    let journal = Journal::open(options).unwrap();
    assert_eq!(
        journal.append(vec![entry("d")]).await.unwrap(),
        [Appended::Stored(4)]
    );
}

#[tokio::test]
async fn a_split_plan_comes_in_two_halves_that_remember_the_note() {
    let directory = tempfile::tempdir().unwrap();
    let options = Options::new(directory.path());
    let journal = Journal::open(options.clone()).unwrap();
    journal
        .append(vec![entry("a"), entry("b"), entry("c")])
        .await
        .unwrap();
    let plan = journal.next_plan(PlanLimits::default()).await.unwrap().unwrap();
    journal.split(&plan, 1, b"done").await.unwrap();
    drop(journal);

    let journal = Journal::open(options).unwrap();
    let left = journal.next_plan(PlanLimits::default()).await.unwrap().unwrap();
    assert_eq!((left.first, left.last, &left.note[..]), (1, 1, &b"done"[..]));
    journal.finish(&left).await.unwrap();
    let right = journal.next_plan(PlanLimits::default()).await.unwrap().unwrap();
    assert_eq!((right.first, right.last, &right.note[..]), (2, 3, &b"done"[..]));
}

#[tokio::test]
async fn one_process_owns_a_journal() {
    let directory = tempfile::tempdir().unwrap();
    let journal = Journal::open(Options::new(directory.path())).unwrap();
    match Journal::open(Options::new(directory.path())) {
        Err(JournalError::Held { pid, .. }) => assert_eq!(pid, Some(std::process::id())),
        other => panic!("{other:?}"),
    }
    drop(journal);
    Journal::open(Options::new(directory.path())).unwrap();
}

#[tokio::test]
async fn at_its_limit_it_refuses_and_then_goes_on_by_itself() {
    let directory = tempfile::tempdir().unwrap();
    let journal = Journal::open(Options {
        max_bytes: 200,
        ..Options::new(directory.path())
    })
    .unwrap();
    journal
        .append(vec![entry("a"), entry("b"), entry("c"), entry("d")])
        .await
        .unwrap();
    assert!(matches!(
        journal.append(vec![entry("e")]).await,
        Err(JournalError::Full { .. })
    ));
    // A repeat of a stored record needs no space, and a refused call left no keys.
    assert_eq!(
        journal.append(vec![entry("a")]).await.unwrap(),
        [Appended::Duplicate]
    );
    let huge = Entry {
        key: None,
        payload: vec![0; 500],
    };
    assert!(matches!(
        journal.append(vec![huge]).await,
        Err(JournalError::TooLarge { .. })
    ));

    let waiting = tokio::spawn({
        let journal = journal.clone();
        async move {
            journal.wait_for_room(1).await;
            journal.append(vec![entry("e")]).await
        }
    });
    let plan = journal.next_plan(PlanLimits::default()).await.unwrap().unwrap();
    journal.finish(&plan).await.unwrap();
    let appended = tokio::time::timeout(Duration::from_secs(5), waiting)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    assert_eq!(appended, [Appended::Stored(5)]);
}

#[tokio::test]
async fn keys_expire() {
    let directory = tempfile::tempdir().unwrap();
    let options = Options {
        key_retention: Duration::from_millis(60),
        ..Options::new(directory.path())
    };
    let journal = Journal::open(options).unwrap();
    journal.append(vec![entry("a")]).await.unwrap();
    let stored_again = async {
        while journal.append(vec![entry("a")]).await.unwrap() == [Appended::Duplicate] {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), stored_again)
        .await
        .unwrap();
}

#[tokio::test]
async fn waiting_for_records_ends_with_the_first_one() {
    let directory = tempfile::tempdir().unwrap();
    let journal = Journal::open(Options::new(directory.path())).unwrap();
    let waiting = tokio::spawn({
        let journal = journal.clone();
        async move { journal.wait_for_records().await }
    });
    journal.append(vec![entry("a")]).await.unwrap();
    tokio::time::timeout(Duration::from_secs(5), waiting)
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn a_full_journal_still_replaces_a_refused_record_by_its_report() {
    let directory = tempfile::tempdir().unwrap();
    let journal = Journal::open(Options {
        max_bytes: 100,
        ..Options::new(directory.path())
    })
    .unwrap();
    journal.append(vec![entry("a"), entry("b")]).await.unwrap();
    let plan = journal
        .next_plan(PlanLimits {
            max_records: 1,
            ..PlanLimits::default()
        })
        .await
        .unwrap()
        .unwrap();
    let report = Entry {
        key: None,
        payload: vec![b'r'; 90],
    };
    assert!(matches!(
        journal.append(vec![report.clone()]).await,
        Err(JournalError::TooLarge { .. } | JournalError::Full { .. })
    ));
    journal.finish_with(&plan, vec![report]).await.unwrap();
    let rest = journal.next_plan(PlanLimits::default()).await.unwrap().unwrap();
    assert_eq!(texts(&rest), ["b".to_owned(), "r".repeat(90)]);
    journal.finish(&rest).await.unwrap();
    assert_eq!(journal.stats().bytes, 0);
}

#[tokio::test]
async fn reopening_the_storage_after_many_segments_is_not_noticed() {
    let directory = tempfile::tempdir().unwrap();
    let journal = Journal::open(Options {
        segment_bytes: 1,
        ..Options::new(directory.path())
    })
    .unwrap();
    let (mut stored, mut delivered) = (0, 0);
    while stored < 140 {
        for n in [stored + 1, stored + 2] {
            assert_eq!(
                journal.append(vec![entry(&n.to_string())]).await.unwrap(),
                [Appended::Stored(n)]
            );
        }
        stored += 2;
        let plan = journal.next_plan(PlanLimits::default()).await.unwrap().unwrap();
        for text in texts(&plan) {
            delivered += 1;
            assert_eq!(text, delivered.to_string());
        }
        journal.finish(&plan).await.unwrap();
    }
    assert_eq!((delivered, journal.stats().write_failures), (stored, 0));
    // Space is freed: a few segments, their traces and the keys remain.
    let keyspaces = std::fs::read_dir(directory.path().join("log/keyspaces"))
        .unwrap()
        .count();
    let traces = std::fs::read_dir(directory.path().join("log/keyspaces/0"))
        .unwrap()
        .count();
    assert!(
        keyspaces < 20 && traces < 300,
        "{keyspaces} keyspaces, {traces} traces"
    );
}

/// Appends `count` keyed records, reopens the journal, and checks that repeats are recognised. With small segments the
/// journal also reopens its storage by itself.
#[allow(clippy::unwrap_used)]
async fn repeats_are_recognised_after(count: u32, segment_bytes: u64) {
    let directory = tempfile::tempdir().unwrap();
    let options = Options {
        segment_bytes,
        ..Options::new(directory.path())
    };
    let entries = |range: std::ops::Range<u32>| range.map(|n| entry(&n.to_string())).collect::<Vec<_>>();
    let journal = Journal::open(options.clone()).unwrap();
    let step = 100;
    for first in (0..count).step_by(step) {
        journal.append(entries(first..first + step as u32)).await.unwrap();
    }
    let all_known =
        |appended: Vec<Appended>| appended.iter().all(|appended| *appended == Appended::Duplicate);
    assert!(all_known(journal.append(entries(0..step as u32)).await.unwrap()));
    drop(journal);
    let journal = Journal::open(options).unwrap();
    for first in [0, count / 2, count - step as u32] {
        let again = entries(first..first + step as u32);
        assert!(all_known(journal.append(again).await.unwrap()), "from {first}");
    }
    let new = journal.append(vec![entry("new")]).await.unwrap();
    assert!(!all_known(new));
}

#[tokio::test]
async fn repeats_are_recognised_after_the_storage_was_reopened() {
    repeats_are_recognised_after(20_000, 500).await;
}

/// More keys than are read when the journal opens.
#[tokio::test]
async fn repeats_are_recognised_among_very_many() {
    repeats_are_recognised_after(120_000, 8 << 20).await;
}
