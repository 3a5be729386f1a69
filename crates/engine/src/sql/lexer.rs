//! Tokens: words, quoted names, texts and signs, without comments.
//!
//! In: text. Out: [`Sql`], the text with its tokens. No text makes the lexer panic, and none makes it look at a byte more
//! than a few times.

/// Every unclosed heredoc costs a look at the whole text: after this many, the rest is left unread, and refused.
const MOST_UNCLOSED: usize = 8;

/// SQL text with its tokens: lexed once, never changed.
#[derive(Debug, Clone)]
pub(crate) struct Sql {
    text: String,
    /// The text in lower case; ASCII only, so that every offset holds for both.
    lower: String,
    spans: Vec<Span>,
}

/// The place of a token.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    // A token for each byte is possible, and texts are far below 4 GiB.
    start: u32,
    end: u32,
    pub(super) kind: TokenKind,
}

impl Span {
    fn new(start: usize, end: usize, kind: TokenKind) -> Self {
        Self {
            start: start as u32,
            end: end as u32,
            kind,
        }
    }

    pub(super) fn start(&self) -> usize {
        self.start as usize
    }

    pub(super) fn end(&self) -> usize {
        self.end as usize
    }
}

/// One word or sign of a statement, with its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token<'a> {
    pub(crate) text: &'a str,
    /// The same in lower case.
    pub(crate) lower: &'a str,
    /// Byte range in the text.
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) kind: TokenKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenKind {
    Word,
    /// `…` or "…": a name, whatever it looks like.
    QuotedName,
    /// '…' or a heredoc.
    Text,
    Sign,
    /// The rest of a text in which too much could be read in two ways.
    Unread,
}

impl<'a> Token<'a> {
    /// Whether this is the keyword `word`, given in lower case.
    pub(crate) fn is(&self, word: &str) -> bool {
        self.kind == TokenKind::Word && self.lower == word
    }

    /// Whether this is one of the keywords, given in lower case.
    pub(crate) fn is_any(&self, words: &[&str]) -> bool {
        self.kind == TokenKind::Word && words.contains(&self.lower)
    }

    /// Returns a name without its quotes, in lower case.
    pub(crate) fn name(&self) -> Option<&'a str> {
        match self.kind {
            TokenKind::Word => Some(self.lower),
            TokenKind::QuotedName => self.lower.get(1..self.lower.len().saturating_sub(1)),
            _ => None,
        }
    }
}

impl Sql {
    /// Lexes `text`.
    pub(crate) fn new(text: &str) -> Self {
        // Five bytes a token is what dense SQL has.
        let mut spans = Vec::with_capacity(text.len() / 5 + 1);
        spans.extend(Lexer::new(text));
        Self::with_spans(text, spans)
    }

    /// `spans` are the tokens of `text`.
    pub(super) fn with_spans(text: &str, spans: Vec<Span>) -> Self {
        Self {
            text: text.to_owned(),
            lower: text.to_ascii_lowercase(),
            spans,
        }
    }

    /// Returns the whole text.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Returns the whole text in lower case.
    pub(crate) fn lower(&self) -> &str {
        &self.lower
    }

    /// Returns the number of tokens.
    pub(crate) fn len(&self) -> usize {
        self.spans.len()
    }

    /// Returns the token at `index`.
    pub(crate) fn token(&self, index: usize) -> Option<Token<'_>> {
        self.spans.get(index).map(|span| self.at(*span))
    }

    /// Returns the tokens in their order.
    pub(crate) fn tokens(&self) -> impl DoubleEndedIterator<Item = Token<'_>> + ExactSizeIterator + Clone {
        self.spans.iter().map(|span| self.at(*span))
    }

    /// Whether the token at `index` is that sign.
    pub(crate) fn is_sign(&self, index: usize, sign: &str) -> bool {
        self.token(index).is_some_and(|token| token.text == sign)
    }

    fn at(&self, span: Span) -> Token<'_> {
        Token {
            text: &self.text[span.start()..span.end()],
            lower: &self.lower[span.start()..span.end()],
            start: span.start(),
            end: span.end(),
            kind: span.kind,
        }
    }
}

