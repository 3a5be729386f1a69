//! What bytes are, by how they begin: a WAV, a FLAC, bare samples, or something else that devices send by mistake.
//!
//! In: the first bytes, and what the message says they are. Out: a container, or the name of the other thing and what
//! to change in the firmware. The bytes decide; the message only where they begin as nothing known.

use domain::AudioFormat;

use crate::AudioError;

const COMPRESSED: &str = "set the encoder to PCM (16 bit, mono, 16 kHz) and send a WAV or a FLAC";
const REWRITTEN: &str = "write the same samples as a WAV or a FLAC";
const PACKED: &str = "send the recording itself, not packed";
const OTHER_BUFFER: &str = "another buffer was sent in place of the recording";
const UNTAGGED: &str = "leave out the tag in front of it";
const ENCODED_TWICE: &str = "encode the recording once";
const HEADERLESS: &str = "if these are samples without a header, begin with one, or set \"format\": \"pcm\" for 16 bit, little-endian, mono";

/// How files of other kinds begin: position, bytes, name, advice.
type Beginning = (usize, &'static [u8], &'static str, &'static str);

/// At least four bytes, which no recording begins with by chance.
const BEGINNINGS: &[Beginning] = &[
    (0, b"#!AMR-WB", "AMR-WB", COMPRESSED),
    (0, b"#!AMR", "AMR", COMPRESSED),
    (0, b"#!SILK", "SILK", COMPRESSED),
    (0, b"ADIF", "AAC", COMPRESSED),
    (0, b"\x1a\x45\xdf\xa3", "a WebM or Matroska file", COMPRESSED),
    (
        0,
        b"\x30\x26\xb2\x75\x8e\x66\xcf\x11",
        "a Windows Media file (WMA)",
        COMPRESSED,
    ),
    (0, b"wvpk", "a WavPack", REWRITTEN),
    (0, b"MAC ", "a Monkey's Audio file", REWRITTEN),
    (0, b"TTA1", "a True Audio file", REWRITTEN),
    (0, b"qoaf", "a QOA", REWRITTEN),
    (0, b"riff\x2e\x91\xcf\x11", "a Wave64 (W64)", REWRITTEN),
    (8, b"AIFF", "an AIFF", REWRITTEN),
    (8, b"AIFC", "an AIFF-C", REWRITTEN),
    (0, b".snd", "an AU file", REWRITTEN),
    (0, b"caff", "a CAF", REWRITTEN),
    (0, b"Creative Voice File", "a VOC", REWRITTEN),
    (0, b"NIST_1A", "a NIST SPHERE file", REWRITTEN),
    (0, b"DSD ", "a DSF", COMPRESSED),
    (0, b"MThd", "a MIDI file", OTHER_BUFFER),
    (8, b"AVI ", "an AVI video", OTHER_BUFFER),
    (8, b"WEBP", "a WebP image", OTHER_BUFFER),
    (0, b"\x89PNG\r\n\x1a\n", "a PNG image", OTHER_BUFFER),
    (6, b"JFIF", "a JPEG image", OTHER_BUFFER),
    (6, b"Exif", "a JPEG image", OTHER_BUFFER),
    (0, b"GIF8", "a GIF image", OTHER_BUFFER),
    (0, b"%PDF", "a PDF", OTHER_BUFFER),
    (0, b"\x7fELF", "a program (ELF)", OTHER_BUFFER),
    (0, b"PK\x03\x04", "a ZIP archive", PACKED),
    (0, b"\x28\xb5\x2f\xfd", "Zstandard data", PACKED),
    (0, b"\xfd7zXZ\0", "xz data", PACKED),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive", PACKED),
];

/// Shorter ones, believed only of bytes that are said to have a header.
const SHORT_BEGINNINGS: &[Beginning] = &[
    (0, b"\x1f\x8b\x08", "gzip data", PACKED),
    (0, b"BZh", "bzip2 data", PACKED),
    (0, b"\xff\xd8\xff", "a JPEG image", OTHER_BUFFER),
    (0, b"BM", "a BMP image", OTHER_BUFFER),
    (0, b"\x0b\x77", "AC-3", COMPRESSED),
];

/// Returns what the bytes are: the container that they begin as, or else the one that the message names.
pub fn recognise(data: &[u8], claimed: AudioFormat) -> Result<AudioFormat, AudioError> {
    let at = |from: usize, magic: &[u8]| data.get(from..from + magic.len()) == Some(magic);
    if at(0, b"fLaC") {
        return Ok(AudioFormat::Flac);
    }
    if at(8, b"WAVE")
        && [b"RIFF", b"RIFX", b"RF64", b"BW64"]
            .iter()
            .any(|magic| at(0, *magic))
    {
        return Ok(AudioFormat::Wav);
    }
    let bare = claimed == AudioFormat::Pcm;
    let short = SHORT_BEGINNINGS.iter().filter(|_| !bare);
    let named = BEGINNINGS
        .iter()
        .chain(short)
        .find(|(from, magic, ..)| at(*from, magic))
        .map(|(.., what, advice)| (*what, *advice));
    let found = named
        .or_else(|| ogg(data))
        .or_else(|| mpeg_4(data))
        .or_else(|| tagged(data))
        .or_else(|| frames(data, bare))
        .or_else(|| text(data, bare));
    match found {
        Some((what, advice)) => Err(AudioError::Foreign { what, advice }),
        None if bare => Ok(AudioFormat::Pcm),
        // So that whatever is cut short within its first bytes is told so.
        None if data.len() < 12 && !data.is_empty() && b"RIFF".starts_with(&data[..data.len().min(4)]) => {
            Ok(AudioFormat::Wav)
        }
        None if data.iter().all(|byte| *byte == 0) => Err(AudioError::Undecodable(
            "all its bytes are zero: the buffer was never filled",
        )),
        None => Err(AudioError::Foreign {
            what: "neither a WAV nor a FLAC",
            advice: HEADERLESS,
        }),
    }
}

type Found = Option<(&'static str, &'static str)>;

/// The codec's own mark stands in the first page.
fn ogg(data: &[u8]) -> Found {
    if !data.starts_with(b"OggS") {
        return None;
    }
    let page = &data[..data.len().min(128)];
    let holds = |mark: &[u8]| page.windows(mark.len()).any(|window| window == mark);
    Some(if holds(b"OpusHead") {
        ("Ogg Opus", COMPRESSED)
    } else if holds(b"\x01vorbis") {
        ("Ogg Vorbis", COMPRESSED)
    } else if holds(b"Speex   ") {
        ("Ogg Speex", COMPRESSED)
    } else if holds(b"\x7fFLAC") {
        ("a FLAC within Ogg", "send the FLAC itself, without Ogg")
    } else {
        ("an Ogg file", COMPRESSED)
    })
}

/// MPEG-4 and its relatives name their brand behind `ftyp`.
fn mpeg_4(data: &[u8]) -> Found {
    if data.get(4..8) != Some(b"ftyp") {
        return None;
    }
    Some(match data.get(8..11) {
        Some(b"3gp" | b"3g2") => ("a 3GP file (AMR or AAC)", COMPRESSED),
        Some(b"M4A" | b"M4B") => ("an M4A file (AAC)", COMPRESSED),
        Some(b"hei" | b"mif" | b"avi") => ("an HEIF or AVIF image", OTHER_BUFFER),
        _ => ("an MPEG-4 file (AAC)", COMPRESSED),
    })
}

/// An ID3 tag stands before an MP3; some programs put one before a FLAC.
fn tagged(data: &[u8]) -> Found {
    let header: &[u8; 10] = data.first_chunk()?;
    let size = &header[6..];
    if !header.starts_with(b"ID3") || header[3] >= 16 || size.iter().any(|byte| *byte >= 0x80) {
        return None;
    }
    let end = 10 + size.iter().fold(0, |sum, byte| sum << 7 | usize::from(*byte));
    Some(match data.get(end..end + 4) {
        Some(b"fLaC") => ("a FLAC behind an ID3 tag", UNTAGGED),
        _ => ("an MP3", COMPRESSED),
    })
}

/// MPEG audio and AAC without a container: frames that each state their length. In bare samples their mark of twelve
/// bits occurs by chance, so there three frames must follow one another.
fn frames(data: &[u8], bare: bool) -> Found {
    let (what, first) = frame(data)?;
    let mut end = first;
    for _ in 0..if bare { 2 } else { 1 } {
        match data.get(end..).filter(|rest| !rest.is_empty()) {
            Some(rest) => match frame(rest) {
                Some((same, length)) if same == what => end += length,
                _ => return None,
            },
            None if bare => return None,
            None => break,
        }
    }
    Some((what, COMPRESSED))
}

/// The kind and length in bytes of a frame of MPEG audio (ISO 11172-3) or of AAC (ADTS, ISO 13818-7).
fn frame(data: &[u8]) -> Option<(&'static str, usize)> {
    const RATES: [usize; 3] = [44_100, 48_000, 32_000];
    const KILOBITS_1: [[usize; 14]; 3] = [
        [32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
        [32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
        [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
    ];
    const KILOBITS_2: [usize; 14] = [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];
    let header: &[u8; 6] = data.first_chunk()?;
    if header[0] != 0xff || header[1] < 0xe0 {
        return None;
    }
    let (version, layer) = (header[1] >> 3 & 3, header[1] >> 1 & 3);
    if layer == 0 {
        let length =
            usize::from(header[3] & 3) << 11 | usize::from(header[4]) << 3 | usize::from(header[5]) >> 5;
        return (header[1] >= 0xf0 && length >= 7).then_some(("AAC (ADTS)", length));
    }
    let (bits, rate) = (
        usize::from(header[2] >> 4),
        *RATES.get(usize::from(header[2] >> 2 & 3))?,
    );
    if version == 1 || !(1..15).contains(&bits) {
        return None;
    }
    let full = version == 3;
    let number = usize::from(3 - layer);
    let kilobits = match (full, number) {
        (true, _) => KILOBITS_1[number][bits - 1],
        (false, 0) => [32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256][bits - 1],
        (false, _) => KILOBITS_2[bits - 1],
    };
    let rate = match version {
        3 => rate,
        2 => rate / 2,
        _ => rate / 4,
    };
    let padding = usize::from(header[2] >> 1 & 1);
    let length = match (full, number) {
        (_, 0) => (12_000 * kilobits / rate + padding) * 4,
        (false, 2) => 72_000 * kilobits / rate + padding,
        _ => 144_000 * kilobits / rate + padding,
    };
    let what = ["MPEG audio, layer I", "an MP2", "an MP3"][number];
    (length > 4).then_some((what, length))
}

/// Text where sound should be. Bare samples may look like it for a while.
fn text(data: &[u8], bare: bool) -> Found {
    let head = data.get(..data.len().min(64)).filter(|head| head.len() >= 8)?;
    let printable = |byte: &u8| matches!(byte, b'\t' | b'\r' | b'\n' | b' '..=b'~');
    if !if bare { data } else { head }.iter().all(printable) {
        return None;
    }
    let lower = head.trim_ascii_start().to_ascii_lowercase();
    Some(match lower.first() {
        Some(b'{' | b'[') => ("JSON text", OTHER_BUFFER),
        _ if lower.starts_with(b"<!doctype html") || lower.starts_with(b"<html") => {
            ("a web page (HTML)", OTHER_BUFFER)
        }
        Some(b'<') => ("XML text", OTHER_BUFFER),
        // RIFF and fLaC in Base64.
        _ if head.starts_with(b"UklGR") || head.starts_with(b"ZkxhQ") => {
            ("a recording in Base64 once more", ENCODED_TWICE)
        }
        _ => ("text", OTHER_BUFFER),
    })
}
