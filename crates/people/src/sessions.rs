//! Who is signed in.
//!
//! In: accounts that signed in, and the secret of a cookie. Out: the account again, as long as it is what it was. Only digests
//! are kept, in a file of this service's own that survives a restart. A session ends when it was not used for 30 days, after
//! 180 days, and as soon as its account or the token that it was opened with is changed or gone.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use accounts::{Accounts, Known, Token, digest, write_private};
use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tracing::warn;

/// After so long without a request a session ends.
const IDLE: SignedDuration = SignedDuration::from_hours(30 * 24);
/// After so long it ends in any case.
pub(crate) const LONGEST: SignedDuration = SignedDuration::from_hours(180 * 24);
/// The last use is kept to this.
const FINE: SignedDuration = SignedDuration::from_hours(1);
const MAX_SESSIONS: usize = 1_000;
const MAX_OF_ACCOUNT: usize = 50;
const MAX_BYTES: u64 = 4 << 20;
const FORMAT: u32 = 1;

/// The sessions were written by a later version.
#[derive(Debug, thiserror::Error)]
#[error(
    "{path} was written by {} (format {found}), and this is Casement {}, which knows format {FORMAT}; nothing was changed: use the newer version, or move the file away, and everybody signs in anew",
    if program.is_empty() { "a newer Casement".to_owned() } else { format!("Casement {program}") },
    env!("CARGO_PKG_VERSION")
)]
pub struct NewerSessions {
    path: PathBuf,
    found: u32,
    program: String,
}

/// One browser.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Session {
    pub(crate) account: String,
    generation: u64,
    /// The digest of the token that opened it, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    created: Timestamp,
    seen: Timestamp,
}

impl Session {
    fn is_valid(&self, accounts: &Accounts, now: Timestamp) -> bool {
        let in_time = self.seen + IDLE > now && self.created + LONGEST > now;
        in_time && self.known(accounts, now).is_some()
    }

    fn known(&self, accounts: &Accounts, now: Timestamp) -> Option<Known> {
        let known = accounts.of_name(&self.account)?;
        let has_token = |token: &String| accounts.book().has_token(&self.account, token, now);
        (known.generation == self.generation && self.token.as_ref().is_none_or(has_token)).then_some(known)
    }
}

/// What every version of the file says.
#[derive(Debug, Deserialize)]
struct Head {
    format: u32,
    #[serde(default)]
    program: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Content {
    /// The version that wrote it.
    #[serde(default)]
    program: String,
    format: u32,
    sessions: HashMap<String, Session>,
}

/// Every session, by the digest of its secret.
#[derive(Debug)]
pub(crate) struct Sessions {
    path: PathBuf,
    known: Mutex<HashMap<String, Session>>,
    /// What the file says. Held while it is written, so that the newest state is written last.
    written: Mutex<HashMap<String, Session>>,
}

impl Sessions {
    /// Reads the file in `dir`. One that cannot be read signs everybody out; one of a later version is refused.
    pub(crate) fn open(dir: &Path) -> Result<Self, NewerSessions> {
        let path = dir.join("sessions.json");
        let bytes = read(&path);
        if let Ok(bytes) = &bytes
            && let Ok(head) = serde_json::from_slice::<Head>(bytes)
            && head.format > FORMAT
        {
            return Err(NewerSessions {
                path,
                found: head.format,
                program: head.program,
            });
        }
        let known = bytes
            .and_then(|bytes| sessions_in(&bytes))
            .unwrap_or_else(|error| {
                warn!(
                    "{} cannot be read, so everybody signs in anew: {error}",
                    path.display()
                );
                HashMap::new()
            });
        Ok(Self {
            path,
            known: Mutex::new(known.clone()),
            written: Mutex::new(known),
        })
    }

    /// Signs in; `token` is the one that opened the account. Returns the secret of the cookie.
    pub(crate) fn begin(&self, who: &Known, token: Option<&str>, now: Timestamp) -> Token {
        let secret = Token::generate();
        let session = Session {
            account: who.name.to_string(),
            generation: who.generation,
            token: token.map(digest),
            created: now,
            seen: now,
        };
        let mut known = self.known.lock();
        while let Some(oldest) = superfluous(&known, &session.account) {
            known.remove(&oldest);
        }
        known.insert(digest(secret.reveal()), session);
        secret
    }

