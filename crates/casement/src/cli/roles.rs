//! Flags of the subcommands that run services: all of them in one process, or one role each.

use std::{net::SocketAddr, path::PathBuf, str::FromStr, time::Duration};

use super::values::{listen, number, path, rooms, whole};

use clap::Args;

use crate::config::Mqtt;

/// Flags that say where an installation is and which parts it has.
#[derive(Debug, Args)]
pub struct Installation {
    /// Directory for all data [default: ./casement-data]
    #[arg(long, value_name = "DIR", value_parser = path())]
    pub data: Option<PathBuf>,
    /// Where the embedded MQTT broker listens, or the URL of your own broker [default: 127.0.0.1:1883]; where nothing is said,
    /// doctor takes the addresses of the last start
    #[arg(long, value_name = "ADDR|URL")]
    pub mqtt: Option<Endpoint>,
    /// Address of page, API and metrics [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR", value_parser = listen)]
    pub http: Option<SocketAddr>,
    /// Where the embedded ClickHouse listens, or the URL of your own [default: 127.0.0.1:8123]
    #[arg(long, value_name = "ADDR|URL")]
    pub clickhouse: Option<Endpoint>,
    /// Let the network in, by TLS and with accounts: MQTT at 8883, WebSocket at 8884, the page at 8443, on every interface
    #[arg(long)]
    pub lan: bool,
    /// Run no ML service: `casement ml`, or your own service, answers requests at the same broker
    #[arg(long)]
    pub no_ml: bool,
    /// Configuration file (YAML)
    #[arg(long, value_name = "FILE", value_parser = path())]
    pub config: Option<PathBuf>,
}

/// Flags of `casement up`.
#[derive(Debug, Args)]
pub struct Up {
    /// Where it is, and which parts it has
    #[command(flatten)]
    pub installation: Installation,
    /// Add this many virtual rooms with sensors and windows
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = rooms)]
    pub simulate: usize,
    /// What happens to their windows
    #[command(flatten)]
    pub mishaps: WindowMishaps,
}

/// Flags for what happens to simulated windows besides commands.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct WindowMishaps {
    /// Press the switch at the wall of each simulated room by chance, once in SECONDS of wall time on average
    #[arg(long, value_name = "SECONDS", value_parser = number)]
    pub wall_switch: Option<f64>,
    /// Let this share of commands, 0 to 1, end with a motor that stops short
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = number)]
    pub motor_failures: f64,
}

impl WindowMishaps {
    /// Returns them for the simulator, or what is wrong with them.
    pub fn parse(self) -> anyhow::Result<simulator::Mishaps> {
        let wall_switch = self.wall_switch.map(|seconds| {
            // A month.
            anyhow::ensure!(
                (1.0..=2_592_000.0).contains(&seconds),
                "--wall-switch {seconds} is not within 1 to 2592000: give the mean time between two presses in seconds, such as 600"
            );
            Ok(Duration::from_secs_f64(seconds))
        });
        let wall_switch = wall_switch.transpose()?;
        anyhow::ensure!(
            (0.0..=1.0).contains(&self.motor_failures),
            "--motor-failures {} is not a share: give 0 to 1, such as 0.1 for one command in ten",
            self.motor_failures
        );
        Ok(simulator::Mishaps {
            wall_switch,
            motor_failures: self.motor_failures,
        })
    }
}

/// The address of a part of `casement up`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// The address at which the embedded part listens.
    Listen(SocketAddr),
    /// The URL of a part that runs elsewhere.
    Url(String),
}

impl FromStr for Endpoint {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.contains("://") {
            return Ok(Self::Url(text.to_owned()));
        }
        text.parse()
            .map(Self::Listen)
            .map_err(|_| "write IP:PORT to listen there, or the URL of one that runs elsewhere")
    }
}

/// Flags of `casement backend`.
#[derive(Debug, Args)]
pub struct Backend {
    /// Directory for all data [default: ./casement-data]
    #[arg(long, value_name = "DIR", value_parser = path())]
    pub data: Option<PathBuf>,
    /// Configuration file (YAML)
    #[arg(long, value_name = "FILE", value_parser = path())]
    pub config: Option<PathBuf>,
    /// Address of page, API and metrics [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR", value_parser = listen)]
    pub http: Option<SocketAddr>,
}

