//! The one thread that computes argon2id.
//!
//! In: passwords to compare or to hash, in a short queue. Out: the results. It has the lowest priority, so that however many
//! passwords are guessed, readings and decisions go first; a full queue refuses at once.

use std::{sync::mpsc, thread};

use tokio::sync::oneshot;

/// Passwords that wait; at 20 ms each that is more than a second.
const QUEUE: usize = 64;

type Work = Box<dyn FnOnce() + Send>;

#[derive(Debug)]
pub(crate) struct Hasher(mpsc::SyncSender<Work>);

/// The queue is full.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Busy;

impl Hasher {
    /// Starts the thread. It ends with the last of its senders.
    pub(crate) fn start() -> std::io::Result<Self> {
        let (sender, queue) = mpsc::sync_channel::<Work>(QUEUE);
        thread::Builder::new().name("passwords".into()).spawn(move || {
            // On Linux a thread has a priority of its own. Without the right to change it, it stays as it is.
            let _ = rustix::process::setpriority_process(None, 19);
            for work in queue {
                work();
            }
        })?;
        Ok(Self(sender))
    }

    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Busy> {
        let (sender, result) = oneshot::channel();
        let work: Work = Box::new(move || {
            // Nobody waits any more where the client is gone.
            if !sender.is_closed() {
                let _ = sender.send(work());
            }
        });
        self.0.try_send(work).map_err(|_| Busy)?;
        result.await.map_err(|_| Busy)
    }
}
