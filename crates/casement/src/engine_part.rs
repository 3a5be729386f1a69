//! The embedded engine: its start, its health, and its process, which is this binary with other arguments and the
//! configuration in its variables.

use std::{ffi::OsString, net::SocketAddr, path::PathBuf, sync::Arc};

use anyhow::Context as _;
use engine::{SpawnOptions, Supervisor};
use monitoring::{HealthSource, Part, Sample};

use crate::{config::Config, data_dir, engine_users::Hand};

/// Starts the embedded engine and makes it the ClickHouse of the configuration. The hand tells it who may read.
pub(crate) async fn start_engine(
    config: &mut Config,
    program: PathBuf,
) -> anyhow::Result<(Supervisor, Hand)> {
    data_dir::create(&config.engine.path)?;
    let hand = Hand::begin(config)?;
    let mut process = process(config, program);
    process.args.push("--handed".into());
    process.handed = Some(hand.lines());
    let engine = Supervisor::start(process).await.context(
        "the embedded ClickHouse cannot start (or use one of your own: --clickhouse http://HOST:8123)",
    )?;
    config.clickhouse.addr = engine.listen().to_string();
    config.clickhouse.user = "default".into();
    config.clickhouse.password.clone_from(&config.engine.password);
    Ok((engine, hand))
}

/// Starts an engine for the command that runs: nobody else knows its address.
pub(crate) async fn start_plain(config: &Config, program: PathBuf) -> anyhow::Result<Supervisor> {
    data_dir::create(&config.engine.path)?;
    let process = process(config, program);
    Supervisor::start(process)
        .await
        .context("the embedded ClickHouse cannot start")
}

/// Returns an address on loopback at which nobody listens.
pub(crate) fn free_address() -> anyhow::Result<SocketAddr> {
    let probe = std::net::TcpListener::bind(("127.0.0.1", 0)).context("there is no free port")?;
    Ok(probe.local_addr()?)
}

/// Whether its process runs.
pub(crate) fn health(engine: engine::Status) -> HealthSource {
    Arc::new(move || {
        let reason = "its process ended and is started again";
        vec![Part::up_if(engine.pid().is_some(), "engine", reason)]
    })
}

/// How often its process was started again.
pub(crate) fn restarts(engine: &engine::Status) -> Sample {
    Sample::Counter {
        name: "engine_restarts",
        help: "Restarts of the embedded engine's process",
        value: engine.restarts(),
    }
}

/// How its process is started.
pub(crate) fn process(config: &Config, program: PathBuf) -> SpawnOptions {
    let mut args: Vec<OsString> = vec!["engine".into(), "--supervised".into()];
    args.extend(["--clickhouse".into(), config.engine.addr.to_string().into()]);
    let mut spawn = SpawnOptions::new(program, args, config.engine.addr);
    // The child reads the same variables; values from the file or a flag become variables. Passwords do not: the child
    // has their variables, or reads their files itself.
    let section = serde_json::to_value(&config.engine).expect("a section is plain data");
    add_variables(&section, "CASEMENT__ENGINE", &mut spawn.env);
    spawn
}

fn add_variables(value: &serde_json::Value, name: &str, env: &mut Vec<(OsString, OsString)>) {
    match value {
        serde_json::Value::Object(section) => {
            for (key, inner) in section.iter().filter(|(key, _)| !key.ends_with("password")) {
                add_variables(inner, &format!("{name}__{}", key.to_ascii_uppercase()), env);
            }
        }
        serde_json::Value::Null => {}
        serde_json::Value::String(text) => env.push((name.into(), text.into())),
        other => env.push((name.into(), other.to_string().into())),
    }
}
