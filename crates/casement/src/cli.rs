//! The command line: names and flags that scripts rely on.

use std::{net::SocketAddr, path::PathBuf, str::FromStr};

use clap::{Args, Parser, Subcommand};

use crate::config;

/// Cheap sensors in, window positions out.
#[derive(Debug, Parser)]
#[command(name = "casement", version, about, max_term_width = 110)]
pub struct Cli {
    /// Log as JSON, one object a line (`RUST_LOG` chooses what is logged)
    #[arg(long, global = true)]
    pub log_json: bool,
    /// What to run
    #[command(subcommand)]
    pub command: Command,
}

/// One role or tool.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run everything in one: broker, ClickHouse, backend, ML service and page, each embedded or yours
    #[command(
        after_help = "Example:\n  casement up --simulate 5\n  casement up --data /var/lib/casement --config casement.yaml\n  \
        casement up --mqtt mqtts://broker.lan:8883 --clickhouse https://clickhouse.lan:8443 --no-ml\n\n\
        Passwords come from CASEMENT__MQTT__PASSWORD and CASEMENT__CLICKHOUSE__PASSWORD, or from files (mqtt.password_file, \
        clickhouse.password_file)."
    )]
    Up(Up),
    /// Run the backend against a broker and a ClickHouse
    #[command(
        after_help = "Example:\n  CASEMENT__CLICKHOUSE__ADDR=clickhouse:8123 casement backend --config config.yaml"
    )]
    Backend(Backend),
    /// Run the ML service against a broker
    #[command(
        after_help = "Example:\n  CASEMENT__MQTT__BROKER=tcp://mosquitto:1883 casement ml --config config.yaml"
    )]
    Ml(Ml),
    /// Run the embedded ClickHouse as a process of its own
    #[command(
        after_help = "Example:\n  casement engine --data ./casement-data & curl 'http://127.0.0.1:8123/?query=SELECT+1'"
    )]
    Engine(Engine),
    /// Ask ClickHouse: a statement, or standard input
    #[command(
        after_help = "Example:\n  casement sql \"SELECT device_id, position FROM iot.window_actions ORDER BY timestamp DESC LIMIT 5\"\n  casement sql \"INSERT INTO t FORMAT CSV\" < rows.csv\n\nExit codes: 1 ClickHouse refused, 2 wrong flags, 3 ClickHouse cannot be reached"
    )]
    Sql(Sql),
    /// Run virtual sensors and windows against a broker
    #[command(
        after_help = "Example:\n  casement simulate --broker tcp://127.0.0.1:1883 --devices 10 --seed 7 --speed 60"
    )]
    Simulate(Simulate),
    /// Print the audio features of WAV files, a JSON object a line
    #[command(
        after_help = "Example:\n  casement features clip.wav --rate 16000\n  casement features clip.wav --plot clip.png"
    )]
    Features(Features),
    /// Print a model's predictions for given inputs as JSON
    #[command(
        after_help = "Example:\n  casement predict --model models/window_regressor.pth --input inputs.json\n  \
        echo '{\"input\": [[21, 50, …48 audio numbers…]]}' | casement predict --input -"
    )]
    Predict(Predict),
    /// Keep versions of the model: add, promote, roll back
    #[command(
        after_help = "Example:\n  casement models add new.pth --version v2.0.0 && casement models shadow v2.0.0\n  \
        casement models compare v1.0.0 v2.0.0 && casement models promote v2.0.0"
    )]
    Models(Models),
    /// Train a model from labelled examples and calibrate its confidence
    #[command(
        after_help = "Example:\n  casement train --from simulator --out models/new.pth --seed 7\n  casement train --from clickhouse --since 2025-10-01T00:00:00Z --out models/ours.pth --version v3.0.0\n  casement train --from simulator --export examples.jsonl"
    )]
    Train(Train),
    /// Judge a model by what windows or people did: errors, calibration, drift, by week
    #[command(
        after_help = "Example:\n  casement evaluate --from clickhouse --plot plots\n  casement evaluate --model models/new.pth --from examples.jsonl --json"
    )]
    Evaluate(Evaluate),
    /// Look into the journal of a Casement that does not run: what waits, and whether all of it can be read
    #[command(
        after_help = "Example:\n  casement journal status\n  casement journal inspect --from 1 --limit 20\n  casement journal verify --data /var/lib/casement\n\nExit codes: 1 damage was found or the journal cannot be read, 2 wrong flags"
    )]
    Journal(Journal),
    /// Measure and prove, on this machine, with real processes
    #[command(
        after_help = "Example:\n  casement bench faults\n  casement bench faults --only backend,half-open --rounds 3\n\nExit codes: 1 a promise was not kept, 2 wrong flags"
    )]
    Bench(Bench),
    /// Print the configuration in effect as JSON, secrets redacted, or the JSON Schema of the file
    #[command(
        after_help = "Example:\n  casement config --config config.yaml\n  casement config --schema > casement.schema.json"
    )]
    Config(Config),
}

