//! What the registry takes over from accounts: names and places that devices were given with them where it has none, that a
//! device went out of use with its account, and that one which was out of use is let in again.
//!
//! In: the accounts, at each change. Out: entries of the registry. What people say in the registry later is not touched, and a
//! device that was forgotten is not brought back by its account.

use std::sync::Arc;

use accounts::{Accounts, Role, State};
use domain::DeviceId;
use registry::{AccountUse, Book, ChangeError, Patch, Registry};
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// Follows the accounts until `stopping`.
pub(crate) async fn follow(accounts: Arc<Accounts>, registry: Arc<Registry>, stopping: CancellationToken) {
    let mut changes = accounts.changes();
    loop {
        changes.mark_unchanged();
        if says_more(&accounts.book(), &registry.book()) {
            let newest = Arc::clone(&accounts);
            // Both may have changed until it is this one's turn.
            let taken = registry.change(move |book| take_over(&newest.book(), book));
            if let Err(error) = taken.await {
                warn!("what accounts say of devices is not in the registry: {error:#}");
            }
        }
        if !matches!(
            stopping.run_until_cancelled(changes.changed()).await,
            Some(Ok(()))
        ) {
            return;
        }
    }
}

/// Whether the accounts say something that the registry does not know.
fn says_more(accounts: &accounts::Book, registry: &Book) -> bool {
    !not_set_up(accounts, registry).is_empty()
        || retirements(accounts).any(|(device_id, says)| registry.would_follow_account(&device_id, says))
}

/// Writes into the registry what the accounts say and it does not know.
fn take_over(accounts: &accounts::Book, registry: &mut Book) -> Result<(), ChangeError> {
    for (device_id, patch) in not_set_up(accounts, registry) {
        registry.patch(&device_id, patch, None)?;
    }
    for (device_id, says) in retirements(accounts) {
        registry.follow_account(&device_id, says)?;
    }
    registry.follow_only(|device_id| accounts.get(device_id.as_str()).is_some());
    Ok(())
}

/// Whether devices are out of use, as their accounts say. An account that was closed while its device was in use says nothing, and
/// neither does one that waits to be approved.
fn retirements(accounts: &accounts::Book) -> impl Iterator<Item = (DeviceId, AccountUse)> {
    accounts.iter().filter_map(|(name, account)| {
        let retired = account.retires_device()?;
        let device_id = DeviceId::parse(name.as_str()).ok()?;
        let says = AccountUse {
            retired,
            generation: account.state_generation,
            retired_generation: account.retired_generation,
        };
        Some((device_id, says))
    })
}

/// The devices whose accounts say something that the registry does not know.
fn not_set_up(accounts: &accounts::Book, registry: &Book) -> Vec<(DeviceId, Patch)> {
    let mut new = Vec::new();
    for (name, account) in accounts.iter() {
        let is_device = account.role == Role::Device && account.state == State::Active;
        let says_nothing = account.label.is_empty() && account.location.is_empty();
        if !is_device || says_nothing {
            continue;
        }
        let Ok(device_id) = DeviceId::parse(name.as_str()) else {
            continue;
        };
        if registry.device(&device_id).is_some() || registry.forgotten_at(&device_id).is_some() {
            continue;
        }
        let patch = Patch {
            name: Some(account.label.clone()),
            location: Some(account.location.clone()),
            ..Patch::default()
        };
        new.push((device_id, patch));
    }
    new
}

#[cfg(test)]
mod tests {
    use accounts::{AccountName, AccountsFile, NewAccount};

    use super::*;

    /// The accounts of a directory, with one of a device.
    struct World {
        _data: tempfile::TempDir,
        file: AccountsFile,
        name: AccountName,
        id: DeviceId,
        registry: Book,
    }

