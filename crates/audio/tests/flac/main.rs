//! FLAC: what is read, what is refused, and what a stream may become.
#![allow(missing_docs, clippy::unwrap_used)]

mod encoder;

use audio::{AudioError, Extractor, FeatureOptions, Samples, decode, wav::encode};
use domain::{AudioFormat, ClipLimits, FeatureName, RefusalReason};
use encoder::Stream;
use proptest::prelude::*;

fn flac(data: &[u8]) -> Result<Samples, AudioError> {
    decode(data, AudioFormat::Wav, 0, &ClipLimits::default())
}

fn tone(count: usize) -> Vec<i16> {
    (0..count)
        .map(|i| ((i as f64 * 0.21).sin() * 9_000.0) as i16)
        .collect()
}

fn scaled(samples: &[i16]) -> Vec<f32> {
    samples
        .iter()
        .map(|sample| f32::from(*sample) / 32_768.0)
        .collect()
}

fn refused(data: &[u8], words: &str) {
    let refusal = flac(data).unwrap_err().refusal();
    assert!(refusal.detail.contains(words), "{words:?}: {refusal}");
}

#[test]
fn samples_and_features_are_those_of_the_same_wav() {
    let samples = tone(20_000);
    for total in [0, 20_000] {
        let heard = flac(
            &Stream {
                total,
                ..Stream::default()
            }
            .encode(&samples),
        )
        .unwrap();
        assert_eq!((heard.rate, &heard.mono), (16_000, &scaled(&samples)));
        let wav = flac(&encode(&heard)).unwrap();
        assert_eq!(wav, heard);
        let extractor = Extractor::new(FeatureOptions {
            names: FeatureName::ALL.to_vec(),
            frames: true,
            ..FeatureOptions::default()
        });
        let extractor = extractor.unwrap();
        assert_eq!(extractor.extract(&wav), extractor.extract(&heard));
    }
}

#[test]
fn a_flac_is_one_whatever_the_message_calls_it() {
    let file = Stream::default().encode(&tone(5_000));
    for claimed in [AudioFormat::Wav, AudioFormat::Pcm, AudioFormat::Flac] {
        let samples = decode(&file, claimed, 8_000, &ClipLimits::default()).unwrap();
        assert_eq!((samples.rate, samples.mono.len()), (16_000, 5_000));
    }
}

#[test]
fn channels_are_averaged() {
    let stream = Stream {
        channels: 2,
        block: 16,
        ..Stream::default()
    };
    let (left, right) = ([16_384_i16; 16], [0_i16; 16]);
    let file = [stream.header(&[]), stream.verbatim(0, &[&left, &right])].concat();
    assert_eq!(flac(&file).unwrap().mono, [0.25; 16]);
}

#[test]
fn tags_pictures_and_what_else_precedes_the_frames_are_skipped() {
    let stream = Stream::default();
    let samples = tone(1_000);
    // Neither is what its type promises: nobody looks at them.
    let blocks = [
        (4, b"no comment".to_vec()),
        (6, vec![0xff; 5_000]),
        (1, vec![0; 100]),
        (126, vec![]),
    ];
    let file = [stream.header(&blocks), stream.verbatim(0, &[&samples])].concat();
    assert_eq!(flac(&file).unwrap().mono, scaled(&samples));
}

#[test]
fn a_stream_that_ends_early_is_a_recording_unless_it_is_cut_within_a_frame() {
    let samples = tone(300);
    for total in [0, 300] {
        let stream = Stream {
            total,
            block: 100,
            ..Stream::default()
        };
        let whole = stream.encode(&samples);
        let (header, frame) = (
            stream.header(&[]).len(),
            stream.verbatim(0, &[&samples[..100]]).len(),
        );
        for length in 0..whole.len() {
            let cut = flac(&whole[..length]);
            let within = length.saturating_sub(header);
            if length < header || within == 0 {
                assert!(cut.is_err(), "{length}");
            } else if within % frame == 0 {
                assert_eq!(
                    cut.unwrap().mono,
                    scaled(&samples[..within / frame * 100]),
                    "{length}"
                );
            } else {
                let refusal = cut.unwrap_err().refusal();
                assert!(
                    refusal.detail.contains("cut short") || refusal.detail.contains("damaged"),
                    "{length}: {refusal}"
                );
            }
        }
    }
}

#[test]
fn what_follows_a_stream_of_known_length_is_ignored() {
    let samples = tone(200);
    let stream = Stream {
        total: 200,
        block: 100,
        ..Stream::default()
    };
    let more = [stream.encode(&samples), stream.verbatim(2, &[&samples[..100]])].concat();
    assert_eq!(flac(&more).unwrap().mono, scaled(&samples));
}

