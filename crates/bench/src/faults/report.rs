//! The report of the faults, a line as soon as each is known: a full run takes twenty minutes.

use std::{
    io::{self, Write},
    time::Duration,
};

use serde_json::json;

use super::{reconciliation::Reconciliation, scenarios::Scenario};
use crate::device::Latency;

pub(super) struct Report<'a> {
    out: &'a mut dyn Write,
    json: bool,
}

impl<'a> Report<'a> {
    pub(super) fn new(out: &'a mut dyn Write, json: bool) -> Self {
        Self { out, json }
    }

    pub(super) fn head(&mut self) -> io::Result<()> {
        if self.json {
            return Ok(());
        }
        writeln!(
            self.out,
            "{:<13} {:<34} {:>6} {:>13} {:>6} {:>8} {:>6} {:>8} {:>8}",
            "fault", "", "rounds", "acknowledged", "lost", "doubled", "wrong", "rollups", "seconds"
        )
    }

    pub(super) fn line(
        &mut self,
        scenario: &Scenario,
        rounds: u32,
        result: Reconciliation,
        elapsed: Duration,
    ) -> io::Result<()> {
        let Reconciliation {
            acknowledged,
            lost,
            doubled,
            wrong,
            rollups,
        } = result;
        let (name, what, seconds) = (scenario.name, scenario.what, elapsed.as_secs_f64());
        if self.json {
            let line = json!({
                "fault": name, "what": what, "rounds": rounds, "acknowledged": acknowledged, "lost": lost,
                "doubled": doubled, "wrong": wrong, "promised": scenario.promised, "seconds": seconds,
                "rollups": {"filled": rollups.filled, "intervals": rollups.intervals, "different": rollups.different},
            });
            return writeln!(self.out, "{line}");
        }
        let note = if scenario.promised {
            ""
        } else {
            "  (no promise: see the broker's snapshots)"
        };
        let rollups = match rollups.different {
            0 => "equal".to_owned(),
            different => format!("{different} differ"),
        };
        writeln!(
            self.out,
            "{name:<13} {what:<34} {rounds:>6} {acknowledged:>13} {lost:>6} {doubled:>8} {wrong:>6} {rollups:>8} {seconds:>8.1}{note}"
        )
    }

    pub(super) fn skipped(&mut self, scenario: &Scenario) -> io::Result<()> {
        let (name, what, needs) = (scenario.name, scenario.what, scenario.needs);
        if self.json {
            writeln!(self.out, "{}", json!({"fault": name, "not_run": needs}))
        } else {
            writeln!(self.out, "{name:<13} {what:<34} not run: {needs}")
        }
    }

    pub(super) fn latency(
        &mut self,
        broker: &str,
        decisions: usize,
        before: Latency,
        during: Latency,
    ) -> io::Result<()> {
        if self.json {
            let line = json!({
                "latency": broker, "decisions": decisions, "with_clickhouse_ms": [before.p50, before.p99],
                "without_ms": [during.p50, during.p99],
            });
            return writeln!(self.out, "{line}");
        }
        writeln!(
            self.out,
            "decisions by {broker}, ms: p50 {:.2} p99 {:.2} with ClickHouse, p50 {:.2} p99 {:.2} with it stopped",
            before.p50, before.p99, during.p50, during.p99
        )
    }

    pub(super) fn kills(&mut self, kills: u32) -> io::Result<()> {
        if self.json {
            return Ok(());
        }
        writeln!(self.out, "{kills} processes were killed")
    }
}
