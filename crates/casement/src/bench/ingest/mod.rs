//! `casement bench ingest`: how many `QoS` 1 readings a second come in and stay, beside subscribers of the same broker that
//! only acknowledge; what each costs; and what a quiet device notices of a flood.
//!
//! In: options. Out: a table. The ways take turns, because the machine is never the same for long; publishers live in
//! this process, all else but `mqtt`'s bare connection in processes of its own.

mod bare;
mod load;

use std::{
    fmt::Write as _,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail, ensure};
use serde_json::json;

use self::{
    bare::{Connection, MosquittoSub},
    load::Load,
};
use super::{
    Doors, House,
    house::Plan,
    latency::{Device, Latency},
    usage::{cpu_seconds, memory_mib},
};
use crate::output::say;

const PUBLISHERS: usize = 20;
const WARM_UP: Duration = Duration::from_secs(2);
const LOOK: Duration = Duration::from_millis(10);

/// What is to be done.
#[derive(Debug, Clone)]
pub struct Options {
    /// How long each way is measured in each round.
    pub time: Duration,
    /// How often the ways take turns.
    pub rounds: usize,
    /// Only these ways; all when empty.
    pub only: Vec<String>,
    /// Decisions of a quiet device, measured without and with a flood.
    pub decisions: usize,
    /// JSON lines instead of a table.
    pub json: bool,
}

/// Who receives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    MosquittoSub,
    Connection,
    Backend,
    Up,
}

impl Way {
    const ALL: [Self; 4] = [Self::MosquittoSub, Self::Connection, Self::Backend, Self::Up];

    /// As `--only` calls it.
    const fn word(self) -> &'static str {
        match self {
            Self::MosquittoSub => "mosquitto_sub",
            Self::Connection => "connection",
            Self::Backend => "backend",
            Self::Up => "up",
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::MosquittoSub => "mosquitto_sub on Mosquitto",
            Self::Connection => "mqtt's connection on Mosquitto",
            Self::Backend => "casement backend on Mosquitto",
            Self::Up => "casement up, embedded broker",
        }
    }
}

