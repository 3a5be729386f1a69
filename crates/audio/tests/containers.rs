//! What recordings are in, and what is sent in place of one: each named, with what to change.
#![allow(missing_docs, clippy::unwrap_used)]

use audio::{AudioError, Samples, decode, recognise, wav::encode_pcm16};
use domain::{AudioFormat, ClipLimits, RefusalReason};

fn wav(data: &[u8]) -> Result<Samples, AudioError> {
    decode(data, AudioFormat::Wav, 0, &ClipLimits::default())
}

fn tone(count: usize) -> Vec<f32> {
    (0..count)
        .map(|i| ((i as f32 * 0.21).sin() * 9_000.0).round() / 32_768.0)
        .collect()
}

/// A WAV with its numbers the other way round, and named so.
fn rifx(samples: &[f32]) -> Vec<u8> {
    let mut file = encode_pcm16(samples, 16_000);
    file[..4].copy_from_slice(b"RIFX");
    // Lengths, then tag and channels, rate and bytes a second, frame and bits.
    for (at, bytes) in [
        (4, 4),
        (16, 4),
        (20, 2),
        (22, 2),
        (24, 4),
        (28, 4),
        (32, 2),
        (34, 2),
        (40, 4),
    ] {
        file[at..at + bytes].reverse();
    }
    file[44..].chunks_exact_mut(2).for_each(<[u8]>::reverse);
    file
}

/// An RF64 as large recorders write it: the lengths of 32 bits are void.
fn rf64(magic: &[u8], length: u64, samples: &[f32]) -> Vec<u8> {
    let plain = encode_pcm16(samples, 16_000);
    let mut file = magic.to_vec();
    file.extend(b"\xff\xff\xff\xffWAVEds64\x1c\0\0\0");
    file.extend((plain.len() as u64 + 36).to_le_bytes());
    file.extend(length.to_le_bytes());
    file.extend((samples.len() as u64).to_le_bytes());
    file.extend(0_u32.to_le_bytes());
    file.extend(&plain[12..40]);
    file.extend(u32::MAX.to_le_bytes());
    file.extend(&plain[44..]);
    file
}

#[test]
fn rifx_is_a_wav_of_the_other_byte_order() {
    let samples = tone(100);
    let heard = wav(&rifx(&samples)).unwrap();
    assert_eq!((heard.rate, heard.mono), (16_000, samples));
}

#[test]
fn an_extensible_rifx_names_its_encoding_in_its_own_byte_order() {
    let mut file = rifx(&tone(100));
    file[20..22].copy_from_slice(&0xfffe_u16.to_be_bytes());
    file[16..20].copy_from_slice(&40_u32.to_be_bytes());
    let mut extension = vec![0, 22, 0, 16, 0, 0, 0, 4, 0, 0, 0, 1];
    extension.extend([0, 0, 0, 0x10, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71]);
    file.splice(36..36, extension);
    assert_eq!(wav(&file).unwrap().mono, tone(100));
}

#[test]
fn a_name_of_one_byte_order_with_numbers_of_the_other_is_told() {
    let mut file = encode_pcm16(&tone(100), 16_000);
    file[..4].copy_from_slice(b"RIFX");
    let told = wav(&file).unwrap_err().to_string();
    assert!(told.contains("begin it with RIFF"), "{told}");
    let mut file = rifx(&tone(100));
    file[..4].copy_from_slice(b"RIFF");
    let told = wav(&file).unwrap_err().to_string();
    assert!(told.contains("begin it with RIFX"), "{told}");
}

#[test]
fn rf64_has_lengths_of_64_bits() {
    let samples = tone(100);
    for magic in [b"RF64", b"BW64"] {
        for length in [200, 0, u64::MAX, u64::from(u32::MAX), 1 << 40] {
            assert_eq!(
                wav(&rf64(magic, length, &samples)).unwrap().mono,
                samples,
                "{length}"
            );
        }
        assert_eq!(wav(&rf64(magic, 60, &samples)).unwrap().mono, samples[..30]);
        let whole = rf64(magic, 200, &samples);
        assert!(
            wav(&whole[..whole.len() - 1])
                .unwrap_err()
                .to_string()
                .contains("cut short")
        );
        assert_eq!(wav(&whole[..whole.len() - 2]).unwrap().mono, samples[..99]);
    }
}

