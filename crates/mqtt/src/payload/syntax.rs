//! The first place where a text leaves the grammar of JSON (RFC 8259), and what was expected there.
//!
//! In: bytes that a JSON parser refused. Out: a [`Fault`], from which `explain` makes a sentence. One pass without
//! recursion; memory for at most [`DEEPEST`] open brackets.

use std::ops::Range;

/// Brackets that may be open at once, as in `serde_json`.
const DEEPEST: usize = 127;

/// What the grammar allows at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expected {
    Value,
    /// A key, which is a text.
    Key,
    Colon,
    CommaOrEnd,
    /// A digit, or the end of a number that begins with 0.
    Digit,
    /// A character that a text may hold.
    TextCharacter,
    /// The end of the payload.
    Nothing,
    /// Fewer open brackets.
    LessDepth,
}

/// Where and how a text is no JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    /// The offset of the first wrong byte; the length of the text if it ends too early.
    pub(super) at: usize,
    pub(super) expected: Expected,
    /// The last key before it, without its quotes.
    pub(super) key: Option<Range<usize>>,
}

/// Returns the first fault of `text`; `None` if its grammar is right.
pub(super) fn first_fault(text: &[u8]) -> Option<Fault> {
    let mut scanner = Scanner {
        text,
        at: 0,
        open: Vec::new(),
        key: None,
    };
    let expected = scanner.document().err()?;
    Some(Fault {
        at: scanner.at,
        expected,
        key: scanner.key,
    })
}

struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
    /// The open brackets.
    open: Vec<u8>,
    key: Option<Range<usize>>,
}

/// What comes next.
enum State {
    Value,
    FirstItem,
    Key,
    FirstKey,
    AfterValue,
}

