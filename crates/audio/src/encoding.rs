//! Sample encodings: bytes to numbers in −1…1, scaled as libsndfile does, and several channels to one.

/// The encodings that recorders use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    U8,
    S16,
    S24,
    S32,
    F32,
    F64,
    ALaw,
    MuLaw,
}

impl Encoding {
    /// Bytes of a sample.
    pub(crate) const fn bytes(self) -> usize {
        match self {
            Self::U8 | Self::ALaw | Self::MuLaw => 1,
            Self::S16 => 2,
            Self::S24 => 3,
            Self::S32 | Self::F32 => 4,
            Self::F64 => 8,
        }
    }

    /// Decodes interleaved samples and averages their channels. Each encoding has its own loop, which the compiler
    /// vectorises.
    pub(crate) fn mono(self, body: &[u8], channels: usize) -> Vec<f32> {
        match self {
            Self::U8 => mix(body, channels, |[a]| (f32::from(a) - 128.0) / 128.0),
            Self::S16 => mix(body, channels, |bytes| {
                f32::from(i16::from_le_bytes(bytes)) / 32_768.0
            }),
            Self::S24 => mix(body, channels, |[a, b, c]| {
                (i32::from_le_bytes([0, a, b, c]) >> 8) as f32 / 8_388_608.0
            }),
            Self::S32 => mix(body, channels, |bytes| {
                (f64::from(i32::from_le_bytes(bytes)) / 2_147_483_648.0) as f32
            }),
            Self::F32 => mix(body, channels, f32::from_le_bytes),
            Self::F64 => mix(body, channels, |bytes| f64::from_le_bytes(bytes) as f32),
            Self::ALaw => mix(body, channels, |[code]| f32::from(a_law(code)) / 32_768.0),
            Self::MuLaw => mix(body, channels, |[code]| f32::from(mu_law(code)) / 32_768.0),
        }
    }
}

fn mix<const BYTES: usize>(body: &[u8], channels: usize, sample: impl Fn([u8; BYTES]) -> f32) -> Vec<f32> {
    let (samples, _) = body.as_chunks::<BYTES>();
    if channels == 1 {
        return samples.iter().map(|bytes| sample(*bytes)).collect();
    }
    let mean =
        |frame: &[[u8; BYTES]]| frame.iter().map(|bytes| sample(*bytes)).sum::<f32>() / channels as f32;
    samples.chunks_exact(channels).map(mean).collect()
}

/// ITU-T G.711 A-law to 16 bit.
fn a_law(code: u8) -> i16 {
    let code = code ^ 0x55;
    let (exponent, mantissa) = ((code >> 4) & 7, i16::from(code & 15));
    let magnitude = match exponent {
        0 => (mantissa << 4) + 8,
        _ => ((mantissa << 4) + 0x108) << (exponent - 1),
    };
    if code & 0x80 == 0 { -magnitude } else { magnitude }
}

/// ITU-T G.711 µ-law to 16 bit.
fn mu_law(code: u8) -> i16 {
    let code = !code;
    let magnitude = ((i16::from(code & 15) << 3) + 0x84) << ((code >> 4) & 7);
    if code & 0x80 == 0 {
        magnitude - 0x84
    } else {
        0x84 - magnitude
    }
}
