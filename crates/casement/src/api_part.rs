//! The page and the API: what they stand on in this process.

use std::{path::PathBuf, sync::Arc};

use backend::Backend;
use monitoring::{HttpLimits, Monitor};
use store::Store;

use crate::{
    assembly, certificates,
    config::{self, Config, Registration},
    doctor::Setup,
    entrance::Entrance,
    examination::Examiner,
    messages,
    recordings::Shelf,
    snippets::Door,
    trainer::ChildTrainer,
};

/// Returns what a stranger may cost.
pub(crate) fn limits() -> HttpLimits {
    HttpLimits {
        streamed: api::STREAMED_BODIES,
        ..HttpLimits::default()
    }
}

/// Returns the parts that page and API show and change. `program` is this one, for the process that trains.
pub(crate) fn parts(
    config: &Config,
    (setup, program): (Setup, PathBuf),
    backend: &Backend,
    monitor: &Monitor,
    entrance: &Entrance,
) -> anyhow::Result<api::Parts> {
    // `casement backend` has no models: they are where `casement ml` runs.
    let models = config.ml.embedded.then(|| api::Models {
        registry: model::Registry::beside(&config.model.path).with_options(assembly::load_options(config)),
        unnamed: config.model.version.clone(),
    });
    let trainer = ChildTrainer {
        program,
        clickhouse: config.clickhouse.clone(),
    };
    let trainer: Arc<dyn api::Trainer> = Arc::new(trainer);
    let recordings: Arc<dyn api::Recordings> = Arc::new(Shelf(config.audio.storage_path.clone()));
    let doctor = Examiner {
        config: config.clone(),
        setup,
    };
    Ok(api::Parts {
        views: backend.views(),
        monitor: monitor.clone(),
        store: Store::new(assembly::store(&config.clickhouse)?)?,
        accounts: Arc::clone(&entrance.accounts),
        audit: Arc::clone(&entrance.auditor) as _,
        trainer: models.is_some().then_some(trainer),
        models,
        doctor: Some(Arc::new(doctor)),
        recordings: config.audio.store_raw.then_some(recordings),
        mel_bands_hertz: audio::Spectrum::centres_hertz(config.audio.sample_rate),
        topics: assembly::topics(&config.mqtt)?,
        messages: messages::document(config)?,
        thresholds: assembly::thresholds(config),
        configuration: config::shown(config),
        authority: certificates::authority(config),
        admission: config.embeds_broker().then(|| api::Admission {
            registration: registration(config).as_str(),
            network: {
                let config = config.clone();
                Arc::new(move || Door::of_network(&config))
            },
        }),
    })
}

/// How a device without an account comes in. Where no listener takes anonymous clients, even an open registration is the door
/// of pairing.
pub(crate) fn registration(config: &Config) -> Registration {
    let chosen = config.broker.registration();
    let is_free = config
        .broker
        .doors()
        .iter()
        .any(|door| door.anonymous == Some(true));
    if chosen == Registration::Open && !is_free {
        Registration::Pairing
    } else {
        chosen
    }
}
