//! Memory is taken for a clip, never for a frame. A test binary of its own: every allocation in it is counted.
#![allow(missing_docs)]

use allocation_counter::measure;
use audio::{Extractor, FeatureOptions, Samples};
use domain::FeatureName;

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
            let frames = [&short, &long].map(|samples| extractor.extract(samples).frames);
            assert_eq!(frames, [63, 626]);
            let [short, long] = [&short, &long].map(|samples| measure(|| drop(extractor.extract(samples))));
            assert_eq!(
                short.count_total, long.count_total,
                "ten times the frames at {rate} Hz"
            );
            assert!(short.count_total < 80, "{} allocations a clip", short.count_total);
        }
    }
}
