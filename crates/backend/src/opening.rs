//! What a backend opens before it starts: the decoder with its audio features, the archive of recordings, what moves windows.
//!
//! In: options. Out: parts, or why they cannot be had.

use std::sync::Arc;

use audio::{Extractor, FeatureOptions, archive::Archive, archive::ArchiveOptions};
use registry::Registry as DeviceBook;
use tracing::info;

use crate::{
    BackendError, BackendOptions, Rules, Windows, WindowsFile,
    clips::{ClipAnalyser, Hearing},
    decoder::Decoder,
    following::Following,
    log::Repeats,
    setups::Setups,
    windows::Around,
};

fn extractor(features: FeatureOptions) -> Result<Extractor, BackendError> {
    let extractor = Extractor::new(features)?;
    if extractor.version() != domain::FEATURES_VERSION {
        info!(
            features = extractor.version(),
            "audio features are not those of the default settings; models trained on the default do not fit them"
        );
    }
    Ok(extractor)
}

pub(crate) fn decoder(options: &BackendOptions, setups: Arc<Setups>) -> Result<Decoder, BackendError> {
    Ok(Decoder {
        topics: options.topics.clone(),
        clip_limits: options.clip_limits,
        setups,
        analyser: ClipAnalyser::new(Hearing {
            extractor: extractor(options.features.clone())?,
            limits: options.clip_limits,
            spectrum: options.spectrum,
            keeps_recordings: options.archive.is_some(),
        }),
    })
}

pub(crate) fn open_archive(options: ArchiveOptions) -> Result<Arc<Archive>, BackendError> {
    let path = options.path.clone();
    let archive = Archive::open(options).map_err(|source| BackendError::Archive { path, source })?;
    Ok(Arc::new(archive))
}

/// What moves windows: the law with all windows, and the rules that have wishes of their own.
pub(crate) fn hands(
    following: &Following,
    registry: &Arc<DeviceBook>,
    log: &Arc<dyn Repeats>,
    file: Option<WindowsFile>,
    most: usize,
) -> (Arc<Windows>, Arc<Rules>) {
    let around = Around {
        setups: Arc::clone(&following.setups),
        devices: Arc::clone(&following.devices),
        feed: Arc::clone(&following.feed),
        log: Arc::clone(log),
        most,
    };
    let windows = Arc::new(Windows::open(around, file));
    let rules = Rules::new(
        Arc::clone(registry),
        Arc::clone(&following.devices),
        Arc::clone(&windows),
        Arc::clone(&following.feed),
        Arc::clone(log),
        most,
    );
    (windows, Arc::new(rules))
}
