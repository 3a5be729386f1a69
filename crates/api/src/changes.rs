//! Changes of registry and accounts, and why they fail, in the words of HTTP.
//!
//! In: what is to be done, and who asks. Out: what was done, when it is durable. Files are written off the workers.

use std::sync::Arc;

use accounts::{AccountsFile, BookError, FileError, Role, State};
use domain::DeviceId;
use monitoring::{Problem, WrongValue, extract::invalid, with_causes};
use people::{Caller, Event};
use registry::{AccountUse, Book, ChangeError, RegistryError};
use tracing::warn;

use crate::{
    Parts,
    problems::{CONFLICT, INTERNAL, INVALID, NOT_FOUND},
    revision,
};

/// Who asks, as logs name them.
pub(crate) fn hand(caller: &Caller) -> String {
    caller
        .account
        .as_ref()
        .map(ToString::to_string)
        .unwrap_or_default()
}

/// Changes what people have set up. `what` is a line for the log and for the audit log.
pub(crate) async fn set_up<T: Send + 'static>(
    parts: &Parts,
    caller: &Caller,
    what: String,
    work: impl FnOnce(&mut Book) -> Result<T, ChangeError> + Send + 'static,
) -> Result<T, Problem> {
    let done = parts.views.registry().change(work).await.map_err(of_registry)?;
    note(parts, caller, "registry_changed", what);
    Ok(done)
}

/// Writes down who did what.
pub(crate) fn note(parts: &Parts, caller: &Caller, kind: &'static str, detail: String) {
    parts.audit.note(Event {
        kind,
        account: hand(caller),
        address: Some(caller.address),
        detail,
    });
}

/// Whether a device is out of use, before a change and after it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Retirement {
    pub(crate) before: bool,
    pub(crate) after: bool,
}

/// Closes the account of a device that goes out of use, and opens it when the device comes back. What was closed for itself is
/// opened by admins only, and what waits to be approved waits on. A device without an account has nothing to close.
pub(crate) async fn of_retirement(
    parts: &Parts,
    caller: &Caller,
    device_id: &DeviceId,
    retired: Retirement,
) -> Result<(), Problem> {
    // What a person wanted ends now, whatever becomes of the device next.
    parts.views.windows().examine_one(device_id);
    let book = parts.accounts.book();
    let account = book.get(device_id.as_str());
    let Some((name, account)) = account.filter(|(_, account)| account.role == Role::Device) else {
        return Ok(());
    };
    let name = name.clone();
    let may_open = account.retired_with_device || caller.role == Role::Admin;
    let comes_back = retired.before && !retired.after;
    match account.state {
        State::Active if retired.after => {
            accounts(parts, caller, move |file| file.retire_with_device(&name)).await?;
        }
        State::Retired if comes_back && may_open => {
            accounts(parts, caller, move |file| file.approve(&name)).await?;
        }
        State::Retired if comes_back && account.retires_device() == Some(true) => {
            accounts(parts, caller, move |file| file.return_device(&name)).await?;
        }
        _ => return Ok(()),
    }
    follow_account(parts, device_id).await
}

/// Takes over from the account of a device whether the device is out of use, before anybody is answered: what is said next is
/// later. What the account says now counts, as it may have been changed again.
pub(crate) async fn follow_account(parts: &Parts, device_id: &DeviceId) -> Result<(), Problem> {
    let (accounts, id) = (Arc::clone(&parts.accounts), device_id.clone());
    let followed = parts.views.registry().change(move |book| {
        let accounts = accounts.book();
        let Some((_, account)) = accounts.get(id.as_str()) else {
            return Ok(false);
        };
        let Some(retired) = account.retires_device() else {
            return Ok(false);
        };
        let says = AccountUse {
            retired,
            generation: account.state_generation,
            retired_generation: account.retired_generation,
        };
        book.follow_account(&id, says)
    });
    if followed.await.map_err(of_registry)? {
        parts.views.windows().examine_one(device_id);
    }
    Ok(())
}

/// Forgets a device. Returns whether it was known.
pub(crate) async fn forget(parts: &Parts, caller: &Caller, device_id: &DeviceId) -> Result<bool, Problem> {
    let was_known = parts.views.forget(device_id).await.map_err(of_registry)?;
    if was_known {
        note(
            parts,
            caller,
            "device_forgotten",
            format!("device '{device_id}' is forgotten"),
        );
    }
    Ok(was_known)
}

fn of_registry(error: RegistryError) -> Problem {
    match error {
        RegistryError::Refused(ChangeError::Changed { now }) => revision::changed(now),
        RegistryError::Refused(ChangeError::Invalid(problems)) => {
            let wrong = |problem: domain::InvalidSetting| WrongValue {
                path: problem.path,
                detail: problem.problem,
            };
            let errors: Vec<WrongValue> = problems.into_iter().map(wrong).collect();
            let told: Vec<String> = errors
                .iter()
                .map(|wrong| format!("{} {}", wrong.path, wrong.detail))
                .collect();
            Problem::new(&INVALID, told.join("; ")).with_errors(errors)
        }
        RegistryError::Refused(full @ ChangeError::Full(_)) => Problem::new(&CONFLICT, full.to_string()),
        RegistryError::File(error) => {
            warn!("the registry cannot be changed: {}", with_causes(&error));
            Problem::new(&INTERNAL, "the registry cannot be written; the log says why")
        }
    }
}

/// Changes the accounts, in the name of who asks.
pub(crate) async fn accounts<T: Send + 'static>(
    parts: &Parts,
    caller: &Caller,
    work: impl FnOnce(&AccountsFile) -> Result<T, FileError> + Send + 'static,
) -> Result<T, Problem> {
    let (accounts, by) = (Arc::clone(&parts.accounts), hand(caller));
    let changing = tokio::task::spawn_blocking(move || {
        let done = work(&accounts.file().by(&by));
        // Whoever asks next sees it.
        accounts.reload();
        done
    });
    let done = changing.await.expect("writing a file does not panic");
    done.map_err(|error| of_accounts(&error))
}

fn of_accounts(error: &FileError) -> Problem {
    let FileError::Refused(refused) = error else {
        warn!("the accounts cannot be changed: {}", with_causes(error));
        return Problem::new(&INTERNAL, "the accounts cannot be written; the log says why");
    };
    match refused {
        BookError::Unknown(..) => Problem::new(&NOT_FOUND, refused.to_string()),
        BookError::Text(what) => {
            let path = if *what == "the location" {
                "location"
            } else {
                "label"
            };
            invalid(path, "has at most 128 characters and no control characters")
        }
        _ => Problem::new(&CONFLICT, refused.to_string()),
    }
}
