//! Long work of backups, which others have the right of way before.
//!
//! In: work. Out: its result. The thread of the work has a low priority, from which Linux takes that of its reading and
//! writing, too (`ioprio_set(2)`), and ends with it: a thread without rights cannot get its priority back. It is not the lowest: on
//! a machine that is busy all the time, a backup would not come to its end.

use std::thread;

use anyhow::Context as _;
use tokio::sync::oneshot;

/// That of `nice(1)`: a tenth of the share of processor time that others have.
const LOW: i32 = 10;

/// Does `work` on a thread of its own. Once begun, it is finished, whether or not somebody waits for it.
pub(crate) async fn gently<T: Send + 'static>(
    work: impl FnOnce() -> anyhow::Result<T> + Send + 'static,
) -> anyhow::Result<T> {
    let (sender, result) = oneshot::channel();
    let doing = move || {
        let own = rustix::process::getpriority_process(None).unwrap_or_default();
        if own < LOW {
            // Without the right to it, it stays as it is.
            let _ = rustix::process::setpriority_process(None, LOW);
        }
        let _ = sender.send(work());
    };
    thread::Builder::new()
        .name("backup".into())
        .spawn(doing)
        .context("no thread can be started")?;
    result
        .await
        .context("the work was ended by a fault of the program")?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_work_has_a_low_priority_and_nothing_else_has() {
        let priority = || Ok(rustix::process::getpriority_process(None)?);
        let own = priority().unwrap();
        assert_eq!(gently(priority).await.unwrap(), own.max(LOW));
        assert_eq!(priority().unwrap(), own);
        let failed = gently(|| -> anyhow::Result<()> { anyhow::bail!("why") }).await;
        assert_eq!(failed.unwrap_err().to_string(), "why");
    }
}