#[test]
fn bytes_go_before_words() {
    let (samples, limits) = (tone(101), ClipLimits::default());
    let eight_bit = [&encode_pcm16(&samples, 16_000)[..], &[0]].concat();
    for file in [
        encode_pcm16(&samples, 16_000),
        rifx(&samples),
        rf64(b"RF64", 202, &samples),
        eight_bit,
    ] {
        assert_eq!(recognise(&file, AudioFormat::Pcm), Ok(AudioFormat::Wav));
        // At the header's rate, not at the message's.
        let heard = decode(&file, AudioFormat::Pcm, 8_000, &limits).unwrap();
        assert_eq!((heard.rate, &heard.mono), (16_000, &samples));
    }
    assert_eq!(
        recognise(b"\x01\x02\x03\x04", AudioFormat::Pcm),
        Ok(AudioFormat::Pcm)
    );
    let odd = decode(&[1, 0, 2], AudioFormat::Pcm, 8_000, &limits);
    assert!(odd.unwrap_err().to_string().contains("cut short within a sample"));
}

/// MPEG audio: 417 bytes a frame at 128 kbit/s and 44.1 kHz.
fn mp3(frames: usize) -> Vec<u8> {
    let mut frame = b"\xff\xfb\x90\0".to_vec();
    frame.resize(417, 0x55);
    frame.repeat(frames)
}

fn aac() -> Vec<u8> {
    let mut frame = b"\xff\xf1\x60\x40\x04\x1f\xfc".to_vec();
    frame.resize(32, 0x55);
    frame.repeat(4)
}

fn ogg(mark: &[u8]) -> Vec<u8> {
    [
        b"OggS\0\x02\0\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\x01\x13",
        mark,
        &[0; 100],
    ]
    .concat()
}

/// A WAV of any encoding.
fn encoded(tag: u16, bits: u16) -> Vec<u8> {
    let mut file = encode_pcm16(&[0.0; 500], 16_000);
    file[20..22].copy_from_slice(&tag.to_le_bytes());
    file[34..36].copy_from_slice(&bits.to_le_bytes());
    file
}

fn padded(begin: &[u8]) -> Vec<u8> {
    [begin, &[7; 200]].concat()
}

