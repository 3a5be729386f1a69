//! Flags of the subcommands around models: their inputs, their predictions and their versions.

use std::path::PathBuf;

use super::values::{path, within};

use clap::{Args, Subcommand};

/// Flags of `casement features`.
#[derive(Debug, Args)]
pub struct Features {
    /// WAV files
    #[arg(required = true, value_name = "FILE", value_parser = path())]
    pub files: Vec<PathBuf>,
    /// Resample to this rate first [default: each file's own]
    #[arg(long, value_name = "HZ", value_parser = within(4_000..=192_000))]
    pub rate: Option<u32>,
    /// Only these, separated by commas [default: all but `mel_spectrogram`]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub features: Vec<domain::FeatureName>,
    /// Add every frame's values to mean and deviation
    #[arg(long)]
    pub frames: bool,
    /// Draw waveform, mel spectrogram and features of one file
    #[arg(long, value_name = "PNG", value_parser = path())]
    pub plot: Option<PathBuf>,
    /// The files are raw 16-bit samples at this rate instead of WAV
    #[arg(long, value_name = "HZ", value_parser = within(4_000..=192_000))]
    pub pcm: Option<u32>,
}

/// Flags of `casement predict`.
#[derive(Debug, Args)]
pub struct Predict {
    /// A `.pth` or `.onnx` file [default: the configuration's model.path, or the built-in model]
    #[arg(long, value_name = "FILE", value_parser = path())]
    pub model: Option<PathBuf>,
    /// JSON files, `-` for standard input: {"input": [[50 numbers], …]}; one line of output for each
    #[arg(long, value_name = "FILE", required = true, num_args = 1.., value_parser = path())]
    pub input: Vec<PathBuf>,
    /// Add what moves each position away from the training data's average: points of temperature, humidity, sound
    #[arg(long)]
    pub explain: bool,
    /// Directory for all data, where the model that serves may be
    #[arg(long, value_name = "DIR", value_parser = path())]
    pub data: Option<PathBuf>,
    /// Configuration file (YAML); its `model` section has the options of loading
    #[arg(long, value_name = "FILE", value_parser = path())]
    pub config: Option<PathBuf>,
}

/// Flags of `casement models`.
#[derive(Debug, Args)]
pub struct Models {
    /// Directory for all data; without model.path, models are in its subdirectory `models`, or in ./models if one serves there
    #[arg(long, value_name = "DIR", global = true, value_parser = path())]
    pub data: Option<PathBuf>,
    /// Configuration file (YAML); its model.path is the model that serves
    #[arg(long, value_name = "FILE", global = true, value_parser = path())]
    pub config: Option<PathBuf>,
    /// What to do
    #[command(subcommand)]
    pub command: ModelsCommand,
}

/// What `casement models` can do.
#[derive(Debug, Subcommand)]
pub enum ModelsCommand {
    /// List every version
    List {
        /// Print one JSON object per line
        #[arg(long)]
        json: bool,
    },
    /// Print a version with its side-car as JSON
    Show {
        /// Its name
        version: String,
    },
    /// Check a model file and add it as a version
    Add {
        /// A `.pth` or `.onnx` file
        #[arg(value_parser = path())]
        file: PathBuf,
        /// Its name [default: the version in its side-car]
        #[arg(long)]
        version: Option<String>,
        /// The scale of an `.onnx` model's outputs, 0-1 or 0-100, if its file does not state it
        #[arg(long, value_name = "SCALE")]
        output_scale: Option<model::OutputScale>,
        /// For a model without `log_variance`: measure its confidence on these examples, which it was not trained on: a
        /// file of JSON lines, `clickhouse` or `simulator`
        #[arg(long, value_name = "SOURCE")]
        examples: Option<String>,
    },
    /// Measure the confidence of a version without `log_variance` anew
    Calibrate {
        /// Its name
        version: String,
        /// Examples that it was not trained on: a file of JSON lines, `clickhouse` or `simulator`
        #[arg(long, value_name = "SOURCE")]
        examples: String,
    },
    /// Let a version serve; a running service follows within a second
    Promote {
        /// Its name
        version: String,
    },
    /// Let the previous version serve again
    Rollback,
    /// Let a version predict beside the one that serves, without moving windows; a running service follows within a
    /// second
    Shadow {
        /// Its name
        #[arg(required_unless_present = "off", conflicts_with = "off")]
        version: Option<String>,
        /// Remove the candidate
        #[arg(long)]
        off: bool,
    },
    /// Compare two versions by their predictions for the same commands, from ClickHouse
    Compare {
        /// One version, usually the one that serves
        a: String,
        /// The other, usually the candidate
        b: String,
        /// Number of days to look back
        #[arg(long, value_name = "N", default_value_t = 30, value_parser = within(1..=36_500))]
        days: u32,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Remove a version that neither serves nor shadows
    Remove {
        /// Its name
        version: String,
    },
}
