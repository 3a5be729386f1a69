//! `casement generate`: a plausible past in ClickHouse, to try dashboards and questions on.
//!
//! In: days, devices, a seed. Out: rows of every table, through the same batches and tokens as measured ones. It can be
//! interrupted and started again: days that are complete are left out, and a token counts once.

mod chunk;

use std::{
    collections::{BTreeMap, HashSet},
    net::{Ipv4Addr, TcpListener},
    sync::Arc,
    thread,
    time::Duration,
};

use anyhow::Context as _;
use audio::{Extractor, FeatureOptions, Samples, Spectrum};
use domain::Quantity;
use engine::Supervisor;
use parking_lot::Mutex;
use simulator::{
    history::{self, DAY_MS, Dated, Day, HistoryOptions, Mover},
    sound::{SAMPLE_RATE, SoundKind},
};
use store::{
    AudioRow, Batch, DeviceEventRow, DeviceRow, MlPredictionRow, Period, ReadingRow, Row, Store,
    WindowActionRow, WindowStateRow,
};

use self::chunk::{AT_A_TIME, Chunk, Storing};
use super::progress::Progress;
use crate::{
    assembly, cli,
    config::{Config, Reader, Sources},
    engine_part, system,
};

const MODEL: &str = "v1.0.0";
const CLIP: Duration = Duration::from_secs(2);
/// An insert of more rows is not atomic.
const MAX_ROWS: u64 = 900_000;
const LOCATIONS: [&str; 3] = ["ground floor", "first floor", "attic"];

pub(super) async fn run(flags: cli::Generate) -> anyhow::Result<()> {
    let (mut config, engine) = open(&flags).await?;
    let made = make(&flags, &mut config).await;
    if let Some(engine) = engine {
        engine
            .stop(tokio::time::Instant::now() + Duration::from_secs(5))
            .await;
    }
    made
}

/// Starts the ClickHouse of `--data`, or finds the one that runs.
async fn open(flags: &cli::Generate) -> anyhow::Result<(Config, Option<Supervisor>)> {
    let sources = Sources::process(flags.config.clone());
    let Some(data) = &flags.data else {
        let sources = sources.flag("clickhouse.addr", flags.clickhouse.clone());
        return Ok((sources.load_for(Reader::ClickHouse)?, None));
    };
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .context("no port is free")?
        .local_addr()?;
    let mut config = sources
        .data(Some(data.clone()))
        .flag("engine.addr", Some(free.to_string()))
        .load_for(Reader::Up)?;
    let (engine, _) = engine_part::start_engine(&mut config, system::this_program()?).await?;
    Ok((config, Some(engine)))
}

async fn make(flags: &cli::Generate, config: &mut Config) -> anyhow::Result<()> {
    let store = Store::new(assembly::store(&config.clickhouse)?)?;
    store
        .migrate()
        .await
        .context("the schema cannot be brought up to date")?;
    let today = jiff::Timestamp::now().as_millisecond().div_euclid(DAY_MS) * DAY_MS;
    let begin = today - i64::from(flags.days) * DAY_MS;
    store
        .insert(&registry(flags, begin, today), &token(flags, begin, "devices"))
        .await?;
    let rows_a_day = u64::from(flags.devices) * 86_400 / u64::from(flags.every);
    let days_a_chunk = (MAX_ROWS / rows_a_day.max(1)).clamp(1, 31) as i64;
    // Always the same chunks for the same flags, so that a token names the same rows.
    let firsts: Vec<i64> = (0..i64::from(flags.days))
        .step_by(days_a_chunk as usize)
        .collect();
    let complete = complete_days(&store, begin, today).await?;
    let last_midnight = |first: i64| (first + (days_a_chunk - 1) * DAY_MS).min(today - DAY_MS);
    let firsts: Vec<i64> = firsts.into_iter().map(|day| begin + day * DAY_MS).collect();
    let stored = firsts
        .iter()
        .take_while(|&&first| complete.contains(&last_midnight(first)))
        .count();
    // The newest of them may lack what is inserted last: they are sent again, and their tokens count once.
    let todo = firsts.into_iter().skip(stored.saturating_sub(AT_A_TIME));
    let maker = Arc::new(Maker::new(flags)?);
    let mut storing = Storing::new(store.clone(), Progress::new(begin, today));
    for first in todo {
        let (maker, until) = (Arc::clone(&maker), (first + days_a_chunk * DAY_MS).min(today));
        let made = tokio::task::spawn_blocking(move || maker.chunk(first, until));
        let chunk = made.await.context("days cannot be made")?;
        storing.push(chunk, token(flags, first, "days")).await?;
    }
    let progress = storing.finish().await?;
    let now = jiff::Timestamp::now().as_millisecond();
    while store.judge_decisions(now).await? {}
    progress.done();
    Ok(())
}

