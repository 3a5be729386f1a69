//! `casement up`: the whole system in one process.

use anyhow::ensure;
use serde_json::Value;
use tokio::time::Instant;
use tracing::warn;

use crate::{
    certificates,
    cli::{self, Endpoint},
    config::{Config, Reader, Sources},
    lan, noted,
    output::announce,
    service_manager, shutdown,
    snippets::Door,
    system::{System, SystemOptions, this_program},
};

/// The keys for the address of a part.
struct Part {
    embedded: &'static str,
    addr: &'static str,
    url: &'static str,
    /// Of a URL of its kind.
    scheme: &'static str,
}

const BROKER: Part = Part {
    embedded: "broker.embedded",
    addr: "broker.addr",
    url: "mqtt.broker",
    scheme: "mqtt",
};

const ENGINE: Part = Part {
    embedded: "engine.embedded",
    addr: "engine.addr",
    url: "clickhouse.addr",
    scheme: "http",
};

pub(super) async fn run(flags: cli::Up) -> anyhow::Result<()> {
    let started = Instant::now();
    let shutdown = shutdown::on_signal()?;
    let (simulate, mishaps) = (flags.simulate, flags.mishaps.parse()?);
    let lan = flags.installation.lan;
    anyhow::ensure!(
        simulate > 0 || mishaps == simulator::Mishaps::default(),
        "--wall-switch and --motor-failures are for simulated rooms: add --simulate N"
    );
    let configuration_file = flags.installation.config.clone();
    let mut config = configuration(flags.installation)?;
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
        mishaps,
        configuration_file,
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
    if let Err(error) = noted::note(system.config()) {
        warn!(
            "where broker and ClickHouse are cannot be noted for `sql --data` and `doctor --data`: {error}"
        );
    }
    announce(&system, simulate, &data, started);
    for line in lan::lines(system.config()) {
        announce!("{line}");
    }
    if let Some(line) = system.invitation() {
        announce!("{line}");
    }
    service_manager::ready(&format!(
        "page http://{}, MQTT {}, ClickHouse {}",
        system.http(),
        system.mqtt(),
        system.clickhouse()
    ));
    let ran = system.run_until(&shutdown).await;
    let left = Box::pin(system.stop()).await;
    if left > 0 {
        announce!("{left} records wait in the journal and are stored at the next start");
    }
    ran
}

/// The configuration of `casement up` with these flags, without what --lan adds.
pub(super) fn configuration(flags: cli::Installation) -> anyhow::Result<Config> {
    let sources = Sources::process(flags.config)
        .data(flags.data)
        .flag("http.addr", flags.http.map(|addr| addr.to_string()))
        .flag("ml.embedded", flags.no_ml.then_some(false));
    let (mqtt, http) = (
        matches!(flags.mqtt, Some(Endpoint::Listen(_))),
        flags.http.is_some(),
    );
    let sources = place(sources, flags.mqtt, &BROKER)?;
    let sources = place(sources, flags.clickhouse, &ENGINE)?;
    let config = sources.load_for(Reader::Up)?;
    config.refuse_flags(mqtt, http)?;
    Ok(config)
}

/// Applies the flag for a part: an address to listen on means the embedded part, a URL one that runs elsewhere. An address
/// beside a setting that the part runs elsewhere is refused.
fn place(sources: Sources, flag: Option<Endpoint>, part: &Part) -> anyhow::Result<Sources> {
    let Some(flag) = flag else { return Ok(sources) };
    let said = sources.beneath_flags(part.embedded)?;
    let is_elsewhere = said == Value::Bool(false) || said == Value::String("false".to_owned());
    match flag {
        Endpoint::Listen(addr) => {
            ensure!(
                !is_elsewhere,
                "{addr} is where the embedded part would listen, and {} is false: write {}://{addr} for one that runs there, or \
                 set {} to auto",
                part.embedded,
                part.scheme,
                part.embedded
            );
            Ok(sources
                .flag(part.addr, Some(addr.to_string()))
                .flag(part.embedded, Some(true)))
        }
        Endpoint::Url(url) => Ok(sources.flag(part.url, Some(url)).flag(part.embedded, Some(false))),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_to_listen_on_does_not_start_what_is_said_to_run_elsewhere() {
        let placed = |embedded: Option<&str>, endpoint: &str| {
            let env = embedded.map(|word| ("CASEMENT__ENGINE__EMBEDDED".to_owned(), word.to_owned()));
            let sources = Sources {
                env: env.into_iter().collect(),
                ..Sources::default()
            };
            let placed = place(sources, Some(endpoint.parse().unwrap()), &ENGINE)?;
            anyhow::Ok(placed.load_for(Reader::Up)?.embeds_engine())
        };
        assert!(placed(None, "127.0.0.1:9123").unwrap());
        assert!(!placed(None, "http://127.0.0.1:9123").unwrap());
        assert!(!placed(Some("false"), "http://127.0.0.1:9123").unwrap());
        let said = placed(Some("false"), "127.0.0.1:9123").unwrap_err().to_string();
        assert!(
            said.contains("engine.embedded is false") && said.contains("http://127.0.0.1:9123"),
            "{said}"
        );
    }
}
