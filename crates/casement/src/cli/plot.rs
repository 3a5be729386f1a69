//! Flags of `casement plot`.

use std::path::PathBuf;

use clap::Args;
use domain::{DeviceId, Quantity};

use super::data::ClickHouse;
use super::values::{path, picture_size, span};

/// Flags of `casement plot`.
#[derive(Debug, Args)]
pub struct Plot {
    /// The device
    #[arg(long, value_name = "ID", value_parser = |text: &str| DeviceId::parse(text))]
    pub device: DeviceId,
    /// Time until now, or until --to: 1h, 7d, 4w, 6mo, 1y
    #[arg(long, value_name = "SPAN", default_value = "7d", value_parser = span, conflicts_with = "from")]
    pub last: jiff::Span,
    /// Begin: a date or a time, such as 2025-10-24 or 2025-10-24T12:00
    #[arg(long, value_name = "TIME")]
    pub from: Option<String>,
    /// End [default: now]
    #[arg(long, value_name = "TIME")]
    pub to: Option<String>,
    /// A quantity to draw; repeat it for more [default: temperature and humidity]
    #[arg(long, value_name = "NAME", value_parser = quantity)]
    pub quantity: Vec<Quantity>,
    /// Times in UTC, not in this machine's time zone
    #[arg(long)]
    pub utc: bool,
    /// Size of the picture in pixels
    #[arg(long, value_name = "WIDTHxHEIGHT", default_value = "1200x900", value_parser = picture_size)]
    pub size: (u32, u32),
    /// Where to write the picture, a PNG
    #[arg(long, value_name = "FILE", value_parser = path())]
    pub out: PathBuf,
    /// Which ClickHouse
    #[command(flatten)]
    pub server: ClickHouse,
}

fn quantity(text: &str) -> Result<Quantity, String> {
    let known = || Quantity::ALL.map(Quantity::as_str).join(", ");
    Quantity::from_word(text).ok_or_else(|| format!("the quantities are {}", known()))
}
