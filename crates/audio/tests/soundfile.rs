//! Every form of WAV, RIFX, RF64 and FLAC that libsndfile writes, and what librosa hears in it: the same samples, to the
//! last bit.
//!
//! Needs the tests' Python environment (`make python`, part of `make test`).
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use std::fs;

use audio::decode;
use domain::{AudioFormat, ClipLimits};

#[test]
fn what_libsndfile_writes_is_read_as_librosa_reads_it() {
    let dir = tempfile::tempdir().unwrap();
    support::python("containers.py", dir.path());
    let mut compared = [0; 3];
    for entry in fs::read_dir(dir.path()).unwrap() {
        let heard = entry.unwrap().path();
        let Some(rate) = heard
            .extension()
            .and_then(|rate| rate.to_str()?.parse::<u32>().ok())
        else {
            continue;
        };
        let file = fs::read(heard.with_extension("clip")).unwrap();
        let name = heard.file_stem().unwrap().to_string_lossy().into_owned();
        let samples = decode(&file, AudioFormat::Wav, 0, &ClipLimits::default())
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let bytes = fs::read(&heard).unwrap();
        let (theirs, rest) = bytes.as_chunks::<4>();
        assert!(rest.is_empty());
        let theirs: Vec<f32> = theirs.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        assert_eq!(samples.rate, rate, "{name}");
        assert_eq!(samples.mono.len(), theirs.len(), "{name}");
        let off = samples
            .mono
            .iter()
            .zip(&theirs)
            .position(|(ours, theirs)| ours.to_bits() != theirs.to_bits());
        // The sum of many channels may be rounded in another order.
        let allowed = if name.contains("-6-") { 1.2e-7 } else { 0.0 };
        if let Some(at) = off {
            let (ours, theirs) = (samples.mono[at], theirs[at]);
            assert!(
                (ours - theirs).abs() <= allowed,
                "{name}: sample {at} is {ours}, librosa's {theirs}"
            );
        }
        compared[match &file[..4] {
            b"RIFX" => 0,
            b"RF64" => 1,
            b"fLaC" => 2,
            _ => continue,
        }] += 1;
    }
    assert!(compared.iter().all(|count| *count >= 40), "{compared:?}");
}
