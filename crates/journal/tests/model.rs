//! The contract as a model: whatever is done, and wherever the process dies between two replies, each stored record
//! leaves once, in order, and in plans that keep their boundaries until they are finished.

use std::{
    collections::{BTreeMap, HashSet},
    fs, io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use journal::{Appended, Entry, Journal, Key, Options, Plan, PlanLimits};
use proptest::prelude::*;
use tempfile::TempDir;

#[derive(Debug, Clone)]
enum Step {
    Append(Vec<Option<u8>>),
    Plan { max_records: usize },
    Finish,
    Split { at: usize, note: u8 },
    Close,
    Crash,
}

fn step() -> impl Strategy<Value = Step> {
    let key = prop_oneof![2 => Just(None), 3 => any::<u8>().prop_map(Some)];
    prop_oneof![
        5 => prop::collection::vec(key, 1..8).prop_map(Step::Append),
        3 => (1_usize..6).prop_map(|max_records| Step::Plan { max_records }),
        4 => Just(Step::Finish),
        2 => (any::<usize>(), any::<u8>()).prop_map(|(at, note)| Step::Split { at, note }),
        1 => Just(Step::Close),
        2 => Just(Step::Crash),
    ]
}

/// Segments so small that plans cross them.
fn options(path: PathBuf) -> Options {
    Options {
        segment_bytes: 400,
        ..Options::new(path)
    }
}

/// A journal under test and its model.
struct Checked {
    directory: TempDir,
    generation: u32,
    journal: Option<Journal>,
    id: String,
    /// Payloads by sequence number, from 1.
    stored: Vec<Vec<u8>>,
    keys: HashSet<u8>,
    /// Boundaries and notes of unfinished plans.
    plans: Vec<(u64, u64, Vec<u8>)>,
    finished: u64,
    in_hand: Option<Plan>,
}

impl Checked {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let journal = Journal::open(options(directory.path().join("0"))).expect("a new journal");
        Self {
            directory,
            generation: 0,
            id: journal.id().to_owned(),
            journal: Some(journal),
            stored: Vec::new(),
            keys: HashSet::new(),
            plans: Vec::new(),
            finished: 0,
            in_hand: None,
        }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join(self.generation.to_string())
    }

    fn journal(&self) -> &Journal {
        self.journal.as_ref().expect("open between steps")
    }

    async fn take(&mut self, step: Step) -> Result<(), TestCaseError> {
        match step {
            Step::Append(keys) => self.append(&keys).await?,
            Step::Plan { max_records } => self.plan(max_records).await?,
            Step::Finish => self.finish().await?,
            Step::Split { at, note } => self.split(at, note).await?,
            Step::Close => {
                self.journal = None;
                self.open()?;
            }
            Step::Crash => self.crash()?,
        }
        let stats = self.journal().stats();
        prop_assert_eq!(stats.records, self.stored.len() as u64 - self.finished);
        prop_assert_eq!(stats.next_seq, self.stored.len() as u64 + 1);
        prop_assert_eq!((stats.damaged, stats.log_damages), (0, 0));
        Ok(())
    }

    async fn append(&mut self, keys: &[Option<u8>]) -> Result<(), TestCaseError> {
        let (mut entries, mut expected) = (Vec::new(), Vec::new());
        for key in keys {
            let payload = format!("{} {key:?}", self.stored.len()).into_bytes();
            entries.push(Entry {
                key: key.map(|key| Key([key; 16])),
                payload: payload.clone(),
            });
            if key.is_some_and(|key| !self.keys.insert(key)) {
                expected.push(Appended::Duplicate);
            } else {
                self.stored.push(payload);
                expected.push(Appended::Stored(self.stored.len() as u64));
            }
        }
        prop_assert_eq!(
            self.journal().append(entries).await.expect("room for all"),
            expected
        );
        Ok(())
    }

    async fn plan(&mut self, max_records: usize) -> Result<(), TestCaseError> {
        let plan = self
            .journal()
            .next_plan(PlanLimits {
                max_records,
                ..PlanLimits::default()
            })
            .await
            .expect("a plan");
        let next = self.finished + 1;
        let last = self.stored.len() as u64;
        if self.plans.is_empty() && next <= last {
            self.plans
                .push((next, last.min(next + max_records as u64 - 1), Vec::new()));
        }
        let Some((first, last, note)) = self.plans.first() else {
            prop_assert!(plan.is_none());
            return Ok(());
        };
        let plan = plan.expect("something waits");
        prop_assert_eq!((plan.first, plan.last, &plan.note), (*first, *last, note));
        prop_assert_eq!(plan.token(), format!("{}/{first}-{last}", self.id));
        let expected: Vec<_> = (*first..=*last)
            .map(|seq| (seq, self.stored[seq as usize - 1].clone()))
            .collect();
        prop_assert_eq!(&plan.records, &expected);
        self.in_hand = Some(plan);
        Ok(())
    }

    async fn finish(&mut self) -> Result<(), TestCaseError> {
        let Some(plan) = self.in_hand.take() else {
            return Ok(());
        };
        let outcome = self.journal().finish(&plan).await;
        let is_current = self
            .plans
            .first()
            .is_some_and(|(first, last, _)| (*first, *last) == (plan.first, plan.last));
        prop_assert_eq!(outcome.is_ok(), is_current);
        if is_current {
            self.finished = plan.last;
            self.plans.remove(0);
        }
        Ok(())
    }

    async fn split(&mut self, at: usize, note: u8) -> Result<(), TestCaseError> {
        let Some(plan) = &self.in_hand else { return Ok(()) };
        let boundary = plan.first + at as u64 % (plan.last - plan.first + 1);
        let outcome = self.journal().split(plan, boundary, &[note]).await;
        let is_current = self
            .plans
            .first()
            .is_some_and(|(first, last, _)| (*first, *last) == (plan.first, plan.last));
        prop_assert_eq!(outcome.is_ok(), is_current && boundary < plan.last);
        if outcome.is_ok() {
            let halves = [
                (plan.first, boundary, vec![note]),
                (boundary + 1, plan.last, vec![note]),
            ];
            self.plans.splice(0..1, halves);
        }
        Ok(())
    }

    /// Goes on with the files as they lie there now, as a process that was killed would leave them.
    fn crash(&mut self) -> Result<(), TestCaseError> {
        let from = self.path();
        self.generation += 1;
        copy_as_of_one_moment(&from, &self.path());
        self.journal = None;
        fs::remove_dir_all(from).expect("our own directory");
        self.open()
    }

    fn open(&mut self) -> Result<(), TestCaseError> {
        let journal = Journal::open(options(self.path())).expect("what was left opens");
        prop_assert_eq!(journal.id(), &self.id);
        self.journal = Some(journal);
        Ok(())
    }
}

