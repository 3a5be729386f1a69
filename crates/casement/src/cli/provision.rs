//! Flags of `casement provision`.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Subcommand};

use super::{Place, values::path};

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
    /// Write the configuration, password and ACL files of a Mosquitto of your own, with the same accounts and rights
    #[command(
        after_help = "Example:\n  casement provision mosquitto --out /etc/mosquitto/casement\n  mosquitto -c /etc/mosquitto/casement/mosquitto.conf\n\n\
        Run it again after a change of accounts, and send Mosquitto SIGHUP. Backend and ML service get accounts of their own; their passwords \
        are files for mqtt.password_file."
    )]
    Mosquitto(ProvisionMosquitto),
    /// Write the ACL file of an EMQX of your own, with the same rights
    #[command(
        after_help = "Example:\n  casement provision emqx --out /etc/emqx\n\nPasswords are EMQX's own matter: it compares user names alone with this file."
    )]
    Emqx(ProvisionBroker),
}

/// Flags of `casement provision emqx`.
#[derive(Debug, Args)]
pub struct ProvisionBroker {
    /// Where the files are written [default: a directory of the broker's name in the data directory]
    #[arg(long, value_name = "DIR", value_parser = path())]
    pub out: Option<PathBuf>,
    /// Where the accounts are
    #[command(flatten)]
    pub place: Place,
}

/// Flags of `casement provision mosquitto`.
#[derive(Debug, Args)]
pub struct ProvisionMosquitto {
    /// Where, and of whom
    #[command(flatten)]
    pub broker: ProvisionBroker,
    /// The plain address of Mosquitto, for services on the same host
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:1883")]
    pub plain: SocketAddr,
    /// The address at which devices come in TLS
    #[arg(long, value_name = "ADDR", default_value = "0.0.0.0:8883")]
    pub tls: SocketAddr,
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
