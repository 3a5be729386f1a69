//! FLAC (RFC 9639), which halves what a device sends and loses nothing.
//!
//! In: the bytes of a stream. Out: mono samples, equal to the last bit to those of the same recording as a WAV. Frames
//! are found and decoded by Symphonia; this module reads the description of the stream, skips whatever else is in its
//! metadata, and bounds what a stream may become. A frame that is damaged or missing is refused, never skipped; a
//! stream that ends early, but with a whole frame, is a recording up to there.

use std::io::Read as _;

use domain::{ClipLimits, Refusal, RefusalReason};
use symphonia_bundle_flac::{FlacDecoder, FlacReader};
use symphonia_core::{
    audio::{Audio as _, AudioBuffer, GenericAudioBufferRef},
    codecs::audio::{AudioDecoder as _, AudioDecoderOptions},
    errors::Error,
    formats::{FormatOptions, FormatReader as _},
    io::{MediaSourceStream, ReadOnlySource},
    packet::Packet,
};

use crate::{AudioError, Samples};

const DESCRIPTION_BYTES: usize = 34;
/// Silence packs into next to nothing: a stream may become so many times the bytes that a clip may have.
const MAX_EXPANSION: usize = 8;
/// Each frame costs a buffer, however little it holds; a minute in blocks of 192 samples has 5,000 at 16 kHz.
const MAX_FRAMES: usize = 8_192;
/// Beyond it few decoders go, libsndfile's among them.
const MAX_BITS: u32 = 24;

const DAMAGED: AudioError = AudioError::Undecodable("a frame of the FLAC is damaged or missing");
const CUT_IN_HEADER: AudioError = AudioError::Undecodable("it is cut short within its header");
const CUT_IN_FRAME: AudioError = AudioError::Undecodable("the FLAC is cut short within a frame");

/// What the stream says of itself.
struct Description<'a> {
    bytes: &'a [u8; DESCRIPTION_BYTES],
    rate: u32,
    channels: usize,
    bits: u32,
    /// Samples of each channel; `None` where the encoder did not know yet.
    frames: Option<usize>,
}

/// Decodes a stream that begins with `fLaC`.
pub(crate) fn decode(data: &[u8], limits: &ClipLimits) -> Result<Samples, AudioError> {
    let (description, body) = parse(data)?;
    let seconds = |frames: usize| frames as f64 / f64::from(description.rate.max(1));
    let check = |frames: usize| {
        limits
            .check(data.len(), description.rate, seconds(frames))
            .and_then(|()| check_expansion(&description, frames, limits))
            .map_err(AudioError::Limit)
    };
    check(description.frames.unwrap_or_default())?;
    if description.bits > MAX_BITS {
        return Err(AudioError::Undecodable(
            "it is a FLAC of more than 24 bits a sample; send 16 or 24",
        ));
    }
    check_marks(body).map_err(AudioError::Limit)?;
    let mono = frames(&description, body, check)?;
    if mono.is_empty() {
        return Err(AudioError::Undecodable("it holds no samples"));
    }
    Ok(Samples {
        rate: description.rate,
        mono,
    })
}

fn check_expansion(description: &Description<'_>, frames: usize, limits: &ClipLimits) -> Result<(), Refusal> {
    let most = limits.max_bytes.saturating_mul(MAX_EXPANSION);
    let sample = description.channels * description.bits.div_ceil(8) as usize;
    if frames.saturating_mul(sample) > most {
        let detail = format!("a FLAC that becomes more than {most} bytes is too large");
        return Err(Refusal::new(RefusalReason::TooLarge, detail));
    }
    Ok(())
}

/// Counts what may begin a frame, before any is looked for.
fn check_marks(body: &[u8]) -> Result<(), Refusal> {
    let marks = body
        .windows(2)
        .filter(|pair| pair[0] == 0xff && pair[1] & 0xfe == 0xf8);
    if marks.count() > MAX_FRAMES {
        let detail =
            format!("a FLAC of more than {MAX_FRAMES} frames is too large: encode in blocks of 4096 samples");
        return Err(Refusal::new(RefusalReason::TooLarge, detail));
    }
    Ok(())
}

