//! Flags of `casement bench`.

use clap::{Args, Subcommand};

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
    /// Break everything under load, then compare what was acknowledged with what is stored (about twenty minutes)
    Faults {
        /// Rounds of each fault, instead of a full run's
        #[arg(long, value_name = "N")]
        rounds: Option<u32>,
        /// Only these faults, separated by commas
        #[arg(long, value_name = "NAMES", value_delimiter = ',')]
        only: Vec<String>,
        /// Seconds for which ClickHouse stays away
        #[arg(long, value_name = "SECONDS", default_value_t = 120)]
        away: u64,
        /// Decisions whose latency is measured with ClickHouse, and without
        #[arg(long, value_name = "N", default_value_t = 1_000)]
        decisions: usize,
        /// A JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Readings a second beside a bare subscriber, what they cost, and what a quiet device notices of a flood
    Ingest {
        /// Seconds for each way in each round
        #[arg(long, value_name = "N", default_value_t = 10)]
        seconds: u64,
        /// How often the ways take turns
        #[arg(long, value_name = "N", default_value_t = 5)]
        rounds: usize,
        /// Only these, separated by commas: `mosquitto_sub`, `connection`, `backend`, `up`
        #[arg(long, value_name = "NAMES", value_delimiter = ',')]
        only: Vec<String>,
        /// Decisions of a quiet device, alone and beside a flood; 0: none
        #[arg(long, value_name = "N", default_value_t = 500)]
        decisions: usize,
        /// A JSON object a line
        #[arg(long)]
        json: bool,
    },
}
