//! Entering: by password, by pairing, by token; and what guessing brings.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::{Duration, Instant},
};

use accounts::{
    AccountName, Accounts, AccountsFile, Denied, Known, Login, NewAccount, Role, State, Strangers,
};
use tempfile::TempDir;

const HOME: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
const ELSEWHERE: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 1));

struct World {
    _data: TempDir,
    file: AccountsFile,
    accounts: Arc<Accounts>,
}

fn world() -> World {
    let data = tempfile::tempdir().expect("a directory");
    let file = AccountsFile::new(&data.path().join("accounts"), "test");
    let accounts = Accounts::open(file.clone()).expect("no accounts yet");
    World {
        _data: data,
        file,
        accounts,
    }
}

fn name(text: &str) -> AccountName {
    AccountName::parse(text).expect("a name")
}

impl World {
    fn add(&self, text: &str, role: Role) -> String {
        let new = NewAccount {
            name: name(text),
            role,
            label: String::new(),
            location: String::new(),
        };
        let password = self.file.add(new).expect("a new account");
        self.accounts.reload();
        password.reveal().to_owned()
    }

    async fn enter(&self, name: &str, password: &str) -> Result<Known, Denied> {
        self.enter_from(HOME, name, password).await
    }

    async fn enter_from(&self, address: IpAddr, name: &str, password: &str) -> Result<Known, Denied> {
        let login = Login {
            name,
            password: password.as_bytes(),
            address,
            client_id: "client",
            strangers: Strangers::MayPair,
        };
        self.accounts.enter(login).await
    }
}

#[tokio::test]
async fn a_generated_password_enters_without_argon2() {
    let world = world();
    let password = world.add("sensor-001", Role::Device);
    let padded = format!("{password}\0");
    assert_eq!(world.enter("sensor-001", &padded).await, Err(Denied::NoPassword));
    let known = world.enter("sensor-001", &password).await.unwrap();
    assert_eq!(
        (known.name.as_str(), known.role, known.state),
        ("sensor-001", Role::Device, State::Active)
    );
    assert_eq!(world.accounts.counters().hashed, 0);
    assert!(world.accounts.is_current(&known));
    world.file.rotate(&name("sensor-001")).unwrap();
    world.accounts.reload();
    assert!(!world.accounts.is_current(&known));
    assert_eq!(
        world.enter("sensor-001", &password).await,
        Err(Denied::Wrong),
        "what is remembered is void, too"
    );
}

#[tokio::test]
async fn refusals_do_not_tell_what_is_wrong_and_take_as_long() {
    let world = world();
    world.add("sensor-001", Role::Device);
    for (who, password) in [
        ("sensor-001", "wrong-password"),
        ("nobody", "wrong-password"),
        ("", "x"),
        ("a/b", "x"),
    ] {
        let began = Instant::now();
        let denied = world.enter(who, password).await.unwrap_err();
        assert!(
            matches!(denied, Denied::Wrong | Denied::DoorClosed),
            "{who}: {denied:?}"
        );
        assert!(began.elapsed() >= Duration::from_millis(250), "{who}");
    }
    assert_eq!(world.accounts.counters().hashed, 4, "each costs one argon2id");
    for password in ["", "a\0", &"x".repeat(1_025)] {
        assert_eq!(world.enter("sensor-001", password).await, Err(Denied::NoPassword));
    }
}

