//! Where messages come from.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use crate::Ingest;

/// A source of messages that feeds [`Ingest::accept`] and acknowledges what was accepted. The embedded broker needs none:
/// its hook calls `accept` itself.
#[async_trait]
pub trait Door: fmt::Debug + Send + 'static {
    /// Takes messages until `shutdown`, then finishes those already received.
    async fn run(self: Box<Self>, ingest: Arc<Ingest>, shutdown: CancellationToken);
}
