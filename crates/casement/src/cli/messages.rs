//! Flags of the subcommands around messages: what becomes of one, and what there is.

use std::path::PathBuf;

use clap::Args;

use super::values::path;

/// Flags of `casement check-message`.
#[derive(Debug, Args)]
pub struct CheckMessage {
    /// The topic that it is published on
    pub topic: String,
    /// The payload; `-` reads standard input
    #[arg(
        required_unless_present = "file",
        conflicts_with = "file",
        allow_hyphen_values = true
    )]
    pub payload: Option<String>,
    /// A file that holds the payload, byte for byte
    #[arg(long, value_name = "FILE", value_parser = path())]
    pub file: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
    /// Configuration file (YAML): topics of your own, limits of clips
    #[arg(long, value_name = "FILE", value_parser = path())]
    pub config: Option<PathBuf>,
}

/// Flags of `casement asyncapi`.
#[derive(Debug, Args)]
pub struct AsyncApi {
    /// Print the JSON Schema of one kind of payload instead: `temperature`, `audio`, `window_control`, …
    #[arg(long, value_name = "KIND")]
    pub schema: Option<String>,
    /// Configuration file (YAML): topics and listeners of your own
    #[arg(long, value_name = "FILE", value_parser = path())]
    pub config: Option<PathBuf>,
}
