//! The clauses at a statement's end: `FORMAT f` and `SETTINGS a = 1, b = 'x'`.
//!
//! In: tokens. Out: the format, as far as our reading is certain of it, and the settings that the whole statement has.

use super::{
    lexer::{Sql, Token, TokenKind},
    literal::{quote, unquoted},
    position::{Position, position},
};

/// The format that a statement names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TrailingFormat {
    /// None.
    Absent,
    /// This one.
    Named(String),
    /// The engine's reading has to tell: the word may be a name.
    Unsure,
}

/// Counts the brackets that are open.
#[derive(Default)]
struct Depth(usize);

impl Depth {
    /// Takes the next token; returns whether it stands outside of brackets.
    fn is_outer(&mut self, token: &Token<'_>) -> bool {
        if token.kind == TokenKind::Sign {
            match token.text {
                "(" | "[" | "{" => self.0 += 1,
                ")" | "]" | "}" => self.0 = self.0.saturating_sub(1),
                _ => {}
            }
        }
        self.0 == 0
    }
}

/// Returns the format at a statement's end, behind which only settings follow.
pub(super) fn trailing_format(sql: &Sql) -> TrailingFormat {
    let mut depth = Depth::default();
    let mut found = TrailingFormat::Absent;
    for (index, token) in sql.tokens().enumerate() {
        if !depth.is_outer(&token) || !token.is("format") {
            continue;
        }
        let Some(name) = sql.token(index + 1).and_then(format_name) else {
            continue;
        };
        let next = sql.token(index + 2);
        let ends = next.is_none_or(|next| next.text == ";")
            || next.is_some_and(|next| next.is("settings")) && sql.token(index + 3).is_some_and(is_name);
        match position(sql, index) {
            Position::Clause if ends => found = TrailingFormat::Named(name),
            Position::Unsure if ends => found = TrailingFormat::Unsure,
            _ => {}
        }
    }
    found
}

/// Returns the name of a format, quoted or not.
fn format_name(token: Token<'_>) -> Option<String> {
    match token.kind {
        TokenKind::Word => Some(token.text.to_owned()),
        TokenKind::QuotedName if !token.text.contains('\\') => {
            let inner = token.text.get(1..token.text.len().checked_sub(1)?)?;
            Some(inner.to_owned())
        }
        _ => None,
    }
}

fn is_name(token: Token<'_>) -> bool {
    matches!(token.kind, TokenKind::Word | TokenKind::QuotedName)
}

/// Returns the format in the engine's own form of a statement, in which the clause has a line of its own.
pub(crate) fn canonical_format(text: &str) -> Option<String> {
    text.lines()
        .rev()
        .find_map(|line| line.strip_prefix("FORMAT "))
        .and_then(|rest| format_name(Sql::new(rest).token(0)?))
}

/// A setting of a clause: its name and its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Assignment {
    pub(crate) name: String,
    /// As a URL has it; `None` where it is no literal.
    pub(crate) value: Option<String>,
}

/// Returns the settings of every clause in the engine's own form of a statement, at whatever depth. There a name always
/// has its value. A name of several parts and a parameter in its place have none that we know.
pub(crate) fn all_settings(sql: &Sql) -> Vec<Assignment> {
    let begins = |index: usize| {
        let is_named = sql.token(index + 1).is_some_and(is_name);
        is_named && (sql.is_sign(index + 2, "=") || sql.is_sign(index + 2, "."))
            || sql.is_sign(index + 1, "{")
    };
    let clauses = sql.tokens().enumerate();
    clauses
        .filter(|(index, token)| token.is("settings") && begins(*index))
        .flat_map(|(index, _)| assignments(sql, index + 1))
        .collect()
}

/// Returns the settings that a whole statement has: those of the clauses at its end. They are the last SELECT's, where
/// several are combined.
pub(crate) fn trailing_settings(sql: &Sql) -> Vec<Assignment> {
    let mut found = Vec::new();
    // `(SELECT …)` is the statement within.
    let enclosing = enclosing(sql);
    let mut depth = Depth::default();
    for (index, token) in sql.tokens().enumerate() {
        depth.is_outer(&token);
        if depth.0 != enclosing {
            continue;
        }
        let is_clause = || match position(sql, index) {
            Position::Clause => true,
            Position::Unsure => sql.is_sign(index + 2, "="),
            Position::Operand => false,
        };
        if combines(sql, index) {
            found.clear();
        } else if token.is("settings") && is_clause() {
            found.extend(assignments(sql, index + 1));
        }
    }
    found
}

