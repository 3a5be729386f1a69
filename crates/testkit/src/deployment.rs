//! A whole Casement of real processes, each of which can be killed and started again on the same data.
//!
//! In: a directory and options. Out: addresses and processes. With an external broker: Mosquitto, `casement engine`,
//! `backend` and `ml`. With the embedded broker: `casement up`.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Instant,
};

use serde_json::{Value, json};

use crate::{
    Addresses, Casement, DEADLINE, Error, FakeClock, Mosquitto, Process, Signal, children,
    clickhouse::{get, get_json, sql},
    free_addr, signal,
    wait::POLL,
};

/// Which processes a deployment consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// Mosquitto and a process for each role; the backend subscribes.
    ExternalBroker,
    /// `casement up`; messages arrive through the embedded broker's hook.
    EmbeddedBroker,
}

/// What differs between deployments. Start from [`DeploymentOptions::new`].
#[derive(Debug, Clone)]
pub struct DeploymentOptions {
    /// Which processes.
    pub layout: Layout,
    /// The address of a proxy through which backend and ML service reach the broker.
    pub broker_proxy: Option<SocketAddr>,
    /// The bound of the journal.
    pub journal_max_bytes: u64,
    /// The journal's directory, if it is not below the deployment's.
    pub journal_path: Option<PathBuf>,
    /// The MQTT version of backend and ML service, as in `mqtt.protocol`.
    pub protocol: &'static str,
    /// The backend's clock.
    pub clock: Option<FakeClock>,
    /// Seconds between two of Mosquitto's snapshots.
    pub autosave_s: u32,
    /// Further settings of Mosquitto, one a line.
    pub broker_settings: &'static str,
    /// The keep-alive of backend and ML service in seconds.
    pub keep_alive_s: u32,
}

impl DeploymentOptions {
    /// A deployment with defaults.
    pub const fn new(layout: Layout) -> Self {
        Self {
            layout,
            broker_proxy: None,
            journal_max_bytes: 1 << 30,
            journal_path: None,
            protocol: "auto",
            clock: None,
            autosave_s: 1_800,
            broker_settings: "",
            keep_alive_s: 5,
        }
    }
}

/// The processes and their addresses. What runs is killed when it is dropped.
#[derive(Debug)]
pub struct Deployment {
    directory: PathBuf,
    casement: Casement,
    options: DeploymentOptions,
    addresses: Addresses,
    broker: Mosquitto,
    /// `casement engine`.
    pub engine: Option<Process>,
    /// `casement backend`.
    pub backend: Option<Process>,
    /// `casement ml`.
    pub ml: Option<Process>,
    /// `casement up`.
    pub up: Option<Process>,
}

impl Deployment {
    /// Chooses addresses and writes the configuration. Nothing runs yet.
    pub fn prepare(casement: Casement, directory: &Path, options: DeploymentOptions) -> Result<Self, Error> {
        let addresses = Addresses::free();
        let broker =
            Mosquitto::prepare(addresses.mqtt, options.broker_settings)?.persistent(options.autosave_s);
        let deployment = Self {
            directory: directory.into(),
            casement,
            options,
            addresses,
            broker,
            engine: None,
            backend: None,
            ml: None,
            up: None,
        };
        deployment.write_configuration()?;
        Ok(deployment)
    }

    /// Starts everything and waits until it is ready.
    pub async fn start(&mut self) -> Result<(), Error> {
        match self.options.layout {
            Layout::ExternalBroker => {
                self.start_broker()?;
                self.start_engine()?;
                self.start_backend()?;
                self.start_ml()?;
            }
            Layout::EmbeddedBroker => self.start_up()?,
        }
        self.wait_ready().await
    }

    /// Starts Mosquitto, after killing it if it runs, and waits until it listens.
    pub fn start_broker(&mut self) -> Result<(), Error> {
        self.broker.restart()
    }

    /// Starts `casement engine`.
    pub fn start_engine(&mut self) -> Result<(), Error> {
        self.engine = Some(self.casement.engine(&self.data(), self.addresses.clickhouse)?);
        Ok(())
    }

    /// Starts `casement backend`.
    pub fn start_backend(&mut self) -> Result<(), Error> {
        self.backend = Some(self.second_backend(self.addresses.http)?);
        Ok(())
    }

    /// Starts another backend on the same data, with its page at `http`.
    pub fn second_backend(&self, http: SocketAddr) -> Result<Process, Error> {
        let environment = self.options.clock.iter().flat_map(FakeClock::environment);
        let environment: Vec<_> = environment.collect();
        self.casement.backend(&self.configuration(), http, &environment)
    }

    /// Starts `casement ml`.
    pub fn start_ml(&mut self) -> Result<(), Error> {
        self.ml = Some(self.casement.ml(&self.configuration(), free_addr())?);
        Ok(())
    }

