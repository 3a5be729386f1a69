//! Flags of the subcommands that run services: all of them in one process, or one role each.

use std::{net::SocketAddr, path::PathBuf, str::FromStr};

use super::values::{listen, number, path, whole};

use clap::Args;

use crate::config::Mqtt;

/// Flags of `casement up`.
#[derive(Debug, Args)]
pub struct Up {
    /// Directory for all data [default: ./casement-data]
    #[arg(long, value_name = "DIR", value_parser = path())]
    pub data: Option<PathBuf>,
    /// Where the embedded MQTT broker listens, or the URL of your own broker [default: 127.0.0.1:1883]
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
    /// Add this many virtual rooms with sensors and windows
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = whole::<usize>)]
    pub simulate: usize,
    /// Configuration file (YAML)
    #[arg(long, value_name = "FILE", value_parser = path())]
    pub config: Option<PathBuf>,
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
    /// Number of devices
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = whole::<usize>)]
    pub devices: usize,
    /// The same seed gives the same rooms and the same weather
    #[arg(long, value_name = "S", default_value_t = 1, value_parser = whole::<u64>)]
    pub seed: u64,
    /// Speed of the simulation, relative to real time
    #[arg(long, value_name = "X", default_value_t = 1.0, value_parser = number)]
    pub speed: f64,
}

/// Flags of `casement config`.
#[derive(Debug, Args)]
pub struct Config {
    /// Configuration file (YAML)
    #[arg(long, value_name = "FILE", value_parser = path())]
    pub config: Option<PathBuf>,
    /// Print the JSON Schema of the file, with which editors complete and check it
    #[arg(long, conflicts_with = "config")]
    pub schema: bool,
}
