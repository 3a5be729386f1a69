//! The directories of the data: whose they are, and who else may look in.

use std::{fs, os::unix::fs::MetadataExt as _, path::Path, sync::Arc};

use futures_util::future::BoxFuture;
use rustix::fs::{Access, access};

use super::{
    super::{Context, Outcome, Setup},
    off_worker,
};

pub(super) fn permissions(context: Arc<Context>) -> BoxFuture<'static, Outcome> {
    off_worker(context, |context| {
        let directories = super::disk::directories(context);
        let mut outcomes: Vec<Outcome> = directories.iter().filter_map(|(_, path)| closed(path)).collect();
        if context.setup != Setup::Engine {
            outcomes.extend(closed(&context.config.data()));
        }
        let count = directories.len();
        if count == 0 && outcomes.is_empty() {
            return Outcome::skipped("there are no data yet");
        }
        Outcome::worst(outcomes, || {
            Outcome::ok(format!("{count} directories, closed to other users and writable"))
        })
    })
}

/// What is wrong with a directory that is there.
fn closed(path: &Path) -> Option<Outcome> {
    let metadata = fs::metadata(path).ok()?;
    let shown = path.display();
    if access(path, Access::WRITE_OK | Access::EXEC_OK).is_err() {
        return Some(Outcome::failed(
            format!(
                "{shown} belongs to the user {} and cannot be written by this one",
                metadata.uid()
            ),
            "Run doctor and the service as one user, or give the directory to that user.",
        ));
    }
    let mode = metadata.mode() & 0o777;
    (mode & 0o077 != 0).then(|| {
        Outcome::warning(
            format!("other users of this machine can enter {shown} (mode {mode:04o})"),
            format!("chmod 700 {shown}"),
        )
    })
}
