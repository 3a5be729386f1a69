//! The shape of a statement: whether it reads, what in it could be read in two ways, and where names stand for files.
//!
//! In: tokens. Out: yes or no. It knows no user and no engine beyond the lists of what is allowed.

use super::denied;
use crate::{
    allowed::{DATABASE_ENGINES, TABLE_ENGINES},
    exception::Exception,
    ffi::Parameter,
    sql::{Kind, Token},
};

/// A reader's statements begin with one of these and are one.
pub(super) fn reads(tokens: &[Token<'_>]) -> bool {
    let first = tokens.iter().find(|token| token.text != "(");
    let reading = ["select", "with", "show", "describe", "desc", "explain", "exists"];
    let one = tokens
        .iter()
        .position(|token| token.text == ";")
        .is_none_or(|at| at + 1 == tokens.len());
    let writes = tokens.iter().any(|token| token.is("insert"));
    one && !writes && first.is_some_and(|token| reading.iter().any(|word| token.is(word)))
}

/// What ClickHouse's own reader may take for something else than ours does: other blanks, other quotes, escaped names.
/// Nothing is allowed that the two could read differently.
pub(super) fn ambiguous(sql: &str, tokens: &[Token<'_>]) -> Option<&'static str> {
    if sql
        .chars()
        .any(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r'))
    {
        return Some("a control character");
    }
    // Between quotes that both know, letters of any language are letters.
    let named = |token: &&Token<'_>| matches!(token.kind, Kind::Word | Kind::Sign);
    if tokens.iter().filter(named).any(|token| !token.text.is_ascii()) {
        return Some("a character beyond ASCII");
    }
    let escaped = |token: &Token<'_>| token.kind == Kind::QuotedName && token.text.contains('\\');
    tokens.iter().any(escaped).then_some("an escaped name")
}

/// A parameter that stands for a name is a name: the engine takes other names for files.
pub(super) fn check_identifiers(tokens: &[Token<'_>], parameters: &[Parameter]) -> Result<(), Exception> {
    if !tokens.iter().any(|token| token.is("identifier")) {
        return Ok(());
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let other = parameters.iter().find(|(_, value)| !value.chars().all(plain));
    other.map_or(Ok(()), |(name, _)| {
        Err(denied(format_args!(
            "the parameter '{name}' beside an Identifier holds more than letters, digits and '_', which is not allowed here"
        )))
    })
}

/// Whether `ENGINE [=] name` at `index` names one whose data lies in the data directory, or is no such clause.
pub(super) fn engine_allowed(tokens: &[Token<'_>], index: usize) -> bool {
    let assigned = tokens.get(index + 1).is_some_and(|next| next.text == "=");
    let Some(name) = tokens.get(index + if assigned { 2 } else { 1 }) else {
        return true;
    };
    let column = [
        "from", "as", "in", "not", "like", "is", "and", "or", "order", "group",
    ];
    match name.name().map(str::to_ascii_lowercase) {
        None => true,
        Some(name) => {
            TABLE_ENGINES.contains(&name.as_str())
                || DATABASE_ENGINES.contains(&name.as_str())
                || !assigned && column.contains(&name.as_str())
        }
    }
}

/// Where in `tokens` a text stands for a table, after a comma: `FROM a, 'x.csv'`.
pub(super) fn listed_files(tokens: &[Token<'_>]) -> Vec<usize> {
    let ends = [
        "where",
        "prewhere",
        "group",
        "order",
        "limit",
        "settings",
        "union",
        "having",
        "select",
        "format",
        "window",
        "qualify",
        "on",
        "using",
        "except",
        "intersect",
        "values",
        "by",
    ];
    let mut lists = vec![false];
    let mut found = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        let nested = lists.len() > 1;
        let last = lists.last_mut().expect("one is always left");
        match token.text {
            "(" => lists.push(false),
            ")" if nested => drop(lists.pop()),
            _ if token.is("from") || token.is("join") => *last = true,
            _ if ends.iter().any(|word| token.is(word)) => *last = false,
            _ if token.kind == Kind::Text && *last && tokens[index - 1].text == "," => found.push(index),
            _ => {}
        }
    }
    found
}

/// Whether a token names a file where a table is expected: the engine would open it.
pub(super) fn is_file(tokens: &[Token<'_>], index: usize) -> bool {
    let token = &tokens[index];
    let before = ["from", "join", "table", "describe", "desc", "into"];
    let table = index > 0 && before.iter().any(|word| tokens[index - 1].is(word));
    match token.kind {
        Kind::Text => table,
        Kind::QuotedName => token.text.contains('/') || table && token.text.contains('.'),
        _ => false,
    }
}
