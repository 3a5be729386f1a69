//! From a clip's bytes to mono samples, whatever container they are in.
//!
//! In: bytes and what their message says of them. Out: samples in −1…1, scaled as libsndfile scales them: integers
//! divided by 2^(bits−1), bytes (x−128)/128, channels averaged in single precision. Limits are checked before anything
//! is allocated.

use domain::{AudioFormat, ClipLimits};

use crate::{
    AudioError,
    container::recognise,
    encoding::{Encoding, Order},
    flac,
    wav::{self, Body, Header},
};

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

/// Decodes a clip as what its bytes begin as; see [`recognise`]. `claimed` decides where they begin as nothing known. The
/// rate of [`AudioFormat::Pcm`] (16 bit, little-endian, mono) comes from the message, any other from the header.
pub fn decode(
    data: &[u8],
    claimed: AudioFormat,
    message_rate: u32,
    limits: &ClipLimits,
) -> Result<Samples, AudioError> {
    let (header, body) = match recognise(data, claimed)? {
        AudioFormat::Flac => return flac::decode(data, limits),
        AudioFormat::Wav => wav::parse(data)?,
        AudioFormat::Pcm => bare(data, message_rate),
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
        .mono(&body.bytes[..frames * frame], header.order, header.channels);
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

fn bare(data: &[u8], rate: u32) -> (Header, Body<'_>) {
    let header = Header {
        order: Order::Little,
        encoding: Encoding::S16,
        channels: 1,
        rate,
    };
    (
        header,
        Body {
            bytes: data,
            cut: true,
        },
    )
}
