//! Flipped bits: every acknowledged record is delivered unchanged or reported as damaged, and none blocks another.

mod support;

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

use journal::{Entry, Journal, Key, Options, PlanLimits};
use proptest::{prelude::*, test_runner::TestCaseResult};
use support::{copy, log_file};

const GROUPS: usize = 12;
const RECORDS: usize = 5;

/// Writes the files of a journal that was killed after `GROUPS` acknowledged groups.
async fn image(directory: &Path) -> HashMap<u64, Vec<u8>> {
    let live = directory.join("live");
    let journal = Journal::open(Options::new(&live)).expect("a new journal");
    let mut acknowledged = HashMap::new();
    for group in 0..GROUPS {
        let entries: Vec<_> = (0..RECORDS)
            .map(|record| entry(group * RECORDS + record))
            .collect();
        let payloads: Vec<_> = entries.iter().map(|entry| entry.payload.clone()).collect();
        journal.append(entries).await.expect("room for all");
        acknowledged.extend((1_u64..).skip(group * RECORDS).zip(payloads));
    }
    copy(&live, &directory.join("image"));
    acknowledged
}

fn entry(n: usize) -> Entry {
    Entry {
        key: Some(Key((n as u128 + 1).to_be_bytes())),
        payload: format!("record {n} {}", "x".repeat(n)).into_bytes(),
    }
}

fn flip(path: &Path, bit: usize) {
    let mut bytes = fs::read(path).expect("a file");
    bytes[bit / 8] ^= 1 << (bit % 8);
    fs::write(path, bytes).expect("a file");
}

/// What a journal opened on `image` delivers, and what it reports.
async fn drain(image: &Path) -> (Vec<(u64, Vec<u8>)>, Vec<journal::Damage>, journal::Stats) {
    let journal = Journal::open(Options::new(image)).expect("a damaged log still opens");
    let (mut records, mut damaged) = (Vec::new(), Vec::new());
    while let Some(plan) = journal
        .next_plan(PlanLimits {
            max_records: 7,
            max_bytes: 1 << 20,
        })
        .await
        .expect("a plan")
    {
        journal.finish(&plan).await.expect("the plan in progress");
        records.extend(plan.records);
        damaged.extend(plan.damaged);
    }
    (records, damaged, journal.stats())
}

fn judge(acknowledged: &HashMap<u64, Vec<u8>>, image: &Path) -> TestCaseResult {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    let (records, damaged, stats) = runtime.block_on(drain(image));
    prop_assert!(
        records.windows(2).all(|pair| pair[0].0 < pair[1].0),
        "in order, once"
    );
    for (seq, payload) in &records {
        prop_assert_eq!(payload, &acknowledged[seq], "as it was");
    }
    let lost: Vec<u64> = acknowledged
        .keys()
        .filter(|seq| !records.iter().any(|(delivered, _)| delivered == *seq))
        .copied()
        .collect();
    prop_assert!(lost.len() <= 1, "one bit costs one record: {lost:?}");
    for seq in &lost {
        let reported = damaged
            .iter()
            .any(|damage| (damage.first..=damage.last).contains(seq));
        prop_assert!(
            reported || stats.log_damages > 0,
            "{seq} is lost and not reported"
        );
    }
    Ok(())
}

#[test]
fn one_flipped_bit_in_the_log_costs_at_most_one_record_and_is_reported() {
    let directory = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let acknowledged = runtime.block_on(image(directory.path()));
    let bits = fs::metadata(log_file(&directory.path().join("image")))
        .unwrap()
        .len() as usize
        * 8;
    proptest!(ProptestConfig::with_cases(80), |(bit in 0..bits)| {
        let damaged = directory.path().join("flipped");
        copy(&directory.path().join("image"), &damaged);
        flip(&log_file(&damaged), bit);
        judge(&acknowledged, &damaged)?;
        fs::remove_dir_all(damaged).unwrap();
    });
}

/// No checksum of the storage engine covers the number at the head of a batch.
#[test]
fn a_flipped_bit_in_a_batchs_number_costs_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let acknowledged = runtime.block_on(image(directory.path()));
    let whole = fs::read(log_file(&directory.path().join("image"))).unwrap();
    let ends = whole
        .windows(4)
        .enumerate()
        .filter(|(_, bytes)| *bytes == b"FJL\x03");
    let heads = std::iter::once(0).chain(ends.map(|(at, _)| at + 4));
    for head in heads.filter(|head| whole.get(*head) == Some(&1)) {
        for bit in [0, 3, 9, 40, 62, 63] {
            let damaged = directory.path().join("flipped");
            copy(&directory.path().join("image"), &damaged);
            flip(&log_file(&damaged), (head + 5) * 8 + bit);
            let (records, unreadable, _) = runtime.block_on(drain(&damaged));
            let delivered: HashMap<u64, Vec<u8>> = records.into_iter().collect();
            assert_eq!(delivered, acknowledged, "bit {bit} of the batch at {head}");
            assert!(unreadable.is_empty(), "bit {bit} of the batch at {head}");
            fs::remove_dir_all(damaged).unwrap();
        }
    }
}

