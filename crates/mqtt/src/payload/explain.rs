//! Why a payload is no JSON, in words for the person who writes the firmware.
//!
//! In: bytes that do not parse. Out: a refusal that says what stands where and what to send instead. It looks at the
//! encoding first, then at the first place that leaves the grammar.

use domain::{Refusal, RefusalReason};

use super::syntax::{Expected, Fault, first_fault};

/// How much of a payload a refusal shows, in bytes.
const SHOWN: usize = 24;

/// Explains `error`, which parsing `text` gave.
#[cold]
pub(super) fn explain(text: &[u8], error: &serde_json::Error) -> Refusal {
    let not_json = |detail: String| Refusal::new(RefusalReason::NotJson, detail);
    if text.iter().all(|b| *b == 0 || b.is_ascii_whitespace()) {
        return not_json("the payload is empty".to_owned());
    }
    if let Some(encoding) = foreign_encoding(text) {
        return not_json(encoding);
    }
    match first_fault(text) {
        Some(fault) if fault.at >= text.len() => not_json(too_short(text)),
        Some(fault) => describe(text, &fault),
        None if error.to_string().starts_with("number out of range") => {
            Refusal::new(RefusalReason::NotFinite, "a number is too large for a double")
        }
        None => not_json(format!("the JSON cannot be read: {error}")),
    }
}

/// Names the encoding of a payload that is not UTF-8, or not text.
fn foreign_encoding(text: &[u8]) -> Option<String> {
    let utf16 = |order| Some(format!("the payload is UTF-16, {order}: send UTF-8"));
    match text {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] | [b'{', 0, 0, 0, ..] | [0, 0, 0, b'{', ..] => {
            return Some("the payload is UTF-32: send UTF-8".to_owned());
        }
        [0xff, 0xfe, ..] | [b'{', 0, ..] => return utf16("little-endian"),
        [0xfe, 0xff, ..] | [0, b'{', 0, ..] => return utf16("big-endian"),
        [0, ..] if text.iter().find(|byte| **byte != 0) == Some(&b'{') => {
            return Some(
                "NUL bytes stand before the JSON: send the text from its first character".to_owned(),
            );
        }
        [0x1f, 0x8b, ..] => return Some("the payload is gzip: send the JSON itself".to_owned()),
        _ => {}
    }
    let error = std::str::from_utf8(text).err()?;
    let (at, byte) = (error.valid_up_to(), text[error.valid_up_to()]);
    // Text in Latin-1 begins as JSON does; packed formats begin with a byte that no text has.
    if !text[..at].trim_ascii_start().starts_with(b"{") {
        return Some(format!(
            "the payload is binary, not JSON; it begins with the bytes {}",
            hex(text)
        ));
    }
    if error.error_len().is_none() {
        return Some(too_short(text));
    }
    Some(format!(
        "the payload is not UTF-8: byte 0x{byte:02X} at {at}, after '{}'; in Latin-1 it would be '{}': send UTF-8",
        shown_before(text, at),
        char::from(byte)
    ))
}

fn too_short(text: &[u8]) -> String {
    format!(
        "the JSON ends after {} bytes before it is complete, with '{}': is the sender's buffer too small?",
        text.len(),
        shown_before(text, text.len())
    )
}

/// Describes a fault within the text.
fn describe(text: &[u8], fault: &Fault) -> Refusal {
    let rest = &text[fault.at..];
    let word = word(rest);
    let whose = fault.key.clone().map_or("a value".to_owned(), |key| {
        format!(
            "'{}'",
            String::from_utf8_lossy(&text[key.start..key.end.min(key.start + SHOWN)])
        )
    });
    if matches!(fault.expected, Expected::Value | Expected::Digit) && is_no_number(word) {
        let detail = format!(
            "{whose} is {}, which JSON does not have: send nothing while there is no value",
            shown(word)
        );
        return Refusal::new(RefusalReason::NotFinite, detail);
    }
    let problem = problem(text, fault, &whose, word);
    let detail = format!("not JSON at byte {}, '{}': {problem}", fault.at, shown(rest));
    Refusal::new(RefusalReason::NotJson, detail)
}

