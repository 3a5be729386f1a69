//! RIFF/WAVE as ESP32 recorders and phones write it, and bare PCM.
//!
//! In: bytes. Out: mono samples in −1…1 as libsndfile scales them: integers divided by 2^(bits−1), bytes (x−128)/128,
//! channels averaged in single precision. A data length of 0, of 0xFFFFFFFF or past the end means "to the end": many
//! recorders never correct it. A recording cut within its header or within a sample is refused. The parser is our own:
//! the usual crates refuse several of these forms, and accept a rate of 0.

use domain::{AudioFormat, ClipLimits};

use crate::{AudioError, encoding::Encoding};

const PCM: u16 = 1;
const FLOAT: u16 = 3;
const A_LAW: u16 = 6;
const MU_LAW: u16 = 7;
const EXTENSIBLE: u16 = 0xfffe;
const MAX_CHANNELS: u16 = 32;
/// Beyond any real recording, and far below where powers and their sums would overflow.
const MAX_SAMPLE: f32 = 1e6;

/// A mono recording.
#[derive(Debug, Clone, PartialEq)]
pub struct Samples {
    /// Samples per second.
    pub rate: u32,
    /// The samples, full scale ±1.
    pub mono: Vec<f32>,
}

#[derive(Debug, Clone, Copy)]
struct Header {
    encoding: Encoding,
    channels: usize,
    rate: u32,
}

/// The samples' bytes.
#[derive(Debug, Clone, Copy)]
struct Body<'a> {
    bytes: &'a [u8],
    /// Whether the header announces more: then the data must at least end with a whole frame.
    cut: bool,
}

/// Decodes a clip. The rate of [`AudioFormat::Pcm`] (16 bit, little-endian, mono) comes from the message, that of a WAV
/// from its header.
pub fn decode(
    data: &[u8],
    format: AudioFormat,
    message_rate: u32,
    limits: &ClipLimits,
) -> Result<Samples, AudioError> {
    let (header, body) = match format {
        AudioFormat::Wav => parse(data)?,
        AudioFormat::Pcm => (
            Header {
                encoding: Encoding::S16,
                channels: 1,
                rate: message_rate,
            },
            Body {
                bytes: data,
                cut: true,
            },
        ),
    };
    let frame = header.encoding.bytes() * header.channels;
    let frames = body.bytes.len() / frame;
    if frames == 0 {
        return Err(AudioError::Undecodable("it holds no samples"));
    }
    if body.cut && body.bytes.len() % frame != 0 {
        return Err(AudioError::Undecodable("it is cut short within a sample"));
    }
    // Checked before anything is allocated: a header may claim anything.
    let seconds = frames as f64 / f64::from(header.rate.max(1));
    limits
        .check(data.len(), header.rate, seconds)
        .map_err(AudioError::Limit)?;
    let mono = header
        .encoding
        .mono(&body.bytes[..frames * frame], header.channels);
    if matches!(header.encoding, Encoding::F32 | Encoding::F64)
        && mono
            .iter()
            .any(|sample| sample.abs() > MAX_SAMPLE || sample.is_nan())
    {
        return Err(AudioError::Undecodable(
            "it holds samples that are not finite numbers of a sensible size",
        ));
    }
    Ok(Samples {
        rate: header.rate,
        mono,
    })
}

/// Encodes mono samples as a 16-bit WAV; values beyond full scale are clipped.
pub fn encode_pcm16(samples: &[f32], rate: u32) -> Vec<u8> {
    let bytes = samples.len() as u32 * 2;
    let mut wav = Vec::with_capacity(44 + samples.len() * 2);
    wav.extend(b"RIFF");
    wav.extend((36 + bytes).to_le_bytes());
    wav.extend(b"WAVEfmt ");
    wav.extend(16_u32.to_le_bytes());
    wav.extend(PCM.to_le_bytes());
    wav.extend(1_u16.to_le_bytes());
    wav.extend(rate.to_le_bytes());
    wav.extend((rate * 2).to_le_bytes());
    wav.extend(2_u16.to_le_bytes());
    wav.extend(16_u16.to_le_bytes());
    wav.extend(b"data");
    wav.extend(bytes.to_le_bytes());
    for sample in samples {
        wav.extend(((sample * 32_768.0).round().clamp(-32_768.0, 32_767.0) as i16).to_le_bytes());
    }
    wav
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn parse(data: &[u8]) -> Result<(Header, Body<'_>), AudioError> {
    if data.len() < 12 || &data[..4] != b"RIFF" || &data[8..12] != b"WAVE" {
        return Err(AudioError::Undecodable("it does not begin as a RIFF/WAVE file"));
    }
    let mut header = None;
    let mut at = 12;
    while let (Some(name), Some(length)) = (data.get(at..at + 4), u32_at(data, at + 4)) {
        let start = at + 8;
        let length = length as usize;
        match name {
            b"fmt " => {
                header = Some(parse_format(
                    data.get(start..start.saturating_add(length).min(data.len()))
                        .unwrap_or_default(),
                )?);
            }
            b"data" => {
                let header = header.ok_or(AudioError::Undecodable("its data comes before its format"))?;
                let present = data.len() - start;
                // 0 and 0xFFFFFFFF: the recorder did not know the length yet.
                let unknown = length == 0 || length == u32::MAX as usize;
                let body = Body {
                    bytes: &data[start..start + if unknown { present } else { length.min(present) }],
                    cut: !unknown && length > present,
                };
                return Ok((header, body));
            }
            _ => {}
        }
        // Chunks are padded to an even length.
        at = start.saturating_add(length).saturating_add(length & 1);
    }
    Err(AudioError::Undecodable(if header.is_some() {
        "it has no data"
    } else {
        "it is cut short within its header"
    }))
}

fn parse_format(chunk: &[u8]) -> Result<Header, AudioError> {
    let short = || AudioError::Undecodable("it is cut short within its header");
    let mut tag = u16_at(chunk, 0).ok_or_else(short)?;
    let channels = u16_at(chunk, 2).ok_or_else(short)?;
    let rate = u32_at(chunk, 4).ok_or_else(short)?;
    let bits = u16_at(chunk, 14).ok_or_else(short)?;
    if tag == EXTENSIBLE {
        // The sub-format's first two bytes are the tag it would have without the extension.
        tag = u16_at(chunk, 24).ok_or_else(short)?;
    }
    if channels == 0 {
        return Err(AudioError::Undecodable("it has no channels"));
    }
    if channels > MAX_CHANNELS {
        return Err(AudioError::Undecodable("it has more than 32 channels"));
    }
    let encoding = match (tag, bits) {
        (PCM, 8) => Encoding::U8,
        (PCM, 16) => Encoding::S16,
        (PCM, 24) => Encoding::S24,
        (PCM, 32) => Encoding::S32,
        (FLOAT, 32) => Encoding::F32,
        (FLOAT, 64) => Encoding::F64,
        (A_LAW, 8) => Encoding::ALaw,
        (MU_LAW, 8) => Encoding::MuLaw,
        (tag, bits) => return Err(AudioError::Encoding { tag, bits }),
    };
    Ok(Header {
        encoding,
        channels: usize::from(channels),
        rate,
    })
}
