//! Flags of the subcommands that read stored data: ClickHouse and the journal.

use std::path::PathBuf;

use super::values::{path, whole};

use clap::{Args, Subcommand};

/// Flags that say which ClickHouse is asked, and as whom.
#[derive(Debug, Clone, Args)]
pub struct ClickHouse {
    /// Address or URL of ClickHouse's HTTP interface; with --data, that of its last start [default: 127.0.0.1:8123]
    #[arg(long, value_name = "ADDR|URL")]
    pub clickhouse: Option<String>,
    /// User; the password comes from `CASEMENT__CLICKHOUSE__PASSWORD` or a file [default: default]
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
    /// A file whose first line is the password
    #[arg(long, value_name = "FILE", value_parser = path())]
    pub password_file: Option<PathBuf>,
    /// Directory for all data: ClickHouse is where the service that ran there last had it
    #[arg(long, value_name = "DIR", value_parser = path())]
    pub data: Option<PathBuf>,
    /// Configuration file (YAML)
    #[arg(long, value_name = "FILE", value_parser = path())]
    pub config: Option<PathBuf>,
}

/// Flags of `casement sql`.
#[derive(Debug, Args)]
pub struct Sql {
    /// One statement [default: standard input]; an INSERT that ends in FORMAT or VALUES takes its data from there
    pub query: Option<String>,
    /// Format of the answer [default: a table on a terminal, tab-separated elsewhere]
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<String>,
    /// Which ClickHouse
    #[command(flatten)]
    pub server: ClickHouse,
    /// Default database
    #[arg(long, value_name = "NAME")]
    pub database: Option<String>,
}

/// Flags of `casement storage`.
#[derive(Debug, Args)]
pub struct Storage {
    /// Which ClickHouse
    #[command(flatten)]
    pub server: ClickHouse,
    /// Database [default: iot]
    #[arg(long, value_name = "NAME")]
    pub database: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Flags of `casement journal`.
#[derive(Debug, Args)]
pub struct Journal {
    /// What to do
    #[command(subcommand)]
    pub command: JournalCommand,
    /// Directory for all data; the journal is in its subdirectory `journal` [default: ./casement-data]
    #[arg(long, global = true, value_name = "DIR", value_parser = path())]
    pub data: Option<PathBuf>,
    /// Configuration file (YAML)
    #[arg(long, global = true, value_name = "FILE", value_parser = path())]
    pub config: Option<PathBuf>,
}

/// What `casement journal` can do.
#[derive(Debug, Subcommand)]
pub enum JournalCommand {
    /// Print figures: waiting records and bytes, unfinished plans, damage of the log
    Status {
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Print waiting records, one JSON object per line
    Inspect {
        /// The first number [default: the oldest]
        #[arg(long, value_name = "NUMBER", value_parser = whole::<u64>)]
        from: Option<u64>,
        /// Largest number of records
        #[arg(long, value_name = "N", default_value_t = 100, value_parser = whole::<usize>)]
        limit: usize,
    },
    /// Read every record and check its checksum; changes nothing
    Verify {
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
}
