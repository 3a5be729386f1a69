//! Flags of `casement explain`.

use clap::Args;
use domain::DeviceId;

use super::Running;

/// Flags of `casement explain`.
#[derive(Debug, Args)]
pub struct Explain {
    /// The device
    #[arg(long, value_name = "ID", value_parser = |text: &str| DeviceId::parse(text))]
    pub device: DeviceId,
    /// The latest decision until then: 2025-10-24T12:00:00Z, -2h, -7d, now
    #[arg(long, value_name = "TIME", default_value = "now", allow_hyphen_values = true)]
    pub at: String,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
    /// Which service
    #[command(flatten)]
    pub service: Running,
}
