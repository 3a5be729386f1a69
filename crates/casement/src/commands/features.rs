//! `casement features`: a clip's features as JSON, one object a line.

use std::fs;

use anyhow::Context as _;
use audio::{Extractor, FeatureOptions};
use domain::{AudioFormat, ClipLimits, FeatureName};
use serde_json::json;

use crate::cli::Features;

pub(super) fn run(flags: &Features) -> anyhow::Result<()> {
    let options = FeatureOptions {
        rate: flags.rate,
        names: FeatureName::ALL.to_vec(),
        ..FeatureOptions::default()
    };
    let extractor = Extractor::new(options)?;
    // Limits protect a service from strangers; a person's own recording may be longer.
    let limits = ClipLimits {
        max_bytes: usize::MAX,
        max_seconds: f64::MAX,
        ..ClipLimits::default()
    };
    for file in &flags.files {
        let name = file.display().to_string();
        let data = fs::read(file).with_context(|| format!("cannot read {name}"))?;
        let samples = audio::decode(&data, AudioFormat::Wav, 0, &limits)
            .with_context(|| format!("{name} cannot be decoded"))?;
        let mut line = serde_json::to_value(extractor.extract(&samples))?;
        line["file"] = json!(name);
        println!("{line}");
    }
    Ok(())
}