/// One way's figures in one round.
#[derive(Debug, Default)]
struct Figures {
    messages: u64,
    seconds: f64,
    /// Name, microseconds of processor time a message, memory in MiB at the beginning, halfway and at the end.
    processes: Vec<(&'static str, f64, [f64; 3])>,
}

impl Figures {
    fn rate(&self) -> f64 {
        self.messages as f64 / self.seconds
    }
}

/// Measures all ways and prints them.
pub async fn run(options: Options) -> anyhow::Result<()> {
    let words = Way::ALL.map(Way::word);
    if let Some(unknown) = options.only.iter().find(|word| !words.contains(&word.as_str())) {
        bail!("there is no way '{unknown}'; there are {}", words.join(", "));
    }
    let chosen = |way: &Way| options.only.is_empty() || options.only.iter().any(|word| word == way.word());
    let ways: Vec<Way> = Way::ALL.into_iter().filter(chosen).collect();
    let mut rounds: Vec<Vec<f64>> = Vec::new();
    for round in 1..=options.rounds.max(1) {
        let mut rates = Vec::new();
        for &way in &ways {
            let figures = measure_way(way, &options).await?;
            rates.push(figures.rate());
            print(round, way, &figures, options.json);
        }
        rounds.push(rates);
    }
    if !options.json {
        summary(&ways, &rounds);
    }
    if options.decisions > 0 {
        for (doors, way) in [(Doors::External, Way::Backend), (Doors::Embedded, Way::Up)] {
            if chosen(&way) {
                flood(doors, way, &options).await?;
            }
        }
    }
    Ok(())
}

fn print(round: usize, way: Way, figures: &Figures, as_json: bool) {
    let name = way.name();
    if as_json {
        let processes: Vec<_> = figures
            .processes
            .iter()
            .map(|(name, cpu, memory)| json!({"process": name, "cpu_us": cpu, "memory_mib": memory}))
            .collect();
        say!(
            "{}",
            json!({"round": round, "way": name, "messages": figures.messages, "per_second": figures.rate(),
                "processes": processes})
        );
        return;
    }
    say!("round {round}, {name}: {:.0} messages/s", figures.rate());
    for (process, cpu, [begin, half, end]) in &figures.processes {
        say!("    {process:<13} {cpu:>6.1} µs CPU a message, memory {begin:.0}, {half:.0}, {end:.0} MiB");
    }
}

/// Medians, least and most; the ratios are those of the rounds.
fn summary(ways: &[Way], rounds: &[Vec<f64>]) {
    say!("median (least … most) of {} rounds:", rounds.len());
    let bare = ways
        .iter()
        .enumerate()
        .filter(|(_, way)| matches!(way, Way::MosquittoSub | Way::Connection));
    for (index, way) in ways.iter().enumerate() {
        let [median, least, most] = spread(rounds.iter().map(|rates| rates[index]).collect());
        let mut line = format!(
            "    {:<31} {median:.0} ({least:.0} … {most:.0}) messages/s",
            way.name()
        );
        if matches!(way, Way::Backend | Way::Up) {
            for (of, other) in bare.clone() {
                let ratios = rounds.iter().map(|rates| 100.0 * rates[index] / rates[of]);
                let [median, least, most] = spread(ratios.collect());
                let _ = write!(
                    line,
                    ", {median:.0} % ({least:.0} … {most:.0}) of {}",
                    other.word()
                );
            }
        }
        say!("{line}");
    }
}

/// Median, least and most.
fn spread(mut values: Vec<f64>) -> [f64; 3] {
    values.sort_by(f64::total_cmp);
    let last = values.len() - 1;
    [
        f64::midpoint(values[last / 2], values[last.div_ceil(2)]),
        values[0],
        values[last],
    ]
}

async fn measure_way(way: Way, options: &Options) -> anyhow::Result<Figures> {
    let dir = tempfile::tempdir()?;
    let doors = if way == Way::Up {
        Doors::Embedded
    } else {
        Doors::External
    };
    let mut house = House::prepare(dir.path(), Plan::new(doors))?;
    match way {
        Way::MosquittoSub => {
            house.open_broker().await?;
            let subscriber = MosquittoSub::start(house.mqtt)?;
            let own = ("mosquitto_sub", subscriber.pid());
            measure(&house, Some(own), options.time, || Ok(subscriber.received())).await
        }
        Way::Connection => {
            house.open_broker().await?;
            let subscriber = Connection::start(house.mqtt);
            let figures = measure(&house, None, options.time, || Ok(subscriber.received())).await;
            subscriber.end().await;
            figures
        }
        Way::Backend | Way::Up => {
            house.open().await?;
            casement(&mut house, options).await
        }
    }
}

/// Readings that were accepted, which is: are on disk. All of them are in ClickHouse at the end.
async fn casement(house: &mut House, options: &Options) -> anyhow::Result<Figures> {
    let accepted = |house: &House| {
        let status = house.status()?;
        let count = |name: &str| {
            status[name]
                .as_u64()
                .with_context(|| format!("no counter '{name}'"))
        };
        // A broker that connects again repeats what was not acknowledged.
        Ok(count("temperature")?.saturating_sub(count("duplicates")?))
    };
    let figures = measure(house, None, options.time, || accepted(house)).await?;
    // What Mosquitto still holds comes first.
    let mut before = 0;
    loop {
        house.wait_stored().await?;
        let now = accepted(house)?;
        if now == before {
            break;
        }
        before = now;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let stored: u64 = house
        .sql("SELECT count() FROM iot.sensor_temperature")?
        .trim()
        .parse()?;
    ensure!(
        stored == before,
        "{before} readings were accepted and {stored} are stored"
    );
    Ok(figures)
}

async fn measure(
    house: &House,
    own: Option<(&'static str, u32)>,
    time: Duration,
    counted: impl Fn() -> anyhow::Result<u64>,
) -> anyhow::Result<Figures> {
    let load = Load::start(house.mqtt, PUBLISHERS);
    pass(&load, WARM_UP, &counted).await?;
    let processes: Vec<(&str, u32)> = house.pids().into_iter().chain(own).collect();
    let begin: Vec<(f64, f64)> = processes
        .iter()
        .map(|(_, pid)| (cpu_seconds(*pid), memory_mib(*pid)))
        .collect();
    let (started, first) = (Instant::now(), counted()?);
    pass(&load, time / 2, &counted).await?;
    let half: Vec<f64> = processes.iter().map(|(_, pid)| memory_mib(*pid)).collect();
    pass(&load, time / 2, &counted).await?;
    let (messages, seconds) = (counted()? - first, started.elapsed().as_secs_f64());
    ensure!(messages > 0, "nothing was received in {time:?}");
    let processes = processes
        .iter()
        .zip(begin)
        .zip(half)
        .map(|(((name, pid), (cpu_before, begin)), half)| {
            let micros = (cpu_seconds(*pid) - cpu_before) * 1e6 / messages as f64;
            (*name, micros, [begin, half, memory_mib(*pid)])
        })
        .collect();
    load.stop().await;
    Ok(Figures {
        messages,
        seconds,
        processes,
    })
}

/// Lets time pass and tells the publishers what was received.
async fn pass(load: &Load, time: Duration, counted: impl Fn() -> anyhow::Result<u64>) -> anyhow::Result<()> {
    let end = Instant::now() + time;
    while Instant::now() < end {
        tokio::time::sleep(LOOK).await;
        load.received(counted()?);
    }
    Ok(())
}

/// A quiet device's decisions, alone and while one other client sends as fast as it is acknowledged.
async fn flood(doors: Doors, way: Way, options: &Options) -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let mut house = House::prepare(dir.path(), Plan::new(doors))?;
    house.open().await?;
    let mut device = Device::connect(&house).await?;
    device.measure(options.decisions / 4).await?;
    let alone = device.measure(options.decisions).await?;
    let load = Load::start(house.mqtt, 1);
    load.regardless();
    tokio::time::sleep(WARM_UP).await;
    let beside = device.measure(options.decisions).await?;
    load.stop().await;
    if options.json {
        say!(
            "{}",
            json!({"flood": way.name(), "alone_ms": [alone.p50, alone.p99], "beside_ms": [beside.p50, beside.p99]})
        );
    } else {
        let text = |latency: Latency| format!("p50 {:.2} p99 {:.2}", latency.p50, latency.p99);
        say!(
            "{}: a quiet device's decisions, ms: {} alone, {} beside a flood",
            way.name(),
            text(alone),
            text(beside)
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::spread;

    #[test]
    fn the_median_lies_in_the_middle() {
        let shown = |values: &[f64]| format!("{:?}", spread(values.to_vec()));
        assert_eq!(shown(&[3.0, 1.0, 2.0]), "[2.0, 1.0, 3.0]");
        assert_eq!(shown(&[4.0, 1.0, 2.0, 3.0]), "[2.5, 1.0, 4.0]");
        assert_eq!(shown(&[7.0]), "[7.0, 7.0, 7.0]");
    }
}