/// Whether another SELECT follows the word at `index`.
fn combines(sql: &Sql, index: usize) -> bool {
    sql.token(index)
        .is_some_and(|token| token.is_any(&["union", "intersect", "except"]))
        && (index + 1..sql.len().min(index + 4))
            .filter_map(|at| sql.token(at))
            .any(|token| token.is_any(&["select", "from", "with"]))
}

/// Returns how many brackets enclose the whole statement.
fn enclosing(sql: &Sql) -> usize {
    let opened = sql.tokens().take_while(|token| token.text == "(").count();
    let is_end = |token: &Token<'_>| token.text == ")" || token.text == ";";
    let closed = sql
        .tokens()
        .rev()
        .take_while(is_end)
        .filter(|token| token.text == ")");
    let most = opened.min(closed.count());
    let mut depth = Depth::default();
    let inner = sql.tokens().rev().skip_while(is_end).count();
    // The least depth between both ends is what really encloses it.
    let depths = sql.tokens().enumerate().filter_map(|(index, token)| {
        depth.is_outer(&token);
        (index + 1 >= opened && index < inner).then_some(depth.0)
    });
    depths.min().unwrap_or(0).min(most)
}

/// Returns the assignments of the list that begins at `index`: `a = 1, b, c = {'x': 'y'}`.
fn assignments(sql: &Sql, mut index: usize) -> Vec<Assignment> {
    let mut found = Vec::new();
    while let Some(token) = sql.token(index) {
        let name = token.text.trim_matches(['`', '"']).to_owned();
        if token.text == "{" || is_name(token) && sql.is_sign(index + 1, ".") {
            found.push(Assignment { name, value: None });
            break;
        }
        if !is_name(token) {
            break;
        }
        let (value, next) = if sql.is_sign(index + 1, "=") {
            value(sql, index + 2)
        } else {
            // A name alone sets it to true.
            (Some("1".to_owned()), index + 1)
        };
        // A word without `=` that no comma follows is a clause of its own: `SELECT settings FROM t`.
        if sql.is_sign(index + 1, "=") || sql.is_sign(next, ",") || !found.is_empty() || ends(sql, next) {
            found.push(Assignment { name, value });
        }
        if !sql.is_sign(next, ",") {
            break;
        }
        index = next + 1;
    }
    found
}

fn ends(sql: &Sql, index: usize) -> bool {
    const NEXT: &[&str] = &[
        "format",
        "settings",
        "union",
        "intersect",
        "except",
        "into",
        "parallel",
    ];
    sql.token(index)
        .is_none_or(|token| matches!(token.text, ";" | ")") || token.is_any(NEXT))
}

/// Returns a literal's value and the index behind it. A value that is none has no end that we know: the list ends.
fn value(sql: &Sql, index: usize) -> (Option<String>, usize) {
    let Some(token) = sql.token(index) else {
        return (None, index);
    };
    match token.kind {
        TokenKind::Text => (Some(unquoted(token.text)), index + 1),
        TokenKind::Word if token.is_any(&["true", "false"]) => (Some(token.lower.to_owned()), index + 1),
        TokenKind::Sign if token.text == "{" => map(sql, index),
        TokenKind::Word | TokenKind::Sign => number(sql, index),
        TokenKind::QuotedName | TokenKind::Unread => (None, index + 1),
    }
}

/// Reads `5`, `-1` and `0.5`, which are up to four tokens.
fn number(sql: &Sql, index: usize) -> (Option<String>, usize) {
    let fits = |token: &Token<'_>| {
        let starts = token.text.starts_with(|c: char| c.is_ascii_digit());
        token.kind == TokenKind::Word && starts || matches!(token.text, "." | "-")
    };
    let tokens: Vec<Token<'_>> = (index..index + 4)
        .map_while(|at| sql.token(at))
        .take_while(fits)
        .collect();
    let text: String = tokens.iter().map(|token| token.text).collect();
    if text.parse::<f64>().is_ok() {
        (Some(text), index + tokens.len())
    } else {
        (None, index + tokens.len().max(1))
    }
}

