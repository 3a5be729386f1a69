//! The report of the panels: a Markdown table, and the slowest of them.

use std::{
    io::{self, Write},
    time::Duration,
};

use serde_json::json;

use super::{Options, Panel, RANGES, Whole};

/// Panels that are listed by name.
const SLOWEST: usize = 12;

pub(super) struct Report<'a> {
    out: &'a mut dyn Write,
    json: bool,
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

impl<'a> Report<'a> {
    pub(super) fn new(out: &'a mut dyn Write, json: bool) -> Self {
        Self { out, json }
    }

    pub(super) fn head(&mut self, options: &Options, readings: &str, devices: usize) -> io::Result<()> {
        if self.json {
            return Ok(());
        }
        let rounds = options.rounds;
        writeln!(
            self.out,
            "{readings} readings of {devices} devices; milliseconds, median of {rounds}\n"
        )
    }

    pub(super) fn panel(&mut self, panel: &Panel) -> io::Result<()> {
        if !self.json {
            return Ok(());
        }
        let line = json!({
            "dashboard": panel.dashboard, "panel": panel.title, "range": panel.range.name, "ms": ms(panel.median),
            "rolled_up": panel.is_rolled_up, "target_ms": ms(panel.target()),
        });
        writeln!(self.out, "{line}")
    }

    pub(super) fn whole(&mut self, whole: &Whole) -> io::Result<()> {
        if !self.json {
            return Ok(());
        }
        let line =
            json!({"dashboard": whole.dashboard, "range": whole.range.name, "whole_ms": ms(whole.median)});
        writeln!(self.out, "{line}")
    }

    /// For each dashboard and range: the median panel, the slowest one, and the whole dashboard.
    pub(super) fn summary(&mut self, panels: &[Panel], wholes: &[Whole]) -> io::Result<()> {
        if self.json {
            return Ok(());
        }
        let names = RANGES.map(|range| range.name).join(" | ");
        writeln!(
            self.out,
            "| dashboard: panels' median / slowest / whole | {names} |\n|---|---|---|---|---|"
        )?;
        let mut dashboards: Vec<&str> = wholes.iter().map(|whole| whole.dashboard.as_str()).collect();
        dashboards.truncate(dashboards.len() / RANGES.len());
        for dashboard in dashboards {
            write!(self.out, "| {dashboard} |")?;
            for range in RANGES {
                let mut times: Vec<Duration> = panels
                    .iter()
                    .filter(|panel| panel.dashboard == dashboard && panel.range == range)
                    .map(|panel| panel.median)
                    .collect();
                times.sort_unstable();
                let at = |index: usize| times.get(index).copied().map_or(f64::NAN, ms);
                let whole = wholes
                    .iter()
                    .find(|whole| whole.dashboard == dashboard && whole.range == range);
                let whole = whole.map_or(f64::NAN, |whole| ms(whole.median));
                let (middle, last) = (at(times.len() / 2), at(times.len().saturating_sub(1)));
                write!(self.out, " {middle:.0} / {last:.0} / {whole:.0} |")?;
            }
            writeln!(self.out)?;
        }
        self.slowest(panels)
    }

    fn slowest(&mut self, panels: &[Panel]) -> io::Result<()> {
        let missed = panels
            .iter()
            .filter(|panel| panel.median > panel.target())
            .count();
        writeln!(
            self.out,
            "\n{} queries, {missed} above their target (200 ms; 50 ms from rollups). The slowest:",
            panels.len()
        )?;
        let mut slowest: Vec<&Panel> = panels.iter().collect();
        slowest.sort_by_key(|panel| std::cmp::Reverse(panel.median));
        for panel in slowest.into_iter().take(SLOWEST) {
            let Panel {
                dashboard,
                title,
                range,
                median,
                ..
            } = panel;
            let (time, target) = (ms(*median), ms(panel.target()));
            writeln!(
                self.out,
                "{time:>7.0} (target {target:.0})  {}  {dashboard}: {title}",
                range.name
            )?;
        }
        Ok(())
    }
}
