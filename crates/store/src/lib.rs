//! Everything said to ClickHouse: the schema and its migrations, rows and their batches, and the queries of the page.
//!
//! In: [`Row`]s, grouped into a [`Batch`] and inserted under a deduplication token, so that sending one twice stores
//! it once. Out: registered devices, latest readings, series for charts. Over HTTP, to the embedded engine or a server
//! alike. It never decides what a failed batch means: it says whether the world or the rows are to blame.

mod batch;
mod comparison;
mod encoding;
mod error;
mod http_client;
mod labels;
mod options;
mod query;
mod row;
mod schema;
mod server_error;
mod store;
mod table;

pub use batch::Batch;
pub use comparison::{ComparisonQuery, PairSums, VersionSums};
pub use encoding::{DecodeError, Row};
pub use error::{InsertError, StoreError};
pub use labels::{LabelRow, Outcome};
pub use options::StoreOptions;
pub use query::{LONGEST_QUERY, LatestAction, LatestReading};
pub use row::{
    AudioRow, DeviceEventRow, DeviceRow, IngestErrorRow, MlPredictionRow, ReadingRow, WindowActionRow,
    WindowStateRow,
};
pub use schema::SCHEMA_VERSION;
pub use store::Store;
pub use table::{Table, UnknownTable};