    /// The account of the session with this secret.
    pub(crate) fn find(&self, secret: &str, accounts: &Accounts, now: Timestamp) -> Option<Known> {
        let mut known = self.known.lock();
        let session = known.get_mut(&digest(secret))?;
        if !session.is_valid(accounts, now) {
            return None;
        }
        if now.duration_since(session.seen) > FINE {
            session.seen = now;
        }
        session.known(accounts, now)
    }

    /// Signs out. Returns the account, if there was a session.
    pub(crate) fn end(&self, secret: &str) -> Option<String> {
        let ended = self.known.lock().remove(&digest(secret));
        ended.map(|session| session.account)
    }

    /// Ends what is void. Returns the accounts of those that ended because of their account.
    pub(crate) fn tidy(&self, accounts: &Accounts, now: Timestamp) -> Vec<String> {
        let mut revoked = Vec::new();
        self.known.lock().retain(|_, session| {
            if session.known(accounts, now).is_none() {
                revoked.push(session.account.clone());
            }
            session.is_valid(accounts, now)
        });
        revoked
    }

    /// Writes the file, if something has changed.
    pub(crate) fn write_if_changed(&self) -> io::Result<()> {
        let mut written = self.written.lock();
        let sessions = self.known.lock().clone();
        if *written == sessions {
            return Ok(());
        }
        let content = Content {
            program: env!("CARGO_PKG_VERSION").to_owned(),
            format: FORMAT,
            sessions,
        };
        let bytes = serde_json::to_vec_pretty(&content).expect("sessions are plain data");
        write_private(&self.path, &bytes)?;
        *written = content.sessions;
        Ok(())
    }
}

/// The session that goes before another one of `account` begins, if one has to.
fn superfluous(known: &HashMap<String, Session>, account: &str) -> Option<String> {
    let oldest = |of: &dyn Fn(&Session) -> bool| {
        let mine = known.iter().filter(|(_, session)| of(session));
        let oldest = mine.min_by_key(|(_, session)| session.seen);
        oldest.map(|(digest, _)| digest.clone())
    };
    let of_account = |session: &Session| session.account == account;
    if known.values().filter(|session| of_account(session)).count() >= MAX_OF_ACCOUNT {
        return oldest(&of_account);
    }
    if known.len() >= MAX_SESSIONS {
        return oldest(&|_| true);
    }
    None
}

/// The file's content; empty where there is no file.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    match File::open(path) {
        Ok(file) => file.take(MAX_BYTES).read_to_end(&mut bytes)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
        Err(error) => return Err(error),
    };
    Ok(bytes)
}

fn sessions_in(bytes: &[u8]) -> io::Result<HashMap<String, Session>> {
    if bytes.is_empty() {
        return Ok(HashMap::new());
    }
    let content: Content = serde_json::from_slice(bytes)?;
    Ok(content.sessions)
}

#[cfg(test)]
mod tests {
    use std::{os::unix::fs::PermissionsExt as _, sync::Arc};

    use accounts::{AccountName, AccountsFile, NewAccount, Role};
    use tempfile::TempDir;

    use super::*;

    struct World {
        dir: TempDir,
        file: AccountsFile,
        accounts: Arc<Accounts>,
        ada: AccountName,
    }

    fn world() -> World {
        let dir = tempfile::tempdir().unwrap();
        let file = AccountsFile::new(dir.path(), "test");
        let ada = AccountName::parse("ada").unwrap();
        file.add(NewAccount {
            name: ada.clone(),
            role: Role::Operator,
            label: String::new(),
            location: String::new(),
        })
        .unwrap();
        let accounts = Accounts::open(file.clone()).unwrap();
        World {
            dir,
            file,
            accounts,
            ada,
        }
    }

    impl World {
        fn known(&self) -> Known {
            self.accounts.of_name("ada").unwrap()
        }
    }

