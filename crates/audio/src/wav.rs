//! RIFF/WAVE as ESP32 recorders and phones write it, its big-endian form RIFX, and RF64 (EBU Tech 3306, also BW64) with
//! 64-bit lengths.
//!
//! In: bytes. Out: the format and place of the samples. A data length of 0, of 0xFFFFFFFF or past the end means "to the
//! end": many recorders never correct it. A recording cut within its header is refused. The parser is our own: the usual
//! crates refuse several of these forms, and accept a rate of 0.

use crate::{
    AudioError, Samples,
    encoding::{Encoding, Order},
};

const PCM: u16 = 1;
const FLOAT: u16 = 3;
const A_LAW: u16 = 6;
const MU_LAW: u16 = 7;
const EXTENSIBLE: u16 = 0xfffe;
const MAX_CHANNELS: u16 = 32;
/// How the samples are written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Header {
    pub(crate) order: Order,
    pub(crate) encoding: Encoding,
    pub(crate) channels: usize,
    pub(crate) rate: u32,
}

/// The samples' bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Body<'a> {
    pub(crate) bytes: &'a [u8],
    /// Whether the header announces more: then the data must at least end with a whole frame.
    pub(crate) cut: bool,
}

/// Encodes mono samples as a WAV that reads back as the same samples: 16 bit where that holds them, else single
/// precision.
pub fn encode(samples: &Samples) -> Vec<u8> {
    let Samples { rate, mono } = samples;
    let fits = |sample: &f32| {
        let scaled = sample * 32_768.0;
        scaled.fract() == 0.0 && (-32_768.0..=32_767.0).contains(&scaled)
    };
    if mono.iter().all(fits) {
        return encode_pcm16(mono, *rate);
    }
    let mut wav = header(FLOAT, 4, mono.len(), *rate);
    for sample in mono {
        wav.extend(sample.to_le_bytes());
    }
    wav
}

/// The header of a mono WAV, with room for its samples.
fn header(tag: u16, sample_bytes: u16, samples: usize, rate: u32) -> Vec<u8> {
    let bytes = samples as u32 * u32::from(sample_bytes);
    let mut wav = Vec::with_capacity(44 + bytes as usize);
    wav.extend(b"RIFF");
    wav.extend((36 + bytes).to_le_bytes());
    wav.extend(b"WAVEfmt ");
    wav.extend(16_u32.to_le_bytes());
    wav.extend(tag.to_le_bytes());
    wav.extend(1_u16.to_le_bytes());
    wav.extend(rate.to_le_bytes());
    wav.extend((rate * u32::from(sample_bytes)).to_le_bytes());
    wav.extend(sample_bytes.to_le_bytes());
    wav.extend((sample_bytes * 8).to_le_bytes());
    wav.extend(b"data");
    wav.extend(bytes.to_le_bytes());
    wav
}

/// Encodes mono samples as a 16-bit WAV; values beyond full scale are clipped.
pub fn encode_pcm16(samples: &[f32], rate: u32) -> Vec<u8> {
    let mut wav = header(PCM, 2, samples.len(), rate);
    for sample in samples {
        wav.extend(((sample * 32_768.0).round().clamp(-32_768.0, 32_767.0) as i16).to_le_bytes());
    }
    wav
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

/// Finds the format and the samples. The bytes begin as one of the three forms.
pub(crate) fn parse(data: &[u8]) -> Result<(Header, Body<'_>), AudioError> {
    let order = if data.starts_with(b"RIFX") {
        Order::Big
    } else {
        Order::Little
    };
    let wide = data.starts_with(b"RF64") || data.starts_with(b"BW64");
    let (mut header, mut length_64) = (None, None);
    let mut at = 12;
    while let (Some(name), Some(length)) = (data.get(at..at + 4), order.u32_at(data, at + 4)) {
        let start = at + 8;
        let chunk = || {
            data.get(start..start.saturating_add(length as usize).min(data.len()))
                .unwrap_or_default()
        };
        match name {
            b"ds64" if wide => length_64 = u64_at(chunk(), 8),
            b"fmt " => {
                check_order(order, length, data.len())?;
                header = Some(parse_format(order, chunk())?);
            }
            b"data" => {
                let header = header.ok_or(AudioError::Undecodable("its data comes before its format"))?;
                return Ok((header, body(&data[start..], length, length_64)));
            }
            _ => {}
        }
        // Chunks are padded to an even length.
        at = start
            .saturating_add(length as usize)
            .saturating_add(length as usize & 1);
    }
    Err(AudioError::Undecodable(if header.is_some() {
        "it has no data"
    } else {
        "it is cut short within its header"
    }))
}

/// `length_64`: what an RF64 says beside `length`; it goes before, as in libsndfile.
fn body(present: &[u8], length: u32, length_64: Option<u64>) -> Body<'_> {
    let announced = length_64.unwrap_or(u64::from(length));
    // The recorder did not know the length yet.
    let unknown = announced == 0 || announced == u64::from(u32::MAX) || announced == u64::MAX;
    let length = usize::try_from(announced).unwrap_or(usize::MAX);
    let cut = !unknown && length > present.len();
    Body {
        bytes: &present[..if unknown {
            present.len()
        } else {
            length.min(present.len())
        }],
        cut,
    }
}

/// Refuses a file whose name is of one byte order and whose numbers are of the other.
fn check_order(order: Order, length: u32, bytes: usize) -> Result<(), AudioError> {
    let swapped = length as usize > bytes && (16..=64).contains(&length.swap_bytes());
    match order {
        Order::Big if swapped => Err(AudioError::Undecodable(
            "it begins with RIFX, which means big-endian, but its numbers are little-endian: begin it with RIFF",
        )),
        Order::Little if swapped => Err(AudioError::Undecodable(
            "it begins with RIFF, which means little-endian, but its numbers are big-endian: begin it with RIFX",
        )),
        _ => Ok(()),
    }
}

fn parse_format(order: Order, chunk: &[u8]) -> Result<Header, AudioError> {
    let short = || AudioError::Undecodable("it is cut short within its header");
    let mut tag = order.u16_at(chunk, 0).ok_or_else(short)?;
    let channels = order.u16_at(chunk, 2).ok_or_else(short)?;
    let rate = order.u32_at(chunk, 4).ok_or_else(short)?;
    let bits = order.u16_at(chunk, 14).ok_or_else(short)?;
    if tag == EXTENSIBLE {
        // The sub-format begins with the tag it would have without the extension, as a number of 32 bits.
        tag = order.u32_at(chunk, 24).ok_or_else(short)? as u16;
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
        order,
        encoding,
        channels: usize::from(channels),
        rate,
    })
}
