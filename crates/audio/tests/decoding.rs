//! WAV as recorders write it, and as nobody should.
#![allow(missing_docs, clippy::unwrap_used, clippy::float_cmp, clippy::too_many_lines)]

use audio::{AudioError, Samples, decode, wav::encode_pcm16};
use domain::{AudioFormat, ClipLimits, RefusalReason};
use proptest::prelude::*;

fn wav(data: &[u8]) -> Result<Samples, AudioError> {
    decode(data, AudioFormat::Wav, 0, &ClipLimits::default())
}

struct Form {
    tag: u16,
    bits: u16,
    channels: u16,
    rate: u32,
    extensible: bool,
    before: Vec<u8>,
    length: Option<u32>,
}

impl Default for Form {
    fn default() -> Self {
        Self {
            tag: 1,
            bits: 16,
            channels: 1,
            rate: 16_000,
            extensible: false,
            before: vec![],
            length: None,
        }
    }
}

fn build(form: &Form, data: &[u8]) -> Vec<u8> {
    let frame = form.channels * (form.bits / 8);
    let mut format = Vec::new();
    format.extend(if form.extensible { 0xfffe_u16 } else { form.tag }.to_le_bytes());
    format.extend(form.channels.to_le_bytes());
    format.extend(form.rate.to_le_bytes());
    format.extend((form.rate.wrapping_mul(u32::from(frame))).to_le_bytes());
    format.extend(frame.to_le_bytes());
    format.extend(form.bits.to_le_bytes());
    if form.extensible {
        format.extend(22_u16.to_le_bytes());
        format.extend(form.bits.to_le_bytes());
        format.extend(0_u32.to_le_bytes());
        format.extend(form.tag.to_le_bytes());
        format.extend([0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71]);
    }
    let mut out = b"RIFF\0\0\0\0WAVE".to_vec();
    out.extend(&form.before);
    out.extend(b"fmt ");
    out.extend((format.len() as u32).to_le_bytes());
    out.extend(format);
    out.extend(b"data");
    out.extend(form.length.unwrap_or(data.len() as u32).to_le_bytes());
    out.extend(data);
    out
}

#[test]
fn every_encoding_has_libsndfiles_scale() {
    let cases: [(u16, u16, Vec<u8>, f32); 8] = [
        (1, 8, vec![192], 0.5),
        (1, 16, (-16_384_i16).to_le_bytes().to_vec(), -0.5),
        (1, 24, vec![0, 0, 0x40], 0.5),
        (1, 32, (1_i32 << 30).to_le_bytes().to_vec(), 0.5),
        (3, 32, 0.25_f32.to_le_bytes().to_vec(), 0.25),
        (3, 64, (-0.125_f64).to_le_bytes().to_vec(), -0.125),
        (6, 8, vec![0xd5], 8.0 / 32_768.0),
        (7, 8, vec![0x80], 32_124.0 / 32_768.0),
    ];
    for (tag, bits, data, expected) in cases {
        for extensible in [false, true] {
            let samples = wav(&build(
                &Form {
                    tag,
                    bits,
                    extensible,
                    ..Form::default()
                },
                &data,
            ))
            .unwrap();
            assert_eq!(samples.mono, [expected], "{tag} {bits} {extensible}");
        }
    }
}

#[test]
fn channels_are_averaged() {
    let data: Vec<u8> = [16_384_i16, 0, -16_384, -16_384]
        .iter()
        .flat_map(|s| s.to_le_bytes())
        .collect();
    assert_eq!(
        wav(&build(
            &Form {
                channels: 2,
                ..Form::default()
            },
            &data
        ))
        .unwrap()
        .mono,
        [0.25, -0.5]
    );
}

#[test]
fn an_unknown_length_means_to_the_end() {
    for length in [0, 0xffff_ffff, 1_000_000] {
        assert_eq!(
            wav(&build(
                &Form {
                    length: Some(length),
                    ..Form::default()
                },
                &[0; 8]
            ))
            .unwrap()
            .mono
            .len(),
            4
        );
    }
}

