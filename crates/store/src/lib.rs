//! The interface to ClickHouse: the schema and its migrations, rows and their batches, and the queries of the page.
//!
//! In: [`Row`]s, grouped into a [`Batch`] and inserted under a deduplication token, so that a batch sent twice is
//! stored once. Out: registered devices, latest readings and commands, histories, lists, exports, labels, comparisons. It speaks HTTP, to the
//! embedded engine or to a server. It never decides what to do about a failed batch: it reports whether the database or
//! the rows are to blame.

mod backfill;
mod batch;
mod comparison;
mod encoding;
mod error;
mod export;
mod histories;
mod history;
mod http_client;
mod labels;
mod lists;
mod options;
mod outcomes;
mod quality;
mod quantities;
mod query;
mod questions;
mod reconciliation;
mod retention;
mod row;
mod schema;
mod series;
mod server_error;
mod snapshot;
mod spectra;
mod storage;
mod store;
mod system_metrics;
mod table;
mod tracks;

pub use batch::Batch;
pub use comparison::{Comparison, ComparisonQuery, PairMeans, PairSums, VersionSums, total};
pub use encoding::{DecodeError, Row};
pub use error::{InsertError, StoreError};
pub use export::{Export, ExportFormat, Exported, LONGEST_EXPORT, MOST_ROWS_IN_ONE_PIECE};
pub use history::{HistoryPoint, interval_s, whole_intervals};
pub use labels::{LabelRow, Outcome};
pub use lists::{ListedClip, ListedCommand, ListedPrediction, Page, PageQuery, Place};
pub use options::StoreOptions;
pub use outcomes::JUDGED_AFTER_S;
pub use quality::{MeanContributions, Quality, QualityDay, RELIABILITY_BINS, ReliabilityBin};
pub use query::{
    LONGEST_QUERY, LatestAck, LatestAction, LatestDecision, LatestHeldRow, LatestReading, LatestState,
    Period, Usage,
};
pub use questions::LONGEST_ANSWER;
pub use reconciliation::RollupDifference;
pub use retention::Kept;
pub use row::{
    AudioRow, AuditRow, CommandStateRow, DeviceEventRow, DeviceRow, IngestErrorRow, MlPredictionRow,
    ReadingRow, SuspectReadingRow, SystemMetricsRow, TelemetryRow, WindowActionRow, WindowStateRow,
};
pub use schema::{Phase, Progress, SCHEMA_VERSION, Tell};
pub use series::Series;
pub use snapshot::TableFigures;
pub use spectra::SpectrumRow;
pub use storage::{Disk, Growth, StoredMonth};
pub use store::Store;
pub use system_metrics::SystemPoint;
pub use table::{Table, UnknownTable};
pub use tracks::Track;
