//! Who somebody is, from what they say.
//!
//! In: a name, a password, an address, or the name in a verified certificate. Out: an account, or why not. What was right
//! once is remembered under a keyed digest; a generated password is compared by its fast hash; every other answer costs one
//! argon2id, whether the account exists or not, and comes no sooner than a quarter of a second after the question. Who is
//! wrong too often waits, but a right password that needs no argon2id is never kept waiting: a stranger who guesses locks
//! no device out.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use domain::DeviceId;
use jiff::Timestamp;
use parking_lot::Mutex;

use crate::{
    account::{Account, AccountName, Role, State},
    attempts::{Attempts, LoginLimits},
    book::{Book, BookError},
    file::FileError,
    hasher::Hasher,
    pairing::{MIN_PASSWORD_CHARS, Newcomer},
    secret::{Keyed, MAX_PASSWORD_BYTES, PasswordHash},
    service::Accounts,
};

/// No refusal of a password comes sooner.
const ANSWER_AFTER: Duration = Duration::from_millis(250);
/// Successes that are remembered.
const MAX_REMEMBERED: usize = 20_000;

/// What a client says of itself.
#[derive(Debug, Clone, Copy)]
pub struct Login<'a> {
    /// The account's name.
    pub name: &'a str,
    /// Its password.
    pub password: &'a [u8],
    /// Where it connects from.
    pub address: IpAddr,
    /// What it calls itself at the broker.
    pub client_id: &'a str,
    /// Whether it may introduce itself, if it has no account.
    pub strangers: Strangers,
}

/// What becomes of clients without an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strangers {
    /// A device may introduce itself while a person holds the door open.
    MayPair,
    /// They are refused.
    Refused,
}

/// Who may register.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Registration {
    /// Everybody: devices need no account. Only where no other host can connect.
    #[default]
    Open,
    /// Devices introduce themselves while a person holds the door open.
    Pairing,
    /// Only accounts that a person has made.
    Closed,
}

/// Somebody who is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Its name.
    pub name: AccountName,
    /// What it is for.
    pub role: Role,
    /// Whether it is in use, or waits.
    pub state: State,
    /// What was granted holds while the account has this number.
    pub generation: u64,
}

impl Known {
    fn of(name: &AccountName, account: &Account) -> Self {
        Self {
            name: name.clone(),
            role: account.role,
            state: account.state,
            generation: account.generation,
        }
    }
}

/// Why somebody is not let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Denied {
    /// No such account, or another password; which of them is not said.
    Wrong,
    /// The account is retired.
    Retired,
    /// It was wrong too often.
    Wait(Duration),
    /// Too many passwords wait to be compared.
    Busy,
    /// There is no account, and no door is open.
    DoorClosed,
    /// The door is open, and this cannot pair.
    CannotPair(String),
    /// A name without a password.
    NoPassword,
    /// A certificate that was made before the account, or before its secrets were made anew.
    OldCertificate,
}

/// What logging in remembers.
pub(crate) struct Gate {
    hasher: Hasher,
    attempts: Mutex<Attempts>,
    keyed: Keyed,
    /// Names by what was right.
    remembered: Mutex<HashMap<[u8; 32], AccountName>>,
    pub(crate) failures: AtomicU64,
    pub(crate) throttled: AtomicU64,
    pub(crate) hashed: AtomicU64,
}

/// What a password is compared with where there is no account.
static NOBODY: LazyLock<PasswordHash> = LazyLock::new(|| PasswordHash::chosen(b"nobody has this password"));

impl Gate {
    pub(crate) fn start(limits: LoginLimits) -> std::io::Result<Self> {
        Ok(Self {
            hasher: Hasher::start()?,
            attempts: Mutex::new(Attempts::new(limits)),
            keyed: Keyed::new(),
            remembered: Mutex::default(),
            failures: AtomicU64::new(0),
            throttled: AtomicU64::new(0),
            hashed: AtomicU64::new(0),
        })
    }