#[tokio::test]
async fn a_guesser_waits_and_the_device_does_not() {
    let world = world();
    let password = world.add("sensor-001", Role::Device);
    let mut waits = 0;
    let guesses: Vec<_> = (0..40)
        .map(|number| {
            let accounts = Arc::clone(&world.accounts);
            tokio::spawn(async move {
                let guess = format!("guess-{number}");
                let login = Login {
                    name: "sensor-001",
                    password: guess.as_bytes(),
                    address: ELSEWHERE,
                    client_id: "guesser",
                    strangers: Strangers::MayPair,
                };
                accounts.enter(login).await
            })
        })
        .collect();
    for guess in guesses {
        guess.await.unwrap().unwrap_err();
    }
    let began = Instant::now();
    for _ in 0..5 {
        waits += usize::from(matches!(
            world.enter_from(ELSEWHERE, "sensor-001", "again").await,
            Err(Denied::Wait(_))
        ));
    }
    assert_eq!(waits, 5);
    assert!(
        began.elapsed() >= 5 * Duration::from_millis(250),
        "to ask again at once is no faster"
    );
    assert!(world.accounts.counters().throttled >= 5);
    world.enter("sensor-001", &password).await.unwrap();
    world
        .enter_from(ELSEWHERE, "sensor-001", &password)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_device_pairs_while_the_door_is_open_and_waits_for_a_word() {
    let world = world();
    assert_eq!(
        world.enter("esp-1", "my-own-password").await,
        Err(Denied::DoorClosed)
    );
    world.file.open_pairing().unwrap();
    world.accounts.reload();
    assert!(
        matches!(world.enter("esp-1", "short").await, Err(Denied::CannotPair(why)) if why.contains("8 characters"))
    );
    assert!(
        matches!(world.enter("no id", "my-own-password").await, Err(Denied::CannotPair(why)) if why.contains("device id"))
    );
    let known = world.enter("esp-1", "my-own-password").await.unwrap();
    assert_eq!((known.role, known.state), (Role::Device, State::Pending));
    assert_eq!(
        world.enter("esp-1", "another-password").await,
        Err(Denied::Wrong),
        "the first has the name"
    );

    world
        .accounts
        .heard(&known.name, "sensor/esp-1/temperature", b"21.5\n");
    world
        .accounts
        .heard(&known.name, "sensor/esp-1/temperature", b"21.6");
    let following = tokio::spawn(Arc::clone(&world.accounts).follow());
    let mut changes = world.accounts.changes();
    tokio::time::timeout(Duration::from_secs(5), changes.changed())
        .await
        .unwrap()
        .unwrap();
    let book = world.accounts.book();
    let (_, account) = book.get("esp-1").unwrap();
    let pending = account.pending.clone().unwrap();
    assert_eq!(
        (pending.address.as_str(), pending.client_id.as_str()),
        ("192.0.2.1", "client")
    );
    assert_eq!(
        pending.first,
        [("sensor/esp-1/temperature".to_owned(), "21.5 ".to_owned())]
    );
    assert!(
        world.accounts.is_current(&known),
        "what is heard changes no rights"
    );

    world.file.approve(&known.name).unwrap();
    tokio::time::timeout(Duration::from_secs(5), changes.changed())
        .await
        .unwrap()
        .unwrap();
    assert!(!world.accounts.is_current(&known));
    let known = world.enter("esp-1", "my-own-password").await.unwrap();
    assert_eq!(known.state, State::Active);
    world.file.close_pairing().unwrap();
    world.accounts.reload();
    assert_eq!(
        world.enter("esp-2", "my-own-password").await,
        Err(Denied::DoorClosed)
    );
    following.abort();
}

#[tokio::test]
async fn guessers_keep_no_device_out_that_chose_its_password() {
    let world = world();
    world.file.open_pairing().unwrap();
    world.accounts.reload();
    world.enter("esp-1", "my-own-password").await.unwrap();
    world.file.approve(&name("esp-1")).unwrap();
    // A service that has just started remembers nobody.
    let accounts = Accounts::open(world.file.clone()).unwrap();
    let enter = |address, password: &'static str| {
        let accounts = Arc::clone(&accounts);
        async move {
            let login = Login {
                name: "esp-1",
                password: password.as_bytes(),
                address,
                client_id: "client",
                strangers: Strangers::MayPair,
            };
            accounts.enter(login).await
        }
    };
    let guesses: Vec<_> = (0..30_u8)
        .map(|host| tokio::spawn(enter(IpAddr::from([198, 51, 100, host]), "guess")))
        .collect();
    for guess in guesses {
        guess.await.unwrap().unwrap_err();
    }
    let stranger = IpAddr::from([198, 51, 100, 0]);
    assert!(matches!(enter(stranger, "guess").await, Err(Denied::Wait(_))));
    enter(HOME, "my-own-password").await.unwrap();
}

