//! How far a long piece of work is, for whoever waits at a terminal.
//!
//! In: rows stored, and up to which day. Out: a line on standard error every two seconds, and one at the end.

use std::{
    io::IsTerminal as _,
    time::{Duration, Instant},
};

use simulator::history::DAY_MS;

use crate::output::say;

const PROGRESS_EVERY: Duration = Duration::from_secs(2);

/// How far it is, in one line.
pub(super) struct Progress {
    begin: i64,
    end: i64,
    started: Instant,
    told: Instant,
    rows: u64,
}

impl Progress {
    pub(super) fn new(begin: i64, end: i64) -> Self {
        let now = Instant::now();
        Self {
            begin,
            end,
            started: now,
            told: now,
            rows: 0,
        }
    }

    pub(super) fn stored(&mut self, rows: u64, until: i64) {
        self.rows += rows;
        if self.told.elapsed() < PROGRESS_EVERY {
            return;
        }
        self.told = Instant::now();
        let of = (self.end - self.begin) / DAY_MS;
        let days = (until.min(self.end) - self.begin) / DAY_MS;
        let line = format!(
            "{days} of {of} days, {} rows, {:.0} rows/s",
            self.rows,
            self.rate()
        );
        if std::io::stderr().is_terminal() {
            eprint!("\r{line}   ");
        } else {
            eprintln!("{line}");
        }
    }

    fn rate(&self) -> f64 {
        self.rows as f64 / self.started.elapsed().as_secs_f64()
    }

    pub(super) fn done(&self) {
        if std::io::stderr().is_terminal() {
            eprintln!();
        }
        say!("{} rows stored, {:.0} rows/s", self.rows, self.rate());
    }
}
