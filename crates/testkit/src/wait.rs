//! Waiting for a condition, with a deadline.

use std::{
    thread,
    time::{Duration, Instant},
};

use crate::Error;

/// The default deadline: starting and catching up take less, even on a busy machine.
pub const DEADLINE: Duration = Duration::from_secs(90);
pub(crate) const POLL: Duration = Duration::from_millis(20);

/// Waits until `condition` is true, at most [`DEADLINE`].
pub async fn wait_until(what: &str, mut condition: impl FnMut() -> bool) -> Result<(), Error> {
    let started = Instant::now();
    while !condition() {
        if started.elapsed() > DEADLINE {
            return Err(Error::timeout(what, DEADLINE, ""));
        }
        tokio::time::sleep(POLL).await;
    }
    Ok(())
}

/// Blocks until `condition` is true, at most [`DEADLINE`].
pub fn wait_until_blocking(what: &str, mut condition: impl FnMut() -> bool) -> Result<(), Error> {
    let started = Instant::now();
    while !condition() {
        if started.elapsed() > DEADLINE {
            return Err(Error::timeout(what, DEADLINE, ""));
        }
        thread::sleep(POLL);
    }
    Ok(())
}