/// The storage works on in the background: files come and go while they are copied. A copy counts when nothing has
/// changed from its beginning to its end, which is what a kill would have left.
fn copy_as_of_one_moment(from: &Path, to: &Path) {
    for _ in 0..200 {
        let _ = fs::remove_dir_all(to);
        let before = listing(from);
        let copied = before.as_ref().is_ok_and(|files| copy(files, from, to).is_ok());
        if copied && before.ok() == listing(from).ok() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("{} changes all the time", from.display());
}

/// Length and time of last change by path; `None` for folders, which come before what they hold.
type Listing = BTreeMap<PathBuf, Option<(u64, SystemTime)>>;

fn listing(root: &Path) -> io::Result<Listing> {
    let mut all = Listing::new();
    let mut open = vec![root.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            let meta = entry.metadata()?;
            let state = if meta.is_dir() {
                open.push(entry.path());
                None
            } else {
                Some((meta.len(), meta.modified()?))
            };
            let inner = entry
                .path()
                .strip_prefix(root)
                .expect("below the root")
                .to_owned();
            all.insert(inner, state);
        }
    }
    Ok(all)
}

fn copy(files: &Listing, from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for (path, state) in files {
        match state {
            None => fs::create_dir_all(to.join(path))?,
            Some(_) => drop(fs::copy(from.join(path), to.join(path))?),
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_lost_doubled_or_reordered(steps in prop::collection::vec(step(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut checked = Checked::new();
        for step in steps {
            runtime.block_on(checked.take(step))?;
        }
        // Whatever state that was: the rest leaves, too.
        while checked.finished < checked.stored.len() as u64 {
            runtime.block_on(checked.plan(3))?;
            runtime.block_on(checked.finish())?;
        }
        prop_assert!(runtime.block_on(checked.journal().next_plan(PlanLimits::default())).unwrap().is_none());
    }
}
