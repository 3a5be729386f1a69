//! Text of others on a terminal: nothing of it moves the cursor, changes colours or the direction of writing.

use jiff::Timestamp;

/// Longest text that is looked at, in characters.
const LONGEST: usize = 200;

/// The text with a mark in place of each character that a terminal would obey or not show.
pub(super) fn shown(text: &str) -> String {
    let safe = |character: char| {
        let is_obeyed = character.is_control()
            || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
        if is_obeyed { '\u{fffd}' } else { character }
    };
    text.chars().take(LONGEST).map(safe).collect()
}

/// How long ago, in two or three characters.
pub(super) fn age(since: Option<Timestamp>, now: Timestamp) -> String {
    let Some(since) = since else {
        return "-".to_owned();
    };
    match now.as_second() - since.as_second() {
        seconds @ ..0 => {
            if seconds < -2 {
                "ahead".to_owned()
            } else {
                "0s".to_owned()
            }
        }
        seconds @ 0..120 => format!("{seconds}s"),
        seconds @ 120..7_200 => format!("{}m", seconds / 60),
        seconds @ 7_200..172_800 => format!("{}h", seconds / 3_600),
        seconds => format!("{}d", seconds / 86_400),
    }
}

/// A number with `decimals`; a dash where there is none.
pub(super) fn number(value: Option<f64>, decimals: usize) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.decimals$}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_a_mark() {
        assert_eq!(shown("Küche 🪟"), "Küche 🪟");
        assert_eq!(
            shown("a\u{1b}[2Jb\r\n\u{202e}c\u{9b}"),
            "a\u{fffd}[2Jb\u{fffd}\u{fffd}\u{fffd}c\u{fffd}"
        );
        assert_eq!(shown(&"x".repeat(10_000)).len(), LONGEST);
    }

    #[test]
    fn ages_are_short() {
        let now: Timestamp = "2025-10-24T12:00:00Z".parse().unwrap();
        for (seconds, text) in [
            (0, "0s"),
            (119, "119s"),
            (120, "2m"),
            (7_200, "2h"),
            (200_000, "2d"),
            (-10, "ahead"),
        ] {
            let since = Timestamp::from_second(now.as_second() - seconds).unwrap();
            assert_eq!(age(Some(since), now), text);
        }
        assert_eq!(age(None, now), "-");
    }
}
