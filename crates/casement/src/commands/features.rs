//! `casement features`: a clip's features as JSON, one object a line, and as a picture.
//!
//! A file that is not a recording produces a line on standard error. The other files are processed, and the exit code
//! reports the failure.

use std::{fs, path::Path};

use anyhow::{Context as _, ensure};
use audio::{Extractor, FeatureOptions, Samples};
use domain::{AudioFormat, ClipLimits, FeatureName};
use serde_json::json;

use super::writable;
use crate::{
    cli::Features,
    output::{say, tell},
    plot,
};

pub(super) fn run(flags: &Features) -> anyhow::Result<()> {
    let names = if flags.features.is_empty() {
        let scalars = FeatureName::ALL.into_iter();
        scalars
            .filter(|name| *name != FeatureName::MelSpectrogram)
            .collect()
    } else {
        flags.features.clone()
    };
    let extractor = Extractor::new(FeatureOptions {
        rate: flags.rate,
        names,
        frames: flags.frames,
        ..FeatureOptions::default()
    })?;
    ensure!(
        flags.plot.is_none() || flags.files.len() == 1,
        "--plot draws one file; give one"
    );
    if let Some(plot) = &flags.plot {
        writable::file(plot)?;
    }
    // The last failure is returned to the caller, which prints it like that of any other command.
    let mut failure = None;
    for file in &flags.files {
        if let Err(error) = print(file, flags, &extractor)
            && let Some(earlier) = failure.replace(error)
        {
            tell!("error: {earlier:#}");
        }
    }
    failure.map_or(Ok(()), Err)
}

fn print(file: &Path, flags: &Features, extractor: &Extractor) -> anyhow::Result<()> {
    let name = file.display();
    let samples = read(file, flags.pcm)?;
    let mut line = serde_json::to_value(extractor.extract(&samples))?;
    line["file"] = json!(name.to_string());
    say!("{line}");
    let Some(path) = &flags.plot else {
        return Ok(());
    };
    let title = file
        .file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let picture = plot::draw(&title, &samples, flags.rate)?;
    fs::write(path, picture).with_context(|| format!("cannot write {}", path.display()))
}

fn read(file: &Path, pcm: Option<u32>) -> anyhow::Result<Samples> {
    // Limits protect services from untrusted input; a person's own recording may be longer.
    let limits = ClipLimits {
        max_bytes: usize::MAX,
        max_seconds: f64::MAX,
        ..ClipLimits::default()
    };
    let name = file.display();
    let data = fs::read(file).with_context(|| format!("{name} cannot be read"))?;
    let (format, rate) = match pcm {
        Some(rate) => (AudioFormat::Pcm, rate),
        None => (AudioFormat::Wav, 0),
    };
    audio::decode(&data, format, rate, &limits).with_context(|| format!("{name} cannot be decoded"))
}
