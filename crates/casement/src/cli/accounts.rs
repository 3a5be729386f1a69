//! Flags of the subcommands around accounts.

use std::path::PathBuf;

use accounts::{AccountName, Role};
use clap::{Args, Subcommand};
use domain::DeviceId;

use super::values::{path, within};

/// Where the accounts are.
#[derive(Debug, Args)]
pub struct Place {
    /// Directory for all data; accounts are in its subdirectory `accounts` [default: ./casement-data]
    #[arg(long, global = true, value_name = "DIR", value_parser = path())]
    pub data: Option<PathBuf>,
    /// Configuration file (YAML)
    #[arg(long, global = true, value_name = "FILE", value_parser = path())]
    pub config: Option<PathBuf>,
    /// Print JSON
    #[arg(long, global = true)]
    pub json: bool,
}

/// Flags of `casement devices`.
#[derive(Debug, Args)]
pub struct Devices {
    /// Where
    #[command(flatten)]
    pub place: Place,
    /// What to do
    #[command(subcommand)]
    pub command: DevicesCommand,
}

/// What people call a device, and where it is.
#[derive(Debug, Args)]
pub struct Names {
    /// What people call it
    #[arg(long, value_name = "TEXT")]
    pub name: Option<String>,
    /// Where it is
    #[arg(long, value_name = "TEXT")]
    pub location: Option<String>,
}

/// What `casement devices` can do.
#[derive(Debug, Subcommand)]
pub enum DevicesCommand {
    /// Make an account for a device, and print once what to put into its program
    Add {
        /// Its id, as in its topics
        id: DeviceId,
        /// What it is called
        #[command(flatten)]
        names: Names,
    },
    /// Open the door for five minutes: a device that connects with an id and a password of its own is noted, and waits to be
    /// approved
    Pair {
        /// Close it again
        #[arg(long, conflicts_with = "wait")]
        close: bool,
        /// Stay, and print each device that introduces itself, until the door closes
        #[arg(long)]
        wait: bool,
    },
    /// List every device, those that wait to be approved first
    List,
    /// Print one device
    Show {
        /// Its id
        id: AccountName,
    },
    /// Change what people call a device, and where it is
    Rename {
        /// Its id
        id: AccountName,
        /// What it is called
        #[command(flatten)]
        names: Names,
    },
    /// Let in a device that has introduced itself, or that was retired or closed; one that was out of use is in use again
    Approve {
        /// Its id
        id: AccountName,
        /// What it is called
        #[command(flatten)]
        names: Names,
    },
    /// Put a device out of use: its account is closed, and nothing is decided for it; what it has sent stays
    Retire {
        /// Its id
        id: AccountName,
    },
    /// Close a device's account alone: it is kept out; one that is in use stays so, and its window is still decided for
    Close {
        /// Its id
        id: AccountName,
    },
    /// Remove a device's account; what it has sent stays
    Forget {
        /// Its id
        id: AccountName,
    },
    /// Make a new password for a device, and print it once; the old one is void at once
    Rotate {
        /// Its id
        id: AccountName,
    },
}

/// Flags of `casement accounts`.
#[derive(Debug, Args)]
pub struct Accounts {
    /// Where
    #[command(flatten)]
    pub place: Place,
    /// What to do
    #[command(subcommand)]
    pub command: AccountsCommand,
}

/// What `casement accounts` can do.
#[derive(Debug, Subcommand)]
pub enum AccountsCommand {
    /// Make an account, and print its password and a token once
    Add {
        /// Its name
        name: AccountName,
        /// reader, operator, admin, monitor, bridge, ml or backend
        #[arg(long, value_name = "ROLE")]
        role: Role,
        /// Who or what it is
        #[arg(long, value_name = "TEXT", default_value = "")]
        label: String,
    },
    /// List every account of people and programs
    List,
    /// Print one account
    Show {
        /// Its name
        name: AccountName,
    },
    /// Make one more token for an account, and print it once
    Token {
        /// Its name
        name: AccountName,
        /// What the token is for
        #[arg(long, value_name = "TEXT", default_value = "")]
        label: String,
        /// Days after which it is void [default: never]
        #[arg(long, value_name = "N", value_parser = within(1..=3_650))]
        days: Option<u32>,
    },
    /// Void a token, which is read from standard input
    Revoke,
    /// Print a link that signs in to the page of a running service, once, within 15 minutes
    Link {
        /// The account
        #[arg(long, value_name = "NAME", default_value = "admin")]
        name: AccountName,
    },
    /// Print a link that shows the page and changes nothing
    Share {
        /// Days after which it is void
        #[arg(long, value_name = "N", default_value_t = 7, value_parser = within(1..=365))]
        days: u32,
        /// Whom it is for
        #[arg(long, value_name = "TEXT", default_value = "")]
        label: String,
    },
    /// List the links that show the page
    Shares,
    /// Take back a link that shows the page
    Unshare {
        /// Its id
        id: String,
    },
    /// Make a new password and void every token
    Rotate {
        /// Its name
        name: AccountName,
    },
    /// Close an account and keep it
    Retire {
        /// Its name
        name: AccountName,
    },
    /// Open a retired account again
    Approve {
        /// Its name
        name: AccountName,
    },
    /// Remove an account
    Forget {
        /// Its name
        name: AccountName,
    },
}
