//! As much of SQL as an HTTP endpoint must see: words outside comments and strings, where a FORMAT clause stands, and
//! whether data follows. Everything else is the engine's business.

/// One word or sign of a statement, with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token<'a> {
    pub(crate) text: &'a str,
    /// Byte range in the statement.
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Word,
    /// `…` or "…": a name, whatever it looks like.
    QuotedName,
    Text,
    Sign,
}

impl Token<'_> {
    pub(crate) fn is(&self, word: &str) -> bool {
        self.kind == Kind::Word && self.text.eq_ignore_ascii_case(word)
    }

    /// A name without its quotes.
    pub(crate) fn name(&self) -> Option<&str> {
        match self.kind {
            Kind::Word => Some(self.text),
            Kind::QuotedName => self.text.get(1..self.text.len().saturating_sub(1)),
            _ => None,
        }
    }
}

/// The words and signs of `sql`, without comments. Never panics, whatever the text.
pub(crate) fn tokens(sql: &str) -> Vec<Token<'_>> {
    let bytes = sql.as_bytes();
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let start = at;
        let rest = &bytes[at..];
        let kind = match rest[0] {
            c if c.is_ascii_whitespace() => {
                at += 1;
                continue;
            }
            b'-' if rest.starts_with(b"--") => {
                at += line_end(rest);
                continue;
            }
            b'#' if rest.starts_with(b"# ") || rest.starts_with(b"#!") => {
                at += line_end(rest);
                continue;
            }
            b'/' if rest.starts_with(b"/*") => {
                at += comment(rest);
                continue;
            }
            quote @ (b'\'' | b'"' | b'`') => {
                at += quoted(rest, quote);
                if quote == b'\'' {
                    Kind::Text
                } else {
                    Kind::QuotedName
                }
            }
            b'$' if heredoc(rest).is_some() => {
                at += heredoc(rest).unwrap_or(rest.len());
                Kind::Text
            }
            c if c.is_ascii_alphanumeric() || c == b'_' || c >= 0x80 => {
                at += rest
                    .iter()
                    .position(|c| !(c.is_ascii_alphanumeric() || matches!(c, b'_' | b'$') || *c >= 0x80))
                    .unwrap_or(rest.len());
                Kind::Word
            }
            _ => {
                at += 1;
                Kind::Sign
            }
        };
        at = at.min(bytes.len());
        // Signs are ASCII and words take whole characters, so both ends are character boundaries.
        tokens.push(Token {
            text: &sql[start..at],
            start,
            end: at,
            kind,
        });
    }
    tokens
}

fn line_end(rest: &[u8]) -> usize {
    rest.iter().position(|c| *c == b'\n').unwrap_or(rest.len())
}

/// `/* … */`, which may hold further ones.
fn comment(rest: &[u8]) -> usize {
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

/// The text between quotes or heredoc tags, as the engine reads it.
pub(crate) fn unquoted(text: &str) -> String {
    if let Some(rest) = text.strip_prefix('$') {
        let tag = rest.find('$').map_or(0, |end| end + 2);
        return text
            .get(tag..text.len().saturating_sub(tag))
            .unwrap_or_default()
            .to_owned();
    }
    let inner = text.strip_prefix('\'').unwrap_or(text);
    let inner = inner.strip_suffix('\'').unwrap_or(inner);
    let mut plain = String::with_capacity(inner.len());
    let mut chars = inner.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('x') => {
                    let hex: String = chars.by_ref().take(2).collect();
                    plain.push(u8::from_str_radix(&hex, 16).map_or('?', char::from));
                }
                Some('n') => plain.push('\n'),
                Some('t') => plain.push('\t'),
                Some('r') => plain.push('\r'),
                // ClickHouse keeps the backslash before what is no escape.
                Some(c @ ('\\' | '\'' | '"' | '`' | '/' | '=')) => plain.push(c),
                Some('b' | 'f' | '0' | 'a' | 'v' | 'e') => plain.push(' '),
                Some(c) => plain.extend(['\\', c]),
                None => {}
            },
            '\'' if chars.peek() == Some(&'\'') => {
                chars.next();
                plain.push('\'');
            }
            c => plain.push(c),
        }
    }
    plain
}

