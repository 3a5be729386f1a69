//! `casement up`: the whole system in one process.

use tokio::time::Instant;
use tracing::warn;

use crate::{
    certificates,
    cli::{self, Endpoint},
    config::{Config, Reader, Sources},
    lan,
    output::announce,
    shutdown,
    snippets::Door,
    system::{System, SystemOptions, this_program},
};

/// The keys for the address of a part.
struct Part {
    embedded: &'static str,
    addr: &'static str,
    url: &'static str,
}

const BROKER: Part = Part {
    embedded: "broker.embedded",
    addr: "broker.addr",
    url: "mqtt.broker",
};

const ENGINE: Part = Part {
    embedded: "engine.embedded",
    addr: "engine.addr",
    url: "clickhouse.addr",
};

pub(super) async fn run(flags: cli::Up) -> anyhow::Result<()> {
    let started = Instant::now();
    let shutdown = shutdown::on_signal()?;
    let (simulate, lan) = (flags.simulate, flags.lan);
    let mut config = configuration(flags)?;
    if lan {
        config.open_to_lan()?;
        certificates::ensure(&config)?;
    }
    let part = if config.embeds_engine() {
        &config.engine.path
    } else {
        &config.journal.path
    };
    let data = part.parent().unwrap_or(part).display().to_string();
    let options = SystemOptions {
        program: this_program()?,
        simulate,
    };
    let Some(mut system) = shutdown
        .run_until_cancelled(Box::pin(System::start(config, options)))
        .await
        .transpose()?
    else {
        return Ok(());
    };
    if let Err(error) = Door::remember(system.config()) {
        warn!("how devices connect cannot be noted for `casement devices add`: {error}");
    }
    announce(&system, simulate, &data, started);
    for line in lan::lines(system.config()) {
        announce!("{line}");
    }
    if let Some(line) = system.invitation() {
        announce!("{line}");
    }
    let ran = system.run_until(&shutdown).await;
    let left = system.stop().await;
    if left > 0 {
        announce!("{left} records wait in the journal and are stored at the next start");
    }
    ran
}

fn configuration(flags: cli::Up) -> anyhow::Result<Config> {
    let below = |name: &str| {
        flags
            .data
            .as_ref()
            .map(|data| data.join(name).display().to_string())
    };
    let (engine, journal) = (below("engine"), below("journal"));
    let (accounts, broker) = (below("accounts"), below("broker"));
    let sources = Sources::process(flags.config)
        .flag("engine.path", engine)
        .flag("journal.path", journal)
        .flag("accounts.path", accounts)
        .flag("broker.path", broker)
        .flag("http.addr", flags.http.map(|addr| addr.to_string()))
        .flag("ml.embedded", flags.no_ml.then_some(false));
    let (mqtt, http) = (
        matches!(flags.mqtt, Some(Endpoint::Listen(_))),
        flags.http.is_some(),
    );
    let sources = place(sources, flags.mqtt, &BROKER);
    let sources = place(sources, flags.clickhouse, &ENGINE);
    let config = sources.load_for(Reader::Up)?;
    config.refuse_flags(mqtt, http)?;
    Ok(config)
}

/// Applies the flag for a part: an address to listen on means the embedded part, a URL one that runs elsewhere.
fn place(sources: Sources, flag: Option<Endpoint>, part: &Part) -> Sources {
    match flag {
        None => sources,
        Some(Endpoint::Listen(addr)) => sources
            .flag(part.addr, Some(addr.to_string()))
            .flag(part.embedded, Some(true)),
        Some(Endpoint::Url(url)) => sources.flag(part.url, Some(url)).flag(part.embedded, Some(false)),
    }
}

fn announce(system: &System, simulate: usize, data: &str, started: Instant) {
    let rooms = match simulate {
        0 => "no simulated rooms".to_owned(),
        1 => "1 simulated room".to_owned(),
        n => format!("{n} simulated rooms"),
    };
    let model = system.model().map_or_else(
        || "ML service elsewhere".to_owned(),
        |model| format!("model {} ({})", model.version(), model.origin()),
    );
    announce!(
        "Casement is ready after {:.1} s: page http://{http}, MQTT {mqtt}, ClickHouse {clickhouse}, {model}, {rooms}, data in {data}. \
         Try: curl '{clickhouse}/?query=SELECT+device_id,position,confidence+FROM+iot.window_actions+ORDER+BY+timestamp+DESC+LIMIT+5'",
        started.elapsed().as_secs_f64(),
        http = system.http(),
        mqtt = system.mqtt(),
        clickhouse = system.clickhouse(),
    );
}