/// Reads the description, which must come first, and skips pictures, tags and whatever else precedes the frames.
fn parse(data: &[u8]) -> Result<(Description<'_>, &[u8]), AudioError> {
    let (mut description, mut at) = (None, 4);
    loop {
        let head = data.get(at..at + 4).ok_or(CUT_IN_HEADER)?;
        let (last, kind) = (head[0] & 0x80 != 0, head[0] & 0x7f);
        let length = usize::from(head[1]) << 16 | usize::from(head[2]) << 8 | usize::from(head[3]);
        let block = data.get(at + 4..at + 4 + length).ok_or(CUT_IN_HEADER)?;
        if description.is_none() {
            let bytes = block.try_into().ok().filter(|_| kind == 0);
            let bytes = bytes.ok_or(AudioError::Undecodable(
                "its FLAC header does not begin with STREAMINFO",
            ))?;
            description = Some(describe(bytes));
        }
        at += 4 + length;
        if let Some(description) = description.take_if(|_| last) {
            return Ok((description, &data[at..]));
        }
    }
}

fn describe(bytes: &[u8; DESCRIPTION_BYTES]) -> Description<'_> {
    // 20 bits of rate, 3 of channels, 5 of sample size, 36 of length.
    let packed = bytes[10..18]
        .iter()
        .fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
    let frames = usize::try_from(packed & 0xf_ffff_ffff).unwrap_or(usize::MAX);
    Description {
        bytes,
        rate: (packed >> 44) as u32,
        channels: (packed >> 41 & 7) as usize + 1,
        bits: (packed >> 36 & 31) as u32 + 1,
        frames: (frames > 0).then_some(frames),
    }
}

/// Decodes the frames one after another. `check` is asked before each whether it may be.
fn frames(
    description: &Description<'_>,
    body: &[u8],
    check: impl Fn(usize) -> Result<(), AudioError>,
) -> Result<Vec<f32>, AudioError> {
    let mut header = *b"fLaC\x80\0\0\x22----------------------------------";
    header[8..].copy_from_slice(description.bytes);
    if body.is_empty() {
        return Ok(Vec::new());
    }
    let source = ReadOnlySource::new(header.chain(body));
    let stream = MediaSourceStream::new(
        Box::new(source),
        symphonia_core::io::MediaSourceStreamOptions::default(),
    );
    let mut reader = FlacReader::try_new(stream, FormatOptions::default()).map_err(|_| DAMAGED)?;
    let mut decoder = decoder(&reader)?;
    let (mut mono, mut read) = (Vec::new(), 0);
    let whole = |mono: &[f32]| description.frames.is_some_and(|frames| mono.len() >= frames);
    while !whole(&mono) {
        let packet = match reader.next_packet() {
            Ok(Some(packet)) => packet,
            Ok(None) => break,
            Err(Error::IoError(error)) if error.kind() == std::io::ErrorKind::UnexpectedEof => break,
            Err(_) => return Err(DAMAGED),
        };
        // A frame that does not follow the one before: what lay between them could not be read.
        if usize::try_from(packet.pts.get()) != Ok(mono.len()) {
            return Err(DAMAGED);
        }
        let length = usize::try_from(packet.dur.get()).map_err(|_| DAMAGED)?;
        check(mono.len() + length)?;
        read += packet.data.len();
        append(&mut decoder, &packet, &mut mono)?;
    }
    if whole(&mono) {
        mono.truncate(description.frames.unwrap_or(usize::MAX));
    } else if read < body.len() {
        return Err(CUT_IN_FRAME);
    }
    Ok(mono)
}

fn decoder(reader: &FlacReader<'_>) -> Result<FlacDecoder, AudioError> {
    let parameters = reader
        .tracks()
        .first()
        .and_then(|track| track.codec_params.as_ref()?.audio())
        .ok_or(DAMAGED)?;
    FlacDecoder::try_new(parameters, &AudioDecoderOptions::default()).map_err(|_| DAMAGED)
}

fn append(decoder: &mut FlacDecoder, packet: &Packet, mono: &mut Vec<f32>) -> Result<(), AudioError> {
    match decoder.decode_ref(&packet.as_packet_ref()) {
        Ok(GenericAudioBufferRef::S32(buffer)) => {
            mix(buffer, mono);
            Ok(())
        }
        _ => Err(DAMAGED),
    }
}

/// Samples are at the top of their 32 bits, whatever their size.
fn mix(buffer: &AudioBuffer<i32>, mono: &mut Vec<f32>) {
    let sample = |value: i32| (f64::from(value) / 2_147_483_648.0) as f32;
    let channels = buffer.num_planes();
    let mut planes = buffer.iter_planes();
    let Some(first) = planes.next() else { return };
    let begin = mono.len();
    mono.extend(first.iter().map(|value| sample(*value)));
    if channels == 1 {
        return;
    }
    for plane in planes {
        for (sum, value) in mono[begin..].iter_mut().zip(plane) {
            *sum += sample(*value);
        }
    }
    for sum in &mut mono[begin..] {
        *sum /= channels as f32;
    }
}
