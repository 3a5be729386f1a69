//! A whole Casement of real processes, each of which can be killed and started again on the same data.
//!
//! In: a directory. Out: addresses and processes. With an external broker: Mosquitto, `casement engine`, `backend` and `ml`;
//! with the embedded one: `casement up`.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use serde_json::{Value, json};

use super::{
    faults::FakeClock,
    process::{Process, free_addr},
};
use crate::{config::Sources, system::this_program};

/// Starting and catching up take at most this long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);
const POLL: Duration = Duration::from_millis(20);

/// Which way messages come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doors {
    /// Mosquitto, and a subscription.
    External,
    /// The embedded broker's hook.
    Embedded,
}

/// What differs from house to house.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) doors: Doors,
    /// The backend reaches the broker through a proxy at this address.
    pub(crate) through: Option<SocketAddr>,
    /// The bound of the journal.
    pub(crate) journal_bytes: Option<u64>,
    /// Where the journal lies, when not in the house's directory.
    pub(crate) journal_path: Option<PathBuf>,
    /// The version of MQTT that backend and ML service speak.
    pub(crate) protocol: &'static str,
    /// What the backend takes for the time.
    pub(crate) clock: Option<FakeClock>,
    /// Seconds between two of Mosquitto's snapshots.
    pub(crate) autosave_s: u32,
}

impl Plan {
    pub(crate) fn new(doors: Doors) -> Self {
        Self {
            doors,
            through: None,
            journal_bytes: None,
            journal_path: None,
            protocol: "auto",
            clock: None,
            autosave_s: 1_800,
        }
    }
}

/// The processes and where they are.
#[derive(Debug)]
pub struct House {
    dir: PathBuf,
    program: PathBuf,
    plan: Plan,
    pub(crate) mqtt: SocketAddr,
    pub(crate) clickhouse: SocketAddr,
    pub(crate) http: SocketAddr,
    pub(crate) broker: Option<Process>,
    pub(crate) engine: Option<Process>,
    pub(crate) backend: Option<Process>,
    pub(crate) ml: Option<Process>,
    pub(crate) up: Option<Process>,
}

impl House {
    /// A house with its addresses and its configuration, in which nothing runs yet.
    pub(crate) fn prepare(dir: &Path, plan: Plan) -> anyhow::Result<Self> {
        let addr = || free_addr().context("no free port on loopback");
        let house = Self {
            dir: dir.into(),
            program: this_program()?,
            plan,
            mqtt: addr()?,
            clickhouse: addr()?,
            http: addr()?,
            broker: None,
            engine: None,
            backend: None,
            ml: None,
            up: None,
        };
        house.write_configuration()?;
        Ok(house)
    }

    /// Starts everything and waits until it is ready.
    pub(crate) async fn open(&mut self) -> anyhow::Result<()> {
        match self.plan.doors {
            Doors::External => {
                self.start_broker()?;
                self.start_engine()?;
                self.start_backend()?;
                self.start_ml()?;
            }
            Doors::Embedded => self.start_up()?,
        }
        self.wait_ready().await
    }

    /// Starts the broker alone and waits until it listens.
    pub(crate) async fn open_broker(&mut self) -> anyhow::Result<()> {
        self.start_broker()?;
        let addr = self.mqtt;
        self.wait_for("there", || Ok(std::net::TcpStream::connect(addr).is_ok()))
            .await
    }

    /// Stops ClickHouse where it stands: connections stay open, and nothing answers.
    pub(crate) fn stop_database(&self) -> anyhow::Result<()> {
        self.signal_database("-STOP")
    }

    /// Lets ClickHouse go on.
    pub(crate) fn resume_database(&self) -> anyhow::Result<()> {
        self.signal_database("-CONT")
    }

