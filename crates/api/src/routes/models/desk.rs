//! Where work on versions is done: on a blocking thread, one piece at a time, since each reads and checks whole files.

use std::{sync::Arc, time::Duration};

use axum::{extract::FromRequestParts, http::request};
use model::RegistryError;
use monitoring::{Problem, extract::invalid, with_causes};
use people::Caller;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};
use tracing::warn;

use crate::{
    Models, Parts, changes,
    problems::{CONFLICT, INTERNAL, NOT_FOUND, UNAVAILABLE},
};

/// How long a request waits for its turn.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// The one place. Clones share it.
#[derive(Debug, Clone)]
pub(in crate::routes) struct Desk(Arc<Semaphore>);

impl Default for Desk {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(1)))
    }
}

/// The models of this process, or a problem that says where they are.
pub(in crate::routes) fn models(parts: &Parts) -> Result<&Models, Problem> {
    parts.models.as_ref().ok_or_else(|| {
        Problem::new(
            &UNAVAILABLE,
            "the models are where `casement ml` runs, and not in this process: use `casement models` there",
        )
    })
}

impl Desk {
    /// Takes the place, when it is free.
    pub(super) async fn take(&self) -> Result<OwnedSemaphorePermit, Problem> {
        let busy = || Problem::new(&UNAVAILABLE, "others work on the models").retry_after(2);
        timeout(LONGEST_WAIT, self.wait()).await.map_err(|_| busy())
    }

    /// Takes the place, however long others have it: each of them is bounded.
    pub(in crate::routes) async fn wait(&self) -> OwnedSemaphorePermit {
        let place = Arc::clone(&self.0).acquire_owned().await;
        place.expect("the place is never closed")
    }
}

/// The versions of this process, for a request about them. It is refused where another process has the models.
pub(super) struct Versions {
    pub(super) parts: Arc<Parts>,
    pub(super) desk: Desk,
}

impl FromRequestParts<Arc<Parts>> for Versions {
    type Rejection = Problem;

    async fn from_request_parts(request: &mut request::Parts, parts: &Arc<Parts>) -> Result<Self, Problem> {
        models(parts)?;
        let desk = request.extensions.get::<Desk>();
        Ok(Self {
            parts: Arc::clone(parts),
            desk: desk.expect("these routes have a desk").clone(),
        })
    }
}

impl Versions {
    /// Does `work` when the place is free. It is done to its end, even if nobody waits for it any more.
    pub(super) async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Models) -> Result<T, RegistryError> + Send + 'static,
    ) -> Result<T, Problem> {
        let place = self.desk.take().await?;
        done(&self.parts, place, work).await.map_err(refused)
    }

    /// Writes down who did what.
    pub(super) fn note(&self, caller: &Caller, kind: &'static str, detail: String) {
        changes::note(&self.parts, caller, kind, detail);
    }
}

/// Does `work` and gives the place back.
pub(super) async fn done<T: Send + 'static, E: Send + 'static>(
    parts: &Parts,
    place: OwnedSemaphorePermit,
    work: impl FnOnce(&Models) -> Result<T, E> + Send + 'static,
) -> Result<T, E> {
    let models = parts.models.clone().expect("somebody has looked before");
    let working = tokio::task::spawn_blocking(move || {
        let done = work(&models);
        drop(place);
        done
    });
    working.await.expect("work on models does not panic")
}

/// A problem for what the registry refuses.
#[expect(clippy::needless_pass_by_value, reason = "it stands in `map_err`")]
pub(in crate::routes) fn refused(error: RegistryError) -> Problem {
    match &error {
        RegistryError::BadVersion(_) => invalid("version", error.to_string()),
        RegistryError::Unknown { .. } => Problem::new(&NOT_FOUND, error.to_string()),
        RegistryError::Unnamed => invalid("version", "is missing, and the file does not name one"),
        RegistryError::Taken(_)
        | RegistryError::NoFile(_)
        | RegistryError::Serving(_)
        | RegistryError::Shadows(_)
        | RegistryError::NoPredecessor
        | RegistryError::Load(_) => Problem::new(&CONFLICT, with_causes(&error)),
        RegistryError::Io { .. } => {
            warn!("the models cannot be changed: {}", with_causes(&error));
            Problem::new(&INTERNAL, "the models' folder cannot be used; the log says why")
        }
    }
}
