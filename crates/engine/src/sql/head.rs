//! The head of an insert, and where its data begins.
//!
//! In: text, which may be the beginning of a statement. Out: a [`Head`]. Data behind a head is never looked at.

use super::lexer::{Lexer, Span, TokenKind};

/// An insert's head ends within this many bytes; what follows may be binary and megabytes long.
pub(crate) const LONGEST_HEAD: usize = 1 << 20;

/// The beginning of a statement, up to where it is clear whether data follows.
pub(super) enum Head<'a> {
    Insert(InsertHead),
    /// Another statement: the tokens that were read, and those that are left.
    Other {
        spans: Vec<Span>,
        rest: Lexer<'a>,
        is_certain: bool,
    },
}

/// The head of an insert.
pub(super) struct InsertHead {
    pub(super) spans: Vec<Span>,
    /// Where FORMAT or VALUES begins.
    pub(super) end: usize,
    pub(super) format: Option<String>,
    /// Where the data begins.
    pub(super) data_from: usize,
}

impl<'a> Head<'a> {
    /// Reads an insert's head up to FORMAT, VALUES, SELECT, WITH or WATCH, and of any other statement one token. The
    /// table's name and the columns in brackets may be any word.
    pub(super) fn read(text: &'a str) -> Self {
        let mut rest = Lexer::new(text);
        // Dense SQL has five bytes a token. Megabytes of data may follow a head.
        let mut spans: Vec<Span> = Vec::with_capacity(text.len().min(4096) / 5 + 1);
        let mut place = Place::default();
        while let Some(span) = rest.next() {
            let first = spans.is_empty();
            spans.push(span);
            let word = if span.kind == TokenKind::Word || span.kind == TokenKind::Sign {
                &text[span.start()..span.end()]
            } else {
                ""
            };
            let is = |other: &str| word.eq_ignore_ascii_case(other);
            if first && !is("insert") || place.begins_query(word, || rest.peek()) {
                // In brackets, what follows makes a column of it.
                let follows = place.before != Before::Bracket || rest.peek().is_some();
                let is_certain = span.end() < text.len() && follows;
                return Self::Other {
                    spans,
                    rest,
                    is_certain,
                };
            }
            if span.end() > LONGEST_HEAD {
                break;
            }
            let may_be_clause = place.passes(word);
            if may_be_clause && is("values") {
                // Rows follow, in the text or in the body.
                return Self::with_format(spans, "Values", span.end());
            }
            if may_be_clause
                && is("format")
                && let Some(name) = rest.next()
            {
                let format = &text[name.start()..name.end()];
                let unquoted = format.get(1..format.len().saturating_sub(1));
                let format = match name.kind {
                    TokenKind::Word => Some(format),
                    TokenKind::QuotedName => unquoted.filter(|inner| !inner.contains('\\')),
                    _ => None,
                };
                if let Some(format) = format {
                    let data_from = skip_separator(text, name.end());
                    return Self::with_format(spans, format, data_from);
                }
                spans.push(name);
            }
        }
        if spans.is_empty() {
            return Self::Other {
                spans,
                rest,
                is_certain: false,
            };
        }
        spans.extend(rest);
        Self::Insert(InsertHead {
            spans,
            end: text.len(),
            format: None,
            data_from: text.len(),
        })
    }

    /// The last of `spans` is FORMAT or VALUES, which is no part of the head.
    fn with_format(mut spans: Vec<Span>, format: &str, data_from: usize) -> Self {
        let end = spans.pop().map_or(0, |span| span.start());
        Self::Insert(InsertHead {
            spans,
            end,
            format: Some(format.to_owned()),
            data_from,
        })
    }
}

/// Where in an insert's head a word stands.
#[derive(Default)]
struct Place {
    /// The table's name has been read, at least its first part.
    is_named: bool,
    /// The word before.
    before: Before,
    depth: usize,
}

#[derive(Default, PartialEq, Eq)]
enum Before {
    /// `INSERT`, `INTO`, `TABLE`, `FUNCTION` or nothing: a name follows.
    #[default]
    Opening,
    /// A dot: a part of a name follows.
    Dot,
    /// An opening bracket.
    Bracket,
    Other,
}

impl Place {
    /// Whether a query begins with this word, outside of brackets or as the first thing in them. `next` is what follows.
    fn begins_query<'a>(&self, word: &str, next: impl FnOnce() -> Option<&'a str>) -> bool {
        let is_query = ["select", "with", "watch"]
            .iter()
            .any(|begin| word.eq_ignore_ascii_case(begin));
        // A column of that name is followed by another or by the end of their list.
        let is_column = || next().is_some_and(|next| next == "," || next == ")");
        is_query
            && self.is_named
            && match self.before {
                Before::Opening | Before::Dot => false,
                Before::Bracket => !is_column(),
                Before::Other => self.depth == 0,
            }
    }

    /// Goes past a word. Returns whether it may begin a clause.
    fn passes(&mut self, word: &str) -> bool {
        const OPENING: &[&str] = &["insert", "into", "table", "function"];
        let opens = !self.is_named && OPENING.iter().any(|opening| word.eq_ignore_ascii_case(opening));
        let may_be_clause = self.is_named && self.depth == 0 && self.before == Before::Other;
        self.is_named |= !opens;
        self.before = match word {
            _ if opens => Before::Opening,
            "." => Before::Dot,
            "(" => Before::Bracket,
            _ => Before::Other,
        };
        match word {
            "(" => self.depth += 1,
            ")" => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        may_be_clause
    }
}

/// Returns where data begins after `FORMAT f`: behind blanks, a semicolon and at most one line feed.
fn skip_separator(text: &str, from: usize) -> usize {
    let bytes = text.as_bytes();
    let mut at = from;
    while at < bytes.len() && matches!(bytes[at], b' ' | b'\t' | b'\r' | b';') {
        at += 1;
    }
    if bytes.get(at) == Some(&b'\n') { at + 1 } else { at }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_clauses_by_their_place() {
        let read = |text: &str| match Head::read(text) {
            Head::Insert(head) => Some((text[..head.end].trim().to_owned(), head.format)),
            Head::Other { .. } => None,
        };
        let head = |text: &str, format: &str| Some((text.to_owned(), Some(format.to_owned())));
        for (before, after, format) in [
            ("INSERT INTO format", "VALUES (1)", "Values"),
            ("INSERT INTO TABLE values", "FORMAT CSV 1", "CSV"),
            ("INSERT INTO db.select (with, format)", "FORMAT `CSV` 1", "CSV"),
            ("INSERT INTO t (format, values, select)", "VALUES (1)", "Values"),
            ("INSERT INTO t (select)", "VALUES (1)", "Values"),
            ("INSERT INTO watch.format SETTINGS a = 1", "FORMAT TSV 1", "TSV"),
        ] {
            assert_eq!(
                read(&format!("{before} {after}")),
                head(before, format),
                "{before}"
            );
        }
        for text in [
            "INSERT INTO t (SELECT 1)",
            "INSERT INTO t (a) SELECT 1",
            "INSERT INTO format WITH 1 AS x SELECT x",
            "INSERT INTO select (select) SELECT 1",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
