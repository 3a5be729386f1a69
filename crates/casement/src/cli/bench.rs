//! Flags of `casement bench`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::values::{path, whole, within};

/// Flags of `casement bench`.
#[derive(Debug, Args)]
pub struct Bench {
    /// What to measure
    #[command(subcommand)]
    pub command: BenchCommand,
}

/// What `casement bench` can do.
#[derive(Debug, Subcommand)]
pub enum BenchCommand {
    /// Cause faults under load, then compare what was acknowledged with what is stored (about twenty minutes)
    Faults {
        /// Number of rounds of each fault
        #[arg(long, value_name = "N", value_parser = whole::<u32>)]
        rounds: Option<u32>,
        /// Only these faults, separated by commas
        #[arg(long, value_name = "NAMES", value_delimiter = ',')]
        only: Vec<String>,
        /// Seconds for which ClickHouse is unavailable
        #[arg(long, value_name = "SECONDS", default_value_t = 120, value_parser = whole::<u64>)]
        away: u64,
        /// Seconds for which the broker is saturated
        #[arg(long, value_name = "SECONDS", default_value_t = 180, value_parser = whole::<u64>)]
        saturated: u64,
        /// Number of decisions whose latency is measured with ClickHouse, and without
        #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = whole::<usize>)]
        decisions: usize,
        /// Print one JSON object per line
        #[arg(long)]
        json: bool,
    },
    /// Draw the dashboards' panels without Grafana, from a generated past: the pictures of docs/
    #[command(hide = true)]
    Pictures {
        /// The folder of the dashboards' JSON
        #[arg(long, value_name = "DIR", default_value = "deploy/grafana/dashboards", value_parser = path())]
        dashboards: PathBuf,
        /// Where to write the pictures
        #[arg(long, value_name = "DIR", default_value = "docs/pictures", value_parser = path())]
        out: PathBuf,
        /// Days to generate
        #[arg(long, value_name = "N", default_value_t = 30, value_parser = whole::<u32>)]
        days: u32,
    },
    /// Measure readings per second against a plain subscriber, their cost, and the effect of a flood on a quiet device
    Ingest {
        /// Seconds for each path in each round
        #[arg(long, value_name = "N", default_value_t = 10, value_parser = whole::<u64>)]
        seconds: u64,
        /// Number of rounds
        #[arg(long, value_name = "N", default_value_t = 5, value_parser = whole::<usize>)]
        rounds: usize,
        /// Only these, separated by commas: `mosquitto_sub`, `connection`, `telegraf`, `backend`, `up`
        #[arg(long, value_name = "NAMES", value_delimiter = ',')]
        only: Vec<String>,
        /// Number of readings that are sent and not yet received, at most
        #[arg(long, value_name = "N", default_value_t = 5_000, value_parser = whole::<u64>)]
        window: u64,
        /// Readings a second, instead of as many as possible
        #[arg(long, value_name = "N", value_parser = whole::<u64>)]
        rate: Option<u64>,
        /// Telegraf's program, if it is not on the path; without one it is left out
        #[arg(long, value_name = "FILE")]
        telegraf: Option<PathBuf>,
        /// Number of decisions of a quiet device, alone and during a flood; 0 for none
        #[arg(long, value_name = "N", default_value_t = 500, value_parser = whole::<usize>)]
        decisions: usize,
        /// Print one JSON object per line
        #[arg(long)]
        json: bool,
    },
    /// Measure the bytes a reading with each codec that comes into question, and what writing and reading cost
    Codecs {
        /// Number of devices, each with a reading a second
        #[arg(long, value_name = "N", default_value_t = 10, value_parser = within(1..=1_000))]
        devices: u32,
        /// Seconds of readings
        #[arg(long, value_name = "N", default_value_t = 200_000, value_parser = within(1..=10_000_000))]
        seconds: u32,
        /// Milliseconds by which times deviate from whole seconds, either way
        #[arg(long, value_name = "MS", default_value_t = 15, value_parser = within(0..=499))]
        jitter_ms: u32,
        /// The same seed gives the same readings
        #[arg(long, value_name = "N", default_value_t = 1, value_parser = whole::<u64>)]
        seed: u64,
        /// Print one JSON object per line
        #[arg(long)]
        json: bool,
    },
    /// Measure what devices notice of a backup under a steady load, how long backups take, and whether what was restored is whole
    Backup(BenchBackup),
    /// Measure how long the history of an hour, a day, a month and a year of one device takes, at a reading a second, over HTTP
    History(BenchHistory),
    /// Measure what windows do for rooms: simulated rooms through the seasons, under the comfort policy, the model with and
    /// without the law of moves, a thermostat, and windows that stay shut or open
    Decisions(BenchDecisions),
    /// Measure what strangers cost: decisions of ten devices while sockets stand idle and a password is guessed, and how soon a
    /// thousand devices are back after a restart
    Strangers(BenchStrangers),
    /// Measure how long a database of an earlier schema, full of rows, takes to become one of this version, step by step
    Upgrade(BenchUpgrade),
    /// Measure the time of every panel of the dashboards on a running ClickHouse, asked as Grafana's plugin asks; `reader`'s
    /// password comes from `CASEMENT_CLICKHOUSE_READER_PASSWORD`
    Panels(BenchPanels),
}

