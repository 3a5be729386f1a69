//! The way in for people: their accounts, the first admin, the page behind its rules, the audit log.
//!
//! In: the configuration and a running backend. Out: an [`Entrance`], which the page and the embedded broker share.

use std::{path::Path, sync::Arc};

use accounts::{AccountName, Accounts, AccountsFile, NewAccount, Role, State, write_private};
use anyhow::Context as _;
use backend::{Backend, Ingest};
use monitoring::{HealthSource, Registry};
use people::{LINK_LIFE, People};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::{
    assembly,
    audit::{self, Auditor},
    config::Config,
    device_places, doorkeeper,
    engine_users::Hand,
    page_urls::PageUrls,
};

const ADMIN: &str = "admin";

/// Who may come in, and how.
pub(crate) struct Entrance {
    pub(crate) accounts: Arc<Accounts>,
    pub(crate) people: Arc<People>,
    pub(crate) auditor: Arc<Auditor>,
}

impl Entrance {
    /// Opens the accounts of the configuration and, where there is no admin yet, makes one.
    pub(crate) fn open(config: &Config, ingest: &Arc<Ingest>) -> anyhow::Result<Self> {
        let (file, dir) = (assembly::accounts(config, "casement"), config.accounts_dir());
        if let Err(error) = ensure_admin(&file, &dir) {
            warn!("there is no admin, and none can be made: {error:#}");
        }
        let accounts = Accounts::open_with(file, assembly::login_limits(config))?;
        let auditor = Auditor::open(Arc::clone(ingest));
        let people = People::open(
            Arc::clone(&accounts),
            &dir,
            Arc::clone(&auditor) as _,
            assembly::people(config),
        )?;
        Ok(Self {
            accounts,
            people,
            auditor,
        })
    }

    /// Adds the accounts' metrics to `registry`, and returns their health.
    pub(crate) fn register(&self, registry: &mut Registry) -> HealthSource {
        let accounts = Arc::clone(&self.accounts);
        registry
            .sub_registry_with_prefix("casement_accounts")
            .register_collector(monitoring::collector(move || doorkeeper::samples(&accounts)));
        doorkeeper::health(Arc::clone(&self.accounts))
    }

    /// Follows the accounts until `stopping`: sessions end with them, every change is written down, names and
    /// places of devices reach the registry, and `hand` tells the engine.
    pub(crate) fn follow(
        &self,
        config: &Config,
        backend: &Backend,
        hand: Option<Hand>,
        stopping: &CancellationToken,
    ) {
        tokio::spawn(Arc::clone(&self.accounts).follow());
        if let Some(hand) = hand {
            tokio::spawn(hand.follow(Arc::clone(&self.accounts), stopping.clone()));
        }
        tokio::spawn(Arc::clone(&self.people).follow(stopping.clone()));
        tokio::spawn(device_places::follow(
            Arc::clone(&self.accounts),
            Arc::clone(backend.views().registry()),
            stopping.clone(),
        ));
        tokio::spawn(audit::follow(
            Arc::clone(&self.accounts),
            backend.ingest(),
            config.accounts_dir(),
            stopping.clone(),
        ));
    }

    /// A line with a link that signs an admin in once; `None` if there is no admin in use. Notes where the page is.
    pub(crate) fn invitation(&self, config: &Config, page: &PageUrls) -> Option<String> {
        if let Err(error) = page.note(config) {
            warn!("where the page is cannot be noted for `casement accounts link`: {error}");
        }
        let book = self.accounts.book();
        let is_admin =
            |account: &accounts::Account| account.role == Role::Admin && account.state == State::Active;
        let own = book.get(ADMIN).filter(|(_, account)| is_admin(account));
        let (name, _) = own.or_else(|| book.iter().find(|(_, account)| is_admin(account)))?;
        let secret = self.people.invite(name.as_str())?;
        Some(format!(
            "Sign in as {name}, once, within {} minutes: {}",
            LINK_LIFE.as_secs() / 60,
            page.links(&format!("/sign-in?once={}", secret.reveal()))
                .join(" or ")
        ))
    }
}

/// Makes the account `admin` with a token in a file of its own, unless there is an admin, in use or not.
fn ensure_admin(file: &AccountsFile, dir: &Path) -> anyhow::Result<()> {
    let book = file.read()?;
    if book.iter().any(|(_, account)| account.role == Role::Admin) {
        return Ok(());
    }
    if let Some((_, other)) = book.get(ADMIN) {
        warn!(role = %other.role, "there is no admin, and the account '{ADMIN}' has another role; make one: casement accounts add NAME --role admin");
        return Ok(());
    }
    let name = AccountName::parse(ADMIN).expect("a name");
    let new = NewAccount {
        name: name.clone(),
        role: Role::Admin,
        label: "made at the first start".into(),
        location: String::new(),
    };
    // Nobody learns the password; `casement accounts rotate admin` makes another one.
    file.add(new)?;
    let token = file.add_token(&name, "first start", None)?;
    let path = dir.join("admin-token");
    write_private(&path, format!("{}\n", token.reveal()).as_bytes())
        .with_context(|| format!("the admin's token cannot be written to {}", path.display()))?;
    info!("made the account '{ADMIN}'; its token is in {}", path.display());
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_first_start_makes_an_admin_and_later_ones_none() {
        let data = tempfile::tempdir().unwrap();
        let file = AccountsFile::new(data.path(), "test");
        ensure_admin(&file, data.path()).unwrap();
        let path = data.path().join("admin-token");
        let token = std::fs::read_to_string(&path).unwrap();
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        let book = file.read().unwrap();
        let opened = book.of_token(token.trim(), jiff::Timestamp::now());
        assert_eq!(opened.map(|(name, _)| name.as_str()), Some("admin"));
        ensure_admin(&file, data.path()).unwrap();
        file.retire(&AccountName::parse(ADMIN).unwrap()).unwrap();
        ensure_admin(&file, data.path()).unwrap();
        assert_eq!(file.read().unwrap().iter().count(), 1);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), token);
    }

    #[test]
    fn an_account_of_that_name_is_left_alone() {
        let data = tempfile::tempdir().unwrap();
        let file = AccountsFile::new(data.path(), "test");
        let new = NewAccount {
            name: AccountName::parse(ADMIN).unwrap(),
            role: Role::Reader,
            label: String::new(),
            location: String::new(),
        };
        file.add(new).unwrap();
        ensure_admin(&file, data.path()).unwrap();
        assert!(!data.path().join("admin-token").exists());
    }
}
