//! Who may read in the embedded ClickHouse: the accounts, which the engine's process knows without reading their file.
//!
//! The process that runs statements of strangers can open no file beside its data, and so not that of the accounts. Its parent
//! hands over, by a pipe and as often as they change, the accounts that may read, with the digests of their passwords and no
//! token, and the writer's password where the parent made one. Nobody else runs that pipe: a `casement engine` of its own knows
//! the passwords of its configuration alone.

use std::{net::IpAddr, sync::Arc};

use accounts::{AccountName, Accounts, Book, Login, NewAccount, Password, Role, Strangers, write_private};
use anyhow::Context as _;
use async_trait::async_trait;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::{assembly, config::Config};

const READER: &str = "reader";

/// A line of the pipe.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Handed {
    /// The writer's password, if the parent made it.
    #[serde(default)]
    pub(crate) writer: Option<String>,
    /// Who may read.
    accounts: Book,
}

impl Handed {
    /// Reads a line. What is wrong with it is not shown: it may hold a password.
    pub(crate) fn parse(line: &str) -> anyhow::Result<Self> {
        serde_json::from_str(line)
            .map_err(|_| anyhow::anyhow!("what the parent process says cannot be understood"))
    }
}

/// The parent's end.
pub(crate) struct Hand {
    lines: watch::Sender<String>,
    writer: Option<String>,
}

impl Hand {
    /// Looks who may read. Where ClickHouse listens beyond loopback and the configuration names no passwords, makes one for the
    /// writer, which only this process and its child know, and an account `reader`.
    pub(crate) fn begin(config: &mut Config) -> anyhow::Result<Self> {
        let file = assembly::accounts(config, "casement");
        let is_exposed = !config.engine.addr.ip().is_loopback();
        if is_exposed && config.engine.reader_password.is_none() {
            let name = AccountName::parse(READER).expect("a name");
            let new = NewAccount {
                name,
                role: Role::Reader,
                label: "ClickHouse beyond this machine".into(),
                location: String::new(),
            };
            if let Some(password) = file.ensure(new)? {
                let path = config.accounts_dir().join("reader-password");
                write_private(&path, format!("{}\n", password.reveal()).as_bytes()).with_context(|| {
                    format!("the reader's password cannot be written to {}", path.display())
                })?;
                info!(
                    "ClickHouse's user 'reader' has a password now: it is in {}",
                    path.display()
                );
            }
        }
        let writer = (is_exposed && config.engine.password.is_none())
            .then(|| Password::generate().reveal().to_owned());
        if let Some(writer) = &writer {
            config.engine.password = Some(SecretString::from(writer.clone()));
        }
        let hand = Self {
            lines: watch::Sender::default(),
            writer,
        };
        hand.give(&file.read()?);
        Ok(hand)
    }

    /// The lines, for the child.
    pub(crate) fn lines(&self) -> watch::Receiver<String> {
        self.lines.subscribe()
    }

    fn give(&self, book: &Book) {
        let handed = Handed {
            writer: self.writer.clone(),
            accounts: book.of_readers(),
        };
        let line = serde_json::to_string(&handed).expect("accounts are plain data");
        self.lines.send_if_modified(|known| {
            let is_new = *known != line;
            *known = line;
            is_new
        });
    }

    /// Hands over each change of the accounts, until `stopping`.
    pub(crate) async fn follow(self, accounts: Arc<Accounts>, stopping: CancellationToken) {
        let mut changes = accounts.changes();
        loop {
            self.give(&accounts.book());
            match stopping.run_until_cancelled(changes.changed()).await {
                Some(Ok(())) => {}
                // The child keeps what it knows to its end.
                _ => return,
            }
        }
    }
}

/// The child's end: who may read.
#[derive(Debug, Clone)]
pub(crate) struct Readers(Arc<Accounts>);

impl Readers {
    pub(crate) fn new(handed: Handed) -> anyhow::Result<Self> {
        Ok(Self(Accounts::handed(handed.accounts)?))
    }

    /// Takes a later line.
    pub(crate) fn take(&self, line: &str) {
        match Handed::parse(line) {
            Ok(handed) => self.0.take_over(handed.accounts),
            Err(error) => warn!("{error}"),
        }
    }
}

#[async_trait]
impl engine::Accounts for Readers {
    async fn may_read(&self, name: &str, password: &str, address: IpAddr) -> bool {
        let login = Login {
            name,
            password: password.as_bytes(),
            address,
            client_id: "",
            strangers: Strangers::Refused,
        };
        self.0.enter(login).await.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use engine::Accounts as _;

    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn config(dir: &std::path::Path, addr: &str) -> Config {
        let mut config = Config::default();
        config.accounts.path = dir.to_owned();
        config.engine.addr = addr.parse().unwrap();
        config
    }

    #[tokio::test]
    async fn beyond_loopback_reader_has_an_account_and_the_writer_a_password_of_this_start() {
        let dir = tempfile::tempdir().unwrap();
        let mut exposed = config(dir.path(), "0.0.0.0:8123");
        let hand = Hand::begin(&mut exposed).unwrap();
        let line = hand.lines().borrow().clone();
        let handed = Handed::parse(&line).unwrap();
        assert!(handed.writer.is_some() && exposed.engine.password.is_some());
        let password = std::fs::read_to_string(dir.path().join("reader-password")).unwrap();
        assert!(!line.contains(password.trim()));
        let readers = Readers::new(handed).unwrap();
        assert!(readers.may_read(READER, password.trim(), HERE).await);
        assert!(
            !readers.may_read(READER, "", HERE).await && !readers.may_read("x", password.trim(), HERE).await
        );
        let file = assembly::accounts(&exposed, "test");
        file.retire(&AccountName::parse(READER).unwrap()).unwrap();
        hand.give(&file.read().unwrap());
        readers.take(&hand.lines().borrow());
        assert!(!readers.may_read(READER, password.trim(), HERE).await);
        let mut again = config(dir.path(), "0.0.0.0:8123");
        Hand::begin(&mut again).unwrap();
        assert_eq!(
            std::fs::read_to_string(dir.path().join("reader-password")).unwrap(),
            password
        );
    }

    #[test]
    fn on_loopback_and_with_passwords_of_the_configuration_nothing_is_made() {
        let dir = tempfile::tempdir().unwrap();
        let mut own = config(dir.path(), "127.0.0.1:8123");
        let hand = Hand::begin(&mut own).unwrap();
        assert!(hand.writer.is_none() && own.engine.password.is_none());
        let mut configured = config(dir.path(), "0.0.0.0:8123");
        configured.engine.password = Some("w".to_owned().into());
        configured.engine.reader_password = Some("r".to_owned().into());
        assert!(Hand::begin(&mut configured).unwrap().writer.is_none());
        assert!(!dir.path().join("accounts.json").exists());
    }

    #[test]
    fn what_cannot_be_read_is_not_shown() {
        let error = Handed::parse("{\"writer\": \"secret").unwrap_err().to_string();
        assert!(!error.contains("secret"));
    }
}