#[test]
fn a_recording_cut_short_is_one_unless_within_header_or_sample() {
    let whole = build(&Form::default(), &[7; 40]);
    // Header: 12 + 24 + 8 bytes; a sample has two.
    for length in 0..whole.len() {
        let cut = wav(&whole[..length]);
        match length {
            0..46 => assert!(cut.is_err(), "{length}"),
            _ if length % 2 == 1 => assert!(
                cut.unwrap_err().to_string().contains("cut short within a sample"),
                "{length}"
            ),
            _ => assert_eq!(cut.unwrap().mono.len(), (length - 44) / 2),
        }
    }
    // A recorder that did not know the length, and stopped anywhere, is not cut short.
    for length in [0, u32::MAX] {
        let unknown = Form {
            length: Some(length),
            ..Form::default()
        };
        assert_eq!(wav(&build(&unknown, &[7; 41])).unwrap().mono.len(), 20);
    }
}

#[test]
fn chunks_may_come_before_with_odd_sizes_and_junk_may_follow() {
    let before = [b"LIST\x03\0\0\0abc\0".as_slice(), b"junk\x02\0\0\0xy"].concat();
    let mut file = build(
        &Form {
            before,
            ..Form::default()
        },
        &[0; 8],
    );
    file.extend(b"some junk at the end");
    assert_eq!(wav(&file).unwrap().mono.len(), 4);
}

#[test]
fn pcm_has_the_messages_rate() {
    let samples = decode(&[0, 64, 0, 192], AudioFormat::Pcm, 8_000, &ClipLimits::default()).unwrap();
    assert_eq!(
        samples,
        Samples {
            rate: 8_000,
            mono: vec![0.5, -0.5]
        }
    );
}

#[test]
fn what_is_no_clip_is_refused_with_its_reason() {
    let reason = |data: &[u8]| wav(data).unwrap_err().refusal();
    assert_eq!(reason(b"").reason, RefusalReason::BadAudio);
    assert_eq!(
        reason(b"OggS and more than twelve bytes").reason,
        RefusalReason::BadAudio
    );
    assert!(
        reason(&build(&Form::default(), &[]))
            .detail
            .contains("no samples")
    );
    assert!(
        reason(&build(&Form::default(), &[0; 8])[..30])
            .detail
            .contains("cut short")
    );
    assert!(
        reason(&build(
            &Form {
                channels: 0,
                ..Form::default()
            },
            &[0; 8]
        ))
        .detail
        .contains("no channels")
    );
    assert!(
        reason(&build(
            &Form {
                tag: 0x11,
                ..Form::default()
            },
            &[0; 8]
        ))
        .detail
        .contains("0x0011")
    );
    assert_eq!(
        reason(&build(
            &Form {
                rate: 0,
                ..Form::default()
            },
            &[0; 8]
        ))
        .reason,
        RefusalReason::OutOfRange
    );
    assert_eq!(
        reason(&build(
            &Form {
                rate: 4_000,
                ..Form::default()
            },
            &vec![0; 500_000]
        ))
        .reason,
        RefusalReason::OutOfRange
    );
    assert_eq!(
        reason(&build(&Form::default(), &vec![0; 2 << 20])).reason,
        RefusalReason::TooLarge
    );
    let infinite = build(
        &Form {
            tag: 3,
            bits: 32,
            ..Form::default()
        },
        &f32::INFINITY.to_le_bytes(),
    );
    assert!(reason(&infinite).detail.contains("finite"));
    // Finite, but their powers would not be.
    let absurd = build(
        &Form {
            tag: 3,
            bits: 32,
            ..Form::default()
        },
        &1e30_f32.to_le_bytes(),
    );
    assert!(reason(&absurd).detail.contains("sensible size"));
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(data in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = wav(&data);
        let _ = decode(&data, AudioFormat::Pcm, 16_000, &ClipLimits::default());
    }

    #[test]
    fn a_damaged_header_never_panics(at in 0_usize..60, byte in any::<u8>()) {
        let mut file = build(&Form { extensible: true, ..Form::default() }, &[1; 40]);
        file[at] = byte;
        if let Ok(samples) = wav(&file) {
            let _ = audio::Extractor::new(audio::FeatureOptions::default()).unwrap().extract(&samples);
        }
    }

    #[test]
    fn what_is_encoded_reads_back(values in prop::collection::vec(-1.0_f32..1.0, 1..200)) {
        let samples = wav(&encode_pcm16(&values, 16_000)).unwrap();
        for (a, b) in samples.mono.iter().zip(&values) {
            prop_assert!((a - b).abs() <= 1.0 / 32_768.0);
        }
    }
}
