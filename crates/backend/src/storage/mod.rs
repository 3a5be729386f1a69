//! Removes old rows: those older than they are to be kept, and the oldest readings where the disk runs short.
//!
//! In: what each month of each table takes, and what the disk has left. Out: whole months dropped, each told in the log, as
//! a row of `ingest_errors` without a topic and in the metrics. It never touches the present month, nor readings that the
//! rollups lack, nor the journal.

mod due;
mod figures;

use std::{
    collections::BTreeMap,
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use monitoring::with_causes;
use store::{Disk, Kept, Store, StoreError, StoredMonth};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use self::figures::Cause;
pub(crate) use self::figures::Figures;
use crate::{clock::now, database::bounded, log::Repeats, rows, vitals::Vitals};

/// The time after which a month that the rollups lack rows of is looked at again.
const AGAIN: Duration = Duration::from_hours(1);

/// How long rows are kept, and how full their disk may become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetentionOptions {
    /// Days for which rows are kept, at least: they are removed by whole months. Those that are not named: for ever.
    pub days: BTreeMap<Kept, u32>,
    /// Free bytes of the disk below which the oldest readings are removed; 0: never.
    pub min_free_bytes: u64,
    /// The time between two looks; the disk's guard removes one month of one table at each.
    pub every: Duration,
    /// The time between the announcement of what a start finds to be old, and its removal.
    pub notice: Duration,
}

impl Default for RetentionOptions {
    /// Refused messages and the system's own figures for 30 days, the audit log for a year, everything else for ever; 2 GiB.
    fn default() -> Self {
        Self {
            days: [(Kept::Errors, 30), (Kept::SystemMetrics, 30), (Kept::Audit, 365)].into(),
            min_free_bytes: 2 << 30,
            every: Duration::from_mins(1),
            notice: Duration::from_mins(10),
        }
    }
}

/// What the database holds, and its removal.
#[async_trait]
pub trait Storage: fmt::Debug + Send + Sync + 'static {
    /// What each month of each table takes.
    async fn months(&self) -> Result<Vec<StoredMonth>, StoreError>;

    /// The fullest of the database's disks.
    async fn disk(&self) -> Result<Option<Disk>, StoreError>;

    /// Whether the rollups have every row of it.
    async fn is_rolled_up(&self, month: &StoredMonth) -> Result<bool, StoreError>;

    /// Removes it.
    async fn drop_month(&self, month: &StoredMonth) -> Result<(), StoreError>;

    /// Lets the database itself remove rows of `table` by their time in `column`; 0 days: never. Returns whether that is a
    /// change.
    async fn keep_for(&self, table: &str, column: &str, days: u32) -> Result<bool, StoreError>;
}

#[async_trait]
impl Storage for Store {
    async fn months(&self) -> Result<Vec<StoredMonth>, StoreError> {
        bounded(self.stored_months()).await
    }

    async fn disk(&self) -> Result<Option<Disk>, StoreError> {
        bounded(Self::disk(self)).await
    }

    async fn is_rolled_up(&self, month: &StoredMonth) -> Result<bool, StoreError> {
        bounded(Self::is_rolled_up(self, &month.table, month.month)).await
    }

    async fn drop_month(&self, month: &StoredMonth) -> Result<(), StoreError> {
        bounded(Self::drop_month(self, &month.table, month.month, month.bytes)).await
    }

    async fn keep_for(&self, table: &str, column: &str, days: u32) -> Result<bool, StoreError> {
        bounded(Self::keep_for(self, table, column, days)).await
    }
}

/// Looks after the tables.
#[derive(Debug)]
pub(crate) struct Keeper {
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) options: RetentionOptions,
    pub(crate) log: Arc<dyn Repeats>,
    pub(crate) vitals: Arc<Vitals>,
    pub(crate) figures: Figures,
    /// Whether the schema is there.
    pub(crate) prepared: watch::Receiver<bool>,
}