/// Flags of `casement up`.
#[derive(Debug, Args)]
pub struct Up {
    /// Directory for all data [default: ./casement-data]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Where the embedded MQTT broker listens, or the URL of a broker of yours [default: 127.0.0.1:1883]
    #[arg(long, value_name = "ADDR|URL")]
    pub mqtt: Option<Endpoint>,
    /// Address of page, API and metrics [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR")]
    pub http: Option<SocketAddr>,
    /// Where the embedded ClickHouse listens, or the URL of a ClickHouse of yours [default: 127.0.0.1:8123]
    #[arg(long, value_name = "ADDR|URL")]
    pub clickhouse: Option<Endpoint>,
    /// Run no ML service: `casement ml`, or one of yours, answers requests at the same broker
    #[arg(long)]
    pub no_ml: bool,
    /// Add this many virtual rooms with sensors and windows
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub simulate: usize,
    /// Configuration file (YAML)
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// Where a part of `casement up` is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// The embedded part listens here.
    Listen(SocketAddr),
    /// A part that runs elsewhere is reached here.
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
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Address of page, API and metrics [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR")]
    pub http: Option<SocketAddr>,
}

/// Flags of `casement config`.
#[derive(Debug, Args)]
pub struct Config {
    /// Configuration file (YAML)
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Print the JSON Schema of the file, by which editors complete and check it
    #[arg(long, conflicts_with = "config")]
    pub schema: bool,
}

/// Flags of `casement ml`.
#[derive(Debug, Args)]
pub struct Ml {
    /// Address of metrics and health [default: 127.0.0.1:8081]
    #[arg(long, value_name = "ADDR")]
    pub http: Option<SocketAddr>,
    /// Configuration file (YAML)
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// Flags of `casement engine`.
#[derive(Debug, Args)]
pub struct Engine {
    /// Directory for all data; the engine's lies in its subdirectory `engine` [default: ./casement-data]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Address of ClickHouse's HTTP interface [default: 127.0.0.1:8123]
    #[arg(long, value_name = "ADDR")]
    pub clickhouse: Option<SocketAddr>,
    /// Configuration file (YAML)
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// End when standard input closes: set by the process that supervises the engine
    #[arg(long, hide = true)]
    pub supervised: bool,
}

/// Flags of `casement sql`.
#[derive(Debug, Args)]
pub struct Sql {
    /// One statement [default: standard input]; an INSERT that ends in FORMAT or VALUES takes its data from there
    pub query: Option<String>,
    /// Format of the answer [default: a table on a terminal, tab-separated elsewhere]
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<String>,
    /// Address or URL of ClickHouse's HTTP interface [default: 127.0.0.1:8123]
    #[arg(long, value_name = "ADDR|URL")]
    pub clickhouse: Option<String>,
    /// Database that names without one belong to
    #[arg(long, value_name = "NAME")]
    pub database: Option<String>,
    /// User; the password comes from `CASEMENT__CLICKHOUSE__PASSWORD` or a file [default: default]
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
    /// A file whose first line is the password
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// Configuration file (YAML)
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// Flags of `casement simulate`.
#[derive(Debug, Args)]
pub struct Simulate {
    /// The broker to connect to
    #[arg(long, value_name = "URL", default_value_t = config::Mqtt::default().broker)]
    pub broker: mqtt::BrokerUrl,
    /// How many devices
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub devices: usize,
    /// The same seed gives the same rooms and the same weather
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub seed: u64,
    /// How many times faster than real the rooms live
    #[arg(long, value_name = "X", default_value_t = 1.0)]
    pub speed: f64,
}

/// Flags of `casement features`.
#[derive(Debug, Args)]
pub struct Features {
    /// WAV files
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Resample to this rate first [default: each file's own]
    #[arg(long, value_name = "HZ", value_parser = clap::value_parser!(u32).range(4_000..=192_000))]
    pub rate: Option<u32>,
    /// Only these, separated by commas [default: all but `mel_spectrogram`]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub features: Vec<domain::FeatureName>,
    /// Add every frame's values to mean and deviation
    #[arg(long)]
    pub frames: bool,
    /// Draw waveform, mel spectrogram and features of one file
    #[arg(long, value_name = "PNG")]
    pub plot: Option<PathBuf>,
    /// The files are bare 16-bit samples of this rate instead of WAV
    #[arg(long, value_name = "HZ", value_parser = clap::value_parser!(u32).range(4_000..=192_000))]
    pub pcm: Option<u32>,
}

/// Flags of `casement predict`.
#[derive(Debug, Args)]
pub struct Predict {
    /// A `.pth` or `.onnx` file [default: the configuration's model.path, or the built-in model]
    #[arg(long, value_name = "FILE")]
    pub model: Option<PathBuf>,
    /// JSON files, `-` for standard input: {"input": [[50 numbers], …]}; one line of answer for each
    #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
    pub input: Vec<PathBuf>,
    /// Configuration file (YAML); its `model` section says how to load
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// Where examples come from; `casement train` and `casement evaluate` share these flags.
#[derive(Debug, Args)]
pub struct Examples {
    /// `simulator`, `clickhouse`, or a file of JSON lines, as `casement train --export` writes it
    #[arg(long, value_name = "SOURCE")]
    pub from: String,
    /// simulator: how many rooms
    #[arg(long, value_name = "N", default_value_t = 400)]
    pub rooms: usize,
    /// simulator: how many days each
    #[arg(long, value_name = "N", default_value_t = 4)]
    pub days: u32,
    /// simulator: add test alarms, which the default model has never heard
    #[arg(long)]
    pub alarms: bool,
    /// clickhouse: only what happened since then [default: everything]
    #[arg(long, value_name = "RFC3339", value_parser = domain::Timestamp::parse)]
    pub since: Option<domain::Timestamp>,
    /// Configuration file (YAML): how to reach ClickHouse
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// Flags of `casement train`.
#[derive(Debug, Args)]
pub struct Train {
    /// The examples
    #[command(flatten)]
    pub examples: Examples,
    /// Where to write the `.pth`; its side-car goes beside it
    #[arg(long, value_name = "FILE", required_unless_present = "export")]
    pub out: Option<PathBuf>,
    /// The same seed and examples give the same model
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub seed: u64,
    /// Names the model in its predictions [default: the file's name without its extension]
    #[arg(long, value_name = "NAME")]
    pub version: Option<String>,
    /// Passes over the examples, at most
    #[arg(long, value_name = "N", default_value_t = training::TrainingOptions::default().epochs)]
    pub epochs: usize,
    /// Widths of the hidden layers
    #[arg(long, value_name = "N,N", value_delimiter = ',', default_values_t = [64, 64])]
    pub hidden: Vec<usize>,
    /// 0: examples count alike; 1: every tenth of the positions counts alike
    #[arg(long, value_name = "X", default_value_t = training::TrainingOptions::default().balance)]
    pub balance: f64,
    /// Where the report goes [default: the file's name with .report]
    #[arg(long, value_name = "DIR")]
    pub report: Option<PathBuf>,
    /// Write the examples as JSON lines, for other tools; without --out nothing is trained
    #[arg(long, value_name = "FILE")]
    pub export: Option<PathBuf>,
}

/// Which outcomes a model is judged by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Outcomes {
    /// Positions that people or a policy chose
    Chosen,
    /// Where windows reported to stand after a model's decisions
    Reported,
}

/// Flags of `casement evaluate`.
#[derive(Debug, Args)]
pub struct Evaluate {
    /// The examples
    #[command(flatten)]
    pub examples: Examples,
    /// A `.pth` file [default: the configuration's model.path, or the built-in model]
    #[arg(long, value_name = "FILE")]
    pub model: Option<PathBuf>,
    /// clickhouse: what counts as the right position
    #[arg(long, value_enum, default_value_t = Outcomes::Chosen)]
    pub outcomes: Outcomes,
    /// simulator: which rooms; the default model was trained on those of seed 1
    #[arg(long, value_name = "S", default_value_t = 2)]
    pub seed: u64,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Write reliability.png, weeks.png and drift.png there
    #[arg(long, value_name = "DIR")]
    pub plot: Option<PathBuf>,
}

/// Flags of `casement models`.
#[derive(Debug, Args)]
pub struct Models {
    /// Configuration file (YAML); its model.path is the model that serves
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
    /// What to do
    #[command(subcommand)]
    pub command: ModelsCommand,
}

/// Flags of `casement bench`.
#[derive(Debug, Args)]
pub struct Bench {
    /// What to measure
    #[command(subcommand)]
    pub command: BenchCommand,
}

/// What `casement bench` can do.
#[derive(Debug, Subcommand)]
pub enum BenchCommand {
    /// Break everything under load, then compare what was acknowledged with what is stored (about twenty minutes)
    Faults {
        /// Rounds of each fault, instead of a full run's
        #[arg(long, value_name = "N")]
        rounds: Option<u32>,
        /// Only these faults, separated by commas
        #[arg(long, value_name = "NAMES", value_delimiter = ',')]
        only: Vec<String>,
        /// Seconds for which ClickHouse stays away
        #[arg(long, value_name = "SECONDS", default_value_t = 120)]
        away: u64,
        /// Decisions whose latency is measured with ClickHouse, and without
        #[arg(long, value_name = "N", default_value_t = 1_000)]
        decisions: usize,
        /// A JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Readings a second beside a bare subscriber, what they cost, and what a quiet device notices of a flood
    Ingest {
        /// Seconds for each way in each round
        #[arg(long, value_name = "N", default_value_t = 10)]
        seconds: u64,
        /// How often the ways take turns
        #[arg(long, value_name = "N", default_value_t = 5)]
        rounds: usize,
        /// Only these, separated by commas: `mosquitto_sub`, `connection`, `backend`, `up`
        #[arg(long, value_name = "NAMES", value_delimiter = ',')]
        only: Vec<String>,
        /// Decisions of a quiet device, alone and beside a flood; 0: none
        #[arg(long, value_name = "N", default_value_t = 500)]
        decisions: usize,
        /// A JSON object a line
        #[arg(long)]
        json: bool,
    },
}

/// Flags of `casement journal`.
#[derive(Debug, Args)]
pub struct Journal {
    /// What to do
    #[command(subcommand)]
    pub command: JournalCommand,
    /// Directory for all data; the journal lies in its subdirectory `journal` [default: ./casement-data]
    #[arg(long, global = true, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Configuration file (YAML)
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// What `casement journal` can do.
#[derive(Debug, Subcommand)]
pub enum JournalCommand {
    /// Figures: records and bytes that wait, unfinished plans, damage of the log
    Status {
        /// One JSON object
        #[arg(long)]
        json: bool,
    },
    /// Print waiting records, a JSON object a line
    Inspect {
        /// The first number [default: the oldest]
        #[arg(long, value_name = "NUMBER")]
        from: Option<u64>,
        /// At most so many
        #[arg(long, value_name = "N", default_value_t = 100)]
        limit: usize,
    },
    /// Read every record and check its checksum; changes nothing
    Verify {
        /// One JSON object
        #[arg(long)]
        json: bool,
    },
}

/// What `casement models` can do.
#[derive(Debug, Subcommand)]
pub enum ModelsCommand {
    /// List every version
    List {
        /// A JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Print one version with all that is known about it, as JSON
    Show {
        /// Its name
        version: String,
    },
    /// Check a model file and keep it as a version
    Add {
        /// A `.pth` or `.onnx` file
        file: PathBuf,
        /// Its name [default: what its side-car says]
        #[arg(long)]
        version: Option<String>,
    },
    /// Let a version serve; a running service follows within a second
    Promote {
        /// Its name
        version: String,
    },
    /// Let the version serve again that served before
    Rollback,
    /// Let a version predict beside the one that serves, moving nothing; a running service follows within a second
    Shadow {
        /// Its name
        #[arg(required_unless_present = "off", conflicts_with = "off")]
        version: Option<String>,
        /// End it
        #[arg(long)]
        off: bool,
    },
    /// Compare two versions by what they predicted for the same commands, from ClickHouse
    Compare {
        /// One version, usually the one that serves
        a: String,
        /// The other, usually the candidate
        b: String,
        /// How many days to look back
        #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=36_500))]
        days: u32,
        /// One JSON object
        #[arg(long)]
        json: bool,
    },
    /// Remove a version that neither serves nor shadows
    Remove {
        /// Its name
        version: String,
    },
}
