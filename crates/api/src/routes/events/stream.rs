//! One listener: its place in the feed, and what it is sent.

use std::{convert::Infallible, fmt::Write as _, sync::Arc, time::Duration};

use axum::body::Bytes;
use backend::{Feed, Numbered};
use futures_util::{Stream, stream::unfold};
use people::Presence;
use serde_json::json;
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

use super::{filter::Filter, kind, listeners::Place};

/// Events that are looked at together, and sent as one piece.
const BATCH: usize = 64;
/// The pause between two pieces: what comes meanwhile goes together.
const PAUSE: Duration = Duration::from_millis(20);
/// How often it is asked whether the listener may still hear.
const LOOK: Duration = Duration::from_secs(2);
/// A comment goes after so long a silence, so that nobody in between takes the connection for dead.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// When a browser that lost the connection comes back, ms.
const RETRY_MS: u32 = 3_000;

/// One listener.
pub(super) struct Listener {
    feed: Arc<Feed>,
    newest: watch::Receiver<u64>,
    /// The number of the last event that it was sent, or that is not for it.
    heard: u64,
    filter: Filter,
    presence: Presence,
    closing: CancellationToken,
    looked: Instant,
    sent: Instant,
    /// What is to be sent first.
    greeting: String,
    _place: Place,
}

/// Where a listener goes on.
#[derive(Debug, PartialEq, Eq)]
enum Begin {
    /// After the event of that number.
    After(u64),
    /// With what comes, as so many are lost; `None` where nobody knows how many.
    Anew(Option<u64>),
}

/// Where one goes on who states the id of the last event that it heard.
fn resumed(feed: &Feed, id: &str, newest: u64) -> Begin {
    let numbers = id.split_once('-').and_then(|(epoch, number)| {
        let epoch: i64 = epoch.parse().ok()?;
        Some((epoch, number.parse::<u64>().ok()?))
    });
    match numbers {
        Some((epoch, number)) if epoch == feed.epoch() && number <= newest => {
            if feed.since(number, 1).missed > 0 {
                Begin::Anew(Some(newest - number))
            } else {
                Begin::After(number)
            }
        }
        _ => Begin::Anew(None),
    }
}

impl Listener {
    pub(super) fn new(
        feed: Arc<Feed>,
        filter: Filter,
        presence: Presence,
        closing: CancellationToken,
        place: Place,
    ) -> Self {
        let newest = feed.newest();
        let (now, heard) = (Instant::now(), *newest.borrow());
        Self {
            heard,
            feed,
            newest,
            filter,
            presence,
            closing,
            looked: now,
            sent: now,
            greeting: String::new(),
            _place: place,
        }
    }

    /// What it is sent from now on, or after the event whose id is `last`.
    pub(super) fn begin(
        mut self,
        last: Option<&str>,
    ) -> impl Stream<Item = Result<Bytes, Infallible>> + use<> {
        self.greeting = format!("retry: {RETRY_MS}\n");
        match last.map(|id| resumed(&self.feed, id, self.heard)) {
            Some(Begin::After(number)) => {
                self.heard = number;
                self.greeting.push('\n');
            }
            Some(Begin::Anew(missed)) => {
                let reset = self.reset(missed);
                self.greeting.push_str(&reset);
            }
            // An id without data is no event, but who loses the connection now goes on from here.
            None => {
                let id = self.id(self.heard);
                let _ = writeln!(self.greeting, "id: {id}\n");
            }
        }
        unfold(self, |listener| async {
            let (piece, listener) = listener.next().await?;
            Some((Ok(piece), listener))
        })
    }

    fn id(&self, number: u64) -> String {
        format!("{}-{number}", self.feed.epoch())
    }

    fn reset(&self, missed: Option<u64>) -> String {
        let id = self.id(self.heard);
        format!(
            "id: {id}\nevent: reset\ndata: {}\n\n",
            json!({ "missed": missed })
        )
    }

    async fn next(mut self) -> Option<(Bytes, Self)> {
        if !self.greeting.is_empty() {
            let greeting = std::mem::take(&mut self.greeting);
            return Some((greeting.into(), self));
        }
        let closing = self.closing.clone();
        closing
            .run_until_cancelled(sleep_until(self.sent + PAUSE))
            .await?;
        loop {
            if self.looked.elapsed() >= LOOK {
                if !self.presence.holds() {
                    return None;
                }
                self.looked = Instant::now();
            }
            if let Some(piece) = self.piece() {
                self.sent = Instant::now();
                return Some((piece.into(), self));
            }
            if self.sent.elapsed() >= HEARTBEAT {
                self.sent = Instant::now();
                // With the id of events that were not for it, so that it goes on after them.
                let beat = format!(":\nid: {}\n\n", self.id(self.heard));
                return Some((beat.into(), self));
            }
            tokio::select! {
                () = closing.cancelled() => return None,
                changed = self.newest.changed() => changed.ok()?,
                () = sleep_until(self.looked + LOOK) => {}
            }
        }
    }

    /// The events that came meanwhile, if any is for this listener.
    fn piece(&mut self) -> Option<String> {
        let newest = *self.newest.borrow_and_update();
        let mut piece = String::new();
        while self.heard < newest {
            let since = self.feed.since(self.heard, BATCH);
            if since.missed > 0 {
                // It read too slowly.
                let missed = newest - self.heard;
                self.heard = newest;
                return Some(self.reset(Some(missed)));
            }
            let last = since.events.last()?.number;
            for event in since
                .events
                .iter()
                .filter(|event| self.filter.wants(&event.happening))
            {
                self.write(&mut piece, event);
            }
            self.heard = last;
            if !piece.is_empty() {
                return Some(piece);
            }
        }
        None
    }

    fn write(&self, piece: &mut String, event: &Numbered) {
        let (name, _) = kind(&event.happening);
        let data = serde_json::to_string(event).expect("an event is plain data");
        let id = self.id(event.number);
        let _ = write!(piece, "id: {id}\nevent: {name}\ndata: {data}\n\n");
    }
}

#[cfg(test)]
mod tests {
    use domain::Timestamp;

    use super::*;

    #[test]
    fn who_comes_back_goes_on_or_learns_that_something_is_lost() {
        let feed = Feed::new(Timestamp::from_millis(7));
        assert_eq!(resumed(&feed, "7-0", 0), Begin::After(0));
        for id in [
            "6-0",
            "7-1",
            "7",
            "7-",
            "x-y",
            "",
            "7-99999999999999999999999",
            "7--1",
        ] {
            assert_eq!(resumed(&feed, id, 0), Begin::Anew(None), "{id}");
        }
        assert_eq!(resumed(&feed, &format!("7-{}", u64::MAX), 0), Begin::Anew(None));
    }
}
