//! Base64 as devices write it: standard or URL-safe, with or without padding, possibly with line breaks.

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
    if text.len() / 4 * 3 > max_bytes.saturating_add(text.len() / 64 + 3) {
        let detail = format!("{} characters of Base64 exceed {max_bytes} bytes", text.len());
        return Err(Refusal::new(RefusalReason::TooLarge, detail));
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

fn decode_unusual(text: &str) -> Result<Vec<u8>, Refusal> {
    let mut plain = Vec::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'-' => plain.push(b'+'),
            b'_' => plain.push(b'/'),
            b' ' | b'\t' | b'\r' | b'\n' => {}
            other => plain.push(other),
        }
    }
    let padded = plain.len();
    for _ in 0..2 {
        if plain.last() == Some(&b'=') {
            plain.pop();
        }
    }
    let refuse = || Refusal::new(RefusalReason::BadBase64, "the audio data is not Base64");
    if plain.len() != padded && padded % 4 != 0 {
        return Err(refuse());
    }
    STANDARD_NO_PAD.decode_to_vec(&plain).map_err(|_| refuse())
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
        ] {
            assert_eq!(
                decode(text, 100).unwrap_err().reason,
                RefusalReason::BadBase64,
                "{text:?}"
            );
        }
    }

    #[test]
    fn too_much_is_refused_before_and_after() {
        assert_eq!(
            decode(&"A".repeat(4_000), 2_999).unwrap_err().reason,
            RefusalReason::TooLarge
        );
        assert!(decode(&"A".repeat(4_000), 3_000).is_ok());
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
        fn the_standard_text_decodes_to_the_same(text in "[A-Za-z0-9+/_=\n-]{0,64}") {
            if let Ok((data, standard)) = decode(&text, 100) {
                prop_assert_eq!(STANDARD.decode_to_vec(&*standard).unwrap(), data);
            }
        }
    }
}
