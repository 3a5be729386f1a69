//! Flags of `casement top`, and those that say which running service is asked.

use std::path::PathBuf;

use clap::Args;

use super::values::path;

/// Flags of `casement top`.
#[derive(Debug, Args)]
pub struct Top {
    /// Which service
    #[command(flatten)]
    pub service: Running,
    /// Print one snapshot and leave; so it is, too, where the output is no terminal
    #[arg(long)]
    pub once: bool,
}

/// Flags that say which running service is asked, and who asks.
#[derive(Debug, Args)]
pub struct Running {
    /// Where the page is [default: that of the last start on this machine]
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// A file whose first line is a token, where the page asks who you are; also: `CASEMENT_TOKEN`
    #[arg(long, value_name = "FILE", value_parser = path())]
    pub token_file: Option<PathBuf>,
    /// Authorities to trust in place of the system's, for https (PEM)
    #[arg(long, value_name = "FILE", value_parser = path())]
    pub ca_file: Option<PathBuf>,
    /// Directory for all data [default: ./casement-data]
    #[arg(long, value_name = "DIR", value_parser = path())]
    pub data: Option<PathBuf>,
    /// Configuration file (YAML)
    #[arg(long, value_name = "FILE", value_parser = path())]
    pub config: Option<PathBuf>,
}
