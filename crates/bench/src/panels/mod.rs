//! `casement bench panels`: the time that every panel of every dashboard takes, asked as the datasource plugin asks.
//!
//! In: dashboards and the address of a ClickHouse with data. Out: a table by dashboard and time range, and the panels
//! that take longer than they should. Nothing is written.

mod client;
mod dashboard;
mod plugin;
mod report;

use std::{
    io::Write,
    path::PathBuf,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    thread,
    time::{Duration, Instant},
};

use anyhow::bail;
use domain::Quantity;

use self::{
    client::Client,
    dashboard::{Dashboard, Query},
    report::Report,
};
pub use plugin::{Chosen, RANGES, Range, expand};

/// The longest that a panel should take.
const PANEL: Duration = Duration::from_millis(200);
/// The longest that a panel should take that reads rollups alone.
const ROLLED_UP_PANEL: Duration = Duration::from_millis(50);
/// The longest that a whole dashboard should take.
const WHOLE: Duration = Duration::from_secs(1);
/// Queries that a browser asks at a time.
const AT_A_TIME: usize = 6;

/// What to measure.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folder of the dashboards' JSON.
    pub dashboards: PathBuf,
    /// The URL of ClickHouse's HTTP interface.
    pub clickhouse: String,
    /// The password of `reader`; empty for none.
    pub password: String,
    /// How often each query is asked.
    pub rounds: usize,
    /// The end of the time ranges, in seconds since 1970.
    pub until: u64,
    /// JSON lines instead of a table.
    pub json: bool,
}

/// A query's time over one range.
#[derive(Debug)]
struct Panel {
    dashboard: String,
    title: String,
    range: Range,
    is_rolled_up: bool,
    median: Duration,
}

impl Panel {
    fn target(&self) -> Duration {
        if self.is_rolled_up { ROLLED_UP_PANEL } else { PANEL }
    }
}

/// A dashboard's time over one range, with its queries asked side by side.
#[derive(Debug)]
struct Whole {
    dashboard: String,
    range: Range,
    median: Duration,
}

/// Measures and prints. Returns an error where a target was missed.
pub fn run(options: &Options, out: &mut dyn Write) -> anyhow::Result<()> {
    let dashboards = dashboard::read(&options.dashboards)?;
    let client = Client::new(&options.clickhouse, &options.password);
    let chosen = client.everything()?;
    if chosen.devices.is_empty() {
        bail!(
            "there are no devices at {}: nothing to measure",
            options.clickhouse
        );
    }
    let mut report = Report::new(out, options.json);
    report.head(options, &client.readings()?, chosen.devices.len())?;
    let (mut panels, mut wholes) = (vec![], vec![]);
    for range in RANGES {
        for dashboard in &dashboards {
            let statements = statements(dashboard, range, options.until, &chosen)?;
            for (query, sql) in &statements {
                let panel = Panel {
                    dashboard: dashboard.title.clone(),
                    title: query.title.clone(),
                    range,
                    is_rolled_up: is_rolled_up(sql, range.drawn_by(&query.panel)),
                    median: median(options.rounds, || client.time(sql))?,
                };
                report.panel(&panel)?;
                panels.push(panel);
            }
            let whole = Whole {
                dashboard: dashboard.title.clone(),
                range,
                median: median(options.rounds, || side_by_side(options, &statements))?,
            };
            report.whole(&whole)?;
            wholes.push(whole);
        }
    }
    report.summary(&panels, &wholes)?;
    let missed = panels
        .iter()
        .filter(|panel| panel.median > panel.target())
        .count();
    let slow = wholes.iter().filter(|whole| whole.median > WHOLE).count();
    if missed + slow > 0 {
        bail!("{missed} panels and {slow} dashboards take longer than they should");
    }
    Ok(())
}

fn statements<'a>(
    dashboard: &'a Dashboard,
    range: Range,
    until: u64,
    chosen: &Chosen,
) -> anyhow::Result<Vec<(&'a Query, String)>> {
    let statement = |query: &'a Query| {
        let range = range.drawn_by(&query.panel);
        anyhow::Ok((query, expand(&query.sql, range, until, chosen)?))
    };
    dashboard.queries.iter().map(statement).collect()
}

/// Whether a statement of that interval reads rollups and no rows.
fn is_rolled_up(sql: &str, range: Range) -> bool {
    let rollups = ["_by_time", "positions_1h", "positions_by_hour"];
    let rows = [
        "FROM sensor_",
        "FROM ml_predictions ",
        "FROM window_",
        "FROM decision_outcomes",
        "FROM system_metrics",
    ];
    // Views of readings: `readings_over(step = …)` and those of one quantity.
    let over = sql.contains("_over(step");
    let one_quantity = Quantity::ALL.map(|quantity| format!("FROM {}_over(", quantity.table()));
    let rest = one_quantity
        .iter()
        .fold(sql.to_owned(), |sql, view| sql.replace(view, ""));
    let reads = |names: &[&str]| names.iter().any(|name| rest.contains(name));
    (over || reads(&rollups)) && !(over && range.interval_s < 60) && !reads(&rows)
}

/// Asks everything, as many at a time as a browser does.
fn side_by_side(options: &Options, statements: &[(&Query, String)]) -> anyhow::Result<Duration> {
    let next = AtomicUsize::new(0);
    let started = Instant::now();
    thread::scope(|scope| {
        let ask = || {
            let client = Client::new(&options.clickhouse, &options.password);
            while let Some((_, sql)) = statements.get(next.fetch_add(1, Relaxed)) {
                client.time(sql)?;
            }
            anyhow::Ok(())
        };
        let workers: Vec<_> = (0..AT_A_TIME).map(|_| scope.spawn(ask)).collect();
        workers
            .into_iter()
            .try_for_each(|worker| worker.join().expect("asking does not panic"))
    })?;
    Ok(started.elapsed())
}

fn median(rounds: usize, mut time: impl FnMut() -> anyhow::Result<Duration>) -> anyhow::Result<Duration> {
    let mut times = (0..rounds.max(1))
        .map(|_| time())
        .collect::<Result<Vec<_>, _>>()?;
    times.sort_unstable();
    Ok(times[times.len() / 2])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_reads_rollups_where_no_row_is_read() {
        let [hour, .., year] = RANGES;
        assert!(is_rolled_up(
            "SELECT 1 FROM readings_over(step = 43200) AS r",
            year
        ));
        assert!(is_rolled_up(
            "SELECT 1 FROM sensor_co2_over(step = 43200) AS r",
            year
        ));
        assert!(!is_rolled_up(
            "SELECT 1 FROM sensor_co2_over(step = 10) AS r",
            hour.drawn_by(&serde_json::Value::Null)
        ));
        assert!(is_rolled_up("SELECT 1 FROM sound_by_time AS s", hour));
        assert!(!is_rolled_up(
            "SELECT 1 FROM commands_by_time, (SELECT 1 FROM window_actions)",
            year
        ));
        assert!(!is_rolled_up("SELECT 1 FROM device_registry FINAL", year));
    }

    #[test]
    fn the_median_is_the_one_in_the_middle() {
        let mut times = [30, 10, 20, 50, 40].into_iter().map(Duration::from_millis);
        let median = median(5, || Ok(times.next().unwrap())).unwrap();
        assert_eq!(median, Duration::from_millis(30));
    }
}
