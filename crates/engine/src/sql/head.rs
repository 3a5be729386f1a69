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
    /// Reads an insert's head up to FORMAT, VALUES, SELECT, WITH or WATCH, and of any other statement one token.
    pub(super) fn read(text: &'a str) -> Self {
        let mut rest = Lexer::new(text);
        // Dense SQL has five bytes a token. Megabytes of data may follow a head.
        let mut spans: Vec<Span> = Vec::with_capacity(text.len().min(4096) / 5 + 1);
        let is = |span: &Span, word: &str| {
            span.kind == TokenKind::Word && text[span.start()..span.end()].eq_ignore_ascii_case(word)
        };
        while let Some(span) = rest.next() {
            let first = spans.is_empty();
            spans.push(span);
            if first && !is(&span, "insert") || ["select", "with", "watch"].iter().any(|word| is(&span, word))
            {
                let is_certain = span.end() < text.len();
                return Self::Other {
                    spans,
                    rest,
                    is_certain,
                };
            }
            if span.end() > LONGEST_HEAD {
                break;
            }
            if is(&span, "values") {
                // Rows follow, in the text or in the body.
                return Self::with_format(spans, "Values", span.end());
            }
            if is(&span, "format")
                && let Some(name) = rest.next()
            {
                if name.kind == TokenKind::Word {
                    let data_from = skip_separator(text, name.end());
                    return Self::with_format(spans, &text[name.start()..name.end()], data_from);
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

/// Returns where data begins after `FORMAT f`: behind blanks, a semicolon and at most one line feed.
fn skip_separator(text: &str, from: usize) -> usize {
    let bytes = text.as_bytes();
    let mut at = from;
    while at < bytes.len() && matches!(bytes[at], b' ' | b'\t' | b'\r' | b';') {
        at += 1;
    }
    if bytes.get(at) == Some(&b'\n') { at + 1 } else { at }
}
