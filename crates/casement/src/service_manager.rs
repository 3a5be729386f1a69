//! What systemd is told: that a role is ready, what it serves, that it lives, that it ends.
//!
//! In: `NOTIFY_SOCKET` and `WATCHDOG_USEC`, which systemd sets for services of `Type=notify`. Out: datagrams to that socket;
//! nothing, where there is none. A role never fails because nobody listens.

use std::time::Duration;

use sd_notify::NotifyState;
use tracing::debug;

/// Says that the role serves, and in a line what.
pub(crate) fn ready(status: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// Says in a line why the start takes so long, and asks for as much time again.
pub(crate) fn starting(status: &str) {
    const MORE: Duration = Duration::from_mins(5);
    let more = u32::try_from(MORE.as_micros()).unwrap_or(u32::MAX);
    tell(&[NotifyState::Status(status), NotifyState::ExtendTimeoutUsec(more)]);
}

/// Says in a line what the role does now.
pub(crate) fn status(status: &str) {
    tell(&[NotifyState::Status(status)]);
}

/// Says that the role ends in order.
pub(crate) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Returns how often to say [`alive`]: twice in the time that systemd allows; `None` if nobody asks.
pub(crate) fn pulse() -> Option<Duration> {
    sd_notify::watchdog_enabled().map(|allowed| (allowed / 2).max(Duration::from_millis(1)))
}

/// Says that the role lives.
pub(crate) fn alive() {
    tell(&[NotifyState::Watchdog]);
}

fn tell(state: &[NotifyState]) {
    if let Err(error) = sd_notify::notify(state) {
        debug!("the service manager cannot be told: {error}");
    }
}
