//! Labelled examples for `casement train` and `casement evaluate`, from simulated rooms, a file or ClickHouse.
//!
//! In: the source. Out: [`Example`]s whose audio numbers are computed as in the services.

use std::{fs::File, io::BufReader, num::NonZero, path::Path, thread, time::Duration};

use anyhow::{Context as _, bail};
use audio::{Extractor, FeatureOptions, wav};
use domain::{AudioFormat, ClipFeatures, ClipLimits, FEATURES_VERSION, Timestamp};
use simulator::dataset::{self, DatasetOptions};
use store::{LabelRow, Outcome, Store};
use training::Example;

use crate::{
    assembly,
    config::{Reader, Sources},
    noted,
};

/// Length of a simulated clip.
const CLIP: Duration = Duration::from_secs(2);
/// Start of simulated years: 2025-01-01T00:00:00Z.
const NEW_YEAR: Timestamp = Timestamp::from_millis(1_735_689_600_000);

/// The source of examples.
#[derive(Debug)]
pub enum Source {
    /// Simulated rooms, labelled by the comfort policy.
    Simulator(DatasetOptions),
    /// Positions that people chose or windows reported, from the configured ClickHouse.
    ClickHouse {
        /// How to reach ClickHouse.
        config: Sources,
        /// What counts as the position.
        outcome: Outcome,
        /// Start of the period.
        since: Timestamp,
    },
    /// JSON lines.
    File(std::path::PathBuf),
}

impl Source {
    /// Returns a description for a side-car.
    pub fn describe(&self) -> String {
        match self {
            Self::Simulator(options) => format!(
                "{} simulated rooms of {} days each (seed {}), labelled by the comfort policy of the simulator",
                options.rooms, options.days, options.seed
            ),
            Self::ClickHouse { outcome, .. } => match outcome {
                Outcome::Chosen => {
                    "positions that people, schedules or a policy chose, from ClickHouse".to_owned()
                }
                Outcome::Reported => "positions that windows reported, from ClickHouse".to_owned(),
            },
            Self::File(path) => {
                let name = path.file_name().unwrap_or(path.as_os_str());
                format!("the file {}", name.to_string_lossy())
            }
        }
    }

    /// Returns all examples.
    pub async fn load(self) -> anyhow::Result<Vec<Example>> {
        match self {
            Self::Simulator(options) => simulated(&options),
            Self::ClickHouse {
                config,
                outcome,
                since,
            } => stored(config, outcome, since).await,
            Self::File(path) => from_file(&path),
        }
    }
}

/// Returns examples of simulated rooms. Clips are synthesised and analysed on every processor; the order does not
/// depend on that.
pub fn simulated(options: &DatasetOptions) -> anyhow::Result<Vec<Example>> {
    let extractor = Extractor::new(FeatureOptions::default())?;
    let watched: Vec<dataset::Example> = dataset::examples(options)?.collect();
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    let share = watched.len().div_ceil(threads).max(1);
    thread::scope(|scope| {
        let workers: Vec<_> = watched
            .chunks(share)
            .map(|part| {
                scope.spawn(|| {
                    part.iter()
                        .map(|e| heard(e, &extractor))
                        .collect::<Result<Vec<_>, _>>()
                })
            })
            .collect();
        let mut examples = Vec::with_capacity(watched.len());
        for worker in workers {
            examples.extend(worker.join().expect("making a clip does not panic")?);
        }
        Ok(examples)
    })
}

/// Returns a simulated moment as a service would see it: the clip is converted to 16-bit WAV, as a device sends it.
pub fn heard(watched: &dataset::Example, extractor: &Extractor) -> anyhow::Result<Example> {
    let sound = wav::encode_pcm16(&watched.take.clone().record(CLIP), simulator::sound::SAMPLE_RATE);
    let samples = audio::decode(&sound, AudioFormat::Wav, 0, &ClipLimits::default())?;
    let features = extractor.extract(&samples);
    Ok(Example {
        device_id: watched.device_id.to_string(),
        timestamp: NEW_YEAR.plus(Duration::from_millis((watched.time.seconds() * 1000.0) as u64)),
        temperature: watched.temperature,
        humidity: watched.humidity,
        audio: features.model_inputs().map(Vec::from),
        position: watched.position.percent(),
    })
}

async fn stored(config: Sources, outcome: Outcome, since: Timestamp) -> anyhow::Result<Vec<Example>> {
    let config = noted::with_clickhouse(config)?.load_for(Reader::ClickHouse)?;
    let store = Store::new(assembly::store(&config.clickhouse)?)?;
    stored_in(&store, outcome, since).await.with_context(|| {
        format!(
            "there are no examples from ClickHouse at {}",
            config.clickhouse.url()
        )
    })
}

/// Returns the examples of a ClickHouse.
pub async fn stored_in(store: &Store, outcome: Outcome, since: Timestamp) -> anyhow::Result<Vec<Example>> {
    let rows = store
        .labels(outcome, since.as_millis())
        .await
        .context("ClickHouse does not answer")?;
    if rows.is_empty() {
        bail!(match outcome {
            Outcome::Chosen =>
                "ClickHouse holds no position that a person or a policy chose (commands without a model, windows moved by hand)",
            Outcome::Reported =>
                "ClickHouse holds no position that a window reported after a model's decision",
        });
    }
    Ok(rows.into_iter().map(example).collect())
}

/// Converts a stored row. Features of another version are omitted, never mixed.
fn example(row: LabelRow) -> Example {
    let features = serde_json::from_str::<ClipFeatures>(&row.features).ok();
    Example {
        device_id: row.device_id,
        timestamp: Timestamp::from_millis(row.timestamp),
        temperature: row.temperature,
        humidity: row.humidity,
        audio: features
            .filter(|features| features.version == FEATURES_VERSION)
            .and_then(|features| features.model_inputs())
            .map(Vec::from),
        position: row.position,
    }
}

fn from_file(path: &Path) -> anyhow::Result<Vec<Example>> {
    let name = path.display();
    let file = File::open(path).with_context(|| {
        format!("cannot read {name} (--from takes simulator, clickhouse, or a file of JSON lines)")
    })?;
    training::read_jsonl(BufReader::new(file)).with_context(|| format!("{name} cannot be used"))
}
