//! The end: by a token, or with the parent process. Running statements have a few seconds to finish.

use std::time::Duration;

use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    time::sleep,
};
use tokio_util::sync::CancellationToken;

use crate::ffi::leave;

/// How long running statements may take to finish.
const GRACE: Duration = Duration::from_secs(3);

/// Waits until the time after `shutdown` is over.
pub(crate) async fn grace_over(shutdown: &CancellationToken) {
    shutdown.cancelled().await;
    sleep(GRACE).await;
}

/// Ends this process with its parent, which holds our standard input open for as long as it lives. Each line that the parent
/// writes there goes to `take`.
pub fn follow_parent(shutdown: CancellationToken, mut take: impl FnMut(&str) + Send + 'static) {
    tokio::spawn(async move {
        let mut lines = BufReader::new(tokio::io::stdin()).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            take(&line);
        }
        shutdown.cancel();
        sleep(GRACE).await;
        leave(0);
    });
}
