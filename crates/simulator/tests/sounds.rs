//! Recordings are what they claim to be: they decode, and their features tell the kinds of sound apart.
#![allow(missing_docs, clippy::unwrap_used, clippy::float_cmp)]

use std::{collections::BTreeMap, time::Duration};

use audio::{Extractor, FeatureOptions};
use domain::{AudioFormat, ClipLimits, FeatureName};
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use simulator::{
    Simulation,
    sound::{self, Ambience, SAMPLE_RATE, SoundKind},
};

/// 48 numbers as the model reads them.
type Inputs = [f64; domain::MODEL_AUDIO_INPUTS];

fn clip(ambience: &Ambience, seed: u64) -> Vec<f32> {
    sound::synthesise(ambience, 2.0, &mut ChaCha8Rng::seed_from_u64(seed))
}

fn features(extractor: &Extractor, samples: &[f32]) -> domain::ClipFeatures {
    let wav = audio::wav::encode_pcm16(samples, SAMPLE_RATE);
    let decoded = audio::decode(&wav, AudioFormat::Wav, SAMPLE_RATE, &ClipLimits::default()).unwrap();
    extractor.extract(&decoded)
}

fn extractor() -> Extractor {
    Extractor::new(FeatureOptions::default()).unwrap()
}

#[test]
fn recordings_decode_and_have_their_length() {
    for kind in SoundKind::ALL {
        let samples = clip(&Ambience::typical(kind), 3);
        let wav = audio::wav::encode_pcm16(&samples, SAMPLE_RATE);
        assert_eq!(wav.len(), 64_044);
        let decoded = audio::decode(&wav, AudioFormat::Wav, SAMPLE_RATE, &ClipLimits::default()).unwrap();
        assert_eq!((decoded.rate, decoded.mono.len()), (SAMPLE_RATE, 32_000));
        assert_eq!(Ambience::typical(kind).kind(), kind);
    }
}

#[test]
fn each_kind_has_its_own_sound() {
    use FeatureName::{Rms, SpectralCentroid};
    use SoundKind::{Alarm, Quiet, Rain, Speech, Street};
    let extractor = extractor();
    for seed in 0..8 {
        let of: BTreeMap<SoundKind, domain::ClipFeatures> = SoundKind::ALL
            .into_iter()
            .map(|kind| (kind, features(&extractor, &clip(&Ambience::typical(kind), seed))))
            .collect();
        let mean = |kind, name| of[&kind].summaries[&name].mean[0];
        let std = |kind, name| of[&kind].summaries[&name].std[0];
        for louder in [Street, Rain, Speech, Alarm] {
            assert!(mean(louder, Rms) > 5.0 * mean(Quiet, Rms), "{louder:?} {seed}");
        }
        assert!(
            mean(Rain, SpectralCentroid) > mean(Street, SpectralCentroid) + 500.0,
            "{seed}"
        );
        // Speech comes and goes; rain does not.
        let unevenness = |kind| std(kind, Rms) / mean(kind, Rms);
        assert!(unevenness(Speech) > 2.0 * unevenness(Rain), "{seed}");
        // 3 kHz in bursts, between them the quiet room.
        let centroid = mean(Alarm, SpectralCentroid);
        assert!((1_500.0..3_600.0).contains(&centroid), "{seed}: {centroid}");
    }
}

#[test]
fn a_nearest_centroid_tells_the_kinds_apart() {
    let extractor = extractor();
    let inputs = |kind, seed| {
        features(&extractor, &clip(&Ambience::typical(kind), seed))
            .model_inputs()
            .unwrap()
    };
    let known: Vec<(SoundKind, Inputs)> = SoundKind::ALL
        .into_iter()
        .flat_map(|kind| (0..12).map(move |seed| (kind, seed)))
        .map(|(k, s)| (k, inputs(k, s)))
        .collect();
    let column = |i: usize| known.iter().map(move |(_, x)| x[i]);
    let n = known.len() as f64;
    let scale: Vec<f64> = (0..48)
        .map(|i| {
            let mean = column(i).sum::<f64>() / n;
            (column(i).map(|x| (x - mean).powi(2)).sum::<f64>() / n)
                .sqrt()
                .max(1e-9)
        })
        .collect();
    let centre = |kind| -> Vec<f64> {
        let own: Vec<&Inputs> = known.iter().filter(|(k, _)| *k == kind).map(|(_, x)| x).collect();
        (0..48)
            .map(|i| own.iter().map(|x| x[i]).sum::<f64>() / own.len() as f64)
            .collect()
    };
    let centres: Vec<(SoundKind, Vec<f64>)> = SoundKind::ALL.into_iter().map(|k| (k, centre(k))).collect();
    let mut right = 0;
    for kind in SoundKind::ALL {
        for seed in 100..110 {
            let x = inputs(kind, seed);
            let distance = |c: &[f64]| -> f64 { (0..48).map(|i| ((x[i] - c[i]) / scale[i]).powi(2)).sum() };
            let nearest = centres
                .iter()
                .min_by(|a, b| distance(&a.1).total_cmp(&distance(&b.1)))
                .unwrap()
                .0;
            right += usize::from(nearest == kind);
        }
    }
    assert!(right >= 48, "{right} of 50");
}

#[test]
fn an_open_window_lets_noise_in() {
    let mut last = f64::INFINITY;
    for percent in 0..=100 {
        let attenuation = sound::window_attenuation_db(f64::from(percent) / 100.0);
        assert!(
            attenuation < last && (9.0..=30.1).contains(&attenuation),
            "{percent}: {attenuation}"
        );
        last = attenuation;
    }
    // In a room at the street, by day: the level rises by far more than one could overhear.
    let level = |position: f64| {
        let mut world = Simulation::new(5, 1);
        world.apply(0, domain::Position::new(position).unwrap());
        world.step(Duration::from_mins(1));
        let levels: Vec<f64> = (0..20)
            .map(|_| world.rooms_mut()[0].listen().ambience().street_db)
            .collect();
        levels.iter().sum::<f64>() / 20.0
    };
    assert!(level(100.0) > level(0.0) + 15.0);
}

#[test]
fn every_kind_is_heard_within_some_days() {
    let mut world = Simulation::new(2, 5);
    let mut heard: BTreeMap<SoundKind, usize> = BTreeMap::new();
    for _ in 0..24 * 10 {
        world.step(Duration::from_hours(1));
        for room in world.rooms_mut() {
            *heard.entry(room.listen().kind()).or_default() += 1;
        }
    }
    let all: usize = heard.values().sum();
    for kind in SoundKind::ALL {
        assert!(heard.get(&kind).copied().unwrap_or(0) * 200 >= all, "{heard:?}");
    }
}
