//! `casement up`: everything in one process, and the engine as its child.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use crate::{Casement, Error, Process, clickhouse, free_addr};

const METRIC_WITHIN: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(50);

/// Where a Casement listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Addresses {
    /// The MQTT broker.
    pub mqtt: SocketAddr,
    /// Page, API and metrics.
    pub http: SocketAddr,
    /// ClickHouse's HTTP interface.
    pub clickhouse: SocketAddr,
}

impl Addresses {
    /// Free addresses on loopback.
    pub fn free() -> Self {
        Self {
            mqtt: free_addr(),
            http: free_addr(),
            clickhouse: free_addr(),
        }
    }

    /// The arguments with which `casement up` listens here and keeps its data in `data`.
    pub fn arguments(&self, data: &Path) -> Vec<String> {
        let Self {
            mqtt,
            http,
            clickhouse,
        } = self;
        vec![
            "up".to_owned(),
            format!("--data={}", data.display()),
            format!("--mqtt={mqtt}"),
            format!("--http={http}"),
            format!("--clickhouse={clickhouse}"),
        ]
    }
}

impl Casement {
    /// Starts `casement up` with additional flags.
    pub fn up(&self, data: &Path, addresses: Addresses, flags: &[&str]) -> Result<Process, Error> {
        let own = addresses.arguments(data);
        let own: Vec<&str> = own.iter().map(String::as_str).collect();
        self.start(&[own.as_slice(), flags].concat())
    }
}

/// A running `casement up`.
#[derive(Debug)]
pub struct Up {
    casement: Casement,
    /// Its process.
    pub process: Process,
    /// The embedded broker.
    pub mqtt: SocketAddr,
    /// Page, API and metrics.
    pub http: SocketAddr,
    /// The embedded engine.
    pub clickhouse: SocketAddr,
    data: PathBuf,
}

impl Up {
    /// Starts it on free ports with additional flags, and waits until it is ready.
    pub fn start(casement: Casement, data: &Path, flags: &[&str]) -> Result<Self, Error> {
        Self::start_at(casement, data, Addresses::free(), flags)
    }

    fn start_at(casement: Casement, data: &Path, at: Addresses, flags: &[&str]) -> Result<Self, Error> {
        let mut process = casement.up(data, at, flags)?;
        process.wait_for_line("Casement is ready")?;
        Ok(Self {
            casement,
            process,
            mqtt: at.mqtt,
            http: at.http,
            clickhouse: at.clickhouse,
            data: data.into(),
        })
    }

    /// Ends it and starts it again on the same directory and addresses, without additional flags.
    pub fn restart(&mut self) -> Result<(), Error> {
        self.process.kill();
        let at = Addresses {
            mqtt: self.mqtt,
            http: self.http,
            clickhouse: self.clickhouse,
        };
        *self = Self::start_at(self.casement.clone(), &self.data, at, &[])?;
        Ok(())
    }

    /// Returns ClickHouse's answer to a statement.
    pub fn sql(&self, statement: &str) -> Result<String, Error> {
        clickhouse::sql(self.clickhouse, statement)
    }

    /// Repeats a statement until its answer is `expected`.
    pub fn wait_sql(&self, statement: &str, expected: &str) -> Result<(), Error> {
        clickhouse::wait_sql(self.clickhouse, statement, expected)
    }

    /// Returns a page by its path.
    pub fn get(&self, path: &str) -> Result<String, Error> {
        clickhouse::get(&format!("http://{}{path}", self.http))
    }

    /// Waits until a page contains `text`.
    pub fn wait_page(&self, path: &str, text: &str) -> Result<(), Error> {
        let started = Instant::now();
        loop {
            let page = self.get(path)?;
            if page.contains(text) {
                return Ok(());
            }
            if started.elapsed() > METRIC_WITHIN {
                return Err(Error::timeout(
                    format!("{path} contains '{text}'"),
                    METRIC_WITHIN,
                    page,
                ));
            }
            thread::sleep(POLL);
        }
    }

    /// Waits until the metrics have this line.
    pub fn wait_metric(&self, line: &str) -> Result<(), Error> {
        self.wait_page("/metrics", &format!("\n{line}\n"))
    }
}