/// Reads `{'a': 'b', 'c': 'd'}`.
fn map(sql: &Sql, index: usize) -> (Option<String>, usize) {
    let mut text = String::from("{");
    for at in index + 1.. {
        let Some(token) = sql.token(at) else {
            return (None, at);
        };
        match (token.kind, token.text) {
            (TokenKind::Text, _) => text.push_str(&quote(&unquoted(token.text))),
            (TokenKind::Sign, ":" | ",") => text.push_str(token.text),
            (TokenKind::Sign, "}") => {
                text.push('}');
                return (Some(text), at + 1);
            }
            _ => return (None, at),
        }
    }
    (None, index)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn format(text: &str) -> TrailingFormat {
        trailing_format(&Sql::new(text))
    }

    #[test]
    fn a_format_is_a_clause_or_a_name() {
        let named = |name: &str| TrailingFormat::Named(name.to_owned());
        for (text, expected) in [
            ("SELECT 1 FORMAT JSON", named("JSON")),
            ("SELECT 1 FORMAT `JSON`;", named("JSON")),
            ("SELECT format FROM t", TrailingFormat::Absent),
            ("SELECT format FROM t FORMAT CSV SETTINGS a = 1", named("CSV")),
            ("SELECT a AS format", TrailingFormat::Absent),
            ("SELECT a FROM t ORDER BY t.format DESC", TrailingFormat::Absent),
            ("SELECT a FROM t ORDER BY format DESC", TrailingFormat::Unsure),
            ("SELECT (SELECT 1 AS format)", TrailingFormat::Absent),
            ("WITH format AS x SELECT x", TrailingFormat::Absent),
            ("SELECT format x", TrailingFormat::Unsure),
            ("SELECT * FORMAT JSON", TrailingFormat::Unsure),
            ("SELECT 1 FORMAT CSV; SELECT 2", named("CSV")),
        ] {
            assert_eq!(format(text), expected, "{text}");
        }
        assert_eq!(
            canonical_format("SELECT\n    FORMAT x\nFORMAT JSON\nSETTINGS a = 1\n"),
            Some("JSON".into())
        );
        assert_eq!(canonical_format("SELECT 'FORMAT JSON'"), None);
    }

    fn pairs(found: Vec<Assignment>) -> Vec<(String, Option<String>)> {
        found.into_iter().map(|found| (found.name, found.value)).collect()
    }

    #[test]
    fn settings_of_the_statement_and_within() {
        let trailing = |text: &str| pairs(trailing_settings(&Sql::new(text)));
        let one = |name: &str, value: &str| vec![(name.to_owned(), Some(value.to_owned()))];
        assert_eq!(trailing("SELECT 1 SETTINGS a = 1"), one("a", "1"));
        assert_eq!(trailing("((SELECT 1 SETTINGS a = 0.5));"), one("a", "0.5"));
        assert_eq!(trailing("(SELECT 1 SETTINGS a = 1), (2)"), []);
        assert_eq!(trailing("SELECT (SELECT 1 SETTINGS a = 1)"), []);
        assert_eq!(trailing("SELECT 1 SETTINGS a = 1 UNION ALL SELECT 2"), []);
        assert_eq!(trailing("SELECT settings FROM t"), []);
        assert_eq!(
            trailing("SELECT 1 SETTINGS a = -1 /* x */ FORMAT JSON"),
            one("a", "-1")
        );
        assert_eq!(
            trailing("SELECT 1 SETTINGS final, `b` = {'t': 'x = \\'y\\''} FORMAT JSON SETTINGS c = 'd'"),
            [
                ("final".to_owned(), Some("1".to_owned())),
                ("b".to_owned(), Some("{'t':'x = \\'y\\''}".to_owned())),
                ("c".to_owned(), Some("d".to_owned()))
            ]
        );
        assert_eq!(
            trailing("SELECT 1 SETTINGS a = {x:UInt8}"),
            [("a".to_owned(), None)]
        );
        let all = |text: &str| pairs(all_settings(&Sql::new(text)));
        assert_eq!(all("SELECT (SELECT 1 SETTINGS a = 1) SETTINGS b = 2").len(), 2);
        for text in [
            "SELECT 1 SETTINGS a = 1, b.c = 2, d = 0",
            "SELECT 1 SETTINGS b.c = 2, d = 0",
            "SELECT 1 SETTINGS {x:Identifier} = 0",
            "SELECT 1 SETTINGS a = DEFAULT, d = 0",
            "SELECT 1 SETTINGS a = [1], d = 0",
        ] {
            assert!(all(text).iter().any(|(_, value)| value.is_none()), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(settings|format|[a-z]|[0-9'`(){}=,.;: -]){0,30}") {
            let sql = Sql::new(&text);
            let _ = (trailing_format(&sql), trailing_settings(&sql), all_settings(&sql), canonical_format(&text));
        }
    }
}