    fn is_remembered(&self, digest: &[u8; 32]) -> bool {
        self.remembered.lock().contains_key(digest)
    }

    fn remember(&self, digest: [u8; 32], name: &AccountName) {
        let mut remembered = self.remembered.lock();
        if remembered.len() >= MAX_REMEMBERED {
            remembered.clear();
        }
        remembered.insert(digest, name.clone());
    }
}

impl Accounts {
    /// Says who somebody is.
    pub async fn enter(self: &Arc<Self>, login: Login<'_>) -> Result<Known, Denied> {
        // HMAC fills its key up with NULs: a password that ends in one would be as good as the one without.
        if login.password.is_empty()
            || login.password.len() > MAX_PASSWORD_BYTES
            || login.password.contains(&0)
        {
            return Err(Denied::NoPassword);
        }
        let asked = Instant::now();
        let book = self.book_with(login.name).await;
        let found = book.get(login.name);
        if let Some((name, account)) = found
            && let Some(known) = self.quickly(name, account, &login)
        {
            self.gate.attempts.lock().succeeded(login.address, login.name);
            return judge(known);
        }
        let pause = self.gate.attempts.lock().pause(login.address, login.name, asked);
        if let Some(pause) = pause {
            self.gate.throttled.fetch_add(1, Relaxed);
            // Who connects again at once is no faster for it.
            tokio::time::sleep_until((asked + ANSWER_AFTER).into()).await;
            return Err(Denied::Wait(pause));
        }
        let answer = self.slowly(found, &book, &login).await;
        if let Err(denied) = &answer {
            if matches!(denied, Denied::Wrong | Denied::DoorClosed) {
                self.gate.failures.fetch_add(1, Relaxed);
                self.gate.attempts.lock().failed(login.address, login.name, asked);
            }
            tokio::time::sleep_until((asked + ANSWER_AFTER).into()).await;
        }
        answer
    }

    /// The account that a verified certificate names, which is valid from `not_before` on, in seconds since 1970. One that was
    /// made before the account's secrets were is void, as they are.
    pub async fn of_certificate(
        self: &Arc<Self>,
        name: &str,
        not_before: Option<i64>,
    ) -> Result<Known, Denied> {
        let book = self.book_with(name).await;
        let (name, account) = book.get(name).ok_or(Denied::Wrong)?;
        let since = account.secrets_since.unwrap_or(account.created).as_second();
        if not_before.is_some_and(|not_before| not_before < since) {
            return Err(Denied::OldCertificate);
        }
        judge(Known::of(name, account))
    }

    /// The account that a token opens.
    pub async fn of_token(self: &Arc<Self>, token: &str) -> Option<Known> {
        let now = Timestamp::now();
        let book = self.book_that(|book| book.of_token(token, now).is_some());
        let book = book.await;
        let (name, account) = book.of_token(token, now)?;
        Some(Known::of(name, account))
    }

    /// Whether a token opens an account that is known already.
    pub fn knows_token(&self, token: &str) -> bool {
        self.book().of_token(token, Timestamp::now()).is_some()
    }

    /// The account of that name, if it is in use.
    pub fn of_name(&self, name: &str) -> Option<Known> {
        let book = self.book();
        let (name, account) = book.get(name)?;
        (account.state == State::Active).then(|| Known::of(name, account))
    }

    /// Whether what was granted still holds.
    pub fn is_current(&self, known: &Known) -> bool {
        self.book()
            .get(known.name.as_str())
            .is_some_and(|(_, account)| account.generation == known.generation)
    }

    /// By what is remembered, or by a fast hash.
    fn quickly(&self, name: &AccountName, account: &Account, login: &Login<'_>) -> Option<Known> {
        let gate = &self.gate;
        let digest = gate
            .keyed
            .digest(name.as_str(), account.generation, login.password);
        if gate.is_remembered(&digest) {
            return Some(Known::of(name, account));
        }
        let is_right = account.credentials.password.as_ref()?.quick(login.password)?;
        is_right.then(|| {
            gate.remember(digest, name);
            Known::of(name, account)
        })
    }