    impl World {
        fn new() -> Self {
            let data = tempfile::tempdir().unwrap();
            let file = AccountsFile::new(data.path(), "test");
            let mut world = Self {
                _data: data,
                file,
                name: AccountName::parse("room-1").unwrap(),
                id: DeviceId::parse("room-1").unwrap(),
                registry: Book::default(),
            };
            world.file.add(device("room-1")).unwrap();
            world.say(false);
            world
        }

        /// What people say in the registry.
        fn say(&mut self, retired: bool) {
            let patch = Patch {
                retired: Some(retired),
                ..Patch::default()
            };
            self.registry.patch(&self.id, patch, None).unwrap();
        }

        /// Whether the device is out of use once the accounts were looked at.
        fn is_retired(&mut self) -> Option<bool> {
            take_over(&self.file.read().unwrap(), &mut self.registry).unwrap();
            assert!(!says_more(&self.file.read().unwrap(), &self.registry));
            self.registry.device(&self.id).map(|entry| entry.retired)
        }
    }

    fn device(name: &str) -> NewAccount {
        NewAccount {
            name: AccountName::parse(name).unwrap(),
            role: Role::Device,
            label: String::new(),
            location: String::new(),
        }
    }

    #[test]
    fn a_device_is_out_of_use_when_its_account_was_closed_with_it_and_not_when_alone() {
        let mut world = World::new();
        assert_eq!(world.is_retired(), Some(false));
        world.file.retire(&world.name).unwrap();
        assert_eq!(world.is_retired(), Some(false), "its account alone is closed");
        world.file.retire_with_device(&world.name).unwrap();
        assert_eq!(world.is_retired(), Some(true));
        // The registry took it back into use later: its account follows.
        world.say(false);
        assert_eq!(world.is_retired(), Some(false));
        world.file.retire_with_device(&world.name).unwrap();
        world.registry.forget(&world.id, 1);
        assert_eq!(world.is_retired(), None, "it was forgotten");
        world.registry = Book::default();
        assert_eq!(world.is_retired(), Some(true));
    }

    #[test]
    fn a_device_that_went_and_whose_account_was_then_closed_is_out_of_use_until_somebody_takes_it_back() {
        let mut world = World::new();
        assert_eq!(world.is_retired(), Some(false));
        // Between two looks, as while the service is stopped.
        world.file.retire_with_device(&world.name).unwrap();
        world.file.retire(&world.name).unwrap();
        assert_eq!(world.is_retired(), Some(true));
        // The registry took it back: closing the account once more is no word of its device.
        world.say(false);
        world.file.retire(&world.name).unwrap();
        assert_eq!(world.is_retired(), Some(false));
        world.file.approve(&world.name).unwrap();
        world.file.retire(&world.name).unwrap();
        assert_eq!(world.is_retired(), Some(false), "its account alone is closed");
    }

    #[test]
    fn a_device_is_back_in_use_when_its_account_is_opened_after_it_went() {
        let mut world = World::new();
        assert_eq!(world.is_retired(), Some(false));
        // It went after its account was made.
        world.say(true);
        assert_eq!(world.is_retired(), Some(true));
        world.file.retire(&world.name).unwrap();
        assert_eq!(world.is_retired(), Some(true), "it is closed");
        world.file.approve(&world.name).unwrap();
        assert_eq!(world.is_retired(), Some(false));
    }

    #[test]
    fn the_clock_of_the_registry_counts_for_nothing() {
        let mut world = World::new();
        let mut written = serde_json::to_value(&world.registry).unwrap();
        let later = jiff::Timestamp::now().as_millisecond() + 86_400_000;
        written["devices"]["room-1"]["changed_at"] = later.into();
        world.registry = serde_json::from_value(written).unwrap();
        world.file.retire_with_device(&world.name).unwrap();
        assert_eq!(world.is_retired(), Some(true));
        world.file.approve(&world.name).unwrap();
        assert_eq!(world.is_retired(), Some(false));
    }