#[test]
fn what_is_no_recording_is_named_with_what_to_change() {
    let pcm = "PCM (16 bit, mono, 16 kHz)";
    let cases: Vec<(Vec<u8>, &str, &str)> = vec![
        (padded(b"ID3\x04\0\0\0\0\0\x01x"), "an MP3", pcm),
        (mp3(3), "an MP3", pcm),
        (mp3(1)[..300].to_vec(), "an MP3", pcm),
        (ogg(b"\x01vorbis"), "Ogg Vorbis", pcm),
        (ogg(b"OpusHead"), "Ogg Opus", pcm),
        (ogg(b"Speex   "), "Ogg Speex", pcm),
        (ogg(b"\x7fFLAC\x01"), "a FLAC within Ogg", "without Ogg"),
        (ogg(b"?"), "an Ogg file", pcm),
        (aac(), "AAC", pcm),
        (padded(b"\0\0\0\x20ftypM4A \0\0\0\0"), "an M4A file (AAC)", pcm),
        (padded(b"\0\0\0\x20ftypisom\0\0\0\0"), "an MPEG-4 file", pcm),
        (padded(b"\0\0\0\x20ftyp3gp4\0\0\0\0"), "a 3GP file", pcm),
        (padded(b"#!AMR\n"), "AMR", pcm),
        (padded(b"#!AMR-WB\n"), "AMR-WB", pcm),
        (padded(b"\x1a\x45\xdf\xa3"), "a WebM or Matroska file", pcm),
        (padded(b"\x30\x26\xb2\x75\x8e\x66\xcf\x11"), "Windows Media", pcm),
        (padded(b"FORM\0\0\x10\0AIFFCOMM"), "an AIFF", "as a WAV"),
        (padded(b".snd\0\0\0\x18"), "an AU file", "as a WAV"),
        (padded(b"caff\0\x01"), "a CAF", "as a WAV"),
        (padded(b"riff\x2e\x91\xcf\x11"), "Wave64", "as a WAV"),
        (padded(b"wvpk"), "a WavPack", "as a WAV"),
        (
            padded(b"ID3\x04\0\0\0\0\0\0fLaC"),
            "a FLAC behind an ID3 tag",
            "leave out the tag",
        ),
        (
            padded(b"RIFF\0\0\x10\0AVI LIST"),
            "an AVI video",
            "another buffer",
        ),
        (padded(b"\x89PNG\r\n\x1a\n"), "a PNG image", "another buffer"),
        (
            padded(b"\xff\xd8\xff\xe0\0\x10JFIF"),
            "a JPEG image",
            "another buffer",
        ),
        (padded(b"\x1f\x8b\x08"), "gzip", "not packed"),
        (padded(b"PK\x03\x04"), "a ZIP archive", "not packed"),
        (br#"{"data": "UklGRg=="}"#.to_vec(), "JSON", "another buffer"),
        (
            b"<!DOCTYPE html><html><body>404</body></html>".to_vec(),
            "a web page",
            "another buffer",
        ),
        (b"<?xml version=\"1.0\"?>".to_vec(), "XML", "another buffer"),
        (
            b"UklGRiQAAABXQVZFZm10IBAAAAA=".to_vec(),
            "Base64 once more",
            "once",
        ),
        (
            b"recording failed: ESP_ERR_TIMEOUT".to_vec(),
            "text",
            "another buffer",
        ),
        (
            padded(&[1, 2, 3, 4, 250]),
            "neither a WAV nor a FLAC",
            "\"format\": \"pcm\"",
        ),
        (vec![0; 500], "all its bytes are zero", "never filled"),
        (encoded(0x02, 4), "MS ADPCM", "record PCM, 16 bit"),
        (
            encoded(0x11, 4),
            "IMA ADPCM (0x0011) of 4 bits",
            "record PCM, 16 bit",
        ),
        (encoded(0x31, 0), "GSM 6.10", "record PCM, 16 bit"),
        (encoded(0x55, 0), "MP3", "record PCM, 16 bit"),
        (encoded(0x50, 0), "MPEG audio", "record PCM, 16 bit"),
        (encoded(0xff, 16), "AAC", "record PCM, 16 bit"),
        (encoded(0x01, 12), "PCM (0x0001) of 12 bits", "record PCM, 16 bit"),
        (
            encoded(0x1234, 16),
            "an unknown encoding (0x1234)",
            "record PCM, 16 bit",
        ),
    ];
    for (file, kind, remedy) in cases {
        let refusal = wav(&file).unwrap_err().refusal();
        assert_eq!(refusal.reason, RefusalReason::BadAudio, "{kind}");
        assert!(refusal.detail.contains(kind), "{kind}: {refusal}");
        assert!(refusal.detail.contains(remedy), "{kind}: {refusal}");
    }
}

#[test]
fn compressed_sound_is_not_taken_for_bare_samples() {
    for file in [
        mp3(4),
        aac(),
        ogg(b"OpusHead"),
        padded(b"#!AMR\n"),
        padded(b"\x89PNG\r\n\x1a\n"),
    ] {
        assert!(matches!(
            recognise(&file, AudioFormat::Pcm),
            Err(AudioError::Foreign { .. })
        ));
    }
}

#[test]
fn bare_samples_are_not_taken_for_something_else() {
    // Any two bytes may begin a sound: also those that begin a frame of MPEG audio, a picture or an archive.
    for begin in 0..=u16::MAX {
        let [a, b] = begin.to_be_bytes();
        let samples = [a, b, 0x90, 0x02, 0x13, 0xfe, 0x40, 0x01, a, b, 0x90, 0x03].repeat(50);
        assert_eq!(
            recognise(&samples, AudioFormat::Pcm),
            Ok(AudioFormat::Pcm),
            "{begin:#06x}"
        );
    }
    // A loud tone of a low frequency, whose first bytes are all letters.
    let loud = [b"AbAcAdAe".repeat(20), vec![0, 0x40]].concat();
    assert_eq!(recognise(&loud, AudioFormat::Pcm), Ok(AudioFormat::Pcm));
    // A quiet room and a loud one.
    for loudness in [3, 20_000] {
        let mut state = 1_u64;
        for _ in 0..2_000 {
            let samples: Vec<u8> = (0..40)
                .flat_map(|_| {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    ((state >> 40) as i32 % (2 * loudness) - loudness).to_le_bytes()[..2].to_vec()
                })
                .collect();
            assert_eq!(recognise(&samples, AudioFormat::Pcm), Ok(AudioFormat::Pcm));
        }
    }
}