fn token(flags: &cli::Generate, midnight: i64, what: &str) -> String {
    let cli::Generate {
        seed,
        devices,
        days,
        every,
        clips_every,
        ..
    } = flags;
    format!("generate-{seed}-{devices}-{days}-{every}-{clips_every}-{what}/{midnight}")
}

/// Midnights of the days that are stored, but for a few events perhaps: states are inserted last but one.
async fn complete_days(store: &Store, begin: i64, end: i64) -> anyhow::Result<HashSet<i64>> {
    let period = Period {
        since: begin,
        until: end,
    };
    Ok(store
        .days_reported(&device_id(0), period)
        .await?
        .into_iter()
        .collect())
}

fn device_id(index: usize) -> String {
    format!("room-{:03}", index + 1)
}

fn registry(flags: &cli::Generate, begin: i64, end: i64) -> Batch {
    let device = |index: usize| {
        Row::Device(DeviceRow {
            device_id: device_id(index),
            name: format!("Room {}", index + 1),
            location: LOCATIONS[index % LOCATIONS.len()].to_owned(),
            registered_at: begin,
            last_seen: end,
            is_active: false,
            config: "{}".to_owned(),
            revision: 0,
        })
    };
    (0..flags.devices as usize).map(device).collect()
}

/// The rows of one day of one device, its readings by [`Quantity::index`].
#[derive(Default)]
struct DayRows {
    readings: [Vec<ReadingRow>; Quantity::COUNT],
    others: Vec<Row>,
}

/// What a recording says, and its hash.
#[derive(Debug, Clone)]
struct Heard {
    features: Arc<str>,
    hash: Arc<str>,
    spectrum: Arc<Spectrum>,
}

/// Makes days on every core.
struct Maker {
    options: HistoryOptions,
    devices: usize,
    extractor: Extractor,
    /// Takes of one sound share a recording: making one takes milliseconds.
    heard: Mutex<BTreeMap<(SoundKind, i32), Heard>>,
}

impl Maker {
    fn new(flags: &cli::Generate) -> anyhow::Result<Self> {
        let options = HistoryOptions {
            seed: flags.seed,
            every: Duration::from_secs(u64::from(flags.every)),
            clips_every: Duration::from_mins(u64::from(flags.clips_every)),
        };
        Ok(Self {
            options,
            devices: flags.devices as usize,
            extractor: Extractor::new(FeatureOptions::default())?,
            heard: Mutex::default(),
        })
    }

    fn chunk(&self, begin: i64, end: i64) -> Chunk {
        let midnights: Vec<i64> = (begin..end).step_by(DAY_MS as usize).collect();
        let jobs: Mutex<Vec<(usize, i64)>> = Mutex::new(
            (0..self.devices)
                .flat_map(|index| midnights.iter().map(move |&midnight| (index, midnight)))
                .collect(),
        );
        let workers = thread::available_parallelism().map_or(1, usize::from);
        let mut days: Vec<((usize, i64), DayRows)> = thread::scope(|scope| {
            let work = || {
                let mut made = vec![];
                loop {
                    let job = jobs.lock().pop();
                    let Some((index, midnight)) = job else { return made };
                    made.push(((index, midnight), self.rows(index, midnight)));
                }
            };
            let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
            workers
                .into_iter()
                .flat_map(|worker| worker.join().expect("days are made without panic"))
                .collect()
        });
        // In the order of the tables, so that ClickHouse has nothing to sort.
        days.sort_by_key(|(place, _)| *place);
        let (mut readings, mut others) = (vec![Batch::default(); Quantity::COUNT], Batch::default());
        for (_, day) in days {
            for (quantity, rows) in Quantity::ALL.into_iter().zip(day.readings) {
                readings[quantity.index()].extend_readings(quantity, rows);
            }
            for row in day.others {
                others.push(row);
            }
        }
        readings.retain(|batch| !batch.is_empty());
        Chunk {
            until: end,
            readings,
            others,
        }
    }