#[test]
fn a_damaged_or_missing_frame_is_refused_not_skipped() {
    let stream = Stream {
        block: 100,
        ..Stream::default()
    };
    let frames: Vec<_> = (0..4)
        .map(|number| stream.verbatim(number, &[&tone(100)]))
        .collect();
    let header = stream.header(&[]);
    let join = |frames: &[&Vec<u8>]| {
        [
            header.clone(),
            frames.iter().copied().flatten().copied().collect(),
        ]
        .concat()
    };
    for damaged in 0..4 {
        for at in [0, 3, 7, 50, 210] {
            let mut broken = frames.clone();
            broken[damaged][at] ^= 0x10;
            assert!(
                flac(&join(&broken.iter().collect::<Vec<_>>())).is_err(),
                "frame {damaged}, byte {at}"
            );
        }
    }
    refused(&join(&[&frames[0], &frames[2], &frames[3]]), "damaged or missing");
    refused(&join(&[&frames[1], &frames[2]]), "damaged or missing");
}

#[test]
fn what_a_header_promises_is_checked_before_anything_is_decoded() {
    let told = |stream: Stream| flac(&[stream.header(&[]), stream.constant(0, 100, 0)].concat());
    let reason = |stream| told(stream).unwrap_err().refusal().reason;
    let stream = Stream {
        block: 100,
        ..Stream::default()
    };
    for rate in [0, 3_999, 192_001, 0xf_ffff] {
        assert_eq!(
            reason(Stream { rate, ..stream }),
            RefusalReason::OutOfRange,
            "{rate}"
        );
    }
    let total = 60 * 16_000 + 1;
    assert_eq!(reason(Stream { total, ..stream }), RefusalReason::OutOfRange);
    assert_eq!(
        reason(Stream {
            total: 0xf_ffff_ffff,
            ..stream
        }),
        RefusalReason::OutOfRange
    );
    refused(&Stream { bits: 32, ..stream }.header(&[]), "24 bits");
    refused(&stream.header(&[]), "no samples");
    refused(
        &[b"fLaC\x84\0\0\x04abcd".to_vec(), vec![0; 50]].concat(),
        "STREAMINFO",
    );
    refused(b"fLaC\x80\0\xff\xffabcd", "cut short within its header");
    refused(b"fLaC", "cut short within its header");
}

#[test]
fn silence_that_unpacks_without_end_is_refused_in_time() {
    // 14 bytes of silence become 65,535 samples: 100 KB of them would take a gigabyte.
    let stream = Stream {
        rate: 192_000,
        block: 65_535,
        ..Stream::default()
    };
    let bomb: Vec<u8> = (0..120)
        .flat_map(|number| stream.constant(number, 65_535, 0))
        .collect();
    let bomb = [stream.header(&[]), bomb].concat();
    assert!(bomb.len() < 2_000);
    assert_eq!(flac(&bomb).unwrap_err().refusal().reason, RefusalReason::TooLarge);
    // As a description it is refused before the first frame.
    let stated = Stream {
        total: 120 * 65_535,
        ..stream
    };
    let refusal = flac(&stated.header(&[])).unwrap_err().refusal();
    assert_eq!(refusal.reason, RefusalReason::TooLarge);
    // Real silence of a real length is a recording.
    let quiet = Stream {
        block: 16_000,
        ..Stream::default()
    };
    let quiet = [
        quiet.header(&[]),
        quiet.constant(0, 16_000, 0),
        quiet.constant(1, 16_000, 0),
    ]
    .concat();
    assert_eq!(flac(&quiet).unwrap().mono, vec![0.0; 32_000]);
}

#[test]
fn a_stream_of_countless_tiny_frames_is_refused_before_any_is_looked_for() {
    let stream = Stream {
        block: 16,
        ..Stream::default()
    };
    let frame = stream.constant(0, 16, 0);
    let most = |count| [stream.header(&[]), frame.repeat(count)].concat();
    assert_eq!(
        flac(&most(8_193)).unwrap_err().refusal().reason,
        RefusalReason::TooLarge
    );
    // As many as may be are read, and found not to follow one another.
    refused(&most(8_192), "damaged or missing");
}

proptest! {
    #[test]
    fn arbitrary_bytes_behind_a_header_never_panic(
        body in prop::collection::vec(any::<u8>(), 0..300),
        mark in any::<bool>(),
        channels in 1_u8..=8,
        bits in 4_u8..=24,
    ) {
        let stream = Stream { channels, bits, block: 64, ..Stream::default() };
        let mark: &[u8] = if mark { &[0xff, 0xf8] } else { &[] };
        let _ = flac(&[&stream.header(&[]), mark, &body].concat());
    }

    #[test]
    fn a_damaged_byte_never_panics(at in 0_usize..600, byte in any::<u8>()) {
        let stream = Stream { channels: 2, block: 64, ..Stream::default() };
        let left = tone(64);
        let mut file = [stream.header(&[]), stream.verbatim(0, &[&left, &left]), stream.verbatim(1, &[&left, &left])].concat();
        let at = at % file.len();
        file[at] = byte;
        let _ = flac(&file);
    }
}