fn quoted(rest: &[u8], quote: u8) -> usize {
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
fn heredoc(rest: &[u8]) -> Option<usize> {
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

/// A statement as the endpoint has to treat it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Statement {
    /// `INSERT … [FORMAT f]` whose data follows: the head without FORMAT, the format, and where inline data begins.
    Insert {
        head: String,
        format: Option<String>,
        data_from: usize,
    },
    /// A SELECT or WITH, which can be streamed.
    Select { format: Option<String> },
    /// Everything else: runs to its end before it is answered.
    Other { format: Option<String> },
}

/// Looks at `sql`, which may be followed by an insert's data (then anything after `FORMAT f` is not SQL).
pub(crate) fn look_at(sql: &str) -> Statement {
    let insert = first_words(sql).is_some_and(|word| word.eq_ignore_ascii_case("insert"));
    if insert {
        return look_at_insert(sql);
    }
    let tokens = tokens(sql);
    let format = trailing_format(&tokens);
    let first = tokens.iter().find(|token| token.text != "(");
    // `WITH … INSERT` is no query that can be streamed.
    let inserts = tokens.iter().any(|token| token.is("insert"));
    if !inserts && first.is_some_and(|token| token.is("select") || token.is("with")) {
        Statement::Select { format }
    } else {
        Statement::Other { format }
    }
}

fn first_words(sql: &str) -> Option<&str> {
    tokens(sql.get(..sql.floor_char_boundary(4096)).unwrap_or(sql))
        .first()
        .map(|token| token.text)
}

fn look_at_insert(sql: &str) -> Statement {
    // Data may be binary and megabytes long: only the head is read, which ends with FORMAT, VALUES, SELECT or WITH.
    let head = sql.get(..sql.floor_char_boundary(1 << 20)).unwrap_or(sql);
    let tokens = tokens(head);
    for (index, token) in tokens.iter().enumerate() {
        if token.is("select") || token.is("with") || token.is("watch") {
            return Statement::Other { format: None };
        }
        if token.is("values") {
            // Behind it stand rows, or nothing: then they come in the body.
            return Statement::Insert {
                head: sql[..token.start].to_owned(),
                format: Some("Values".into()),
                data_from: token.end,
            };
        }
        if token.is("format")
            && let Some(format) = tokens.get(index + 1).filter(|next| next.kind == Kind::Word)
        {
            let data_from = skip_separator(sql, format.end);
            return Statement::Insert {
                head: sql[..token.start].to_owned(),
                format: Some(format.text.to_owned()),
                data_from,
            };
        }
    }
    Statement::Insert {
        head: sql.to_owned(),
        format: None,
        data_from: sql.len(),
    }
}

/// Between `FORMAT f` and data stand blanks and at most one line feed, perhaps after a semicolon.
fn skip_separator(sql: &str, from: usize) -> usize {
    let bytes = sql.as_bytes();
    let mut at = from;
    while at < bytes.len() && matches!(bytes[at], b' ' | b'\t' | b'\r' | b';') {
        at += 1;
    }
    if bytes.get(at) == Some(&b'\n') { at + 1 } else { at }
}

fn trailing_format(tokens: &[Token<'_>]) -> Option<String> {
    let mut found = None;
    for pair in tokens.windows(2) {
        if pair[0].is("format") && pair[1].kind == Kind::Word {
            found = Some(pair[1].text.to_owned());
        } else if pair[1].text == "(" || pair[0].text == "(" {
            found = None;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn insert(sql: &str) -> (String, Option<String>, String) {
        match look_at(sql) {
            Statement::Insert {
                head,
                format,
                data_from,
            } => (head.trim().to_owned(), format, sql[data_from..].to_owned()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_inserts_head_format_and_data() {
        assert_eq!(
            insert("INSERT INTO t (a) FORMAT CSV\n1\n2"),
            ("INSERT INTO t (a)".into(), Some("CSV".into()), "1\n2".into())
        );
        assert_eq!(
            insert("/* x */ insert into t FORMAT JSONEachRow {\"format\": 1}").1,
            Some("JSONEachRow".into())
        );
        assert_eq!(
            insert("INSERT INTO t VALUES (1), ('FORMAT x')").2,
            " (1), ('FORMAT x')"
        );
        assert_eq!(insert("INSERT INTO t").1, None);
        assert_eq!(
            insert("INSERT INTO `format x` FORMAT TSV").0,
            "INSERT INTO `format x`"
        );
        assert!(matches!(
            look_at("INSERT INTO t SELECT 1"),
            Statement::Other { .. }
        ));
    }

    #[test]
    fn comments_nest_and_texts_are_unescaped() {
        let words = |sql| tokens(sql).iter().map(|t| t.text).collect::<Vec<_>>().join(" ");
        assert_eq!(words("SELECT /* /* */ file( */ 1 /* x */ + 2"), "SELECT 1 + 2");
        assert_eq!(words("SELECT /* '*/ a /* ' */"), "SELECT a");
        assert_eq!(unquoted(r"'it''s \\x66 \x66 \n'"), "it's \\x66 f \n");
        assert_eq!(unquoted("$x$a'b$x$"), "a'b");
        assert!(matches!(
            look_at("WITH 1 AS a INSERT INTO t SELECT a"),
            Statement::Other { .. }
        ));
    }

    #[test]
    fn a_selects_format() {
        let format = |sql: &str| match look_at(sql) {
            Statement::Select { format } => format,
            other => panic!("{other:?}"),
        };
        assert_eq!(format("SELECT 1 FORMAT JSON"), Some("JSON".into()));
        assert_eq!(
            format("-- c\nSELECT 1 format JSONEachRow SETTINGS max_threads = 1;"),
            Some("JSONEachRow".into())
        );
        assert_eq!(format("SELECT 'FORMAT JSON'"), None);
        assert_eq!(format("SELECT 1 -- FORMAT JSON"), None);
        assert!(matches!(look_at("SHOW TABLES"), Statement::Other { .. }));
    }

    proptest! {
        #[test]
        fn no_text_panics(sql in any::<String>()) {
            let _ = look_at(&sql);
            let _ = look_at(&format!("INSERT INTO t {sql}"));
            let _ = unquoted(&sql);
        }

        #[test]
        fn odd_quotes_do_not_panic(sql in "[`'\"$a/*# \\\\-]{0,40}") {
            let _ = look_at(&sql);
        }
    }
}
