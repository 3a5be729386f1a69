//! The model: whether it loads, and what its side-car says.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use model::Model;

use super::{
    super::{Context, Outcome},
    off_worker,
};
use crate::assembly;

pub(super) fn check(context: Arc<Context>) -> BoxFuture<'static, Outcome> {
    off_worker(context, |context| {
        let config = &context.config.model;
        if context.setup == super::Setup::Up && !context.config.ml.embedded {
            return Outcome::skipped("the ML service runs elsewhere");
        }
        let loaded = Model::load_with(&config.path, &assembly::load_options(&context.config));
        let model = match loaded {
            Ok(model) => model.with_default_version(&config.version),
            Err(error) => {
                return Outcome::failed(
                    format!(
                        "{} cannot be used: {}",
                        config.path.display(),
                        monitoring::with_causes(&error)
                    ),
                    "Promote another version (casement models list), or put the file back. A running service goes on with the last one.",
                );
            }
        };
        let features = assembly::features(&context.config.audio).version();
        let stated = model
            .sidecar()
            .and_then(|sidecar| sidecar.features_version.clone());
        let found = format!("{} ({})", model.version(), model.origin());
        match (model.sidecar(), stated) {
            (Some(_), Some(stated)) if stated != features => Outcome::failed(
                format!(
                    "the model {found} was trained on other features: {stated}, and {features} are computed"
                ),
                "Train it anew, or set the keys of audio to those of its training.",
            ),
            (None, _) => Outcome::warning(
                format!("the model {found} has no side-car"),
                "A side-car states its version and on what it was trained: casement train writes one; see docs/models.md.",
            ),
            _ => Outcome::ok(format!("the model {found} loads")),
        }
    })
}
