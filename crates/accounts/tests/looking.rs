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

    /// Puts a pipe in the file's place: whoever reads it waits for who writes it.
    fn put_a_pipe(&self) {
        fs::remove_file(self.file.path()).unwrap();
        let made = Command::new("mkfifo").arg(self.file.path()).status().unwrap();
        assert!(made.success());
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
    world.put_a_pipe();
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

/// A look goes on when nobody waits for it any more: who asks next waits for the same, and takes no further thread.
#[test]
fn however_many_give_up_waiting_one_thread_waits_for_the_disk() {
    let world = world();
    world.add("known");
    world.accounts.reload();
    let whole = fs::read(world.file.path()).unwrap();
    world.put_a_pipe();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(2)
        .build()
        .unwrap();
    let has_room = runtime.block_on(async {
        for _ in 0..4 {
            let asked = tokio::time::timeout(Duration::from_millis(50), world.accounts.book_that(|_| false));
            assert!(asked.await.is_err(), "nobody has written the file");
        }
        let other = tokio::task::spawn_blocking(|| ());
        tokio::time::timeout(Duration::from_secs(5), other).await.is_ok()
    });
    // Who reads goes on, and whoever reads next finds a file.
    let beside = world.file.path().with_extension("whole");
    fs::write(&beside, &whole).unwrap();
    let mut pipe = fs::OpenOptions::new()
        .write(true)
        .open(world.file.path())
        .unwrap();
    fs::rename(&beside, world.file.path()).unwrap();
    pipe.write_all(&whole).unwrap();
    drop(pipe);
    drop(runtime);
    assert!(has_room);
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
