//! The journal as the backend's log, and the log in memory that other tests use: both keep what `Repeats` and `Plans`
//! promise.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use backend::{Appended, PlanLimits, Plans, RepeatKey, Repeats, Split};
use journal::{Journal, Options};
use support::MemoryLog;

const LIMITS: PlanLimits = PlanLimits {
    records: 3,
    bytes: 1 << 20,
};

fn row(number: u8) -> Vec<u8> {
    vec![number; 10]
}

async fn payloads<L: Plans>(log: &L) -> (String, Vec<u8>, Vec<u8>) {
    let plan = log.next(LIMITS).await.unwrap().expect("a plan");
    let first = |record: &backend::Record| record.payload[0];
    (plan.token, plan.records.iter().map(first).collect(), plan.note)
}

async fn keeps_its_promises<L: Plans + Repeats>(log: &L) {
    assert!(log.next(LIMITS).await.unwrap().is_none());
    let key = |number| Some(RepeatKey([number; 16]));
    assert_eq!(
        log.append(key(1), vec![row(1), row(2)]).await.unwrap(),
        Appended::Stored
    );
    assert_eq!(
        log.append(key(1), vec![row(1), row(2)]).await.unwrap(),
        Appended::Repeated
    );
    assert_eq!(log.append(key(2), vec![row(3)]).await.unwrap(), Appended::Stored);
    assert_eq!(log.append(None, vec![row(4)]).await.unwrap(), Appended::Stored);
    assert_eq!(log.append(None, vec![row(4)]).await.unwrap(), Appended::Stored);
    assert_eq!(Repeats::backlog(log).records, 5);
    log.wait_for_records().await;

    // The same plan, whatever came since.
    let (token, records, note) = payloads(log).await;
    assert_eq!((&records[..], &note[..]), (&[1, 2, 3][..], &[][..]));
    log.append(None, vec![row(5)]).await.unwrap();
    assert_eq!(payloads(log).await, (token.clone(), records, note));

    let plan = log.next(LIMITS).await.unwrap().unwrap();
    assert_eq!(log.split(&plan.key, b"noted").await.unwrap(), Split::Halved);
    let (first, records, note) = payloads(log).await;
    assert!(first != token && note == b"noted" && records[0] == 1);
    let half = log.next(LIMITS).await.unwrap().unwrap();
    let in_half = half.records.len();
    log.finish(&half.key, vec![row(9)]).await.unwrap();
    let (second, records, note) = payloads(log).await;
    assert!(second != first && note == b"noted");
    assert_eq!(in_half + records.len(), 3);
    let mut rest = log.next(LIMITS).await.unwrap().unwrap();
    while rest.records.len() > 1 {
        log.split(&rest.key, b"").await.unwrap();
        rest = log.next(LIMITS).await.unwrap().unwrap();
    }
    assert_eq!(log.split(&rest.key, b"").await.unwrap(), Split::Indivisible);
    log.finish(&rest.key, vec![]).await.unwrap();

    // What stands instead of a plan comes after what was there.
    let mut left = Vec::new();
    while let Some(plan) = log.next(LIMITS).await.unwrap() {
        left.extend(plan.records.iter().map(|record| record.payload[0]));
        log.finish(&plan.key, vec![]).await.unwrap();
    }
    assert!(left.ends_with(&[4, 4, 5, 9]), "{left:?}");
    assert_eq!(Plans::backlog(log).records, 0);
}

#[tokio::test]
async fn the_journal() {
    let directory = tempfile::tempdir().unwrap();
    let journal = Journal::open(Options::new(directory.path())).unwrap();
    keeps_its_promises(&journal).await;
}

#[tokio::test]
async fn the_log_in_memory() {
    keeps_its_promises(&MemoryLog::default()).await;
}

#[tokio::test]
async fn a_plan_of_the_journal_survives_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let before = {
        let journal = Journal::open(Options::new(directory.path())).unwrap();
        for number in 0..5 {
            Repeats::append(&journal, Some(RepeatKey([number; 16])), vec![row(number)])
                .await
                .unwrap();
        }
        payloads(&journal).await
    };
    let journal = Journal::open(Options::new(directory.path())).unwrap();
    assert_eq!(payloads(&journal).await, before);
    assert_eq!(
        Repeats::append(&journal, Some(RepeatKey([3; 16])), vec![row(3)])
            .await
            .unwrap(),
        Appended::Repeated
    );
}
