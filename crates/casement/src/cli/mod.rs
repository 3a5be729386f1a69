//! The command line, an interface that scripts rely on.
//!
//! Each file has the flags of a group of subcommands; this one has their names, help and examples.

mod accounts;
mod backup;
mod bench;
mod data;
mod doctor;
mod documents;
mod explain;
mod generate;
mod messages;
mod models;
mod plot;
mod provision;
mod roles;
mod top;
mod training;
mod values;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::telemetry::{redaction, stream};

pub use accounts::{Accounts, AccountsCommand, Devices, DevicesCommand, Place};
pub use backup::{Backup, Restore};
pub use bench::{
    Bench, BenchBackup, BenchCommand, BenchDecisions, BenchHistory, BenchPanels, BenchStrangers, BenchUpgrade,
};
pub use data::{ClickHouse, Journal, JournalCommand, Sql, Storage};
pub use doctor::{Doctor, SelfCheck};
pub use documents::{Completions, Man, Shell};
pub use explain::Explain;
pub use generate::Generate;
pub use messages::{AsyncApi, CheckMessage};
pub use models::{Features, Models, ModelsCommand, Predict};
pub use plot::Plot;
pub use provision::{Provision, ProvisionBroker, ProvisionCommand, ProvisionMosquitto, ProvisionTls};
pub use roles::{Backend, Config, Endpoint, Engine, Installation, Ml, Simulate, Up, WindowMishaps};
pub use top::{Running, Top};

pub use training::{Evaluate, Examples, Outcomes, Train};

/// Parses this process's command line. Otherwise help or an error has been printed, without the account in a URL.
pub fn parse() -> Result<Cli, ExitCode> {
    Cli::try_parse().map_err(|error| {
        let text = error.to_string();
        let clean = redaction::redact(&text);
        if clean == text {
            // With colours, on the stream that fits.
            let _ = error.print();
        } else {
            stream::ERR.write(&clean);
        }
        ExitCode::from(error.exit_code() as u8)
    })
}

/// Cheap sensors in, window positions out.
#[derive(Debug, Parser)]
#[command(name = "casement", version, about, max_term_width = 110)]
pub struct Cli {
    /// Log as JSON, one object per line (`RUST_LOG` selects what is logged)
    #[arg(long, global = true)]
    pub log_json: bool,
    /// What to run
    #[command(subcommand)]
    pub command: Command,
}

impl Command {
    /// Whether what it writes is the system's own data, and not a result for people.
    pub(crate) fn keeps_data(&self) -> bool {
        matches!(
            self,
            Self::Up(_)
                | Self::Backend(_)
                | Self::Ml(_)
                | Self::Engine(_)
                | Self::Models(_)
                | Self::Journal(_)
                | Self::Devices(_)
                | Self::Accounts(_)
                | Self::Generate(_)
                | Self::Provision(_)
                | Self::Backup(_)
                | Self::Restore(_)
        )
    }
}

