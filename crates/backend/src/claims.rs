//! What a message says of its recording, beside what the recording is.
//!
//! In: a clip and its samples. Out: a sentence for the person in charge of the device, where the two contradict each
//! other. The recording is believed and kept. Pure.

use audio::Samples;
use domain::Clip;

/// A difference of so many seconds, or of so much of the length, is rounding and the size of a buffer.
const ROUNDING_S: f64 = 0.1;
const ROUNDING: f64 = 0.1;
/// The last bit of 16, and what is clearly a sound.
const SILENT: f32 = 1.5 / 32_768.0;
const AUDIBLE: f32 = 100.0 / 32_768.0;

/// In what the message contradicts the recording, and what is probably wrong with the firmware.
pub(crate) fn contradiction(clip: &Clip, samples: &Samples) -> Option<String> {
    let told: Vec<String> = [rate(clip, samples), duration(clip, samples), silence(samples)]
        .into_iter()
        .flatten()
        .collect();
    (!told.is_empty()).then(|| told.join("; "))
}

fn rate(clip: &Clip, samples: &Samples) -> Option<String> {
    (clip.sample_rate != samples.rate).then(|| {
        format!(
            "'sample_rate' is {} Hz, the recording's header says {} Hz and is believed: one of them is wrong",
            clip.sample_rate, samples.rate
        )
    })
}

/// A duration of 0 states none.
fn duration(clip: &Clip, samples: &Samples) -> Option<String> {
    let claimed = clip.duration_s;
    let real = samples.mono.len() as f64 / f64::from(samples.rate);
    let off = (real - claimed).abs();
    if claimed <= 0.0 || off <= ROUNDING_S || off <= ROUNDING * claimed.max(real) {
        return None;
    }
    let near = |ratio: f64| (real / claimed / ratio - 1.0).abs() < 0.05;
    let cause = if near(2.0) {
        ": twice as long, as when 32-bit words or two channels are called 16 bit mono, or at half of the true rate"
    } else if near(4.0) {
        ": four times as long, as when two channels of 32-bit words are called 16 bit mono"
    } else if near(0.5) {
        ": half as long, as when 8 bit or one channel is called more, at twice the true rate, or when half is missing"
    } else {
        ""
    };
    Some(format!(
        "'duration' is {claimed} s, the recording lasts {real:.3} s{cause}"
    ))
}

/// 32-bit words that are called 16 bit have a silent half, if their microphone has 16 bits or fewer. In other sounds both
/// halves are heard within a few samples.
fn silence(samples: &Samples) -> Option<String> {
    let half = |from: usize| samples.mono.iter().skip(from).step_by(2);
    let silent = |from| half(from).all(|sample| sample.abs() <= SILENT);
    let audible = |from| half(from).any(|sample| sample.abs() >= AUDIBLE);
    let odd_one = match (silent(0), silent(1)) {
        (true, false) => 1,
        (false, true) => 0,
        _ => return None,
    };
    audible(odd_one).then(|| {
        "every second sample is silent, as when 32-bit words or two channels are called 16 bit mono"
            .to_owned()
    })
}

#[cfg(test)]
mod tests {
    use domain::{AudioFormat, DeviceId, Timestamp};

    use super::*;

    fn told(claimed: (u32, f64), samples: &Samples) -> Option<String> {
        let clip = Clip {
            device_id: DeviceId::parse("sensor-001").expect("an id"),
            timestamp: Timestamp::from_millis(0),
            data: Vec::new(),
            sample_rate: claimed.0,
            duration_s: claimed.1,
            format: AudioFormat::Wav,
        };
        contradiction(&clip, samples)
    }

    fn tone(rate: u32, count: usize) -> Samples {
        let mono = (0..count).map(|i| (i as f32 * 0.3).sin() * 0.2).collect();
        Samples { rate, mono }
    }

    #[test]
    fn what_agrees_or_is_rounded_is_not_told() {
        for (claimed, count) in [
            (1.0, 16_000),
            (1.0, 16_384),
            (1.0, 15_000),
            (0.0, 16_000),
            (30.0, 500_000),
        ] {
            assert_eq!(
                told((16_000, claimed), &tone(16_000, count)),
                None,
                "{claimed} {count}"
            );
        }
        let silent = Samples {
            rate: 16_000,
            mono: vec![0.0; 16_000],
        };
        assert_eq!(told((16_000, 1.0), &silent), None);
    }

    #[test]
    fn contradictions_name_both_sides_and_the_probable_cause() {
        let one_second = tone(16_000, 16_000);
        for (claimed, samples, words) in [
            ((16_000, 1.0), tone(8_000, 16_000), ["16000 Hz", "8000 Hz"]),
            ((8_000, 1.0), one_second.clone(), ["8000 Hz", "16000 Hz"]),
            ((16_000, 5.0), one_second.clone(), ["5 s", "1.000 s"]),
            ((16_000, 0.5), one_second.clone(), ["twice", "32-bit words"]),
            (
                (8_000, 1.0),
                tone(8_000, 16_000),
                ["twice", "half of the true rate"],
            ),
            ((16_000, 2.0), one_second.clone(), ["half as long", "missing"]),
            ((16_000, 0.25), one_second, ["four times", "two channels"]),
        ] {
            let told = told(claimed, &samples).unwrap();
            assert!(words.iter().all(|word| told.contains(word)), "{told}");
        }
    }

    #[test]
    fn words_of_32_bits_called_16_are_told_whatever_the_duration_says() {
        for silent in [0, 1] {
            let mut words = tone(16_000, 32_000);
            words
                .mono
                .iter_mut()
                .skip(silent)
                .step_by(2)
                .for_each(|half| *half = 0.0);
            let told = told((16_000, 2.0), &words).unwrap();
            assert!(told.contains("32-bit words"), "{told}");
        }
    }
}
