//! What the embedded ClickHouse needs of this machine: its library, and the kernel's locks.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::{
    super::{Context, Outcome},
    off_worker,
};

pub(super) fn library(context: Arc<Context>) -> BoxFuture<'static, Outcome> {
    off_worker(context, |context| {
        if !context.embeds_engine() {
            return Outcome::skipped("ClickHouse runs elsewhere");
        }
        match engine::find_library(context.config.engine.library.as_deref()) {
            Err(error) => Outcome::failed(
                error.to_string(),
                "Fetch it: fetch-engine.sh of the package, or make engine; or correct engine.library; or name a ClickHouse of yours (--clickhouse URL).",
            ),
            Ok(path) => {
                let path = path.display().to_string();
                if path.contains(engine::LIBRARY_VERSION) {
                    Outcome::ok(format!(
                        "the library of version {} is there",
                        engine::LIBRARY_VERSION
                    ))
                } else {
                    Outcome::ok(format!(
                        "a library is named, {path}; Casement is tested with version {}",
                        engine::LIBRARY_VERSION
                    ))
                }
            }
        }
    })
}

pub(super) fn locks(context: Arc<Context>) -> BoxFuture<'static, Outcome> {
    off_worker(context, |context| {
        if !context.embeds_engine() {
            return Outcome::skipped("ClickHouse runs elsewhere");
        }
        let locks = engine::available_locks();
        if context.config.engine.allow_outside {
            return Outcome::warning(
                format!("the engine is not confined (engine.allow_outside); {locks}"),
                "Leave engine.allow_outside out, unless statements have to read files elsewhere.",
            );
        }
        if locks.files && locks.network {
            Outcome::ok(locks.to_string())
        } else {
            Outcome::warning(
                locks.to_string(),
                "Use a kernel with Landlock (Linux 5.13) and seccomp; containers may switch them off.",
            )
        }
    })
}