    /// Starts `casement up`.
    pub fn start_up(&mut self) -> Result<(), Error> {
        let config = self.configuration().display().to_string();
        let flags = ["--config", config.as_str()];
        self.up = Some(self.casement.up(&self.data(), self.addresses, &flags)?);
        Ok(())
    }

    /// Stops ClickHouse with SIGSTOP: connections stay open, and nothing answers.
    pub fn suspend_engine(&self) -> Result<(), Error> {
        signal(self.engine_pid()?, Signal::STOP)
    }

    /// Lets a suspended ClickHouse continue.
    pub fn resume_engine(&self) -> Result<(), Error> {
        signal(self.engine_pid()?, Signal::CONT)
    }

    /// The engine's pid in either layout.
    pub fn engine_pid(&self) -> Result<u32, Error> {
        let own = self.engine.as_ref().map(Process::pid);
        let child = || children(self.up.as_ref()?.pid()).first().copied();
        own.or_else(child).ok_or(Error::NotRunning("the engine"))
    }

    /// Where it listens.
    pub const fn addresses(&self) -> Addresses {
        self.addresses
    }

    /// Names and pids of the processes that run.
    pub fn pids(&self) -> Vec<(&'static str, u32)> {
        let own = [
            ("mosquitto", self.broker.process()),
            ("backend", self.backend.as_ref()),
            ("ml", self.ml.as_ref()),
            ("up", self.up.as_ref()),
        ];
        let running = own
            .into_iter()
            .filter_map(|(name, process)| Some((name, process?.pid())));
        running
            .chain(self.engine_pid().ok().map(|pid| ("engine", pid)))
            .collect()
    }

    /// Waits until broker and database are connected.
    pub async fn wait_ready(&mut self) -> Result<(), Error> {
        let url = format!("http://{}/ready", self.addresses.http);
        self.wait_for("ready", || get(&url).is_ok()).await
    }

    /// Waits until everything that was accepted is stored.
    pub async fn wait_stored(&mut self) -> Result<(), Error> {
        let url = self.status_url();
        let stored = || get_json(&url).is_ok_and(|status| status["journal_records"] == 0);
        self.wait_for("everything is stored", stored).await
    }

    /// The backend's status.
    pub fn status(&self) -> Result<Value, Error> {
        get_json(&self.status_url())
    }

    /// The token of the first admin, which the first start of page and API makes.
    pub fn admin_token(&self) -> Result<String, Error> {
        let beside = match self.options.layout {
            Layout::ExternalBroker => &self.directory,
            Layout::EmbeddedBroker => &self.data(),
        };
        let path = beside.join("accounts/admin-token");
        let token = fs::read_to_string(&path).map_err(Error::file(&path))?;
        Ok(token.trim().to_owned())
    }

    /// Returns ClickHouse's answer to a statement.
    pub fn sql(&self, statement: &str) -> Result<String, Error> {
        sql(self.addresses.clickhouse, statement)
    }

    /// Waits until `condition` is true; an error if a process ends meanwhile.
    async fn wait_for(&mut self, what: &str, mut condition: impl FnMut() -> bool) -> Result<(), Error> {
        let started = Instant::now();
        while !condition() {
            for process in self.processes() {
                process.check_running()?;
            }
            if started.elapsed() > DEADLINE {
                let output: Vec<String> = self.processes().map(|process| process.tail()).collect();
                return Err(Error::timeout(what, DEADLINE, output.join("\n")));
            }
            tokio::time::sleep(POLL).await;
        }
        Ok(())
    }

    fn processes(&mut self) -> impl Iterator<Item = &mut Process> {
        let roles = [&mut self.engine, &mut self.backend, &mut self.ml, &mut self.up];
        let roles = roles.into_iter().filter_map(Option::as_mut);
        self.broker.process_mut().into_iter().chain(roles)
    }

    fn status_url(&self) -> String {
        format!("http://{}/api/v1/status", self.addresses.http)
    }

    fn data(&self) -> PathBuf {
        self.directory.join("data")
    }

    fn configuration(&self) -> PathBuf {
        self.directory.join("casement.yaml")
    }

    fn write_configuration(&self) -> Result<(), Error> {
        let options = &self.options;
        let own_journal = || self.directory.join("journal");
        let journal = options.journal_path.clone().unwrap_or_else(own_journal);
        fs::create_dir_all(&journal).map_err(Error::file(&journal))?;
        let mut settings = json!({
            "mqtt": {"protocol": options.protocol, "keep_alive_s": options.keep_alive_s},
            "journal": {"path": journal, "max_bytes": options.journal_max_bytes},
        });
        if options.layout == Layout::ExternalBroker {
            let broker = options.broker_proxy.unwrap_or(self.addresses.mqtt);
            settings["mqtt"]["broker"] = format!("tcp://{broker}").into();
            settings["clickhouse"]["addr"] = self.addresses.clickhouse.to_string().into();
        }
        // JSON is YAML, and quotes paths.
        let path = self.configuration();
        fs::write(&path, settings.to_string()).map_err(Error::file(&path))
    }
}