    /// By argon2id, once, whoever it is.
    async fn slowly(
        self: &Arc<Self>,
        found: Option<(&AccountName, &Account)>,
        book: &Book,
        login: &Login<'_>,
    ) -> Result<Known, Denied> {
        let gate = &self.gate;
        gate.hashed.fetch_add(1, Relaxed);
        let password = login.password.to_vec();
        let Some((name, account)) = found else {
            return self.stranger(book, login, password).await;
        };
        let stored = account.credentials.password.clone();
        let is_right = gate
            .hasher
            .run(move || {
                // Without a password nothing is right, and takes as long.
                let (hash, known) = stored.as_ref().map_or((&*NOBODY, false), |stored| (stored, true));
                hash.is(&password) && known
            })
            .await
            .map_err(|_| Denied::Busy)?;
        if !is_right {
            return Err(Denied::Wrong);
        }
        gate.remember(
            gate.keyed
                .digest(name.as_str(), account.generation, login.password),
            name,
        );
        gate.attempts.lock().succeeded(login.address, login.name);
        judge(Known::of(name, account))
    }

    /// Somebody without an account: a device at an open door, or nobody.
    async fn stranger(
        self: &Arc<Self>,
        book: &Book,
        login: &Login<'_>,
        password: Vec<u8>,
    ) -> Result<Known, Denied> {
        let is_open = login.strangers == Strangers::MayPair && book.pairing(Timestamp::now()).is_some();
        if !is_open {
            let compared = self.gate.hasher.run(move || NOBODY.is(&password)).await;
            compared.map_err(|_| Denied::Busy)?;
            return Err(match login.strangers {
                Strangers::MayPair => Denied::DoorClosed,
                Strangers::Refused => Denied::Wrong,
            });
        }
        let name = DeviceId::parse(login.name)
            .ok()
            .and_then(|_| AccountName::parse(login.name).ok())
            .ok_or_else(|| {
                Denied::CannotPair(
                    "its user name is to be its device id: 1 to 64 characters of A-Z a-z 0-9 _ -".into(),
                )
            })?;
        if String::from_utf8_lossy(login.password).chars().count() < MIN_PASSWORD_CHARS {
            return Err(Denied::CannotPair(
                "its password has less than 8 characters".into(),
            ));
        }
        let hash = self
            .gate
            .hasher
            .run(move || PasswordHash::chosen(&password))
            .await;
        let hash = hash.map_err(|_| Denied::Busy)?;
        let (accounts, address) = (Arc::clone(self), login.address.to_string());
        let (client_id, newcomer) = (login.client_id.to_owned(), name.clone());
        let introduced = tokio::task::spawn_blocking(move || {
            let who = Newcomer {
                address: &address,
                client_id: &client_id,
            };
            accounts.file().by("pairing").introduce(newcomer, hash, who)?;
            // It is known to everybody when it is let in.
            accounts.reload();
            Ok(())
        });
        match introduced.await.expect("writing a file does not panic") {
            // Two connections at once: the first has the name.
            Err(FileError::Refused(BookError::Exists(..))) => return Err(Denied::Wrong),
            // While its password was hashed.
            Err(FileError::Refused(BookError::DoorClosed)) => return Err(Denied::DoorClosed),
            Err(error) => return Err(Denied::CannotPair(error.to_string())),
            Ok(()) => {}
        }
        let book = self.book();
        let (name, account) = book.get(name.as_str()).ok_or(Denied::Wrong)?;
        self.gate.remember(
            self.gate
                .keyed
                .digest(name.as_str(), account.generation, login.password),
            name,
        );
        judge(Known::of(name, account))
    }
}

fn judge(known: Known) -> Result<Known, Denied> {
    if known.state == State::Retired {
        return Err(Denied::Retired);
    }
    Ok(known)
}
