//! The interface to ClickHouse: the schema and its migrations, rows and their batches, and the queries of the page.
//!
//! In: [`Row`]s, grouped into a [`Batch`] and inserted under a deduplication token, so that a batch sent twice is
//! stored once. Out: registered devices, latest readings and commands, labels, comparisons. It speaks HTTP, to the
//! embedded engine or to a server. It never decides what to do about a failed batch: it reports whether the database or
//! the rows are to blame.

mod backfill;
mod batch;
mod comparison;
mod encoding;
mod error;
mod history;
mod http_client;
mod labels;
mod options;
mod outcomes;
mod quantities;
mod query;
mod reconciliation;
mod retention;
mod row;
mod schema;
mod server_error;
mod storage;
mod store;
mod table;
mod tracks;

pub use batch::Batch;
pub use comparison::{ComparisonQuery, PairSums, VersionSums};
pub use encoding::{DecodeError, Row};
pub use error::{InsertError, StoreError};
pub use history::{HistoryPoint, interval_s};
pub use labels::{LabelRow, Outcome};
pub use options::StoreOptions;
pub use outcomes::JUDGED_AFTER_S;
pub use query::{LONGEST_QUERY, LatestAction, LatestReading, LatestState, Period, Usage};
pub use reconciliation::RollupDifference;
pub use retention::Kept;
pub use row::{
    AudioRow, AuditRow, DeviceEventRow, DeviceRow, IngestErrorRow, MlPredictionRow, ReadingRow,
    SuspectReadingRow, SystemMetricsRow, WindowActionRow, WindowStateRow,
};
pub use schema::SCHEMA_VERSION;
pub use storage::{Disk, Growth, StoredMonth};
pub use store::Store;
pub use table::{Table, UnknownTable};
pub use tracks::Track;
