//! Base64 as devices write it: standard or URL-safe, with or without padding, possibly with line breaks, as a `data:`
//! URI, or in pieces that were encoded one by one.
//!
//! In: text. Out: bytes, and the same bytes as standard Base64. Whatever could be read in two ways is refused, with the
//! place and the remedy.

use std::borrow::Cow;

use base64_simd::{STANDARD, STANDARD_NO_PAD};
use domain::{Refusal, RefusalReason};

/// Decodes audio data. More than `max_bytes` is refused before anything is decoded. Bits beyond the last byte must be
/// zero, so that no other text decodes to the same bytes.
pub fn decode_audio_data(text: &str, max_bytes: usize) -> Result<Vec<u8>, Refusal> {
    decode(text, max_bytes).map(|(data, _)| data)
}

/// Encodes bytes as standard Base64 with padding.
pub fn encode_audio_data(data: &[u8]) -> String {
    STANDARD.encode_to_string(data)
}

/// Returns the bytes, and the text as standard Base64 with padding.
pub(super) fn decode(text: &str, max_bytes: usize) -> Result<(Vec<u8>, Cow<'_, str>), Refusal> {
    let text = without_uri(text)?;
    // Line breaks take a thirtieth at most.
    if text.len() / 4 * 3 > max_bytes.saturating_add(text.len() / 32 + 3) {
        let detail = format!("{} characters of Base64 exceed {max_bytes} bytes", text.len());
        return Err(Refusal::new(RefusalReason::TooLarge, detail));
    }
    if is_hexadecimal(text.as_bytes()) {
        return Err(refuse("these are hexadecimal digits; encode the bytes in Base64"));
    }
    let (data, text) = if let Ok(data) = STANDARD.decode_to_vec(text) {
        (data, Cow::Borrowed(text))
    } else {
        let data = decode_unusual(text)?;
        let text = STANDARD.encode_to_string(&data);
        (data, Cow::Owned(text))
    };
    if data.len() > max_bytes {
        let detail = format!("a clip of {} bytes exceeds {max_bytes} bytes", data.len());
        return Err(Refusal::new(RefusalReason::TooLarge, detail));
    }
    Ok((data, text))
}

fn refuse(detail: impl std::fmt::Display) -> Refusal {
    Refusal::new(
        RefusalReason::BadBase64,
        format!("the audio data is not Base64: {detail}"),
    )
}

/// The data of a `data:` URI (RFC 2397), which may be preceded by spaces.
fn without_uri(text: &str) -> Result<&str, Refusal> {
    let uri = text.trim_ascii_start();
    if !uri
        .get(..5)
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:"))
    {
        return Ok(text);
    }
    let head = &uri.as_bytes()[..uri.len().min(256)];
    let comma = head.iter().position(|byte| *byte == b',');
    let comma = comma.ok_or_else(|| refuse("the data: URI has no comma before its data"))?;
    let (kind, data) = (&uri[..comma], &uri[comma + 1..]);
    if !kind.to_ascii_lowercase().ends_with(";base64") {
        return Err(refuse("the data: URI does not say ;base64"));
    }
    Ok(data)
}

fn decode_unusual(text: &str) -> Result<Vec<u8>, Refusal> {
    // A C string that was sent with the bytes behind its end.
    let text = text.trim_end_matches('\0');
    let mut plain = Vec::with_capacity(text.len());
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'-' => plain.push(b'+'),
            b'_' => plain.push(b'/'),
            b' ' | b'\t' | b'\r' | b'\n' => {}
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' | b'=' => plain.push(byte),
            _ => return Err(refuse(stray(text, at))),
        }
    }
    let padding = plain
        .iter()
        .rev()
        .take(2)
        .take_while(|byte| **byte == b'=')
        .count();
    let body = &plain[..plain.len() - padding];
    if !body.contains(&b'=') {
        if plain.len() != body.len() && plain.len() % 4 != 0 {
            return Err(refuse("its padding does not fit its length"));
        }
        return STANDARD_NO_PAD
            .decode_to_vec(body)
            .map_err(|_| refuse(incomplete(body.len())));
    }
    pieces(&plain)
}

fn stray(text: &str, at: usize) -> String {
    let shown = text[at..].chars().next().unwrap_or_default();
    format!("{shown:?} at character {} is no digit of it", at + 1)
}

const fn incomplete(length: usize) -> &'static str {
    if length % 4 == 1 {
        "it is cut short, a character stands alone at its end"
    } else {
        "bits are left over in its last character"
    }
}

