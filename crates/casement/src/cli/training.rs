//! Flags of the subcommands that train and judge models.

use std::path::PathBuf;

use clap::Args;

/// Where examples come from; `casement train` and `casement evaluate` share these flags.
#[derive(Debug, Args)]
pub struct Examples {
    /// `simulator`, `clickhouse`, or a file of JSON lines, as `casement train --export` writes it
    #[arg(long, value_name = "SOURCE")]
    pub from: String,
    /// simulator: how many rooms
    #[arg(long, value_name = "N", default_value_t = 400)]
    pub rooms: usize,
    /// simulator: how many days each
    #[arg(long, value_name = "N", default_value_t = 4)]
    pub days: u32,
    /// simulator: add test alarms, which the default model has never heard
    #[arg(long)]
    pub alarms: bool,
    /// clickhouse: only what happened since then [default: everything]
    #[arg(long, value_name = "RFC3339", value_parser = domain::Timestamp::parse)]
    pub since: Option<domain::Timestamp>,
    /// Configuration file (YAML): how to reach ClickHouse
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// Flags of `casement train`.
#[derive(Debug, Args)]
pub struct Train {
    /// The examples
    #[command(flatten)]
    pub examples: Examples,
    /// Where to write the `.pth`; its side-car goes beside it
    #[arg(long, value_name = "FILE", required_unless_present = "export")]
    pub out: Option<PathBuf>,
    /// The same seed and examples give the same model
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub seed: u64,
    /// Names the model in its predictions [default: the file's name without its extension]
    #[arg(long, value_name = "NAME")]
    pub version: Option<String>,
    /// Passes over the examples, at most
    #[arg(long, value_name = "N", default_value_t = training::TrainingOptions::default().epochs)]
    pub epochs: usize,
    /// Widths of the hidden layers
    #[arg(long, value_name = "N,N", value_delimiter = ',', default_values_t = [64, 64])]
    pub hidden: Vec<usize>,
    /// 0: examples count alike; 1: every tenth of the positions counts alike
    #[arg(long, value_name = "X", default_value_t = training::TrainingOptions::default().balance)]
    pub balance: f64,
    /// Where the report goes [default: the file's name with .report]
    #[arg(long, value_name = "DIR")]
    pub report: Option<PathBuf>,
    /// Write the examples as JSON lines, for other tools; without --out nothing is trained
    #[arg(long, value_name = "FILE")]
    pub export: Option<PathBuf>,
}

/// Which outcomes a model is judged by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Outcomes {
    /// Positions that people or a policy chose
    Chosen,
    /// Where windows reported to stand after a model's decisions
    Reported,
}

/// Flags of `casement evaluate`.
#[derive(Debug, Args)]
pub struct Evaluate {
    /// The examples
    #[command(flatten)]
    pub examples: Examples,
    /// A `.pth` file [default: the configuration's model.path, or the built-in model]
    #[arg(long, value_name = "FILE")]
    pub model: Option<PathBuf>,
    /// clickhouse: what counts as the right position
    #[arg(long, value_enum, default_value_t = Outcomes::Chosen)]
    pub outcomes: Outcomes,
    /// simulator: which rooms; the default model was trained on those of seed 1
    #[arg(long, value_name = "S", default_value_t = 2)]
    pub seed: u64,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Write reliability.png, weeks.png and drift.png there
    #[arg(long, value_name = "DIR")]
    pub plot: Option<PathBuf>,
}