/// One role or tool.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the whole system: broker, ClickHouse, backend, ML service and page, each embedded or your own
    #[command(
        after_help = "Example:\n  casement up --simulate 5\n  casement up --lan\n  casement up --data /var/lib/casement --config casement.yaml\n  \
        casement up --mqtt mqtts://broker.lan:8883 --clickhouse https://clickhouse.lan:8443 --no-ml\n\n\
        Passwords come from CASEMENT__MQTT__PASSWORD and CASEMENT__CLICKHOUSE__PASSWORD, or from files (mqtt.password_file, \
        clickhouse.password_file)."
    )]
    Up(Up),
    /// Make the files that let others trust this host, and this host trust them
    Provision(Provision),
    /// Run the backend with a broker and a ClickHouse
    #[command(
        after_help = "Example:\n  CASEMENT__CLICKHOUSE__ADDR=clickhouse:8123 casement backend --config config.yaml"
    )]
    Backend(Backend),
    /// Run the ML service with a broker
    #[command(
        after_help = "Example:\n  CASEMENT__MQTT__BROKER=tcp://mosquitto:1883 casement ml --config config.yaml"
    )]
    Ml(Ml),
    /// Run the embedded ClickHouse as a process of its own
    #[command(
        after_help = "Example:\n  casement engine --data ./casement-data & curl 'http://127.0.0.1:8123/?query=SELECT+1'"
    )]
    Engine(Engine),
    /// Run a statement in ClickHouse, from the command line or standard input
    #[command(
        after_help = "Example:\n  casement sql \"SELECT device_id, position FROM iot.window_actions ORDER BY timestamp DESC LIMIT 5\"\n  casement sql \"INSERT INTO t FORMAT CSV\" < rows.csv\n\nExit codes: 1 ClickHouse refused, 2 wrong flags, 3 ClickHouse cannot be reached"
    )]
    Sql(Sql),
    /// Print what the tables take on disk, by month, and what a year will need
    #[command(
        after_help = "Example:\n  casement storage\n  casement storage --clickhouse http://clickhouse.lan:8123 --json | jq .bytes_in_a_year\n\nExit codes: 1 ClickHouse refused, 2 wrong flags, 3 ClickHouse cannot be reached"
    )]
    Storage(Storage),
    /// Let devices in: their accounts, and pairing; a running service follows within a second
    #[command(
        after_help = "Example:\n  casement devices add sensor-001 --name \"Kitchen sensor\" --location Kitchen\n  casement devices pair\n  casement devices list\n  casement devices approve sensor-002 --location Hall\n\nExit codes: 1 it is not possible, and why; 2 wrong flags"
    )]
    Devices(Devices),
    /// Let people and programs in: their accounts, roles and tokens; a running service follows within a second
    #[command(
        after_help = "Example:\n  casement accounts add grafana --role reader\n  casement accounts add homeassistant --role bridge --json\n  casement accounts token ada --days 30\n\nRoles: reader (page, API, SQL), operator (moves windows, too), admin (everything), monitor (hears everything at the broker), \
        bridge (monitor, and moves windows), ml and backend (services of one's own)."
    )]
    Accounts(Accounts),
    /// Run virtual sensors and windows at a broker
    #[command(
        after_help = "Example:\n  casement simulate --broker tcp://127.0.0.1:1883 --devices 10 --seed 7 --speed 60"
    )]
    Simulate(Simulate),
    /// Fill ClickHouse with a plausible past: rooms, windows, people, troubles
    #[command(
        after_help = "Example:\n  casement generate --data ./casement-data --days 365 --devices 10 && casement up\n  casement generate --clickhouse 127.0.0.1:8123 --days 30 --seed 7\n\nInterrupted, it goes on where it was with the same flags on the same day."
    )]
    Generate(Generate),
    /// Draw a device's days: climate, sound, window, decisions
    #[command(
        after_help = "Example:\n  casement plot --device room-001 --last 7d --out week.png\n  casement plot --device room-001 --from 2025-10-01 --to 2025-10-08 --quantity co2 --utc --out co2.png"
    )]
    Plot(Plot),
    /// Print the audio features of WAV files, one JSON object per line
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
    /// Manage versions of the model: add, promote, roll back
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
    /// Train a model as a running service orders it
    #[command(hide = true)]
    Trainer,
    /// Evaluate a model against outcomes: errors, calibration, drift, by week
    #[command(
        after_help = "Example:\n  casement evaluate --from clickhouse --plot plots\n  casement evaluate --model models/new.pth --from examples.jsonl --json"
    )]
    Evaluate(Evaluate),
    /// Inspect the journal of a stopped Casement: waiting records, and whether all of them can be read
    #[command(
        after_help = "Example:\n  casement journal status\n  casement journal inspect --from 1 --limit 20\n  casement journal verify --data /var/lib/casement\n\nExit codes: 1 damage was found or the journal cannot be read, 2 wrong flags"
    )]
    Journal(Journal),
    /// Back an installation up while it runs, or while it does not: readings, journal, accounts, settings, models
    #[command(
        after_help = "Example:\n  casement backup --data /var/lib/casement/data --to /mnt/backups\n  casement backup --to /mnt/backups --incremental\n  \
        casement backup --to monday.tar.zst\n  casement backup --verify /mnt/backups\n\n\
        Run it as the user of the service, or as root. A backup holds every secret of the installation: it is for its owner alone.\n\
        Exit codes: 0 there is a whole, verified backup; 1 there is none, and why; 2 wrong flags"
    )]
    Backup(Backup),
    /// Make a data directory of a backup
    #[command(
        after_help = "Example:\n  casement restore /mnt/backups --data /var/lib/casement/data\n  casement restore monday.tar.zst --data ./restored && casement up --data ./restored\n\n\
        Exit codes: 0 it is restored, with the same counts and checksums; 1 nothing is there, and why; 2 wrong flags"
    )]
    Restore(Restore),
    /// Run benchmarks and fault tests on this machine, with real processes
    #[command(
        after_help = "Example:\n  casement bench faults\n  casement bench faults --only backend,half-open --rounds 3\n\nExit codes: 1 a promise was not kept, 2 wrong flags"
    )]
    Bench(Bench),
    /// Print the configuration in effect as JSON, secrets redacted, or the JSON Schema of the file
    #[command(
        after_help = "Example:\n  casement config --config config.yaml\n  casement config --schema > casement.schema.json"
    )]
    Config(Config),
    /// Examine an installation: broker, accounts, TLS, ClickHouse, model, disks, memory, devices; what is wrong, what to do
    #[command(
        after_help = "Example:\n  casement doctor --data /var/lib/casement --config casement.yaml\n  casement doctor --json | jq '.checks[] | select(.state == \"failed\")'\n  \
        casement doctor --quick\n\n\
        Give it the flags and the configuration that the service was started with. Exit codes: 0 nothing failed, 1 something failed, \
        2 wrong flags. docs/doctor.md explains each check."
    )]
    Doctor(Doctor),
    /// Say whether this binary works on this machine: processor, kernel, disk, ports, ClickHouse, features, model
    #[command(
        after_help = "Example:\n  casement self-check\n  casement self-check --data /var/lib/casement --json\n\n\
        Nothing has to be installed or to run; what it makes it removes. Exit codes: 0 nothing failed, 1 something failed, \
        2 wrong flags. docs/doctor.md explains each check."
    )]
    SelfCheck(SelfCheck),
    /// Watch rooms, rates, windows, errors and the journal of a running service, live in a shell
    #[command(
        after_help = "Example:\n  casement top\n  casement top --url https://casement.lan:8443 --ca-file ca.pem --token-file token\n  casement top --once\n\n\
        Keys: q leaves, ? helps."
    )]
    Top(Top),
    /// Say why a window moved, or stayed where the model wanted it to move: the latest decision until a time
    #[command(
        after_help = "Example:\n  casement explain --device room-001\n  casement explain --device room-001 --at 2025-10-24T12:00:00Z\n  \
        casement explain --device room-001 --at -2h --json | jq .contributions\n\n\
        Exit codes: 1 there is none, or the service does not answer, 2 wrong flags"
    )]
    Explain(Explain),
    /// Say what the backend would do with a message, and why
    #[command(
        after_help = "Example:\n  casement check-message sensor/x/temperature '{\"value\": 25.5, \"timestamp\": \"2025-10-24T12:00:00Z\"}'\n  \
        casement check-message sensor/x/audio --file clip.json --json\n\n\
        Exit codes: 0 accepted (also as suspect), 1 refused, 2 not one of the messages that the backend reads, or wrong flags"
    )]
    CheckMessage(CheckMessage),
    /// Print the topics and payloads of this installation as AsyncAPI 3.0, or the JSON Schema of one payload
    #[command(
        name = "asyncapi",
        after_help = "Example:\n  casement asyncapi > asyncapi.json\n  casement asyncapi --schema temperature > temperature.schema.json"
    )]
    AsyncApi(AsyncApi),
    /// Print the completions of a shell
    #[command(
        after_help = "Example:\n  casement completions bash > /usr/share/bash-completion/completions/casement\n  \
        casement completions zsh > ~/.zfunc/_casement\n  casement completions fish > ~/.config/fish/completions/casement.fish"
    )]
    Completions(Completions),
    /// Write the pages for `man`, one for each command
    #[command(after_help = "Example:\n  casement man ./man && man ./man/casement-up.1")]
    Man(Man),
}
