//! Pictures of the dashboards without Grafana: each panel's queries, asked of a generated past and drawn in its place.
//!
//! In: the dashboards' JSON. Out: one PNG each. They show what the panels ask and what comes back, not how Grafana draws
//! it, and say so.

mod answer;
mod charts;
mod dashboard;
mod draw;

use std::{fs, io::Write, path::PathBuf, time::Duration};

use anyhow::{Context as _, ensure};
use testkit::{Casement, free_addr};

use self::{answer::ClickHouse, dashboard::Dashboard, draw::Picture};
use crate::panels::{Chosen, Range};

const DAY_S: u64 = 86_400;
/// What is drawn: the last days.
const DRAWN: Range = Range {
    name: "7 d",
    span_s: 7 * DAY_S,
    interval_s: 3_600,
};
/// Rooms of the past.
const DEVICES: &str = "3";

/// What to draw.
#[derive(Debug)]
pub struct Options {
    /// The program.
    pub casement: Casement,
    /// The folder of the dashboards' JSON.
    pub dashboards: PathBuf,
    /// Where the pictures go.
    pub out: PathBuf,
    /// Days of the past that is generated.
    pub days: u32,
}

/// Generates a past, asks it every panel's queries and writes a picture of each dashboard.
pub fn run(options: &Options, out: &mut dyn Write) -> anyhow::Result<()> {
    let files = fs::read_dir(&options.dashboards).with_context(|| {
        format!(
            "the dashboards in {} cannot be read",
            options.dashboards.display()
        )
    })?;
    let mut files = files
        .map(|file| Ok(file?.path()))
        .collect::<anyhow::Result<Vec<_>>>()?;
    files.retain(|file| file.extension().is_some_and(|end| end == "json"));
    files.sort();
    ensure!(
        !files.is_empty(),
        "there is no dashboard in {}",
        options.dashboards.display()
    );
    let directory = tempfile::tempdir()?;
    let data = directory.path().join("data");
    let days = options.days.to_string();
    let (data_flag, casement) = (data.display().to_string(), &options.casement);
    writeln!(out, "generating {days} days of {DEVICES} rooms")?;
    let arguments = [
        "generate",
        "--data",
        &data_flag,
        "--days",
        &days,
        "--devices",
        DEVICES,
        "--every",
        "30",
    ];
    let mut generate = casement.start(&arguments)?;
    let status = generate.wait(Duration::from_mins(30))?;
    ensure!(status.success(), "casement generate failed: {}", generate.tail());
    let address = free_addr();
    let mut engine = casement.engine(&data, address)?;
    engine.wait_for_line("casement engine is running")?;
    let clickhouse = ClickHouse { address };
    fs::create_dir_all(&options.out)?;
    // Generated days end at midnight.
    let until = jiff::Timestamp::now().as_second().unsigned_abs() / DAY_S * DAY_S;
    let chosen = Chosen {
        devices: clickhouse.names("SELECT device_id FROM device_registry FINAL ORDER BY device_id")?,
        models: clickhouse
            .names("SELECT DISTINCT model_version FROM predictions_by_time WHERE model_version != ''")?,
        locations: clickhouse.names("SELECT DISTINCT location FROM device_registry FINAL")?,
        quantity: "co2".to_owned(),
    };
    for file in files {
        let dashboard = Dashboard::read(&file)?;
        let bytes = Picture {
            dashboard: &dashboard,
            clickhouse: &clickhouse,
            until,
            chosen: &chosen,
        }
        .draw()?;
        let name = file.file_stem().unwrap_or_default().to_string_lossy();
        let path = options.out.join(format!("{name}.png"));
        fs::write(&path, &bytes).with_context(|| format!("{} cannot be written", path.display()))?;
        writeln!(out, "{}: {} KB", path.display(), bytes.len().div_ceil(1_000))?;
    }
    engine.terminate(Duration::from_secs(10))?;
    Ok(())
}
