//! The shape of a statement: whether it reads, what in it could be read in two ways, and where names are files.
//!
//! In: a statement's tokens. Out: yes or no. It knows no user and no engine beyond the lists of what is allowed.

use std::collections::HashSet;

use crate::{
    allowed::{DATABASE_ENGINES, TABLE_ENGINES},
    exception::Exception,
    ffi::Parameter,
    sql::{Sql, Statement, TokenKind},
};

/// Whether a statement is one statement and reads.
pub(super) fn reads(statement: &Statement) -> bool {
    const READING: &[&str] = &["select", "with", "show", "describe", "desc", "explain", "exists"];
    let sql = statement.sql();
    let first = sql.tokens().find(|token| token.text != "(");
    let writes = sql.tokens().any(|token| token.is("insert"));
    statement.is_single() && !writes && first.is_some_and(|token| token.is_any(READING))
}

/// Returns what ClickHouse's own reader may take for something else than ours does: other blanks, other quotes, escaped
/// names. Nothing is allowed that the two could read differently.
pub(super) fn ambiguous(sql: &Sql) -> Option<&'static str> {
    let is_control = |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r');
    if sql.text().chars().any(is_control) {
        return Some("a control character");
    }
    if sql.tokens().any(|token| token.kind == TokenKind::Unread) {
        return Some("a series of unclosed heredocs");
    }
    // Between quotes that both know, letters of any language are letters.
    let is_plain = |kind: TokenKind| matches!(kind, TokenKind::Word | TokenKind::Sign);
    if sql
        .tokens()
        .any(|token| is_plain(token.kind) && !token.text.is_ascii())
    {
        return Some("a character beyond ASCII");
    }
    sql.tokens()
        .any(|token| token.kind == TokenKind::QuotedName && token.text.contains('\\'))
        .then_some("an escaped name")
}

/// Refuses a parameter that is used as a name and holds more than one: the engine takes other names for files.
pub(super) fn check_identifiers(sql: &Sql, parameters: &[Parameter]) -> Result<(), Exception> {
    if parameters.is_empty() {
        return Ok(());
    }
    let mut names = Vec::new();
    let mut all = false;
    for (index, _) in sql
        .tokens()
        .enumerate()
        .filter(|(_, token)| token.is("identifier"))
    {
        match identifier_name(sql, index) {
            Some(name) => names.push(name),
            None => all = true,
        }
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let names: HashSet<&str> = names.into_iter().collect();
    let other = parameters
        .iter()
        .find(|(name, value)| (all || names.contains(name.as_str())) && !value.chars().all(plain));
    other.map_or(Ok(()), |(name, _)| {
        Err(Exception::access_denied(format_args!(
            "the parameter '{name}' as an Identifier holds more than letters, digits and '_', which is not allowed here"
        )))
    })
}

/// Returns the name in `{name:Identifier}`, whose type stands at `index`; `None` where it is not just that.
fn identifier_name(sql: &Sql, index: usize) -> Option<&str> {
    let begin = index.checked_sub(3)?;
    let name = sql.token(begin + 1).filter(|name| name.kind == TokenKind::Word)?;
    let is_it = sql.is_sign(begin, "{") && sql.is_sign(begin + 2, ":") && sql.is_sign(index + 1, "}");
    is_it.then_some(name.text)
}

/// Whether `ENGINE [=] name` at `index` names one whose data lies in the data directory, or is no such clause.
pub(super) fn engine_allowed(sql: &Sql, index: usize) -> bool {
    const AFTER_COLUMN: &[&str] = &[
        "from", "as", "in", "not", "like", "is", "and", "or", "order", "group",
    ];
    let assigned = sql.is_sign(index + 1, "=");
    let Some(token) = sql.token(index + if assigned { 2 } else { 1 }) else {
        return true;
    };
    token.name().is_none_or(|name| {
        TABLE_ENGINES.contains(&name)
            || DATABASE_ENGINES.contains(&name)
            || !assigned && AFTER_COLUMN.contains(&name)
    })
}

/// Returns the texts that are tables, after a comma: `FROM a, 'x.csv'`.
pub(super) fn listed_files(sql: &Sql) -> Vec<usize> {
    const ENDS: &[&str] = &[
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
    let mut found = Vec::new();
    if !sql.tokens().any(|token| token.kind == TokenKind::Text) {
        return found;
    }
    let mut lists = vec![false];
    for (index, token) in sql.tokens().enumerate() {
        let nested = lists.len() > 1;
        let last = lists.last_mut().expect("one is always left");
        match token.text {
            "(" => lists.push(false),
            ")" if nested => drop(lists.pop()),
            _ if token.is_any(&["from", "join"]) => *last = true,
            _ if token.is_any(ENDS) => *last = false,
            _ if token.kind == TokenKind::Text && *last && index > 0 && sql.is_sign(index - 1, ",") => {
                found.push(index);
            }
            _ => {}
        }
    }
    found
}

/// Whether a token names a file where a table is expected: the engine would open it.
pub(super) fn is_file(sql: &Sql, index: usize) -> bool {
    const BEFORE_TABLE: &[&str] = &["from", "join", "table", "describe", "desc", "into"];
    let Some(token) = sql.token(index) else {
        return false;
    };
    let is_table = || {
        let before = index.checked_sub(1).and_then(|at| sql.token(at));
        before.is_some_and(|token| token.is_any(BEFORE_TABLE))
    };
    match token.kind {
        TokenKind::Text => is_table(),
        TokenKind::QuotedName => token.text.contains('/') || token.text.contains('.') && is_table(),
        TokenKind::Word | TokenKind::Sign | TokenKind::Unread => false,
    }
}