    #[test]
    fn a_session_survives_a_restart_and_its_secret_is_not_kept() {
        let world = world();
        let sessions = Sessions::open(world.dir.path()).unwrap();
        let now = Timestamp::now();
        let secret = sessions.begin(&world.known(), None, now);
        sessions.write_if_changed().unwrap();
        let path = world.dir.path().join("sessions.json");
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(!text.contains(secret.reveal()) && text.contains("ada"));
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        let again = Sessions::open(world.dir.path()).unwrap();
        let find = |secret: &str, now| again.find(secret, &world.accounts, now).is_some();
        assert!(find(secret.reveal(), now) && !find("cas_other", now));
        assert!(!find(secret.reveal(), now + IDLE));
        assert_eq!(again.end(secret.reveal()), Some("ada".into()));
        again.write_if_changed().unwrap();
        assert!(!find(secret.reveal(), now));
        assert!(Sessions::open(world.dir.path()).unwrap().known.lock().is_empty());
        std::fs::write(&path, "{").unwrap();
        assert!(Sessions::open(world.dir.path()).unwrap().known.lock().is_empty());
    }

    #[test]
    fn sessions_of_a_newer_version_are_refused_and_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sessions.json");
        let newer = r#"{"program": "9.1.0", "format": 2, "browsers": []}"#;
        std::fs::write(&path, newer).unwrap();
        let said = Sessions::open(dir.path()).unwrap_err().to_string();
        for words in [
            "written by Casement 9.1.0",
            "format 2",
            "newer version",
            "nothing was changed",
        ] {
            assert!(said.contains(words), "{said}");
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), newer);
        // One of before did not say which version wrote it.
        std::fs::write(&path, r#"{"format": 1, "sessions": {}}"#).unwrap();
        Sessions::open(dir.path()).unwrap();
    }

    #[test]
    fn use_keeps_a_session_but_not_for_ever() {
        let world = world();
        let sessions = Sessions::open(world.dir.path()).unwrap();
        let begun = Timestamp::now();
        let secret = sessions.begin(&world.known(), None, begun);
        let day = SignedDuration::from_hours(24);
        let lasted = (1..400).find(|days| {
            sessions
                .find(secret.reveal(), &world.accounts, begun + day * *days)
                .is_none()
        });
        assert_eq!(lasted, Some(180));
    }

    #[test]
    fn a_session_ends_with_its_account_or_its_token() {
        let world = world();
        let sessions = Sessions::open(world.dir.path()).unwrap();
        let now = Timestamp::now();
        let token = world.file.add_token(&world.ada, "", None).unwrap();
        world.accounts.reload();
        let by_password = sessions.begin(&world.known(), None, now);
        let by_token = sessions.begin(&world.known(), Some(token.reveal()), now);
        let is_in = |secret: &Token| sessions.find(secret.reveal(), &world.accounts, now).is_some();
        assert!(is_in(&by_password) && is_in(&by_token));
        assert!(sessions.tidy(&world.accounts, now).is_empty());
        world.file.revoke(token.reveal()).unwrap();
        world.accounts.reload();
        assert!(is_in(&by_password) && !is_in(&by_token));
        world.file.rotate(&world.ada).unwrap();
        world.accounts.reload();
        assert!(!is_in(&by_password));
        assert_eq!(sessions.tidy(&world.accounts, now), ["ada", "ada"]);
        assert!(sessions.known.lock().is_empty());
    }

    #[test]
    fn the_oldest_sessions_go_first() {
        let world = world();
        let sessions = Sessions::open(world.dir.path()).unwrap();
        let now = Timestamp::now();
        let begin = |at: i64| {
            let at = now + SignedDuration::from_secs(at);
            sessions.begin(&world.known(), None, at)
        };
        let all: Vec<_> = (0..=MAX_OF_ACCOUNT as i64).map(begin).collect();
        assert_eq!(sessions.known.lock().len(), MAX_OF_ACCOUNT);
        let is_in = |secret: &Token| sessions.find(secret.reveal(), &world.accounts, now).is_some();
        assert!(!is_in(&all[0]) && is_in(&all[1]));
    }
}