/// How a WAV or a FLAC begins in hexadecimal: these would be digits of Base64, too.
fn is_hexadecimal(text: &[u8]) -> bool {
    let begins = |digits: &[u8]| {
        text.get(..8)
            .is_some_and(|head| head.eq_ignore_ascii_case(digits))
    };
    let digit = |byte: &u8| byte.is_ascii_hexdigit() || byte.is_ascii_whitespace();
    (begins(b"52494646") || begins(b"664c6143")) && text.iter().all(digit)
}

/// Pieces that were encoded one by one, each with its own padding: groups of four stay groups of four.
fn pieces(plain: &[u8]) -> Result<Vec<u8>, Refusal> {
    let mut data = Vec::with_capacity(plain.len() / 4 * 3);
    let mut rest = plain;
    while !rest.is_empty() {
        let padding = rest.iter().position(|byte| *byte == b'=').unwrap_or(rest.len());
        let (piece, behind) = rest
            .split_at_checked(padding.next_multiple_of(4))
            .filter(|(piece, _)| !piece.is_empty())
            .ok_or_else(|| refuse("it is cut short behind padding"))?;
        let decoded = STANDARD.decode_to_vec(piece);
        data.extend(decoded.map_err(|_| refuse("padding stands in its middle"))?);
        rest = behind;
    }
    Ok(data)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn all_spellings_give_the_same_bytes_and_the_standard_text() {
        let data = [0xfb, 0xff, 0xfe, 0x01];
        for text in [
            "+//+AQ==",
            "-__-AQ==",
            "-__-AQ",
            "+//+AQ",
            "+//+\r\nAQ==\n",
            " +//+ AQ",
            "+//+AQ==\0\0",
            "data:audio/wav;base64,+//+AQ==",
            "DATA:audio/x-wav;rate=16000;BASE64,-__-AQ\n",
            "data:;base64,+//+AQ==",
            // Encoded in pieces of two, one and one bytes.
            "+/8=/g==AQ==",
            "+/8=\n/gE=",
        ] {
            let (decoded, standard) = decode(text, 100).unwrap();
            assert_eq!(
                (decoded.as_slice(), &*standard),
                (&data[..], "+//+AQ=="),
                "{text:?}"
            );
        }
    }

    #[test]
    fn what_is_not_base64_is_refused() {
        for text in [
            "base64_encoded_wav",
            "a",
            "ab=",
            "abcde",
            "AQ===",
            "====",
            "a*cd",
            "äöüß",
            "AR==",
            "AQ==A",
            "AQ==AQ",
            "AQ=A",
            "A=Q=",
            "data:audio/wav,+//+AQ==",
            "data:audio/wav;base64",
            "+//+\0AQ==",
        ] {
            assert_eq!(
                decode(text, 100).unwrap_err().reason,
                RefusalReason::BadBase64,
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_refusal_names_the_place_and_the_remedy() {
        for (text, told) in [
            ("+//+A*==", "'*' at character 6"),
            ("+//+%3D", "'%' at character 5"),
            ("äöüß", "'ä' at character 1"),
            ("abcde", "cut short"),
            ("AR==", "bits are left over"),
            ("524946462400000057415645", "hexadecimal"),
            ("664C61430000002210001000", "hexadecimal"),
            ("data:audio/wav,abcd", ";base64"),
            ("AQ=A", "padding"),
        ] {
            let refusal = decode(text, 100).unwrap_err();
            assert!(refusal.detail.contains(told), "{text:?}: {refusal}");
        }
    }

    #[test]
    fn too_much_is_refused_before_and_after() {
        assert_eq!(
            decode(&"A".repeat(4_000), 2_999).unwrap_err().reason,
            RefusalReason::TooLarge
        );
        assert!(decode(&"A".repeat(4_000), 3_000).is_ok());
        // In lines of 76 characters, as MIME has them.
        assert!(decode(&format!("{}\r\n", "A".repeat(76)).repeat(1_000), 57_000).is_ok());
        assert_eq!(
            decode(&"*".repeat(1 << 20), 100).unwrap_err().reason,
            RefusalReason::TooLarge
        );
    }

    proptest! {
        #[test]
        fn bytes_come_back(data in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert_eq!(decode_audio_data(&encode_audio_data(&data), 200).unwrap(), data);
        }

        #[test]
        fn the_standard_text_decodes_to_the_same(text in "(data:;base64,)?[A-Za-z0-9+/_=\n-]{0,64}") {
            if let Ok((data, standard)) = decode(&text, 100) {
                prop_assert_eq!(STANDARD.decode_to_vec(&*standard).unwrap(), data);
            }
        }
    }
}
