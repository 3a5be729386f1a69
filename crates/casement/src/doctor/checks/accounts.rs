//! The file of accounts: whether it can be read, by whom, and whether somebody is in charge.

use std::{fs, io, os::unix::fs::MetadataExt as _, path::Path, sync::Arc};

use accounts::{Role, State};
use futures_util::future::BoxFuture;

use super::{
    super::{Context, Outcome},
    off_worker,
};
use crate::assembly;

pub(super) fn check(context: Arc<Context>) -> BoxFuture<'static, Outcome> {
    off_worker(context, |context| {
        let file = assembly::accounts(&context.config, "doctor");
        let path = file.path();
        match fs::metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Outcome::skipped(format!("there are no accounts yet in {}", path.display()));
            }
            Err(error) => {
                return Outcome::failed(
                    format!("{} cannot be looked at: {error}", path.display()),
                    "Run doctor as the user of the service.",
                );
            }
            Ok(_) => {}
        }
        let mut outcomes: Vec<Outcome> = path
            .parent()
            .into_iter()
            .chain([path.as_path()])
            .filter_map(open_to_others)
            .collect();
        match file.read() {
            Err(error) => outcomes.push(Outcome::failed(
                error.to_string(),
                "Put a copy from a backup in its place, or run doctor as the user of the service.",
            )),
            Ok(book) => {
                let is_admin = book
                    .iter()
                    .any(|(_, account)| account.role == Role::Admin && account.state == State::Active);
                if !is_admin {
                    outcomes.push(Outcome::warning(
                        "there is no admin: nobody can change accounts or settings over HTTP",
                        "Make one: casement accounts add NAME --role admin",
                    ));
                }
                let count = book.iter().count();
                if outcomes.is_empty() {
                    return Outcome::ok(format!(
                        "{count} accounts, an admin among them, closed to other users"
                    ));
                }
            }
        }
        Outcome::worst(outcomes, || Outcome::ok("the accounts can be read"))
    })
}

/// Passwords' digests are for the service alone.
fn open_to_others(path: &Path) -> Option<Outcome> {
    let mode = fs::metadata(path).ok()?.mode() & 0o777;
    (mode & 0o077 != 0).then(|| {
        let right = if path.is_dir() { "700" } else { "600" };
        Outcome::failed(
            format!(
                "other users of this machine can open {} (mode {mode:04o})",
                path.display()
            ),
            format!("chmod {right} {}", path.display()),
        )
    })
}