/// What people know of old months.
#[derive(Debug, Default, Clone, Copy)]
enum Notice {
    /// Nothing yet: the first that are found are announced.
    #[default]
    Due,
    /// Since then they can read what is going to be removed.
    Since(Instant),
    /// They had time; what becomes old from now on is removed at once.
    Over,
}

/// What a keeper remembers from one look to the next.
#[derive(Debug, Default)]
struct State {
    /// Whether the database knows what it removes itself.
    has_told_database: bool,
    notice: Notice,
    /// Whether the disk was short at the last look.
    is_short: bool,
    /// Whether people know that nothing is left that may be removed.
    is_exhausted: bool,
    /// Months that stay because the rollups lack rows of them, and when that was found.
    lacking: BTreeMap<(String, u32), Instant>,
    /// What ClickHouse refused last.
    refused: Option<String>,
}

impl State {
    /// A ClickHouse that is away is told by others; what it refuses is told once, until it refuses something else.
    fn tell(&mut self, error: &StoreError) {
        let text = with_causes(error);
        if matches!(error, StoreError::Unavailable(_) | StoreError::Timeout) {
            debug!(error = text, "what is stored cannot be looked after now");
        } else if self.refused.as_ref() != Some(&text) {
            warn!(
                error = text,
                "old rows cannot be removed; look at the rights of clickhouse.user"
            );
            self.refused = Some(text);
        }
    }
}

impl Keeper {
    /// Runs until `drain`.
    pub(crate) async fn run(mut self, drain: CancellationToken) {
        let prepared = async {
            let _ = self.prepared.wait_for(|prepared| *prepared).await;
        };
        if drain.run_until_cancelled(prepared).await.is_none() {
            return;
        }
        let mut state = State::default();
        let mut ticks = tokio::time::interval(self.options.every);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while drain.run_until_cancelled(ticks.tick()).await.is_some() {
            if let Some(Err(error)) = drain.run_until_cancelled(self.look(&mut state)).await {
                state.tell(&error);
            }
        }
    }

    async fn look(&self, state: &mut State) -> Result<(), StoreError> {
        if !state.has_told_database {
            self.tell_database().await?;
            state.has_told_database = true;
        }
        let mut months = self.storage.months().await?;
        let old = due::old(&months, &self.options.days, now());
        self.remove_old(&old, state).await?;
        months.retain(|month| !old.contains(month));
        let Some(disk) = self.storage.disk().await? else {
            return Ok(());
        };
        self.figures.disk_free(disk.free_bytes);
        self.guard(&disk, &months, state).await
    }

    /// What ClickHouse removes by itself, day by day.
    async fn tell_database(&self) -> Result<(), StoreError> {
        for kept in Kept::ALL {
            let Some(column) = kept.time_to_live() else {
                continue;
            };
            let days = self.options.days.get(&kept).copied().unwrap_or(0);
            for table in kept.tables() {
                if self.storage.keep_for(table, column, days).await? {
                    info!(
                        table,
                        days, "rows are kept for so many days from now on; 0: for ever"
                    );
                }
            }
        }
        Ok(())
    }

    /// Removes what is older than it is to be kept. What a start finds is announced first.
    async fn remove_old(&self, old: &[StoredMonth], state: &mut State) -> Result<(), StoreError> {
        match state.notice {
            Notice::Due if !old.is_empty() && !self.options.notice.is_zero() => {
                self.announce(old);
                state.notice = Notice::Since(Instant::now());
                return Ok(());
            }
            Notice::Since(noticed) if noticed.elapsed() < self.options.notice => return Ok(()),
            _ => state.notice = Notice::Over,
        }
        for month in old {
            if self.may_go(month, state).await? {
                self.remove(month, Cause::Age).await?;
            }
        }
        Ok(())
    }

