//! What the registry takes over from accounts: names and places that devices were given with them where it has none, that a
//! device went out of use with its account, and that one which was out of use is let in again.
//!
//! In: the accounts, at each change. Out: entries of the registry. What people say in the registry later is not touched, and a
//! device that was forgotten is not brought back by its account.

use std::sync::Arc;

use accounts::{Account, Accounts, Role, State};
use domain::DeviceId;
use registry::{Book, Patch, Registry};
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// Follows the accounts until `stopping`.
pub(crate) async fn follow(accounts: Arc<Accounts>, registry: Arc<Registry>, stopping: CancellationToken) {
    let mut changes = accounts.changes();
    loop {
        changes.mark_unchanged();
        let said = accounts.book();
        if says_more(&said, &registry.book()) {
            // What people say in the registry meanwhile is newer.
            let taken = registry.change(move |book| {
                for (device_id, patch) in not_set_up(&said, book) {
                    book.patch(&device_id, patch, None)?;
                }
                for device_id in let_in_again(&said, book) {
                    let in_use = Patch {
                        retired: Some(false),
                        ..Patch::default()
                    };
                    book.patch(&device_id, in_use, None)?;
                }
                for device_id in gone(&said, book) {
                    book.retire(&device_id)?;
                }
                Ok(())
            });
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
        || !let_in_again(accounts, registry).is_empty()
        || !gone(accounts, registry).is_empty()
}

/// The devices that are out of use, and whose accounts were opened after that.
fn let_in_again(accounts: &accounts::Book, registry: &Book) -> Vec<DeviceId> {
    let mut back = Vec::new();
    for change in accounts.changes_after(0) {
        if !matches!(change.action.as_str(), "add" | "approve") {
            continue;
        }
        let Ok(device_id) = DeviceId::parse(&change.account) else {
            continue;
        };
        let is_later =
            |entry: &&registry::Entry| entry.retired && change.at.as_millisecond() > entry.changed_at;
        let is_open = accounts
            .get(&change.account)
            .is_some_and(|(_, account)| account.role == Role::Device && account.state == State::Active);
        if is_open && registry.device(&device_id).as_ref().is_some_and(is_later) && !back.contains(&device_id)
        {
            back.push(device_id);
        }
    }
    back
}

/// The devices in use whose accounts were closed with them, after the registry said otherwise.
fn gone(accounts: &accounts::Book, registry: &Book) -> Vec<DeviceId> {
    let mut gone = Vec::new();
    for change in accounts.changes_after(0) {
        let is_closed_with_it = |account: &Account| {
            account.role == Role::Device && account.state == State::Retired && account.retired_with_device
        };
        let is_closed = accounts
            .get(&change.account)
            .is_some_and(|(_, account)| is_closed_with_it(account));
        let Ok(device_id) = DeviceId::parse(&change.account) else {
            continue;
        };
        let is_in_use = match registry.device(&device_id) {
            Some(entry) => !entry.retired && change.at.as_millisecond() > entry.changed_at,
            None => registry.forgotten_at(&device_id).is_none(),
        };
        if change.action == "retire" && is_closed && is_in_use && !gone.contains(&device_id) {
            gone.push(device_id);
        }
    }
    gone
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

    fn registry_of(id: &DeviceId, retired: bool, changed_at: i64) -> Book {
        let mut book = Book::default();
        let patch = Patch {
            retired: Some(retired),
            ..Patch::default()
        };
        book.patch(id, patch, None).unwrap();
        let mut written = serde_json::to_value(&book).unwrap();
        written["devices"][id.as_str()]["changed_at"] = changed_at.into();
        serde_json::from_value(written).unwrap()
    }

    #[test]
    fn a_device_is_out_of_use_when_its_account_was_closed_with_it_and_not_when_alone() {
        let data = tempfile::tempdir().unwrap();
        let file = AccountsFile::new(data.path(), "test");
        let name = AccountName::parse("room-1").unwrap();
        file.add(NewAccount {
            name: name.clone(),
            role: Role::Device,
            label: String::new(),
            location: String::new(),
        })
        .unwrap();
        let id = DeviceId::parse("room-1").unwrap();
        let now = jiff::Timestamp::now().as_millisecond();
        let before = registry_of(&id, false, now - 1_000);
        let gone = |registry: &Book| gone(&file.read().unwrap(), registry);
        file.retire(&name).unwrap();
        assert!(gone(&before).is_empty(), "its account alone is closed");
        file.retire_with_device(&name).unwrap();
        assert_eq!(gone(&before), std::slice::from_ref(&id));
        assert_eq!(gone(&Book::default()), std::slice::from_ref(&id));
        assert!(
            gone(&registry_of(&id, true, now - 1_000)).is_empty(),
            "it is already"
        );
        // The registry took it back into use later: its account follows.
        assert!(gone(&registry_of(&id, false, now + 60_000)).is_empty());
        let mut forgotten = registry_of(&id, false, now - 1_000);
        forgotten.forget(&id, now - 500);
        assert!(gone(&forgotten).is_empty());
        file.approve(&name).unwrap();
        assert!(gone(&before).is_empty());
    }

    #[test]
    fn a_device_is_back_in_use_when_its_account_is_opened_after_it_went() {
        let data = tempfile::tempdir().unwrap();
        let file = AccountsFile::new(data.path(), "test");
        let name = AccountName::parse("room-1").unwrap();
        file.add(NewAccount {
            name: name.clone(),
            role: Role::Device,
            label: String::new(),
            location: String::new(),
        })
        .unwrap();
        let id = DeviceId::parse("room-1").unwrap();
        let retired_at = |at: i64| registry_of(&id, true, at);
        let now = jiff::Timestamp::now().as_millisecond();
        // It went after its account was made.
        assert!(let_in_again(&file.read().unwrap(), &retired_at(now + 1_000)).is_empty());
        file.retire(&name).unwrap();
        let before = retired_at(now - 1_000);
        assert!(
            let_in_again(&file.read().unwrap(), &before).is_empty(),
            "it is closed"
        );
        file.approve(&name).unwrap();
        assert_eq!(
            let_in_again(&file.read().unwrap(), &before),
            std::slice::from_ref(&id)
        );
        assert!(let_in_again(&file.read().unwrap(), &retired_at(now + 60_000)).is_empty());
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