    #[test]
    fn more_accounts_than_there_are_changes_kept_are_closed_and_opened_between_two_looks() {
        const MANY: u64 = 1_500;
        let mut accounts = serde_json::json!({"format": 1, "generation": MANY, "accounts": {}});
        for number in 1..=MANY {
            accounts["accounts"][format!("d-{number}")] = serde_json::json!({
                "role": "device", "state": "retired", "created": "2026-01-01T00:00:00Z", "generation": number,
                "retired_with_device": true, "state_generation": number,
            });
        }
        let closed: accounts::Book = serde_json::from_value(accounts.clone()).unwrap();
        let mut registry = Book::default();
        let retired = |book: &Book| book.devices().filter(|(_, entry)| entry.retired).count() as u64;
        take_over(&closed, &mut registry).unwrap();
        assert_eq!(retired(&registry), MANY);
        for number in 1..=MANY {
            let account = &mut accounts["accounts"][format!("d-{number}")];
            account["state"] = "active".into();
            account["state_generation"] = (MANY + number).into();
        }
        let opened: accounts::Book = serde_json::from_value(accounts).unwrap();
        take_over(&opened, &mut registry).unwrap();
        assert_eq!(retired(&registry), 0);
    }

    #[tokio::test]
    async fn a_device_that_was_let_in_again_at_once_is_in_use_when_it_is_the_followers_turn() {
        let mut world = World::new();
        world.file.retire_with_device(&world.name).unwrap();
        let between = world.file.read().unwrap();
        world.file.approve(&world.name).unwrap();
        assert_eq!(world.is_retired(), Some(false));
        // The same where the first was taken over before.
        take_over(&between, &mut world.registry).unwrap();
        assert!(world.registry.device(&world.id).unwrap().retired);
        assert_eq!(world.is_retired(), Some(false));

        let accounts = Accounts::open(world.file.clone()).unwrap();
        let registry = Registry::in_memory();
        let id = world.id.clone();
        registry
            .change(move |book| book.patch(&id, Patch::default(), None).map(drop))
            .await
            .unwrap();
        let stopping = CancellationToken::new();
        let follower = tokio::spawn(follow(
            Arc::clone(&accounts),
            Arc::clone(&registry),
            stopping.clone(),
        ));
        let mut seen = registry.changes();
        world.file.retire_with_device(&world.name).unwrap();
        accounts.reload();
        world.file.approve(&world.name).unwrap();
        accounts.reload();
        let newest = accounts.book();
        let settled = async {
            while says_more(&newest, &registry.book()) {
                seen.changed().await.unwrap();
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(10), settled)
            .await
            .unwrap();
        assert!(!registry.book().device(&world.id).unwrap().retired);
        stopping.cancel();
        follower.await.unwrap();
    }

    #[test]
    fn an_account_names_a_device_that_nobody_has_set_up() {
        let data = tempfile::tempdir().unwrap();
        let file = AccountsFile::new(data.path(), "test");
        for (name, role, location) in [
            ("room-1", Role::Device, "Kitchen"),
            ("room-2", Role::Device, "Hall"),
            ("room-3", Role::Device, "Attic"),
            ("room-4", Role::Device, ""),
            ("tap", Role::Monitor, "Cellar"),
        ] {
            let new = NewAccount {
                name: AccountName::parse(name).unwrap(),
                role,
                label: String::new(),
                location: location.into(),
            };
            file.add(new).unwrap();
        }
        let mut book = Book::default();
        let id = |text: &str| DeviceId::parse(text).unwrap();
        let patch = Patch {
            location: Some("elsewhere".into()),
            ..Patch::default()
        };
        book.patch(&id("room-2"), patch, None).unwrap();
        book.forget(&id("room-3"), 1);
        let new = not_set_up(&file.read().unwrap(), &book);
        let [(device_id, patch)] = &new[..] else {
            panic!("{new:?}");
        };
        assert_eq!(
            (device_id, patch.location.as_deref()),
            (&id("room-1"), Some("Kitchen"))
        );
    }
}
