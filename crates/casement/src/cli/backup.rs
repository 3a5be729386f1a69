//! Flags of the subcommands that make, verify and restore backups.

use std::path::PathBuf;

use clap::Args;

use super::values::path;

/// Flags of `casement backup`.
#[derive(Debug, Args)]
pub struct Backup {
    /// A directory, in which the backup gets one of its own, or a file that ends in .tar.zst [default: backup.path of the
    /// configuration, or archives in the data directory]
    #[arg(long, value_name = "DIR|FILE.tar.zst", value_parser = path())]
    pub to: Option<PathBuf>,
    /// Hold only what the newest backup in the same directory lacks; restoring needs that one, too
    #[arg(long)]
    pub incremental: bool,
    /// Directory of the installation's data [default: ./casement-data]
    #[arg(long, value_name = "DIR", value_parser = path())]
    pub data: Option<PathBuf>,
    /// Configuration file (YAML); a running service is asked, and uses its own
    #[arg(long, value_name = "FILE", value_parser = path())]
    pub config: Option<PathBuf>,
    /// Make none: read the backup at this path, or the newest of those in it, and every backup that it is based on
    #[arg(long, value_name = "PATH", value_parser = path(), conflicts_with_all = ["to", "incremental", "data", "config"])]
    pub verify: Option<PathBuf>,
    /// Print the manifest without its list of files, as JSON
    #[arg(long)]
    pub json: bool,
}

/// Flags of `casement restore`.
#[derive(Debug, Args)]
pub struct Restore {
    /// A backup: a directory, a file that ends in .tar.zst, or a directory with backups, of which the newest is taken
    #[arg(value_name = "PATH", value_parser = path())]
    pub path: PathBuf,
    /// The new data directory; it may be there if it is empty
    #[arg(long, value_name = "DIR", value_parser = path())]
    pub data: PathBuf,
    /// Configuration file (YAML), for the engine that restores
    #[arg(long, value_name = "FILE", value_parser = path())]
    pub config: Option<PathBuf>,
}