/// Flags of `casement ml`.
#[derive(Debug, Args)]
pub struct Ml {
    /// Address of metrics and health [default: 127.0.0.1:8081]
    #[arg(long, value_name = "ADDR", value_parser = listen)]
    pub http: Option<SocketAddr>,
    /// Directory for all data [default: ./casement-data]
    #[arg(long, value_name = "DIR", value_parser = path())]
    pub data: Option<PathBuf>,
    /// Configuration file (YAML)
    #[arg(long, value_name = "FILE", value_parser = path())]
    pub config: Option<PathBuf>,
}

/// Flags of `casement engine`.
#[derive(Debug, Args)]
pub struct Engine {
    /// Directory for all data; the engine uses its subdirectory `engine` [default: ./casement-data]
    #[arg(long, value_name = "DIR", value_parser = path())]
    pub data: Option<PathBuf>,
    /// Address of ClickHouse's HTTP interface [default: 127.0.0.1:8123]
    #[arg(long, value_name = "ADDR", value_parser = listen)]
    pub clickhouse: Option<SocketAddr>,
    /// Configuration file (YAML)
    #[arg(long, value_name = "FILE", value_parser = path())]
    pub config: Option<PathBuf>,
    /// End when standard input closes: set by the process that supervises the engine
    #[arg(long, hide = true)]
    pub supervised: bool,
    /// Learn from lines of standard input who may read, too
    #[arg(long, hide = true, requires = "supervised")]
    pub handed: bool,
}

/// Flags of `casement simulate`.
#[derive(Debug, Args)]
pub struct Simulate {
    /// The broker to connect to
    #[arg(long, value_name = "URL", default_value_t = Mqtt::default().broker)]
    pub broker: mqtt::BrokerUrl,
    /// The account of every device; `{device_id}` in it stands for its id
    #[arg(long, value_name = "NAME", requires = "password_file")]
    pub username: Option<String>,
    /// A file whose first line is the account's password
    #[arg(long, value_name = "FILE", requires = "username", value_parser = path())]
    pub password_file: Option<PathBuf>,
    /// Number of devices
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = rooms)]
    pub devices: usize,
    /// The same seed gives the same rooms and the same weather
    #[arg(long, value_name = "S", default_value_t = 1, value_parser = whole::<u64>)]
    pub seed: u64,
    /// Speed of the simulation, relative to real time
    #[arg(long, value_name = "X", default_value_t = 1.0, value_parser = number)]
    pub speed: f64,
    /// What happens to their windows
    #[command(flatten)]
    pub mishaps: WindowMishaps,
}

/// Flags of `casement config`.
#[derive(Debug, Args)]
pub struct Config {
    /// Directory for all data [default: ./casement-data]
    #[arg(long, value_name = "DIR", value_parser = path())]
    pub data: Option<PathBuf>,
    /// Configuration file (YAML)
    #[arg(long, value_name = "FILE", value_parser = path())]
    pub config: Option<PathBuf>,
    /// Print the JSON Schema of the file, with which editors complete and check it
    #[arg(long, conflicts_with_all = ["config", "data"])]
    pub schema: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mishaps_are_off_unless_asked_for_and_nonsense_says_what_to_give() {
        assert_eq!(
            WindowMishaps::default().parse().unwrap(),
            simulator::Mishaps::default()
        );
        let some = |wall_switch, motor_failures| WindowMishaps {
            wall_switch,
            motor_failures,
        };
        let parsed = some(Some(600.0), 0.1).parse().unwrap();
        assert_eq!(parsed.wall_switch, Some(Duration::from_mins(10)));
        assert!((parsed.motor_failures - 0.1).abs() < f64::EPSILON);
        for (wrong, word) in [
            (some(Some(0.0), 0.0), "such as 600"),
            (some(Some(-5.0), 0.0), "such as 600"),
            (some(Some(1e19), 0.0), "such as 600"),
            (some(None, 1.5), "0 to 1"),
            (some(None, -0.1), "0 to 1"),
        ] {
            let said = wrong.parse().unwrap_err().to_string();
            assert!(said.contains(word), "{said}");
        }
    }
}
