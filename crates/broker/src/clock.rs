//! When a client was last heard of, and for how long it may be silent, or leave what it is sent unread.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::{Instant, Sleep};

use crate::ending::Ending;

/// How long a client without a keep-alive may leave written bytes unread.
const STALLED: Duration = Duration::from_mins(5);
/// When something was last heard of a client.
pub(crate) struct Clock {
    /// `None` where the client has no keep-alive.
    silence: Option<Duration>,
    pub(crate) heard: Instant,
    pub(crate) stalled_since: Option<Instant>,
    timer: Pin<Box<Sleep>>,
}

impl Clock {
    pub(crate) fn new(keep_alive: Duration) -> Self {
        let silence = (!keep_alive.is_zero()).then(|| keep_alive + keep_alive / 2);
        Self {
            silence,
            heard: Instant::now(),
            stalled_since: None,
            timer: Box::pin(tokio::time::sleep(silence.unwrap_or(STALLED))),
        }
    }

    /// Resolves when the client has been silent, or has not read, for too long.
    pub(crate) fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<Ending> {
        let patience = self.silence.unwrap_or(STALLED);
        while self.timer.as_mut().poll(cx).is_ready() {
            let now = Instant::now();
            if self.stalled_since.is_some_and(|since| now - since >= patience) {
                return Poll::Ready(Ending::not_reading());
            }
            if self.silence.is_some() && now - self.heard >= patience {
                return Poll::Ready(Ending::keep_alive());
            }
            let next = if self.silence.is_some() {
                self.heard + patience
            } else {
                now + patience
            };
            self.timer.as_mut().reset(next);
        }
        Poll::Pending
    }
}