/// Yields the tokens of a text one by one, so that what follows an insert's head is never looked at.
pub(super) struct Lexer<'a> {
    text: &'a str,
    at: usize,
    unclosed: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            unclosed: 0,
        }
    }

    /// Returns the sign or the word that comes next.
    pub(super) fn peek(&self) -> Option<&'a str> {
        let mut ahead = Self { ..*self };
        ahead.next().map(|span| &self.text[span.start()..span.end()])
    }
}

impl Iterator for Lexer<'_> {
    type Item = Span;

    fn next(&mut self) -> Option<Span> {
        let bytes = self.text.as_bytes();
        while let Some(first) = bytes.get(self.at) {
            let start = self.at;
            let rest = &bytes[start..];
            let (length, kind) = match first {
                c if c.is_ascii_whitespace() => (1, None),
                b'-' if rest.starts_with(b"--") => (line_length(rest), None),
                b'#' if rest.starts_with(b"# ") || rest.starts_with(b"#!") => (line_length(rest), None),
                b'/' if rest.starts_with(b"/*") => (comment_length(rest), None),
                b'\'' => (quoted_length(rest, b'\''), Some(TokenKind::Text)),
                quote @ (b'"' | b'`') => (quoted_length(rest, *quote), Some(TokenKind::QuotedName)),
                b'$' => self.heredoc(rest),
                c if is_word(*c) => (word_length(rest), Some(TokenKind::Word)),
                _ => (1, Some(TokenKind::Sign)),
            };
            // Signs are ASCII and words take whole characters, so both ends are character boundaries.
            self.at = (start + length).min(bytes.len());
            steps::count(length);
            if let Some(kind) = kind {
                return Some(Span::new(start, self.at, kind));
            }
        }
        None
    }
}

impl Lexer<'_> {
    /// Reads `$tag$ … $tag$`, in which the tag may hold anything but a dollar sign, as the engine has it.
    fn heredoc(&mut self, rest: &[u8]) -> (usize, Option<TokenKind>) {
        if self.unclosed == MOST_UNCLOSED {
            return (rest.len(), Some(TokenKind::Unread));
        }
        let Some(tag_end) = rest[1..].iter().position(|c| *c == b'$') else {
            steps::count(rest.len());
            self.unclosed += 1;
            return (1, Some(TokenKind::Sign));
        };
        let (tag, body) = rest.split_at(tag_end + 2);
        // A tag has its dollar signs at its ends alone, so that no byte is compared more than twice.
        if let Some(end) = body.windows(tag.len()).position(|window| window == tag) {
            return (tag.len() + end + tag.len(), Some(TokenKind::Text));
        }
        steps::count(rest.len());
        self.unclosed += 1;
        (1, Some(TokenKind::Sign))
    }
}

/// How many bytes were looked at, for tests.
pub(crate) mod steps {
    #[cfg(test)]
    thread_local!(static COUNTED: std::cell::Cell<usize> = const { std::cell::Cell::new(0) });

    #[cfg_attr(
        not(test),
        expect(clippy::missing_const_for_fn, reason = "it counts in tests")
    )]
    #[inline]
    pub(crate) fn count(bytes: usize) {
        #[cfg(test)]
        COUNTED.set(COUNTED.get() + bytes);
        let _ = bytes;
    }

    /// Returns what was counted since the last call.
    #[cfg(test)]
    pub(crate) fn take() -> usize {
        COUNTED.replace(0)
    }
}

fn is_word(c: u8) -> bool {
    c.is_ascii_alphanumeric() || c == b'_' || c >= 0x80
}

fn word_length(rest: &[u8]) -> usize {
    let ends = |c: &u8| !(is_word(*c) || *c == b'$');
    rest.iter().position(ends).unwrap_or(rest.len())
}