    /// The rows of one day of one device.
    fn rows(&self, index: usize, midnight: i64) -> DayRows {
        let day = history::day(&self.options, index, midnight);
        let id = device_id(index);
        let Day {
            readings,
            clips,
            moves,
            states,
            events,
        } = day;
        let mut rows = DayRows::default();
        for (quantity, reading) in readings {
            let Dated {
                timestamp,
                received_at,
                what: value,
            } = reading;
            rows.readings[quantity.index()].push(ReadingRow {
                timestamp,
                device_id: id.clone(),
                value,
                received_at,
                offset: 0.0,
            });
        }
        let others = &mut rows.others;
        others.extend(clips.into_iter().map(|clip| {
            let heard = self.hear(&clip.what);
            Row::Audio(AudioRow {
                timestamp: clip.timestamp,
                device_id: id.clone(),
                sample_rate: SAMPLE_RATE,
                duration: CLIP.as_secs_f64(),
                format: "wav".to_owned(),
                audio_hash: heard.hash.to_string(),
                features: heard.features.to_string(),
                raw_path: String::new(),
                received_at: clip.received_at,
                spectral_bandwidth: heard.spectrum.bandwidth_hertz,
                spectral_flatness: heard.spectrum.flatness,
                mel_db: heard.spectrum.mel_db.clone(),
            })
        }));
        for (number, moved) in moves.iter().enumerate() {
            others.extend(commands(&id, midnight, number, moved));
        }
        others.extend(states.into_iter().map(|state| {
            Row::WindowState(WindowStateRow {
                timestamp: state.timestamp,
                device_id: id.clone(),
                position: state.what.percent(),
                received_at: state.received_at,
            })
        }));
        others.extend(events.into_iter().map(|event| {
            Row::DeviceEvent(DeviceEventRow {
                timestamp: event.timestamp,
                device_id: id.clone(),
                event: event.what.to_owned(),
                detail: String::new(),
                received_at: event.received_at,
            })
        }));
        rows
    }

    fn hear(&self, take: &simulator::Take) -> Heard {
        let sound = history::sound_of(take);
        if let Some(heard) = self.heard.lock().get(&sound) {
            return heard.clone();
        }
        let mono = history::record(sound, self.options.seed, CLIP);
        let hash = audio::hash(&audio::wav::encode_pcm16(&mono, SAMPLE_RATE)).to_string();
        let rate = SAMPLE_RATE;
        let (features, spectrum) = self.extractor.analyse(&Samples { rate, mono });
        let features = serde_json::to_string(&features).expect("features are plain data");
        let heard = Heard {
            features: features.into(),
            hash: hash.into(),
            spectrum: spectrum.into(),
        };
        self.heard.lock().entry(sound).or_insert(heard).clone()
    }
}

/// A command's rows: what the window was told and, of a model, what it said.
fn commands(id: &str, midnight: i64, number: usize, moved: &Dated<history::Move>) -> Vec<Row> {
    let (confidence, is_model) = match moved.what.by {
        Mover::Model(confidence) => (confidence, true),
        Mover::Person => (1.0, false),
    };
    let command_id = format!("{id}-{}-{number}", midnight.div_euclid(DAY_MS));
    let model_version = if is_model { MODEL } else { "" };
    let action = Row::WindowAction(WindowActionRow {
        timestamp: moved.timestamp,
        device_id: id.to_owned(),
        position: moved.what.position.percent(),
        confidence,
        temperature: moved.what.climate.0,
        humidity: moved.what.climate.1,
        audio_hash: String::new(),
        command_id: command_id.clone(),
        model_version: model_version.to_owned(),
        reason: String::new(),
        received_at: moved.received_at,
        origin: if is_model { "model" } else { "person" }.to_owned(),
        ..WindowActionRow::default()
    });
    let prediction = is_model.then(|| {
        Row::MlPrediction(MlPredictionRow {
            timestamp: moved.timestamp,
            device_id: id.to_owned(),
            prediction: moved.what.position.percent(),
            confidence,
            inference_time_ms: 0.2 + (number % 11) as f64 / 20.0,
            model_version: model_version.to_owned(),
            command_id,
            received_at: moved.received_at,
            held: false,
            ..MlPredictionRow::default()
        })
    });
    std::iter::once(action).chain(prediction).collect()
}