fn problem(text: &[u8], fault: &Fault, whose: &str, word: &[u8]) -> String {
    let next = text[fault.at];
    let before = text[..fault.at].trim_ascii_end();
    match fault.expected {
        Expected::Value | Expected::Key if next == b'\'' => {
            "single quotes; JSON has double quotes (in Python: json.dumps)".to_owned()
        }
        Expected::Value if before.is_empty() => whole(text),
        Expected::Value if matches!(word, b"None" | b"True" | b"False") => {
            "a word of Python; JSON has null, true, false (use json.dumps)".to_owned()
        }
        Expected::Value if next == b'+' => {
            format!("{whose} begins with a plus sign, which JSON does not have")
        }
        Expected::Value if next == b'.' => {
            format!("{whose} begins with a point: a digit has to stand before it")
        }
        Expected::Value if matches!(next, b',' | b'}' | b']') => format!("{whose} has no value"),
        Expected::Value if !word.is_empty() => format!("{whose} is a text without quotes"),
        Expected::Value => format!("{whose} has no value that JSON knows"),
        Expected::Key if next.is_ascii_digit() => {
            "a decimal comma, or a comma too many: write 25.5".to_owned()
        }
        Expected::Key if next == b'}' => "a comma stands before the closing bracket".to_owned(),
        Expected::Key if !word.is_empty() => "a key without quotes".to_owned(),
        Expected::Key => "a key in double quotes is expected".to_owned(),
        Expected::Colon => format!("a colon is missing after {whose}"),
        Expected::CommaOrEnd if next == b'"' => "a comma is missing before it".to_owned(),
        Expected::CommaOrEnd if before.last().is_some_and(u8::is_ascii_digit) => {
            format!("{whose} is no number as JSON has them: send the number alone, like 25.5")
        }
        Expected::CommaOrEnd => "a comma or a closing bracket is expected".to_owned(),
        Expected::Digit if next.is_ascii_digit() => {
            format!("{whose} has a leading zero, which JSON does not have")
        }
        Expected::Digit => format!("{whose} is no number as JSON has them: a digit is missing"),
        Expected::TextCharacter if next == b'\\' => {
            "a backslash that JSON does not know; write two for one".to_owned()
        }
        Expected::TextCharacter => "a line break or control character within a text".to_owned(),
        Expected::Nothing => "more follows after the JSON: send one object in a message".to_owned(),
        Expected::LessDepth => "brackets are nested too deep".to_owned(),
    }
}

/// What a payload is that does not begin as JSON.
fn whole(text: &[u8]) -> String {
    let text = text.trim_ascii();
    let invisible = std::str::from_utf8(text)
        .ok()
        .and_then(|text| text.chars().next())
        .filter(|first| !first.is_ascii() && first.escape_debug().len() > 1);
    if let Some(first) = invisible {
        let code = u32::from(first);
        return format!("an invisible character (U+{code:04X}) stands before the JSON");
    }
    // `eyJ` is `{"` in Base64.
    let begins = if text.starts_with(b"eyJ") {
        "the payload is Base64: send the JSON itself"
    } else if text.starts_with(b"<") {
        "the payload is XML or HTML"
    } else {
        "the payload is no JSON object"
    };
    begins.to_owned()
}

/// Returns whether `word` is a NaN or an infinity, as printf and Python write them.
fn is_no_number(word: &[u8]) -> bool {
    let bare = word
        .strip_prefix(b"-")
        .or(word.strip_prefix(b"+"))
        .unwrap_or(word);
    let names: [&[u8]; 3] = [b"nan", b"inf", b"infinity"];
    names.iter().any(|name| bare.eq_ignore_ascii_case(name))
}

/// The letters, digits and signs at the beginning of `text`.
fn word(text: &[u8]) -> &[u8] {
    let part = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'+' | b'.' | b'_');
    let end = text.iter().take(SHOWN).position(|b| !part(b));
    &text[..end.unwrap_or(text.len().min(SHOWN))]
}

fn shown(text: &[u8]) -> String {
    let cut = &text[..text.len().min(SHOWN)];
    String::from_utf8_lossy(cut)
        .trim_end_matches(char::REPLACEMENT_CHARACTER)
        .escape_debug()
        .collect::<String>()
        .replace("\\\"", "\"")
        .replace("\\'", "'")
}

fn shown_before(text: &[u8], end: usize) -> String {
    let cut = &text[end.saturating_sub(SHOWN)..end];
    let cut = String::from_utf8_lossy(cut);
    let cut = cut.trim_matches(char::REPLACEMENT_CHARACTER);
    cut.escape_debug()
        .collect::<String>()
        .replace("\\\"", "\"")
        .replace("\\'", "'")
}

fn hex(bytes: &[u8]) -> String {
    let shown: Vec<String> = bytes.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    shown.join(" ")
}