    /// Whether the rollups have every row of a month; one of which they lack some is told.
    async fn may_go(&self, month: &StoredMonth, state: &mut State) -> Result<bool, StoreError> {
        let place = (month.table.clone(), month.month);
        let found = state.lacking.get(&place);
        if found.is_some_and(|found| found.elapsed() < AGAIN) {
            return Ok(false);
        }
        if self.storage.is_rolled_up(month).await? {
            return Ok(true);
        }
        if state.lacking.insert(place, Instant::now()).is_none() {
            let StoredMonth { table, month, .. } = month;
            warn!(
                table,
                month, "rows that are due to go stay, because the rollups lack some of them"
            );
        }
        Ok(false)
    }

    fn announce(&self, old: &[StoredMonth]) {
        let rows: u64 = old.iter().map(|month| month.rows).sum();
        let bytes: u64 = old.iter().map(|month| month.bytes).sum();
        let mut tables: Vec<&str> = old.iter().map(|month| month.table.as_str()).collect();
        tables.dedup();
        let from = old.iter().map(|month| month.month).min().unwrap_or_default();
        let to = old.iter().map(|month| month.month).max().unwrap_or_default();
        warn!(
            rows,
            bytes,
            from,
            to,
            tables = tables.join(", "),
            in_s = self.options.notice.as_secs(),
            "rows are older than retention keeps them and are going to be removed; to keep them, stop Casement before and \
             raise the days in retention"
        );
    }

    /// Keeps the disk above its mark.
    async fn guard(&self, disk: &Disk, months: &[StoredMonth], state: &mut State) -> Result<(), StoreError> {
        let mark = self.options.min_free_bytes;
        let free = disk.free_bytes;
        if !due::is_short(free, mark, state.is_short) {
            if std::mem::take(&mut state.is_short) {
                info!(free, "the disk has room again");
            }
            state.is_exhausted = false;
            self.vitals.disk.up();
            return Ok(());
        }
        let lack = format!(
            "{free} bytes are free on the disk of ClickHouse, and retention.min_free_bytes is {mark}"
        );
        let is_new = !std::mem::replace(&mut state.is_short, true);
        let Some(month) = self.next_for_space(months, state).await? else {
            let remedy = "nothing is left that may be removed: make room on it, or lower the mark";
            if !std::mem::replace(&mut state.is_exhausted, true) {
                warn!(free, mark, remedy, "the disk runs short");
            }
            self.vitals.disk.down(format!("{lack}: {remedy}"));
            return Ok(());
        };
        state.is_exhausted = false;
        let what = "the oldest readings that are rolled up are removed, a month of one table a minute";
        self.vitals.disk.down(format!("{lack}: {what}"));
        if is_new {
            // Until the next look it may have passed.
            warn!(free, mark, what, "the disk runs short");
            return Ok(());
        }
        self.remove(&month, Cause::Space).await
    }

    /// The first month that may go for space.
    async fn next_for_space(
        &self,
        months: &[StoredMonth],
        state: &mut State,
    ) -> Result<Option<StoredMonth>, StoreError> {
        for month in due::for_space(months, now()) {
            if self.may_go(&month, state).await? {
                return Ok(Some(month));
            }
        }
        Ok(None)
    }

    async fn remove(&self, month: &StoredMonth, cause: Cause) -> Result<(), StoreError> {
        self.storage.drop_month(month).await?;
        self.figures.removed(cause, month);
        let StoredMonth {
            table,
            month,
            rows,
            bytes,
        } = month;
        warn!(
            table,
            month,
            rows,
            bytes,
            cause = cause.as_str(),
            "a month of rows was removed"
        );
        let detail = format!(
            "{table}: {rows} rows of {} ({bytes} bytes), {}",
            due::month_name(*month),
            cause.in_words()
        );
        let event = rows::system_event(cause.event(), &detail, now());
        // A full log is told by its own metrics; the line above says the same.
        let _ = self.log.append(None, vec![event.encode()]).await;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
