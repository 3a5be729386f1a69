//! Tokens: words, quoted names, texts and signs, without comments.
//!
//! In: text. Out: [`Sql`], the text with its tokens. No text makes the lexer panic.

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
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) kind: TokenKind,
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
            text: &self.text[span.start..span.end],
            lower: &self.lower[span.start..span.end],
            start: span.start,
            end: span.end,
            kind: span.kind,
        }
    }
}

/// Yields the tokens of a text one by one, so that what follows an insert's head is never looked at.
pub(super) struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
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
                b'$' => match heredoc_length(rest) {
                    Some(length) => (length, Some(TokenKind::Text)),
                    None => (1, Some(TokenKind::Sign)),
                },
                c if is_word(*c) => (word_length(rest), Some(TokenKind::Word)),
                _ => (1, Some(TokenKind::Sign)),
            };
            // Signs are ASCII and words take whole characters, so both ends are character boundaries.
            self.at = (start + length).min(bytes.len());
            if let Some(kind) = kind {
                let end = self.at;
                return Some(Span { start, end, kind });
            }
        }
        None
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

/// `$tag$ … $tag$`
fn heredoc_length(rest: &[u8]) -> Option<usize> {
    let tag_end = 1 + rest[1..]
        .iter()
        .position(|c| !(c.is_ascii_alphanumeric() || *c == b'_'))?;
    if rest[tag_end] != b'$' {
        return None;
    }
    let tag = &rest[..=tag_end];
    let body = &rest[tag.len()..];
    let end = body.windows(tag.len()).position(|window| window == tag)?;
    Some(tag.len() + end + tag.len())
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