    fn signal_database(&self, signal: &str) -> anyhow::Result<()> {
        let own = self.engine.as_ref().map(Process::pid);
        let pid = own
            .or_else(|| self.engine_of_up())
            .context("the engine is not there")?;
        let sent = Command::new("kill").args([signal, &pid.to_string()]).status()?;
        if !sent.success() {
            bail!("the engine (pid {pid}) could not be sent {signal}");
        }
        Ok(())
    }

    fn configuration(&self) -> PathBuf {
        self.dir.join("casement.yaml")
    }

    fn write_configuration(&self) -> anyhow::Result<()> {
        let model = Sources::process(None).load()?.model.path;
        let model = std::path::absolute(model)?;
        let journal = self.journal_path();
        std::fs::create_dir_all(&journal)?;
        // JSON is YAML, and quotes paths.
        let text = json!({
            "mqtt": {
                "broker": format!("tcp://{}", self.plan.through.unwrap_or(self.mqtt)),
                "protocol": self.plan.protocol,
                "keep_alive_s": 5,
            },
            "clickhouse": {"addr": self.clickhouse.to_string()},
            "journal": {"path": journal, "max_bytes": self.plan.journal_bytes.unwrap_or(1 << 30)},
            "model": {"path": model},
        });
        std::fs::write(self.configuration(), text.to_string())?;
        // Started by root, Mosquitto would become a user who may not write here.
        let mosquitto = format!(
            "listener {} {}\nallow_anonymous true\nset_tcp_nodelay true\nmax_inflight_messages 1000\nmax_queued_messages 0\n\
             user root\npersistence true\npersistence_location {}/\nautosave_interval {}\n",
            self.mqtt.port(),
            self.mqtt.ip(),
            self.dir.display(),
            self.plan.autosave_s,
        );
        std::fs::write(self.dir.join("mosquitto.conf"), mosquitto)?;
        Ok(())
    }

    pub(crate) fn journal_path(&self) -> PathBuf {
        let own = || self.dir.join("journal");
        self.plan.journal_path.clone().unwrap_or_else(own)
    }

    fn casement(&self, name: &'static str, arguments: &[&str]) -> anyhow::Result<Process> {
        let mut command = Command::new(&self.program);
        command.args(arguments);
        self.start(name, command)
    }

    fn start(&self, name: &'static str, command: Command) -> anyhow::Result<Process> {
        Process::start(name, command, &self.dir.join(format!("{name}.log")))
    }

    pub(crate) fn start_broker(&mut self) -> anyhow::Result<()> {
        let known = [
            "/usr/sbin/mosquitto",
            "/usr/bin/mosquitto",
            "/usr/local/sbin/mosquitto",
        ];
        let program = known.into_iter().find(|path| Path::new(path).exists());
        let program = program.context("Mosquitto is not installed; on Debian: apt-get install mosquitto")?;
        let mut command = Command::new(program);
        command.arg("-c").arg(self.dir.join("mosquitto.conf"));
        self.broker = Some(Process::start(
            "mosquitto",
            command,
            &self.dir.join("mosquitto.log"),
        )?);
        Ok(())
    }

    pub(crate) fn start_engine(&mut self) -> anyhow::Result<()> {
        let data = self.dir.join("data").display().to_string();
        let addr = self.clickhouse.to_string();
        self.engine = Some(self.casement("engine", &["engine", "--data", &data, "--clickhouse", &addr])?);
        Ok(())
    }

    pub(crate) fn start_backend(&mut self) -> anyhow::Result<()> {
        self.backend = Some(self.second_backend(self.http)?);
        Ok(())
    }

    /// A backend on the same data, with its page at `http`.
    pub(crate) fn second_backend(&self, http: SocketAddr) -> anyhow::Result<Process> {
        let config = self.configuration().display().to_string();
        let mut command = Command::new(&self.program);
        command.args(["backend", "--config", &config, "--http", &http.to_string()]);
        if let Some(clock) = &self.plan.clock {
            command.envs(clock.environment());
        }
        self.start("backend", command)
    }

