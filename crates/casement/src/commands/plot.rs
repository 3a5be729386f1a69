//! `casement plot`: a picture of a device's days, for people on a shell.
//!
//! In: a device, a span of time, ClickHouse. Out: a PNG. It asks for as many points as the picture has pixels.

use std::{fs, num::NonZeroU32, time::Duration};

use anyhow::{Context as _, bail, ensure};
use domain::Quantity;
use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use plot::{time_axis, zone_name};
use store::{DeviceRow, Period, Store, Track};

use super::{sql::sources, writable};
use crate::{assembly, cli, config::Reader, output::say, plot::device::Days};

/// Time limit of all questions together.
const PATIENCE: Duration = Duration::from_mins(2);
/// Devices that are looked through, and those that an error lists.
const DEVICES: usize = 10_000;
const LISTED: usize = 20;
/// Pixels for each labelled tick.
const TICK_PIXELS: u32 = 90;

pub(super) async fn run(flags: cli::Plot) -> anyhow::Result<()> {
    let is_png = flags
        .out
        .extension()
        .is_some_and(|end| end.eq_ignore_ascii_case("png"));
    ensure!(
        is_png,
        "pictures are PNG; name the file with .png at its end, not {}",
        flags.out.display()
    );
    writable::file(&flags.out)?;
    let zone = if flags.utc {
        TimeZone::UTC
    } else {
        TimeZone::system()
    };
    let period = period(&flags, &zone)?;
    let config = sources(flags.server.clone())?
        .load_for(Reader::ClickHouse)?
        .clickhouse;
    let url = config.url();
    let store = Store::new(assembly::store(&config)?)?;
    let asked = async {
        let device = known(&store, &flags).await?;
        ask(&store, &flags, device, period, &zone).await
    };
    let days = tokio::time::timeout(PATIENCE, asked)
        .await
        .with_context(|| format!("ClickHouse at {url} does not answer in time"))?
        .with_context(|| format!("nothing is drawn from ClickHouse at {url}"))?;
    fs::write(&flags.out, days.draw(flags.size)?)
        .with_context(|| format!("cannot write {}", flags.out.display()))?;
    say!("{}: {}, {}", flags.out.display(), days.title, days.subtitle);
    Ok(())
}

/// Returns the time that is drawn.
fn period(flags: &cli::Plot, zone: &TimeZone) -> anyhow::Result<Period> {
    let until = match &flags.to {
        Some(text) => time("--to", text, zone)?,
        None => Timestamp::now(),
    };
    let since = if let Some(text) = &flags.from {
        time("--from", text, zone)?
    } else {
        let begin = until.to_zoned_datetime(zone.clone()).checked_sub(flags.last);
        begin
            .context("--last reaches back beyond the calendar")?
            .timestamp()
    };
    ensure!(
        since < until,
        "the picture would end before it begins: {since} to {until}"
    );
    Ok(Period {
        since: since.as_millisecond(),
        until: until.as_millisecond(),
    })
}

/// Reads a time with its offset, or a date or time of `zone`.
fn time(flag: &str, text: &str, zone: &TimeZone) -> anyhow::Result<Timestamp> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time);
    }
    let local = text
        .parse::<DateTime>()
        .ok()
        .and_then(|time| time.to_zoned_datetime(zone.clone()).ok());
    let local = local.with_context(|| {
        format!("{flag}: '{text}' is no time; write 2025-10-24, 2025-10-24T12:00 or 2025-10-24T12:00Z")
    })?;
    Ok(local.timestamp())
}

/// Returns the device, or an error that names those that there are.
async fn known(store: &Store, flags: &cli::Plot) -> anyhow::Result<DeviceRow> {
    let mut devices = store.devices(DEVICES).await?;
    let wanted = flags.device.as_str();
    if let Some(place) = devices.iter().position(|device| device.device_id == wanted) {
        return Ok(devices.swap_remove(place));
    }
    if devices.is_empty() {
        bail!("no device is registered yet");
    }
    let more = if devices.len() > LISTED { ", …" } else { "" };
    devices.truncate(LISTED);
    let names: Vec<String> = devices.into_iter().map(|device| device.device_id).collect();
    bail!(
        "no device is called {wanted}; there are {}{more}",
        names.join(", ")
    )
}

async fn ask(
    store: &Store,
    flags: &cli::Plot,
    row: DeviceRow,
    period: Period,
    zone: &TimeZone,
) -> anyhow::Result<Days> {
    let points = NonZeroU32::new(flags.size.0).unwrap_or(NonZeroU32::MIN);
    let device = &flags.device;
    let wanted = if flags.quantity.is_empty() {
        Quantity::CLIMATE.to_vec()
    } else {
        flags.quantity.clone()
    };
    let mut quantities = Vec::with_capacity(wanted.len());
    for quantity in wanted {
        quantities.push((quantity, store.history(device, quantity, period, points).await?));
    }
    let track = |track| store.track(device, track, period, points);
    let names = [row.name.as_str(), row.location.as_str()];
    let names = names
        .into_iter()
        .filter(|name| !name.is_empty() && *name != device.as_str());
    let title: Vec<&str> = std::iter::once(device.as_str()).chain(names).collect();
    let span = (period.since, period.until);
    let days = Days {
        title: title.join(" · "),
        subtitle: format!(
            "{} to {}, times in {}",
            said(period.since, zone),
            said(period.until, zone),
            zone_name(zone)
        ),
        axis: time_axis(span, zone, i64::from(flags.size.0 / TICK_PIXELS)),
        interval_ms: 1_000 * store::interval_s(period, points) as i64,
        quantities,
        sound: track(Track::Sound).await?,
        told: track(Track::Told).await?,
        reported: track(Track::Reported).await?,
        confidence: track(Track::Confidence).await?,
    };
    if days.is_empty() {
        bail!(
            "nothing is stored of {device} from {}; it was last heard of at {}",
            days.subtitle,
            said(row.last_seen, zone)
        );
    }
    Ok(days)
}

fn said(ms: i64, zone: &TimeZone) -> String {
    Timestamp::from_millisecond(ms)
        .map(|time| {
            time.to_zoned_datetime(zone.clone())
                .strftime("%Y-%m-%d %H:%M")
                .to_string()
        })
        .unwrap_or_default()
}
