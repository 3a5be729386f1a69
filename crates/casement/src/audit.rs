//! The audit log: who came in, who did not, and what was done to accounts.
//!
//! In: events of the page and of the broker, and the changes that the accounts' file numbers. Out: lines in the log, and rows
//! of `audit_log` by way of the journal. What strangers cause is bounded: so many of a kind a minute, and the number of the
//! others. Nobody who tells of an event waits for the disk.

use std::{
    collections::HashMap,
    fs,
    net::IpAddr,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use accounts::{Accounts, Change, write_private};
use backend::{AuditEvent, Ingest};
use domain::Timestamp;
use parking_lot::Mutex;
use people::{Audit, Event};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// Events of one kind in a minute that a stranger can cause.
const A_MINUTE: u32 = 60;
/// Events of one kind in a minute that only who is signed in can cause, by what was carried out.
const A_MINUTE_OF_CHANGES: u32 = 6_000;
const MINUTE: Duration = Duration::from_mins(1);
const QUEUE: usize = 512;
/// Events that are written together.
const TOGETHER: usize = 64;
/// Pause before changes are told again that could not be written.
const AGAIN: Duration = Duration::from_secs(5);

/// What was told of one kind in the present minute.
#[derive(Debug)]
struct Told {
    since: Instant,
    events: u32,
    untold: u64,
}

/// Takes events. Its task ends with it.
#[derive(Debug)]
pub(crate) struct Auditor {
    queue: mpsc::Sender<AuditEvent>,
    told: Mutex<HashMap<&'static str, Told>>,
    numbers: AtomicU64,
}

impl Auditor {
    pub(crate) fn open(ingest: Arc<Ingest>) -> Arc<Self> {
        let (queue, mut events) = mpsc::channel(QUEUE);
        tokio::spawn(async move {
            let mut together = Vec::new();
            while events.recv_many(&mut together, TOGETHER).await > 0 {
                ingest.record_audit(&together).await;
                together.clear();
            }
        });
        let start = jiff::Timestamp::now().as_microsecond();
        Arc::new(Self {
            queue,
            told: Mutex::default(),
            // No start has the numbers of another one, or of the accounts' changes.
            numbers: AtomicU64::new(start.unsigned_abs()),
        })
    }

    /// Takes an event whose line is in the log already.
    pub(crate) fn note_told(&self, kind: &'static str, account: &str, address: Option<IpAddr>, detail: &str) {
        let Some(untold) = self.admit(kind, most_of(kind, account), Instant::now()) else {
            return;
        };
        let event = AuditEvent {
            at: now(),
            kind: kind.to_owned(),
            account: account.to_owned(),
            actor: account.to_owned(),
            address: address
                .map(|address| address.to_canonical().to_string())
                .unwrap_or_default(),
            detail: with_untold(detail, untold),
            number: self.numbers.fetch_add(1, Relaxed),
        };
        if self.queue.try_send(event).is_err() {
            self.leave_out(kind);
        }
    }

    /// How many were left out since the one before; `None` where this one is left out, too.
    fn admit(&self, kind: &'static str, most: u32, now: Instant) -> Option<u64> {
        let mut all = self.told.lock();
        let told = all.entry(kind).or_insert(Told {
            since: now,
            events: 0,
            untold: 0,
        });
        if now.duration_since(told.since) >= MINUTE {
            (told.since, told.events) = (now, 0);
        }
        if told.events >= most {
            told.untold += 1;
            return None;
        }
        told.events += 1;
        Some(std::mem::take(&mut told.untold))
    }

    fn leave_out(&self, kind: &'static str) {
        if let Some(told) = self.told.lock().get_mut(kind) {
            told.untold += 1;
        }
    }
}

impl Audit for Auditor {
    fn note(&self, event: Event) {
        let Event {
            kind,
            account,
            address,
            detail,
        } = event;
        // The log is bounded as the table is.
        let is_told = self
            .told
            .lock()
            .get(kind)
            .is_none_or(|told| told.events < most_of(kind, &account));
        if is_told {
            let address = address.map(tracing::field::display);
            info!(account, address, "{kind}: {detail}");
        }
        self.note_told(kind, &account, address, &detail);
    }
}

/// How many events of a kind, of an account or of nobody, are told in a minute.
fn most_of(kind: &str, account: &str) -> u32 {
    if account.is_empty() || kind == "refused" {
        A_MINUTE
    } else {
        A_MINUTE_OF_CHANGES
    }
}

fn with_untold(detail: &str, untold: u64) -> String {
    match untold {
        0 => detail.to_owned(),
        untold => format!("{detail} ({untold} more like it before)"),
    }
}

/// Writes every change of the accounts once, until `stopping`: those, too, that were made while no service ran. A number in
/// `dir` says how far it has come.
pub(crate) async fn follow(
    accounts: Arc<Accounts>,
    ingest: Arc<Ingest>,
    dir: PathBuf,
    stopping: CancellationToken,
) {
    let (mut changes, marker) = (accounts.changes(), dir.join("audited"));
    let mut seen = read_marker(&marker);
    loop {
        let book = accounts.book();
        let newest = book.changes_after(0).last().map_or(0, |change| change.number);
        // The accounts were put back from a copy, or begun anew.
        if seen > newest {
            seen = 0;
        }
        let new: Vec<AuditEvent> = book.changes_after(seen).take(TOGETHER).map(of_change).collect();
        let Some(last) = new.last().map(|event| event.number) else {
            match stopping.run_until_cancelled(changes.changed()).await {
                Some(Ok(())) => continue,
                _ => return,
            }
        };
        if !ingest.record_audit(&new).await {
            if stopping
                .run_until_cancelled(tokio::time::sleep(AGAIN))
                .await
                .is_none()
            {
                return;
            }
            continue;
        }
        for event in &new {
            info!(
                actor = event.actor,
                account = event.account,
                "{}: {}",
                event.kind,
                event.detail
            );
        }
        seen = last;
        if let Err(error) = write_private(&marker, seen.to_string().as_bytes()) {
            warn!("how far the audit log has come cannot be written; the next start tells it again: {error}");
        }
    }
}

fn read_marker(path: &Path) -> u64 {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.trim().parse().unwrap_or(0)
}

fn of_change(change: &Change) -> AuditEvent {
    let kind = match change.action.as_str() {
        own @ ("pairing" | "introduce" | "share" | "unshare" | "link") => own.to_owned(),
        action => format!("account_{action}"),
    };
    AuditEvent {
        at: Timestamp::from_millis(change.at.as_millisecond()),
        kind,
        account: change.account.clone(),
        actor: change.by.clone(),
        address: String::new(),
        detail: change.detail.clone(),
        number: change.number,
    }
}

fn now() -> Timestamp {
    Timestamp::from_millis(jiff::Timestamp::now().as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_strangers_cause_is_bounded_and_counted() {
        let (queue, mut events) = mpsc::channel(QUEUE);
        let auditor = Auditor {
            queue,
            told: Mutex::default(),
            numbers: AtomicU64::new(1),
        };
        let start = Instant::now();
        let admitted = (0..1_000)
            .filter(|_| auditor.admit("refused", A_MINUTE, start).is_some())
            .count();
        assert_eq!(admitted, A_MINUTE as usize);
        assert_eq!(
            auditor.admit("sign_in", A_MINUTE, start),
            Some(0),
            "another kind is another matter"
        );
        assert_eq!(auditor.admit("refused", A_MINUTE, start + MINUTE), Some(940));
        auditor.note_told("sign_out", "ada", Some([192, 0, 2, 1].into()), "why");
        let event = events.recv().await.expect("an event");
        assert_eq!(
            (
                event.kind.as_str(),
                event.account.as_str(),
                event.address.as_str()
            ),
            ("sign_out", "ada", "192.0.2.1")
        );
        assert_eq!(with_untold("why", 2), "why (2 more like it before)");
        assert_eq!(most_of("refused", "ada"), A_MINUTE);
        assert_eq!(most_of("sign_in_failed", ""), A_MINUTE);
        assert!(
            most_of("registry_changed", "ada") > 1_000,
            "an import of devices has its rows"
        );
    }

    #[test]
    fn changes_are_told_by_their_kind() {
        let change = |action: &str| Change {
            number: 7,
            at: jiff::Timestamp::UNIX_EPOCH,
            by: "cli:ada".into(),
            action: action.into(),
            account: "x".into(),
            detail: String::new(),
        };
        assert_eq!(of_change(&change("retire")).kind, "account_retire");
        assert_eq!(of_change(&change("share")).kind, "share");
        assert_eq!(of_change(&change("share")).actor, "cli:ada");
    }
}
