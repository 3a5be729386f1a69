//! Memory is taken for a clip, never for a frame. A test binary of its own: every allocation in it is counted.
#![allow(missing_docs)]

use allocation_counter::measure;
use audio::{Extractor, FeatureOptions, Samples, decode};
use domain::{AudioFormat, ClipLimits, FeatureName};

fn clip(seconds: u32, rate: u32) -> Samples {
    Samples {
        rate,
        mono: (0..seconds * rate)
            .map(|i| (f64::from(i) * 0.05).sin() as f32)
            .collect(),
    }
}

#[test]
fn frames_cost_no_allocation() {
    for names in [FeatureName::SPECIFIED.to_vec(), FeatureName::ALL.to_vec()] {
        let extractor = Extractor::new(FeatureOptions {
            names,
            ..FeatureOptions::default()
        })
        .expect("valid options");
        for rate in [16_000, 44_100] {
            let (short, long) = (clip(2, rate), clip(20, rate));
            // The first clip of a rate makes its tables.
            let frames = [&short, &long].map(|samples| extractor.analyse(samples).0.frames);
            assert_eq!(frames, [63, 626]);
            let [short, long] = [&short, &long].map(|samples| measure(|| drop(extractor.analyse(samples))));
            assert_eq!(
                short.count_total, long.count_total,
                "ten times the frames at {rate} Hz"
            );
            assert!(short.count_total < 80, "{} allocations a clip", short.count_total);
        }
    }
}

/// What a header claims costs nothing: at most four bytes for each byte that is there, and the resampler's share.
#[test]
fn a_hostile_header_takes_no_memory() {
    let header = |channels: u16, rate: u32, bits: u16, length: u32| {
        let mut wav = b"RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0\x01\0".to_vec();
        wav.extend(channels.to_le_bytes());
        wav.extend(rate.to_le_bytes());
        wav.extend([0; 6]);
        wav.extend(bits.to_le_bytes());
        wav.extend(b"data");
        wav.extend(length.to_le_bytes());
        wav.extend([0x55; 1_000]);
        wav
    };
    for channels in [0, 1, 32, u16::MAX] {
        for rate in [0, 4_000, 192_000, u32::MAX] {
            for (bits, length) in [(8, u32::MAX - 1), (8, 0), (16, 1 << 31), (u16::MAX, u32::MAX)] {
                let wav = header(channels, rate, bits, length);
                let used = measure(|| {
                    let _ = decode(&wav, AudioFormat::Wav, 0, &ClipLimits::default());
                });
                assert!(
                    used.bytes_max <= 4 * wav.len() as u64 + 512,
                    "{} bytes for {channels} channels, {rate} Hz, {bits} bits",
                    used.bytes_max
                );
            }
        }
    }
}
