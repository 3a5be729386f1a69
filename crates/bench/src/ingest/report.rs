//! The report of the rates, a line as soon as each is known.

use std::{
    fmt::Write as _,
    io::{self, Write},
};

use serde_json::json;

use super::{
    Receiver,
    measurement::{Figures, Usage},
};
use crate::device::Latency;

pub(super) struct Report<'a> {
    out: &'a mut dyn Write,
    json: bool,
}

impl<'a> Report<'a> {
    pub(super) fn new(out: &'a mut dyn Write, json: bool) -> Self {
        Self { out, json }
    }

    pub(super) fn figures(&mut self, round: usize, receiver: Receiver, figures: &Figures) -> io::Result<()> {
        let (name, rate) = (receiver.description(), figures.rate());
        if self.json {
            let process = |usage: &Usage| json!({"process": usage.name, "cpu_us": usage.cpu_us, "memory_mib": usage.memory_mib});
            let processes: Vec<_> = figures.processes.iter().map(process).collect();
            let line = json!({
                "round": round, "way": name, "messages": figures.messages, "per_second": rate, "processes": processes,
            });
            return writeln!(self.out, "{line}");
        }
        writeln!(self.out, "round {round}, {name}: {rate:.0} messages/s")?;
        for Usage {
            name,
            cpu_us,
            memory_mib: [begin, half, end],
        } in &figures.processes
        {
            writeln!(
                self.out,
                "    {name:<13} {cpu_us:>6.1} µs CPU a message, memory {begin:.0}, {half:.0}, {end:.0} MiB"
            )?;
        }
        Ok(())
    }

    /// Prints median, least and most of all rounds. The ratios are those within a round.
    pub(super) fn summary(&mut self, receivers: &[Receiver], rounds: &[Vec<f64>]) -> io::Result<()> {
        if self.json {
            return Ok(());
        }
        writeln!(self.out, "median (least … most) of {} rounds:", rounds.len())?;
        for (index, receiver) in receivers.iter().enumerate() {
            let [median, least, most] = spread(rounds.iter().map(|rates| rates[index]).collect());
            let mut line = format!(
                "    {:<31} {median:.0} ({least:.0} … {most:.0}) messages/s",
                receiver.description()
            );
            let peers = receivers.iter().enumerate().filter(|(_, other)| other.is_peer());
            for (of, other) in peers.filter(|_| !receiver.is_peer()) {
                let ratios = rounds.iter().map(|rates| 100.0 * rates[index] / rates[of]);
                let [median, least, most] = spread(ratios.collect());
                let _ = write!(
                    line,
                    ", {median:.0} % ({least:.0} … {most:.0}) of {}",
                    other.word()
                );
            }
            writeln!(self.out, "{line}")?;
        }
        Ok(())
    }

    pub(super) fn flood(&mut self, receiver: Receiver, alone: Latency, beside: Latency) -> io::Result<()> {
        let name = receiver.description();
        if self.json {
            let line = json!({
                "flood": name, "alone_ms": [alone.p50, alone.p99], "beside_ms": [beside.p50, beside.p99],
            });
            return writeln!(self.out, "{line}");
        }
        let text = |latency: Latency| format!("p50 {:.2} p99 {:.2}", latency.p50, latency.p99);
        writeln!(
            self.out,
            "{name}: a quiet device's decisions, ms: {} alone, {} beside a flood",
            text(alone),
            text(beside)
        )
    }
}

/// Returns median, least and most. A histogram would only approximate so few values.
fn spread(mut values: Vec<f64>) -> [f64; 3] {
    values.sort_by(f64::total_cmp);
    let last = values.len() - 1;
    [
        f64::midpoint(values[last / 2], values[last.div_ceil(2)]),
        values[0],
        values[last],
    ]
}

#[cfg(test)]
mod tests {
    use super::spread;

    #[test]
    fn the_median_lies_in_the_middle() {
        let shown = |values: &[f64]| format!("{:?}", spread(values.to_vec()));
        assert_eq!(shown(&[3.0, 1.0, 2.0]), "[2.0, 1.0, 3.0]");
        assert_eq!(shown(&[4.0, 1.0, 2.0, 3.0]), "[2.5, 1.0, 4.0]");
        assert_eq!(shown(&[7.0]), "[7.0, 7.0, 7.0]");
    }
}
