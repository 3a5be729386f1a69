//! Sample encodings: bytes to numbers in −1…1, scaled as libsndfile does, and several channels to one.

/// The order of a number's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Little,
    Big,
}

impl Order {
    pub(crate) fn u16_at(self, bytes: &[u8], at: usize) -> Option<u16> {
        let bytes = bytes.get(at..at + 2)?.try_into().ok()?;
        Some(match self {
            Self::Little => u16::from_le_bytes(bytes),
            Self::Big => u16::from_be_bytes(bytes),
        })
    }

    pub(crate) fn u32_at(self, bytes: &[u8], at: usize) -> Option<u32> {
        let bytes = bytes.get(at..at + 4)?.try_into().ok()?;
        Some(match self {
            Self::Little => u32::from_le_bytes(bytes),
            Self::Big => u32::from_be_bytes(bytes),
        })
    }
}

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
    pub(crate) fn mono(self, body: &[u8], order: Order, channels: usize) -> Vec<f32> {
        if order == Order::Big && self.bytes() > 1 {
            // Rare enough for a copy.
            let turned: Vec<u8> = body
                .chunks_exact(self.bytes())
                .flat_map(|sample| sample.iter().rev().copied())
                .collect();
            return self.mono(&turned, Order::Little, channels);
        }
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

/// The name of a WAV's encoding that is not decoded (RFC 2361 and later registrations).
pub(crate) fn name(tag: u16) -> &'static str {
    match tag {
        0x0001 => "PCM",
        0x0002 => "MS ADPCM",
        0x0003 => "floating point",
        0x0006 => "A-law",
        0x0007 => "µ-law",
        0x0010 | 0x0017 => "OKI ADPCM",
        0x0011 => "IMA ADPCM",
        0x0014 | 0x0040 | 0x0045 | 0x0064 | 0x0065 | 0x0085 => "G.72x ADPCM",
        0x0020 => "Yamaha ADPCM",
        0x0022 => "TrueSpeech",
        0x0031 => "GSM 6.10",
        0x0042 => "G.723.1",
        0x0050 => "MPEG audio",
        0x0055 => "MP3",
        0x0083 => "G.729",
        0x0092 => "AC-3",
        0x00ff | 0x1600 | 0x1601 | 0x1610 | 0x4143 | 0x706d | 0xa106 => "AAC",
        0x0160..=0x0163 => "Windows Media Audio",
        0x0200 | 0x0202 => "Creative ADPCM",
        0x0270 => "ATRAC",
        0x566f | 0x674f..=0x6751 | 0x676f..=0x6771 => "Ogg Vorbis",
        0x5756 => "WavPack",
        0x704f => "Opus",
        0xa109 => "Speex",
        0xf1ac => "FLAC",
        _ => "an unknown encoding",
    }
}
