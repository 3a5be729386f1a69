//! `kill -9` at different moments of a backup and of a restoration, under a flood.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use testkit::{DEADLINE, Process};

use crate::{
    support,
    world::{
        Flood, Places, assert_once, backed_up, command, entries, figures, partial, publish, refused, restore,
        restored, stored, verify, whole,
    },
};

/// Milliseconds after which a command is killed.
const MOMENTS: [u64; 8] = [10, 40, 100, 200, 350, 600, 1_000, 1_800];

/// The same for the other forms, whose way is the same but for the end.
const FEWER: [u64; 3] = [40, 350, 1_000];

/// How many readings are acknowledged after each of them.
const EACH: usize = 400;
const FORMS: [Form; 3] = [Form::Directory, Form::Archive, Form::Incremental];

/// How a backup is written.
#[derive(Debug, Clone, Copy)]
enum Form {
    Directory,
    Archive,
    /// Beside the directories, and based on the newest of them.
    Incremental,
}

impl Form {
    fn moments(self) -> &'static [u64] {
        match self {
            Self::Directory => &MOMENTS,
            Self::Archive | Self::Incremental => &FEWER,
        }
    }

    fn shelf(self, places: &Places) -> PathBuf {
        places.at(match self {
            Self::Directory | Self::Incremental => "shelf",
            Self::Archive => "archives",
        })
    }

    fn at(self, places: &Places, moment: u64) -> PathBuf {
        let folder = self.shelf(places);
        match self {
            Self::Directory | Self::Incremental => folder,
            Self::Archive => folder.join(format!("{moment}.tar.zst")),
        }
    }

    fn flags(self) -> Vec<String> {
        match self {
            Self::Directory | Self::Archive => Vec::new(),
            Self::Incremental => vec!["--incremental".to_owned()],
        }
    }
}

/// Starts a command and kills it after a while.
fn killed(arguments: &[&str], after_ms: u64) {
    let mut process = Process::start(arguments[0], command(arguments)).unwrap();
    std::thread::sleep(Duration::from_millis(after_ms));
    process.kill();
}

fn words(path: &Path) -> String {
    path.display().to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_killed_backup_is_none_and_the_service_goes_on() {
    let places = Places::new();
    let (data, shelf, new) = (places.at("data"), places.at("shelf"), places.at("new"));
    let mut up = support::up(&data, &[]);
    let early = publish(up.mqtt, "early", 1_700_000_000_000, 1_000).await;
    let flood = Flood::begin(up.mqtt, "flood", 2);
    std::fs::create_dir(Form::Archive.shelf(&places)).unwrap();
    let mut kept = Vec::new();
    for form in FORMS {
        for &moment in form.moments() {
            let to = form.at(&places, moment);
            let flags = [words(&data), words(&to)];
            let own = ["backup", "--data", &flags[0], "--to", &flags[1]].map(str::to_owned);
            let own = [own.to_vec(), form.flags()].concat();
            let kill = move || killed(&own.iter().map(String::as_str).collect::<Vec<_>>(), moment);
            tokio::task::spawn_blocking(kill).await.unwrap();
            // What has its name is whole, whenever it was killed.
            let made = whole(&form.shelf(&places));
            for path in &made {
                assert!(
                    verify(path).status.success(),
                    "{form:?}, {moment} ms: {}",
                    path.display()
                );
            }
            if !to.exists() || made.is_empty() {
                let said = refused(&restore(&to, &new));
                assert!(
                    said.contains("no backup") || said.contains("no such file"),
                    "{form:?}, {moment} ms: {said}"
                );
                assert!(!new.exists());
            }
            flood.wait_for(EACH).await;
        }
        kept.push((form.at(&places, 0), [early.clone(), flood.so_far()].concat()));
        let (from, to) = (data.clone(), form.at(&places, 0));
        let made = tokio::task::spawn_blocking(move || {
            let flags = form.flags();
            backed_up(&from, &to, &flags.iter().map(String::as_str).collect::<Vec<_>>())
        });
        made.await.unwrap();
        let left = partial(&form.shelf(&places));
        assert!(left.is_empty(), "{form:?}: what was left is swept away: {left:?}");
    }
    let all = flood.end().await;
    let killed = FORMS.map(|form| form.moments().len()).iter().sum::<usize>();
    assert!(all.len() > killed * EACH, "{}", all.len());
    assert_once(&stored(&up), &all);

    // The service dies in the middle of a backup.
    for moment in [50, 400] {
        let before = whole(&shelf).len();
        let flags = [words(&data), words(&shelf)];
        let arguments = ["backup", "--data", &flags[0], "--to", &flags[1]];
        let mut asking = Process::start("backup", command(&arguments)).unwrap();
        std::thread::sleep(Duration::from_millis(moment));
        up.process.kill();
        let status = asking.wait(DEADLINE).unwrap();
        // It may have been done before, or have opened the data itself after the service was gone.
        assert_eq!(
            whole(&shelf).len() > before,
            status.success(),
            "{}",
            asking.output()
        );
        up.restart().unwrap();
        assert!(!data.join("backup-staging").exists() && entries(&data.join("backups")).is_empty());
        up.wait_sql(
            "SELECT count() FROM system.databases WHERE name = 'iot_frozen'",
            "0",
        )
        .unwrap();
        assert_once(&stored(&up), &all);
    }
    drop(up);
    // The archive, and the newest of the others.
    for (from, acknowledged) in kept.into_iter().skip(1) {
        restored(&from, &new);
        let up = support::up(&new, &[]);
        assert_once(&stored(&up), &acknowledged);
        drop(up);
        std::fs::remove_dir_all(&new).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_killed_restoration_leaves_nothing_at_its_place() {
    let places = Places::new();
    let (data, shelf, new) = (places.at("data"), places.at("shelf"), places.at("new"));
    let up = support::up(&data, &[]);
    publish(up.mqtt, "d", 1_700_000_000_000, 1_000).await;
    let before = figures(&up);
    backed_up(&data, &shelf, &[]);
    drop(up);
    let mut interrupted = 0;
    for moment in MOMENTS {
        killed(&["restore", &words(&shelf), "--data", &words(&new)], moment);
        if new.exists() {
            // It was done: what is there is whole.
            assert!(
                new.join("engine").is_dir() && new.join("journal").is_dir(),
                "{moment} ms"
            );
            break;
        }
        interrupted += 1;
    }
    assert!(interrupted > 2, "only {interrupted} were interrupted");
    if !new.exists() {
        restored(&shelf, &new);
    }
    let left: Vec<_> = partial(places.root.path());
    assert!(left.is_empty(), "{left:?}");
    let up = support::up(&new, &[]);
    assert_eq!(figures(&up), before);
}