fn line_length(rest: &[u8]) -> usize {
    rest.iter().position(|c| *c == b'\n').unwrap_or(rest.len())
}

/// `/* … */`, which may hold further ones.
fn comment_length(rest: &[u8]) -> usize {
    let (mut at, mut open) = (0, 0);
    while at < rest.len() {
        if rest[at..].starts_with(b"/*") {
            (at, open) = (at + 2, open + 1);
        } else if rest[at..].starts_with(b"*/") {
            (at, open) = (at + 2, open - 1);
            if open == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    rest.len()
}

fn quoted_length(rest: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            c if c == quote && rest.get(at + 1) == Some(&quote) => at += 2,
            c if c == quote => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn comments_nest() {
        let words = |text| {
            let sql = Sql::new(text);
            sql.tokens().map(|t| t.text).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(words("SELECT /* /* */ file( */ 1 /* x */ + 2"), "SELECT 1 + 2");
        assert_eq!(words("SELECT /* '*/ a /* ' */"), "SELECT a");
    }

    #[test]
    fn a_name_has_no_quotes_and_no_capitals() {
        let sql = Sql::new("File `URL` 'S3' \"x");
        let names: Vec<_> = sql.tokens().map(|token| token.name()).collect();
        assert_eq!(names, [Some("file"), Some("url"), None, Some("")]);
    }

    /// Heredocs with tags of their own, none of which is closed.
    fn unclosed(count: usize) -> String {
        use std::fmt::Write as _;
        let mut text = String::new();
        for number in 0..count {
            let _ = write!(text, "${number}$ ");
        }
        text
    }

    #[test]
    fn a_heredocs_tag_is_what_the_engine_takes_for_one() {
        use TokenKind::{Sign, Text, Unread, Word};
        let kinds = |text| {
            Sql::new(text)
                .tokens()
                .map(|token| token.kind)
                .collect::<Vec<_>>()
        };
        assert_eq!(kinds("$a$ ' $a$ x"), [Text, Word]);
        assert_eq!(kinds("$ -- $ ' $ -- $ x"), [Text, Word]);
        assert_eq!(kinds("$a x"), [Sign, Word, Word]);
        assert_eq!(kinds("$a$ x"), [Sign, Word, Word]);
        assert_eq!(kinds(&unclosed(20)).last(), Some(&Unread));
    }

    /// Twice the text takes twice the steps, whatever it holds.
    #[test]
    fn steps_are_linear_in_the_text() {
        let steps = |text: &str| {
            steps::take();
            let _ = Sql::new(text);
            steps::take()
        };
        let makes: [(&str, &dyn Fn(usize) -> String); 8] = [
            ("zeros", &|n| "\0".repeat(n)),
            ("a word", &|n| "0".repeat(n)),
            ("blanks", &|n| " ".repeat(n)),
            ("a list", &|n| "1,".repeat(n / 2)),
            ("comments", &|n| "/*".repeat(n / 2)),
            ("quotes", &|n| "'\\".repeat(n / 2)),
            ("dollars", &|n| "$ ".repeat(n / 2)),
            ("unclosed heredocs", &|n| unclosed(n / 8)),
        ];
        for (name, make) in makes {
            let (once, twice) = (steps(&make(100_000)), steps(&make(200_000)));
            assert!(
                twice <= once * 5 / 2 && once <= 1_000_000,
                "{name}: {once}, {twice}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in any::<String>()) {
            let sql = Sql::new(&text);
            prop_assert_eq!(sql.tokens().count(), sql.len());
        }

        #[test]
        fn odd_quotes_do_not_panic(text in "[`'\"$a/*# \\\\-]{0,40}") {
            let sql = Sql::new(&text);
            let names = sql.tokens().filter_map(|token| token.name());
            prop_assert!(names.count() <= sql.len());
        }
    }
}