impl Scanner<'_> {
    fn document(&mut self) -> Result<(), Expected> {
        let mut state = State::Value;
        loop {
            self.skip(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r'));
            state = match state {
                State::FirstKey if self.eat(b'}') => self.close(),
                State::FirstItem if self.eat(b']') => self.close(),
                State::FirstKey | State::Key => self.key()?,
                State::Value | State::FirstItem => self.value()?,
                State::AfterValue => match (self.open.last(), self.peek()) {
                    (None, None) => return Ok(()),
                    (None, Some(_)) => return Err(Expected::Nothing),
                    (Some(b'{'), Some(b',')) => self.after(State::Key),
                    (Some(_), Some(b',')) => self.after(State::Value),
                    (Some(b'{'), Some(b'}')) | (Some(b'['), Some(b']')) => {
                        self.at += 1;
                        self.close()
                    }
                    _ => return Err(Expected::CommaOrEnd),
                },
            };
        }
    }

    fn value(&mut self) -> Result<State, Expected> {
        match self.peek() {
            Some(b'{') => return self.open(b'{', State::FirstKey),
            Some(b'[') => return self.open(b'[', State::FirstItem),
            Some(b'"') => self.text().map(drop)?,
            Some(b'-' | b'0'..=b'9') => self.number()?,
            _ => {
                let words: [&[u8]; 3] = [b"true", b"false", b"null"];
                let rest = &self.text[self.at..];
                let word = words.into_iter().find(|word| rest.starts_with(word));
                self.at += word.ok_or(Expected::Value)?.len();
            }
        }
        Ok(State::AfterValue)
    }

    fn key(&mut self) -> Result<State, Expected> {
        if self.peek() != Some(b'"') {
            return Err(Expected::Key);
        }
        self.key = Some(self.text()?);
        self.skip(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r'));
        if self.eat(b':') {
            Ok(State::Value)
        } else {
            Err(Expected::Colon)
        }
    }

    /// Reads a text, and returns where it stands without its quotes.
    fn text(&mut self) -> Result<Range<usize>, Expected> {
        self.at += 1;
        let start = self.at;
        loop {
            self.skip(|b| b >= b' ' && b != b'"' && b != b'\\');
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(start..self.at - 1);
                }
                Some(b'\\') => self.escape()?,
                _ => return Err(Expected::TextCharacter),
            }
        }
    }

    fn escape(&mut self) -> Result<(), Expected> {
        let rest = &self.text[self.at + 1..];
        let length = match rest.first() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 2,
            Some(b'u') if rest.len() > 4 && rest[1..5].iter().all(u8::is_ascii_hexdigit) => 6,
            _ => return Err(Expected::TextCharacter),
        };
        self.at += length;
        Ok(())
    }

    fn number(&mut self) -> Result<(), Expected> {
        self.eat(b'-');
        if self.eat(b'0') {
            if self.peek().is_some_and(|b| b.is_ascii_digit()) {
                return Err(Expected::Digit);
            }
        } else {
            self.digits()?;
        }
        if self.eat(b'.') {
            self.digits()?;
        }
        if self.eat(b'e') || self.eat(b'E') {
            let _signed = self.eat(b'+') || self.eat(b'-');
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Expected> {
        let before = self.at;
        self.skip(|b| b.is_ascii_digit());
        (self.at > before).then_some(()).ok_or(Expected::Digit)
    }

    fn open(&mut self, bracket: u8, next: State) -> Result<State, Expected> {
        if self.open.len() >= DEEPEST {
            return Err(Expected::LessDepth);
        }
        self.open.push(bracket);
        Ok(self.after(next))
    }

    fn close(&mut self) -> State {
        self.open.pop();
        State::AfterValue
    }

    const fn after(&mut self, next: State) -> State {
        self.at += 1;
        next
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn skip(&mut self, skipped: impl Fn(u8) -> bool) {
        let rest = &self.text[self.at..];
        self.at += rest.iter().position(|b| !skipped(*b)).unwrap_or(rest.len());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fault(text: &str) -> (usize, Expected) {
        let fault = first_fault(text.as_bytes()).expect("a fault");
        (fault.at, fault.expected)
    }

    #[test]
    fn the_first_wrong_byte_is_named() {
        for (text, at, expected) in [
            ("", 0, Expected::Value),
            ("{'a'", 1, Expected::Key),
            (r#"{"a": }"#, 6, Expected::Value),
            (r#"{"a" 1}"#, 5, Expected::Colon),
            (r#"{"a": 1 "b"#, 8, Expected::CommaOrEnd),
            (r#"{"a": 1,}"#, 8, Expected::Key),
            (r#"{"a": 1"#, 7, Expected::CommaOrEnd),
            (r#"{"a": 1} {"#, 9, Expected::Nothing),
            ("[01]", 2, Expected::Digit),
            ("[1.]", 3, Expected::Digit),
            ("[-]", 2, Expected::Digit),
            ("[\"a\nb\"]", 3, Expected::TextCharacter),
            (r#"["\x"]"#, 2, Expected::TextCharacter),
            ("[NaN]", 1, Expected::Value),
            ("[1}", 2, Expected::CommaOrEnd),
        ] {
            assert_eq!(fault(text), (at, expected), "{text}");
        }
        let deep = "[".repeat(1_000_000);
        assert_eq!(fault(&deep), (DEEPEST, Expected::LessDepth));
        let named = first_fault(br#"{"value": NaN}"#).unwrap().key.unwrap();
        assert_eq!(named, 2..7);
    }

    proptest! {
        #[test]
        fn it_finds_a_fault_where_serde_json_does(text in r#"[\[\]{}:,"\\ntrue0-9eE.+ -]{0,24}"#) {
            let parsed = serde_json::from_str::<serde_json::Value>(&text);
            let beyond_grammar = parsed.as_ref().is_err_and(|error| error.to_string().starts_with("number out of range"));
            if !beyond_grammar {
                prop_assert_eq!(first_fault(text.as_bytes()).is_none(), parsed.is_ok(), "{:?}", parsed);
            }
        }

        #[test]
        fn damaged_json_has_a_fault_within_it(place in any::<prop::sample::Index>(), byte in any::<u8>()) {
            let mut text = br#"{"value": 25.5, "list": [1, -2e3, {"a": "\u00e9\n"}], "x": null}"#.to_vec();
            let place = place.index(text.len());
            text[place] = byte;
            if let Some(fault) = first_fault(&text) {
                prop_assert!(fault.at <= text.len());
            }
        }

        #[test]
        fn no_bytes_panic(text in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = first_fault(&text);
        }
    }
}
