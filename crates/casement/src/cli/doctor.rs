//! Flags of `casement doctor` and `casement self-check`.

use std::path::PathBuf;

use clap::Args;

use super::{roles::Installation, values::path};
use crate::doctor::Setup;

/// Flags of `casement doctor`.
#[derive(Debug, Args)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "flags, each independent of the others"
)]
pub struct Doctor {
    /// Only what a container's health check needs, within a second
    #[arg(long)]
    pub quick: bool,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
    /// Which role runs on this host; also: `CASEMENT_ROLE`, as images and Compose set it
    #[arg(
        long,
        value_enum,
        env = "CASEMENT_ROLE",
        hide_env = true,
        default_value_t = Setup::Up
    )]
    pub role: Setup,
    /// A file whose first line is a token, where the page asks who you are; also: `CASEMENT_TOKEN`
    #[arg(long, value_name = "FILE", value_parser = path())]
    pub token_file: Option<PathBuf>,
    /// The flags that the service was started with
    #[command(flatten)]
    pub installation: Installation,
    /// Taken, as the service takes it: its rooms are devices like others
    #[arg(long, value_name = "N", hide = true)]
    pub simulate: Option<usize>,
}

/// Flags of `casement self-check`.
#[derive(Debug, Args)]
pub struct SelfCheck {
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
    /// The flags that the service would be started with
    #[command(flatten)]
    pub installation: Installation,
}
