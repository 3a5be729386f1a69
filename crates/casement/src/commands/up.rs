//! `casement up`: everything in one.

use tokio::time::Instant;

use crate::{
    cli,
    config::{Config, Sources},
    output::announce,
    shutdown,
    system::{System, SystemOptions, this_program},
};

pub(super) async fn run(flags: cli::Up) -> anyhow::Result<()> {
    let started = Instant::now();
    let shutdown = shutdown::on_signal()?;
    let simulate = flags.simulate;
    let config = configuration(flags)?;
    let data = config
        .engine
        .path
        .parent()
        .unwrap_or(&config.engine.path)
        .display()
        .to_string();
    let options = SystemOptions {
        program: this_program()?,
        simulate,
    };
    let Some(system) = shutdown
        .run_until_cancelled(System::start(config, options))
        .await
        .transpose()?
    else {
        return Ok(());
    };
    announce(&system, simulate, &data, started);
    shutdown.cancelled().await;
    let left = system.stop().await;
    if left > 0 {
        announce!("{left} records wait in the journal and are stored at the next start");
    }
    Ok(())
}

fn configuration(flags: cli::Up) -> anyhow::Result<Config> {
    let below = |name: &str| {
        flags
            .data
            .as_ref()
            .map(|data| data.join(name).display().to_string())
    };
    let (engine, journal) = (below("engine"), below("journal"));
    let config = Sources::process(flags.config)
        .flag("engine.path", engine)
        .flag("journal.path", journal)
        .flag("broker.addr", flags.mqtt.map(|addr| addr.to_string()))
        .flag("http.addr", flags.http.map(|addr| addr.to_string()))
        .flag("engine.addr", flags.clickhouse.map(|addr| addr.to_string()))
        .load()?;
    Ok(config)
}

fn announce(system: &System, simulate: usize, data: &str, started: Instant) {
    let rooms = match simulate {
        0 => "no simulated rooms".to_owned(),
        1 => "1 simulated room".to_owned(),
        n => format!("{n} simulated rooms"),
    };
    announce!(
        "Casement is ready after {:.1} s: page http://{http}, MQTT {mqtt}, ClickHouse http://{clickhouse}, {rooms}, data in {data}. \
         Try: curl 'http://{clickhouse}/?query=SELECT+device_id,position,confidence+FROM+iot.window_actions+ORDER+BY+timestamp+DESC+LIMIT+5'",
        started.elapsed().as_secs_f64(),
        http = system.http(),
        mqtt = system.mqtt(),
        clickhouse = system.clickhouse(),
    );
}