/// Flags of `casement bench backup`.
#[derive(Debug, Args)]
pub struct BenchBackup {
    /// Readings a second
    #[arg(long, value_name = "N", default_value_t = 5_000, value_parser = within(1..=100_000))]
    pub rate: u32,
    /// Readings that are stored before
    #[arg(long, value_name = "N", default_value_t = 10_000_000, value_parser = whole::<u64>)]
    pub rows: u64,
    /// Seconds of the load before the first backup
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = whole::<u64>)]
    pub seconds: u64,
    /// Print one JSON object per line
    #[arg(long)]
    pub json: bool,
}

/// Flags of `casement bench decisions`.
#[derive(Debug, Args)]
pub struct BenchDecisions {
    /// Number of rooms in each of the four seasons
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = within(1..=10_000))]
    pub rooms: u32,
    /// Days of each room
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = within(1..=60))]
    pub days: u32,
    /// The same seed gives the same rooms and weather
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = whole::<u64>)]
    pub seed: u64,
    /// The model, instead of the one in the binary
    #[arg(long, value_name = "FILE", value_parser = path())]
    pub model: Option<PathBuf>,
    /// Simulated minutes between two clips of a room
    #[arg(long, value_name = "N", default_value_t = 15, value_parser = within(1..=1_440))]
    pub clip_every: u32,
    /// Draw a picture (PNG) there
    #[arg(long, value_name = "FILE", value_parser = path())]
    pub plot: Option<PathBuf>,
    /// Print one JSON object per line
    #[arg(long)]
    pub json: bool,
}

/// Flags of `casement bench strangers`.
#[derive(Debug, Args)]
pub struct BenchStrangers {
    /// Rounds, each quiet and besieged
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = whole::<usize>)]
    pub rounds: usize,
    /// Decisions of each device in each part of a round
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = whole::<usize>)]
    pub decisions: usize,
    /// Sockets that never say CONNECT
    #[arg(long, value_name = "N", default_value_t = 2_000, value_parser = within(0..=20_000))]
    pub sockets: u32,
    /// Devices that come back after a restart; 0 for none
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = within(0..=5_000))]
    pub storm: u32,
    /// Print one JSON object per line
    #[arg(long)]
    pub json: bool,
}

/// Flags of `casement bench history`.
#[derive(Debug, Args)]
pub struct BenchHistory {
    /// Days of readings
    #[arg(long, value_name = "N", default_value_t = 365, value_parser = within(1..=1_000))]
    pub days: u32,
    /// Questions of each span
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = whole::<usize>)]
    pub questions: usize,
    /// Points of a history, as many as a chart has pixels
    #[arg(long, value_name = "N", default_value_t = 1_500, value_parser = within(1..=10_000))]
    pub points: u32,
    /// Print one JSON object per line
    #[arg(long)]
    pub json: bool,
}

/// Flags of `casement bench upgrade`.
#[derive(Debug, Args)]
pub struct BenchUpgrade {
    /// Rows of all tables together
    #[arg(long, value_name = "N", default_value_t = 10_000_000, value_parser = within(100..=1_000_000_000))]
    pub rows: u32,
    /// Days that they are spread over
    #[arg(long, value_name = "N", default_value_t = 365, value_parser = within(1..=3_650))]
    pub days: u32,
    /// The schema to begin with; 11 is the last one without rollups
    #[arg(long, value_name = "VERSION", default_value_t = 11, value_parser = within(11..=store::SCHEMA_VERSION))]
    pub from: u32,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Flags of `casement bench panels`.
#[derive(Debug, Args)]
pub struct BenchPanels {
    /// Folder of the dashboards
    #[arg(long, value_name = "DIR", default_value = "deploy/grafana/dashboards", value_parser = path())]
    pub dashboards: PathBuf,
    /// Address or URL of ClickHouse's HTTP interface
    #[arg(long, value_name = "ADDR|URL", default_value = "127.0.0.1:8123")]
    pub clickhouse: String,
    /// How often each query is asked
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = whole::<usize>)]
    pub rounds: usize,
    /// End of the time ranges, in seconds since 1970, instead of now
    #[arg(long, value_name = "SECONDS", value_parser = whole::<u64>)]
    pub until: Option<u64>,
    /// Print one JSON object per line
    #[arg(long)]
    pub json: bool,
}
