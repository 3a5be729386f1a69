//! The async runtime of a subcommand.

use std::time::Duration;

use anyhow::Context as _;

use crate::telemetry;

/// Time for tasks that are still running when the subcommand ends.
const END: Duration = Duration::from_millis(500);

/// Runs a service to its end. It never waits for a reader of its output, and its files are its owner's alone.
pub(super) fn serve(role: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    telemetry::go_on_without_readers().context("the threads that write the log do not start")?;
    block_on(role)
}

/// Runs a subcommand to its end.
pub(super) fn block_on(role: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("the async runtime does not start")?;
    let result = runtime.block_on(role);
    // A task that hangs must not keep a stopped service running.
    runtime.shutdown_timeout(END);
    result
}
