//! The file is looked at for who is not known: off the workers, once for all who ask, and before anybody is answered.
#![allow(missing_docs, clippy::unwrap_used)]

use std::{
    fs,
    io::Write as _,
    net::Ipv4Addr,
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use accounts::{AccountName, Accounts, AccountsFile, Denied, Login, NewAccount, Role, Strangers};
use tempfile::TempDir;
use tokio::task::JoinSet;

/// Long enough for anything that a test waits for.
const PATIENCE: Duration = Duration::from_secs(20);

struct World {
    _dir: TempDir,
    file: AccountsFile,
    accounts: Arc<Accounts>,
}

fn world() -> World {
    let dir = tempfile::tempdir().unwrap();
    let file = AccountsFile::new(dir.path(), "test");
    World {
        accounts: Accounts::open(file.clone()).unwrap(),
        file,
        _dir: dir,
    }
}

impl World {
    fn add(&self, name: &str) -> String {
        let new = NewAccount {
            name: AccountName::parse(name).unwrap(),
            role: Role::Device,
            label: String::new(),
            location: String::new(),
        };
        self.file.add(new).unwrap().reveal().to_owned()
    }
}

fn login<'a>(name: &'a str, password: &'a str) -> Login<'a> {
    Login {
        name,
        password: password.as_bytes(),
        address: Ipv4Addr::LOCALHOST.into(),
        client_id: "",
        strangers: Strangers::Refused,
    }
}

/// Everything runs on one worker: who is known enters while a stranger waits for the disk.
#[tokio::test]
async fn who_is_known_does_not_wait_for_the_disk() {
    let world = world();
    let password = world.add("known");
    world.accounts.reload();
    let whole = fs::read(world.file.path()).unwrap();
    // Whoever reads a pipe waits for who writes it.
    fs::remove_file(world.file.path()).unwrap();
    assert!(
        Command::new("mkfifo")
            .arg(world.file.path())
            .status()
            .unwrap()
            .success()
    );
    let mut strangers = JoinSet::new();
    for number in 0..8 {
        let accounts = Arc::clone(&world.accounts);
        strangers.spawn(async move {
            let name = format!("stranger-{number}");
            match number % 3 {
                0 => accounts.of_certificate(&name, None).await.err(),
                1 => accounts.of_token(&name).await.is_none().then_some(Denied::Wrong),
                _ => accounts.enter(login(&name, "a password")).await.err(),
            }
        });
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    let began = Instant::now();
    let writer = std::thread::spawn({
        let path = world.file.path();
        // Also where somebody waits who should not: the test ends.
        move || {
            std::thread::sleep(Duration::from_secs(2));
            let mut pipe = fs::OpenOptions::new().write(true).open(&path).unwrap();
            // Who asks next finds a file again.
            let beside = path.with_extension("whole");
            fs::write(&beside, &whole).unwrap();
            fs::rename(&beside, &path).unwrap();
            let now = Instant::now();
            pipe.write_all(&whole).unwrap();
            now
        }
    });
    world.accounts.enter(login("known", &password)).await.unwrap();
    world.accounts.of_certificate("known", None).await.unwrap();
    let entered = Instant::now();
    assert!(strangers.try_join_next().is_none(), "they wait for the file");
    let all = async {
        while strangers
            .join_next()
            .await
            .is_some_and(|denied| denied.unwrap() == Some(Denied::Wrong))
        {}
    };
    tokio::time::timeout(PATIENCE, all).await.unwrap();
    assert!(strangers.is_empty(), "each was refused");
    let written = writer.join().unwrap();
    assert!(
        began < entered && entered < written,
        "before the file could be read"
    );
}

/// Whoever asks while another is reading the file waits for what it reads: a new account is no stranger for a moment.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_new_account_is_known_to_everybody_who_asks_at_once() {
    let world = world();
    // Some size, so that reading takes a moment.
    for account in 0..50 {
        world.add(&format!("other-{account}"));
    }
    for round in 0..30 {
        let newcomer = format!("new-{round}");
        world.add(&newcomer);
        let together = Arc::new(tokio::sync::Barrier::new(4));
        let mut asking = JoinSet::new();
        for _ in 0..4 {
            let (accounts, together) = (Arc::clone(&world.accounts), Arc::clone(&together));
            let newcomer = newcomer.clone();
            asking.spawn(async move {
                together.wait().await;
                let has = |book: &accounts::Book| book.get(&newcomer).is_some();
                let book = accounts.book_that(has).await;
                assert!(has(&book), "{newcomer} is a stranger");
            });
        }
        while let Some(asked) = asking.join_next().await {
            asked.unwrap();
        }
    }
}
