//! Flags of `casement provision`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::values::path;

/// Flags of `casement provision`.
#[derive(Debug, Args)]
pub struct Provision {
    /// What to make
    #[command(subcommand)]
    pub command: ProvisionCommand,
}

/// What `casement provision` can make.
#[derive(Debug, Subcommand)]
pub enum ProvisionCommand {
    /// Make an authority, a server's certificate, and certificates of devices; a running service serves them at once
    #[command(
        after_help = "Example:\n  casement provision tls --host casement.lan --host 192.168.1.10\n  casement provision tls --client sensor-001\n\n\
        The authority stays at a second run: devices carry it. With --new-ca every device needs the new one."
    )]
    Tls(ProvisionTls),
}

/// Flags of `casement provision tls`.
#[derive(Debug, Args)]
pub struct ProvisionTls {
    /// A name or an address that clients connect to; this host's own are always there
    #[arg(long = "host", value_name = "NAME|IP")]
    pub hosts: Vec<String>,
    /// A device, or another account, that gets a certificate of its own
    #[arg(long = "client", value_name = "ID")]
    pub clients: Vec<String>,
    /// Replace the authority; the old one is kept beside it with the ending .old
    #[arg(long)]
    pub new_ca: bool,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
    /// Directory for all data; the files are in its subdirectory `tls` [default: ./casement-data]
    #[arg(long, value_name = "DIR", value_parser = path())]
    pub data: Option<PathBuf>,
    /// Configuration file (YAML)
    #[arg(long, value_name = "FILE", value_parser = path())]
    pub config: Option<PathBuf>,
}