#[test]
fn a_torn_last_write_costs_nothing_that_was_acknowledged() {
    let directory = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let acknowledged = runtime.block_on(image(directory.path()));
    let whole = fs::read(log_file(&directory.path().join("image"))).unwrap();
    // A torn write of a next group: the last group again, cut short.
    let last_group = whole
        .windows(4)
        .enumerate()
        .filter(|(_, bytes)| bytes == b"FJL\x03")
        .map(|(at, _)| at + 4);
    let ends: Vec<usize> = last_group.collect();
    let tail = &whole[ends[ends.len() - 2]..];
    for (n, cut) in (1..tail.len() - 60).step_by(37).enumerate() {
        let torn = directory.path().join(format!("torn-{n}"));
        copy(&directory.path().join("image"), &torn);
        fs::write(log_file(&torn), [&whole[..], &tail[..cut]].concat()).unwrap();
        let (records, damaged, stats) = runtime.block_on(drain(&torn));
        assert_eq!(
            (records.len(), damaged.len(), stats.log_damages),
            (acknowledged.len(), 0, 0),
            "cut at {cut}"
        );
        fs::remove_dir_all(torn).unwrap();
    }
}

#[tokio::test]
async fn after_damage_tokens_and_keys_stay_safe() {
    let directory = tempfile::tempdir().unwrap();
    let acknowledged = image(directory.path()).await;
    let image = directory.path().join("image");
    let bytes = fs::read(log_file(&image)).unwrap();
    let at = bytes
        .windows(9)
        .position(|window| window == b"record 30")
        .unwrap();
    assert!(journal::verify(&image).unwrap().is_sound());
    flip(&log_file(&image), at * 8);
    let found = journal::verify(&image).unwrap();
    assert_eq!(
        (found.log_damaged.len(), found.log_damaged[0].saved_records),
        (1, RECORDS as u64 - 1)
    );
    // Verification continues after the damage, and changes nothing.
    let missing = [(31, 31)];
    let spans = |damaged: &[journal::Damage]| damaged.iter().map(|d| (d.first, d.last)).collect::<Vec<_>>();
    assert_eq!(found.records, acknowledged.len() as u64 - 1);
    assert_eq!(spans(&found.damaged), missing);
    let shown = journal::inspect(&image, None, 1_000).unwrap();
    assert_eq!(
        (
            shown.log_damaged.len(),
            shown.records.len(),
            spans(&shown.damaged)
        ),
        (1, acknowledged.len() - 1, missing.to_vec())
    );
    assert_eq!(journal::verify(&image).unwrap(), found);

    let journal = Journal::open(Options::new(&image)).unwrap();
    let repeats = (0..acknowledged.len()).map(entry).collect();
    let appended = journal.append(repeats).await.unwrap();
    assert!(
        appended
            .iter()
            .all(|appended| *appended == journal::Appended::Duplicate),
        "{appended:?}"
    );
    let plan = journal.next_plan(PlanLimits::default()).await.unwrap().unwrap();
    assert!(
        plan.token().starts_with(&format!("{}.1/", journal.id())),
        "{}",
        plan.token()
    );
    assert_eq!((plan.damaged[0].first, plan.damaged[0].last), (31, 31));
    assert_eq!(fs::read_dir(image.join("damaged")).unwrap().count(), 1);
    drop(journal);
    let found = journal::verify(&image).unwrap();
    assert_eq!(
        (found.log_damaged.len(), found.damaged.len(), found.records),
        (0, 1, acknowledged.len() as u64 - 1)
    );
    let shown = journal::inspect(&image, Some(30), 2).unwrap();
    assert_eq!(
        shown.records.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(),
        [30, 32]
    );
    assert_eq!(shown.plans, [(1, acknowledged.len() as u64)]);
}

/// Records that have been flushed from the log to tables: a flipped bit there is reported, too.
#[tokio::test]
async fn flipped_bits_in_flushed_records_are_reported_too() {
    let directory = tempfile::tempdir().unwrap();
    let live = directory.path().join("live");
    let options = Options {
        segment_bytes: 40_000,
        ..Options::new(&live)
    };
    let journal = Journal::open(options).unwrap();
    let mut acknowledged = HashMap::new();
    for n in 0..60_u64 {
        let payload = vec![n as u8; 4000];
        journal
            .append(vec![Entry {
                key: None,
                payload: payload.clone(),
            }])
            .await
            .unwrap();
        acknowledged.insert(n + 1, payload);
    }
    let flushed = || {
        tables(&live)
            .into_iter()
            .find(|path| fs::metadata(path).is_ok_and(|file| file.len() > 30_000))
    };
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while flushed().is_none() {
        assert!(std::time::Instant::now() < deadline, "older segments are flushed");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    drop(journal);
    let table = flushed().unwrap();
    let at = fs::read(&table)
        .unwrap()
        .windows(64)
        .position(|window| window == [3; 64])
        .expect("record 4 lies there");
    flip(&table, at * 8);

    let (records, damaged, stats) = drain(&live).await;
    assert!(stats.damaged > 0 && !damaged.is_empty());
    for (seq, payload) in &records {
        assert_eq!(payload, &acknowledged[seq]);
    }
    for seq in acknowledged
        .keys()
        .filter(|seq| !records.iter().any(|(delivered, _)| delivered == *seq))
    {
        assert!(
            damaged
                .iter()
                .any(|damage| (damage.first..=damage.last).contains(seq)),
            "{seq} is lost and not reported"
        );
    }
    assert!(records.len() > 40, "only {} of 60 came through", records.len());
}

fn tables(journal: &Path) -> Vec<PathBuf> {
    let keyspaces = fs::read_dir(journal.join("log/keyspaces"))
        .expect("a directory")
        .flatten();
    keyspaces
        .filter_map(|keyspace| fs::read_dir(keyspace.path().join("tables")).ok())
        .flat_map(|tables| tables.flatten().map(|table| table.path()))
        .collect()
}
