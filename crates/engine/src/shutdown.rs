//! The end: by a token, or with the parent process. Running statements have a few seconds to finish.

use std::time::Duration;

use tokio::{io::AsyncReadExt as _, time::sleep};
use tokio_util::sync::CancellationToken;

use crate::ffi::leave;

/// How long running statements may take to finish.
const GRACE: Duration = Duration::from_secs(3);

/// Waits until the time after `shutdown` is over.
pub(crate) async fn grace_over(shutdown: &CancellationToken) {
    shutdown.cancelled().await;
    sleep(GRACE).await;
}

/// Ends this process with its parent, which holds our standard input open for as long as it lives.
pub(crate) fn follow_parent(shutdown: CancellationToken) {
    tokio::spawn(async move {
        let mut stdin = tokio::io::stdin();
        let mut byte = [0];
        while matches!(stdin.read(&mut byte).await, Ok(1..)) {}
        shutdown.cancel();
        sleep(GRACE).await;
        leave(0);
    });
}
