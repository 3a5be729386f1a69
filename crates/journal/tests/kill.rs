//! kill −9 under load, again and again: what was acknowledged reaches the sink once, in order, nothing twice.
//!
//! The child is this test binary, started again. It appends numbered records, prints each acknowledgement, and
//! "inserts" plans by printing them; the parent is the database that drops a token it has already seen.

use std::{
    collections::{BTreeMap, HashMap},
    io::{BufRead, BufReader, Write},
    process::{Child, Command, Stdio},
    sync::mpsc,
    time::{Duration, Instant},
};

use journal::{Entry, Journal, Key, Options, PlanLimits};

const WRITERS: u32 = 8;
const ROUNDS: u32 = 10;
const DIRECTORY: &str = "JOURNAL_KILL_DIRECTORY";
const NEXT: &str = "JOURNAL_KILL_NEXT";
const DRAIN: &str = "JOURNAL_KILL_DRAIN";

/// What the child has reported.
#[derive(Default)]
struct Observed {
    /// The next number of each writer: all before were acknowledged.
    next: BTreeMap<u32, u64>,
    /// Rows in the order of arrival, each once a token.
    rows: Vec<String>,
    tokens: HashMap<String, Vec<String>>,
}

impl Observed {
    fn note(&mut self, line: &str) {
        let mut words = line.split(' ').map(str::to_owned);
        match words.next().as_deref() {
            Some("acked") => {
                let writer = words.next().expect("a writer").parse().expect("a number");
                let n: u64 = words.next().expect("a record").parse().expect("a number");
                self.next.insert(writer, n + 1);
            }
            Some("insert") => {
                let token = words.next().expect("a token");
                let rows: Vec<String> = words.collect();
                if let Some(before) = self.tokens.get(&token) {
                    assert_eq!(before, &rows, "a plan keeps its records");
                    return;
                }
                self.rows.extend(rows.iter().cloned());
                self.tokens.insert(token, rows);
            }
            _ => {}
        }
    }
}

#[test]
fn acknowledged_records_arrive_once_although_the_process_is_killed() {
    if std::env::var(DIRECTORY).is_ok() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let mut observed = Observed::default();
    for round in 0..ROUNDS {
        let acked_before: u64 = observed.next.values().sum();
        let (mut child, lines) = start(directory.path(), &observed, false);
        // Dies at a different point each time, but never before it has done anything.
        let deadline = Instant::now() + Duration::from_secs(30);
        let wanted = acked_before + 50 + u64::from(round) * 37;
        while observed.next.values().sum::<u64>() < wanted {
            let line = lines
                .recv_timeout(deadline.saturating_duration_since(Instant::now()))
                .expect("progress");
            observed.note(&line);
        }
        child.kill().unwrap();
        child.wait().unwrap();
        for line in lines {
            observed.note(&line);
        }
    }
    let (mut child, lines) = start(directory.path(), &observed, true);
    for line in lines {
        observed.note(&line);
    }
    assert!(child.wait().unwrap().success());

    let mut arrived: BTreeMap<u32, Vec<u64>> = BTreeMap::new();
    for row in &observed.rows {
        let (writer, n) = row.split_once('/').unwrap();
        arrived
            .entry(writer.parse().unwrap())
            .or_default()
            .push(n.parse().unwrap());
    }
    for (writer, next) in &observed.next {
        let numbers = &arrived[writer];
        assert!(
            numbers.windows(2).all(|pair| pair[0] + 1 == pair[1]),
            "writer {writer}: in order, none twice, no gap"
        );
        assert!(
            numbers[0] == 0 && numbers.len() as u64 >= *next,
            "writer {writer}: {} of {next}",
            numbers.len()
        );
    }
}

fn start(directory: &std::path::Path, observed: &Observed, drain: bool) -> (Child, mpsc::Receiver<String>) {
    let next: Vec<String> = (0..WRITERS)
        .map(|w| observed.next.get(&w).unwrap_or(&0).to_string())
        .collect();
    let mut child = Command::new(std::env::current_exe().expect("this binary"))
        .args(["--exact", "child", "--nocapture"])
        .env(DIRECTORY, directory)
        .env(NEXT, next.join(","))
        .env(DRAIN, if drain { "1" } else { "" })
        .stdout(Stdio::piped())
        .spawn()
        .expect("this binary starts");
    let stdout = BufReader::new(child.stdout.take().expect("it is piped"));
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let whole_lines = stdout.lines().map_while(Result::ok);
        whole_lines.for_each(|line| drop(sender.send(line)));
    });
    (child, receiver)
}

/// Not a test by itself: the process that is killed.
#[test]
fn child() {
    let Ok(directory) = std::env::var(DIRECTORY) else {
        return;
    };
    let next: Vec<u64> = std::env::var(NEXT)
        .unwrap()
        .split(',')
        .map(|n| n.parse().unwrap())
        .collect();
    let drain = !std::env::var(DRAIN).unwrap().is_empty();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let journal = Journal::open(Options::new(directory)).unwrap();
        if !drain {
            for (writer, next) in (0..WRITERS).zip(next) {
                tokio::spawn(write(journal.clone(), writer, next));
            }
        }
        let limits = PlanLimits {
            max_records: 40,
            ..PlanLimits::default()
        };
        while !drain || journal.stats().records > 0 {
            journal.wait_for_records().await;
            let Some(plan) = journal.next_plan(limits).await.unwrap() else {
                continue;
            };
            assert!(plan.damaged.is_empty());
            let rows: Vec<String> = plan
                .records
                .iter()
                .map(|(_, payload)| String::from_utf8(payload.clone()).unwrap())
                .collect();
            say(&format!("insert {} {}\n", plan.token(), rows.join(" ")));
            journal.finish(&plan).await.unwrap();
        }
    });
}

async fn write(journal: Journal, writer: u32, from: u64) {
    for n in from.. {
        let key = Key((u128::from(writer) << 64 | u128::from(n)).to_be_bytes());
        let entry = Entry {
            key: Some(key),
            payload: format!("{writer}/{n}").into_bytes(),
        };
        journal.append(vec![entry]).await.expect("the disk takes it");
        say(&format!("acked {writer} {n}\n"));
    }
}

/// One write, so that a line is whole or absent.
fn say(line: &str) {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(line.as_bytes()).expect("the parent listens");
    stdout.flush().expect("the parent listens");
}
