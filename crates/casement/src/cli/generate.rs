//! Flags of `casement generate`.

use std::path::PathBuf;

use clap::Args;

use super::values::{path, whole, within};

/// Flags of `casement generate`.
#[derive(Debug, Args)]
pub struct Generate {
    /// Days until the last midnight (UTC)
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = within(1..=3_660))]
    pub days: u32,
    /// Number of devices: `room-001` and so on
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = within(1..=1_000))]
    pub devices: u32,
    /// The same seed gives the same past
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = whole::<u64>)]
    pub seed: u64,
    /// Seconds between two readings of a quantity
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = within(1..=3_600))]
    pub every: u32,
    /// Minutes between two clips
    #[arg(long, value_name = "MINUTES", default_value_t = 10, value_parser = within(1..=1_440))]
    pub clips_every: u32,
    /// Directory for all data of a Casement that is not running; its ClickHouse is started for this
    #[arg(long, value_name = "DIR", value_parser = path(), conflicts_with = "clickhouse")]
    pub data: Option<PathBuf>,
    /// Address or URL of a running ClickHouse's HTTP interface [default: 127.0.0.1:8123]
    #[arg(long, value_name = "ADDR|URL")]
    pub clickhouse: Option<String>,
    /// Configuration file (YAML)
    #[arg(long, value_name = "FILE", value_parser = path())]
    pub config: Option<PathBuf>,
}
