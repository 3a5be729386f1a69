//! The directory of the data before there are any: whether it can be made and written, its room, how long a sync takes.

use std::{path::Path, sync::Arc};

use futures_util::future::BoxFuture;

use super::{
    super::{Context, Outcome, State},
    disk, off_worker,
};

pub(super) fn check(context: Arc<Context>) -> BoxFuture<'static, Outcome> {
    off_worker(context, |context| {
        let data = context.config.data();
        looked_at(&std::path::absolute(&data).unwrap_or(data))
    })
}

/// Looks at `data`, or where it would be made.
fn looked_at(data: &Path) -> Outcome {
    let place = data.ancestors().find(|path| path.exists());
    let Some(place) = place else {
        return Outcome::failed(
            format!("{} cannot be looked at", data.display()),
            "Choose another directory: --data DIR.",
        );
    };
    let written = disk::timed(place);
    if written.state == State::Failed {
        return Outcome {
            remedy: Some(
                "Run as the user of the service, give it the directory, or choose another: --data DIR."
                    .into(),
            ),
            ..written
        };
    }
    let room = match disk::free(place) {
        Ok(free) => disk::judged("data", place, free),
        Err(error) => Some(Outcome::warning(
            format!("the room in {} is not known: {error}", place.display()),
            "Look at its file system.",
        )),
    };
    let where_it_is = if place == data {
        "can be written"
    } else {
        "can be made"
    };
    let found = format!("{} {where_it_is}; {}", data.display(), written.summary);
    let paced = Outcome {
        summary: found,
        ..written
    };
    Outcome::worst(room.into_iter().chain([paced]).collect(), || {
        Outcome::ok("nothing was looked at")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_that_is_to_be_made_is_looked_at_where_it_would_be() {
        let dir = tempfile::tempdir().unwrap();
        let well = looked_at(&dir.path().join("a/b"));
        assert!(well.summary.contains("can be made"), "{}", well.summary);
        assert_ne!(well.state, State::Failed);
        assert!(looked_at(dir.path()).summary.contains("can be written"));
        assert_eq!(
            std::fs::read_dir(dir.path()).unwrap().count(),
            0,
            "it leaves nothing"
        );
    }

    #[test]
    fn what_is_no_directory_has_failed() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        std::fs::write(&file, "").unwrap();
        let outcome = looked_at(&file.join("data"));
        assert_eq!(outcome.state, State::Failed, "{}", outcome.summary);
        assert!(outcome.remedy.unwrap().contains("--data"));
    }
}
