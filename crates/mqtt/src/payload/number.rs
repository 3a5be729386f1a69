//! Numbers that stand in a text, as firmware sends them that formats before it encodes: `"25.5"`, `"25,5"`.
//!
//! In: the text of a field that must be a number. Out: the number where only one can be meant, or a refusal.

use domain::{Refusal, RefusalReason};

/// Longest text that may be a number, in bytes.
const LONGEST: usize = 40;

/// Parses the number that `text` holds. `path` names the field.
pub(super) fn parse(path: &str, text: &str) -> Result<f64, Refusal> {
    let shown: String = text.chars().take(LONGEST).collect();
    let refuse = |reason, problem: &str| {
        Err(Refusal::new(
            reason,
            format!("'{path}' is the text '{shown}': {problem}"),
        ))
    };
    if text.len() > LONGEST {
        return refuse(RefusalReason::WrongType, "send the number alone");
    }
    let plain = text.trim().replace('\u{2212}', "-");
    let decimal = match plain.split_once(',') {
        None => plain.clone(),
        Some((whole, rest)) if rest.contains([',', '.']) || whole.contains('.') => {
            return refuse(
                RefusalReason::WrongType,
                "send the number alone, with a decimal point and without separators",
            );
        }
        // 1,013 is a thousand to some and one to others.
        Some((whole, rest)) if is_thousands(whole, rest) => {
            return refuse(
                RefusalReason::WrongType,
                "the comma may stand for thousands or for decimals: send a number with a decimal point",
            );
        }
        Some((whole, rest)) => format!("{whole}.{rest}"),
    };
    let spelt = decimal
        .bytes()
        .all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E'));
    match decimal.parse::<f64>() {
        Ok(value) if spelt && value.is_finite() => Ok(value),
        Ok(_) => refuse(RefusalReason::NotFinite, "send nothing while there is no value"),
        Err(_) if plain.is_empty() => refuse(RefusalReason::WrongType, "it is empty"),
        Err(_) => refuse(RefusalReason::WrongType, "send the number alone"),
    }
}

fn is_thousands(whole: &str, rest: &str) -> bool {
    let whole = whole.trim_start_matches(['+', '-']);
    rest.len() == 3 && (1..=3).contains(&whole.len()) && !whole.starts_with('0')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::float_cmp, reason = "each text names one double")]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_can_mean_one_number_only_is_that_number() {
        for (text, value) in [
            ("25.5", 25.5),
            (" 25.5 ", 25.5),
            ("25,5", 25.5),
            ("-3,25", -3.25),
            ("\u{2212}3", -3.0),
            ("+21.5", 21.5),
            ("021.5", 21.5),
            (".5", 0.5),
            ("21.", 21.0),
            ("1e3", 1_000.0),
            ("0,125", 0.125),
            ("1013,25", 1_013.25),
            ("1234,567", 1_234.567),
        ] {
            assert_eq!(parse("value", text), Ok(value), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused_with_its_text() {
        use RefusalReason as R;
        for (text, reason, word) in [
            ("", R::WrongType, "empty"),
            ("warm", R::WrongType, "number alone"),
            ("25.5 °C", R::WrongType, "number alone"),
            ("60%", R::WrongType, "number alone"),
            ("1,013", R::WrongType, "thousands"),
            ("1.013,25", R::WrongType, "separators"),
            ("1,013.25", R::WrongType, "separators"),
            ("nan", R::NotFinite, "nothing"),
            ("-inf", R::NotFinite, "nothing"),
            ("1e999", R::NotFinite, "nothing"),
            (&"1".repeat(100_000), R::WrongType, "alone"),
        ] {
            let refusal = parse("value", text).unwrap_err();
            assert_eq!(refusal.reason, reason, "{text}: {refusal}");
            assert!(refusal.detail.contains(word), "{refusal}");
            assert!(refusal.detail.len() < 300, "{refusal}");
        }
    }

    proptest! {
        #[test]
        fn every_number_comes_back(value in -1e6_f64..1e6) {
            prop_assert_eq!(parse("value", &value.to_string()), Ok(value));
        }

        #[test]
        fn no_text_panics(text in any::<String>()) {
            let _ = parse("value", &text);
        }
    }
}