    pub(crate) fn start_ml(&mut self) -> anyhow::Result<()> {
        let config = self.configuration().display().to_string();
        self.ml = Some(self.casement("ml", &["ml", "--config", &config])?);
        Ok(())
    }

    pub(crate) fn start_up(&mut self) -> anyhow::Result<()> {
        let config = self.configuration().display().to_string();
        let data = self.dir.join("data").display().to_string();
        let (mqtt, http, clickhouse) = (
            self.mqtt.to_string(),
            self.http.to_string(),
            self.clickhouse.to_string(),
        );
        let arguments = [
            "up",
            "--data",
            &data,
            "--config",
            &config,
            "--mqtt",
            &mqtt,
            "--http",
            &http,
            "--clickhouse",
            &clickhouse,
        ];
        self.up = Some(self.casement("up", &arguments)?);
        Ok(())
    }

    /// The engine's process under `casement up`.
    pub(crate) fn engine_of_up(&self) -> Option<u32> {
        let up = self.up.as_ref()?.pid();
        let tasks = std::fs::read_dir(format!("/proc/{up}/task")).ok()?;
        tasks.flatten().find_map(|task| {
            let children = std::fs::read_to_string(task.path().join("children")).ok()?;
            children.split_whitespace().next()?.parse().ok()
        })
    }

    /// The processes that run, by name.
    pub(crate) fn pids(&self) -> Vec<(&'static str, u32)> {
        let own = [
            ("mosquitto", &self.broker),
            ("backend", &self.backend),
            ("ml", &self.ml),
            ("up", &self.up),
            ("engine", &self.engine),
        ];
        let running = own
            .into_iter()
            .filter_map(|(name, process)| Some((name, process.as_ref()?.pid())));
        running
            .chain(self.engine_of_up().map(|pid| ("engine", pid)))
            .collect()
    }

    fn processes(&mut self) -> impl Iterator<Item = &mut Process> {
        [
            &mut self.broker,
            &mut self.engine,
            &mut self.backend,
            &mut self.ml,
            &mut self.up,
        ]
        .into_iter()
        .flatten()
    }

    /// Waits until broker and database are there.
    pub(crate) async fn wait_ready(&mut self) -> anyhow::Result<()> {
        let url = format!("http://{}/ready", self.http);
        self.wait_for("ready", || Ok(ureq::get(&url).call().is_ok()))
            .await
    }

    /// Waits until everything that was accepted is stored.
    pub(crate) async fn wait_stored(&mut self) -> anyhow::Result<()> {
        let url = format!("http://{}/api/status", self.http);
        self.wait_for("stored", || Ok(status(&url)?["journal_records"] == 0))
            .await
    }

    /// What the backend says of itself.
    pub(crate) fn status(&self) -> anyhow::Result<Value> {
        status(&format!("http://{}/api/status", self.http))
    }

    /// Waits, while every process lives, until `done`.
    pub(crate) async fn wait_for(
        &mut self,
        what: &str,
        mut done: impl FnMut() -> anyhow::Result<bool>,
    ) -> anyhow::Result<()> {
        let started = Instant::now();
        while !done().unwrap_or(false) {
            for process in self.processes() {
                process.check()?;
            }
            if started.elapsed() > PATIENCE {
                let words: Vec<String> = self.processes().map(|process| process.last_words()).collect();
                bail!("not {what} within {PATIENCE:?}:\n{}", words.join("\n"));
            }
            tokio::time::sleep(POLL).await;
        }
        Ok(())
    }

    /// What ClickHouse answers.
    pub(crate) fn sql(&self, query: &str) -> anyhow::Result<String> {
        let mut answer = ureq::post(format!("http://{}/", self.clickhouse)).send(query)?;
        Ok(answer.body_mut().with_config().limit(1 << 30).read_to_string()?)
    }
}

fn status(url: &str) -> anyhow::Result<Value> {
    let text = ureq::get(url).call()?.body_mut().read_to_string()?;
    Ok(serde_json::from_str(&text)?)
}
