//! Flags of the subcommands that train and judge models.

use std::path::PathBuf;

use super::values::{number, path, whole};

use clap::Args;

/// The source of examples. `casement train` and `casement evaluate` share these flags.
#[derive(Debug, Args)]
pub struct Examples {
    /// `simulator`, `clickhouse`, or a file of JSON lines, as `casement train --export` writes it
    #[arg(long, value_name = "SOURCE")]
    pub from: String,
    /// simulator: number of rooms
    #[arg(long, value_name = "N", default_value_t = 400, value_parser = whole::<usize>)]
    pub rooms: usize,
    /// simulator: number of days of each room
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = whole::<u32>)]
    pub days: u32,
    /// simulator: add test alarms, which were not in the default model's training
    #[arg(long)]
    pub alarms: bool,
    /// clickhouse: only examples since then [default: all]
    #[arg(long, value_name = "RFC3339", value_parser = domain::Timestamp::parse)]
    pub since: Option<domain::Timestamp>,
    /// clickhouse: directory for all data; ClickHouse is where the service that ran there last had it
    #[arg(long, value_name = "DIR", value_parser = path())]
    pub data: Option<PathBuf>,
    /// Configuration file (YAML): how to reach ClickHouse
    #[arg(long, value_name = "FILE", value_parser = path())]
    pub config: Option<PathBuf>,
}

/// Flags of `casement train`.
#[derive(Debug, Args)]
pub struct Train {
    /// The examples
    #[command(flatten)]
    pub examples: Examples,
    /// Where to write the `.pth`; its side-car goes beside it
    #[arg(long, value_name = "FILE", required_unless_present = "export", value_parser = path())]
    pub out: Option<PathBuf>,
    /// Seed; the same seed and examples produce the same model
    #[arg(long, value_name = "S", default_value_t = 1, value_parser = whole::<u64>)]
    pub seed: u64,
    /// Version stated with predictions [default: the file's name without its extension]
    #[arg(long, value_name = "NAME")]
    pub version: Option<String>,
    /// Largest number of passes over the examples
    #[arg(long, value_name = "N", default_value_t = training::TrainingOptions::default().epochs, value_parser = whole::<usize>)]
    pub epochs: usize,
    /// Widths of the hidden layers
    #[arg(long, value_name = "N,N", value_delimiter = ',', default_values_t = [64, 64], value_parser = whole::<usize>)]
    pub hidden: Vec<usize>,
    /// Weighting: 0 weighs examples alike, 1 weighs every tenth of the positions alike
    #[arg(long, value_name = "X", default_value_t = training::TrainingOptions::default().balance, value_parser = number)]
    pub balance: f64,
    /// Where to write the report [default: the file's name with .report]
    #[arg(long, value_name = "DIR", value_parser = path())]
    pub report: Option<PathBuf>,
    /// Write the examples as JSON lines, for other tools; without --out nothing is trained
    #[arg(long, value_name = "FILE", value_parser = path())]
    pub export: Option<PathBuf>,
}

/// The outcomes that a model is evaluated against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Outcomes {
    /// Positions that people or a policy chose
    Chosen,
    /// Positions that windows reported after a model's decisions
    Reported,
}

/// Flags of `casement evaluate`.
#[derive(Debug, Args)]
pub struct Evaluate {
    /// The examples
    #[command(flatten)]
    pub examples: Examples,
    /// A `.pth` file [default: the configuration's model.path, or the built-in model]
    #[arg(long, value_name = "FILE", value_parser = path())]
    pub model: Option<PathBuf>,
    /// clickhouse: which positions count as right
    #[arg(long, value_enum, default_value_t = Outcomes::Chosen)]
    pub outcomes: Outcomes,
    /// simulator: which rooms; the default model was trained on those of seed 1
    #[arg(long, value_name = "S", default_value_t = 2, value_parser = whole::<u64>)]
    pub seed: u64,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Directory for reliability.png, weeks.png and drift.png
    #[arg(long, value_name = "DIR", value_parser = path())]
    pub plot: Option<PathBuf>,
}