#[tokio::test]
async fn who_asks_before_the_door_closes_and_is_heard_after_stays_outside() {
    let world = world();
    world.file.open_pairing().unwrap();
    world.accounts.reload();
    // The service has not looked at the file yet.
    world.file.close_pairing().unwrap();
    assert_eq!(
        world.enter("esp-1", "my-own-password").await,
        Err(Denied::DoorClosed)
    );
    assert!(world.file.read().unwrap().get("esp-1").is_none());
}

#[tokio::test]
async fn strangers_do_not_fill_the_waiting_room() {
    let world = world();
    world.file.open_pairing().unwrap();
    world.accounts.reload();
    let address = |host: usize| IpAddr::from([192, 0, 2, host as u8]);
    let full = |denied: Result<Known, Denied>, said: &str| matches!(denied, Err(Denied::CannotPair(why)) if why.contains(said));
    for number in 0..32 {
        let host = address(number / 8);
        world
            .enter_from(host, &format!("esp-{number}"), "my-own-password")
            .await
            .unwrap();
        if number == 7 {
            let more = world.enter_from(host, "of-one-host", "my-own-password").await;
            assert!(full(more, "8 devices of this address"));
        }
    }
    let more = world.enter_from(address(9), "one-more", "my-own-password").await;
    assert!(full(more, "32 devices wait"));
}

#[tokio::test]
async fn a_certificate_is_void_once_the_secrets_are_made_anew() {
    let world = world();
    let made = jiff::Timestamp::now().as_second();
    world.add("a", Role::Device);
    world.accounts.of_certificate("a", Some(made + 1)).await.unwrap();
    assert_eq!(
        world.accounts.of_certificate("a", Some(made - 10)).await,
        Err(Denied::OldCertificate),
        "of another account of that name"
    );
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    world.file.rotate(&name("a")).unwrap();
    world.accounts.reload();
    assert_eq!(
        world.accounts.of_certificate("a", Some(made)).await,
        Err(Denied::OldCertificate)
    );
    let now = jiff::Timestamp::now().as_second();
    world.accounts.of_certificate("a", Some(now)).await.unwrap();
}

#[tokio::test]
async fn a_retired_account_is_closed_and_a_certificate_names_one() {
    let world = world();
    let password = world.add("a", Role::Device);
    let known = world.accounts.of_certificate("a", None).await.unwrap();
    assert_eq!(known.name.as_str(), "a");
    assert_eq!(world.accounts.of_certificate("b", None).await, Err(Denied::Wrong));
    world.file.retire(&name("a")).unwrap();
    world.accounts.reload();
    assert_eq!(world.enter("a", &password).await, Err(Denied::Retired));
    assert_eq!(
        world.accounts.of_certificate("a", None).await,
        Err(Denied::Retired)
    );
}

#[tokio::test]
async fn a_damaged_file_leaves_the_accounts_of_before_in_force() {
    let world = world();
    let password = world.add("a", Role::Device);
    let whole = std::fs::read(world.file.path()).unwrap();
    std::fs::write(world.file.path(), "{").unwrap();
    world.accounts.reload();
    assert!(world.accounts.problem().unwrap().contains("holds no accounts"));
    world.enter("a", &password).await.unwrap();
    std::fs::remove_file(world.file.path()).unwrap();
    world.accounts.reload();
    assert!(world.accounts.problem().unwrap().contains("is gone"));
    world.enter("a", &password).await.unwrap();
    std::fs::write(world.file.path(), whole).unwrap();
    world.accounts.reload();
    assert_eq!(world.accounts.problem(), None);
}
