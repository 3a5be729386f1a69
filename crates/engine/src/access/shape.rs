//! The shape of a statement: whether it reads, what in it could be read in two ways, and where names are files.
//!
//! In: a statement's tokens. Out: yes or no. It knows no user and no engine beyond the lists of what is allowed.

use std::collections::HashSet;

use crate::{
    allowed::{DATABASE_ENGINES, TABLE_ENGINES, setting_reaches_out},
    exception::Exception,
    ffi::Parameter,
    sql::{Sql, Token, TokenKind, inserts, is_single},
};

/// Whether a statement is one statement and reads.
pub(super) fn reads(sql: &Sql) -> bool {
    const READING: &[&str] = &[
        "select", "with", "from", "show", "describe", "desc", "explain", "exists",
    ];
    let first = sql.tokens().find(|token| token.text != "(");
    // `SELECT 1 PARALLEL WITH DROP TABLE t` is two statements.
    let mut pairs = sql.tokens().zip(sql.tokens().skip(1));
    let in_parallel = pairs.any(|(word, next)| word.is("parallel") && next.is("with"));
    is_single(sql) && !in_parallel && !inserts(sql) && first.is_some_and(|token| token.is_any(READING))
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
    // Elsewhere than behind a colon it is a name like any other.
    let is_type = |index: usize| index > 0 && sql.is_sign(index - 1, ":");
    let mut names = Vec::new();
    let mut all = false;
    for (index, _) in sql
        .tokens()
        .enumerate()
        .filter(|(index, token)| token.is("identifier") && is_type(*index))
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

/// Words behind which a table's name stands.
const BEFORE_TABLE: &[&str] = &[
    "from", "join", "table", "describe", "desc", "into", "in", "exists",
];

/// What stands between two brackets, or in the whole statement.
#[derive(Default, Clone, Copy)]
struct Level {
    /// In a list of tables: `FROM a, b`.
    in_from: bool,
    /// Arguments that may be tables.
    holds_tables: bool,
}

/// Returns the first name or text that is a file where a table is expected: the engine would open it.
pub(super) fn first_file(sql: &Sql) -> Option<usize> {
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
    let quoted = |token: &Token<'_>| matches!(token.kind, TokenKind::Text | TokenKind::QuotedName);
    if !sql.tokens().any(|token| quoted(&token)) {
        return None;
    }
    // Where something is made, a slash in a name is always suspect.
    let reads = reads(sql);
    let mut levels = vec![Level::default()];
    for (index, token) in sql.tokens().enumerate() {
        let nested = levels.len() > 1;
        let level = levels.last_mut().expect("one is always left");
        match token.kind {
            TokenKind::Sign if token.text == "(" => {
                let begun = begin(sql, index, *level);
                levels.push(begun);
            }
            TokenKind::Sign if token.text == ")" && nested => drop(levels.pop()),
            TokenKind::Word if token.is_any(&["from", "join"]) => level.in_from = true,
            TokenKind::Word if token.is_any(ENDS) => level.in_from = false,
            TokenKind::Text if is_table(sql, index, *level) => return Some(index),
            TokenKind::QuotedName => {
                let may_be_table =
                    is_table(sql, index, *level) || level.holds_tables || is_part(sql, index, *level);
                let has_slash = token.text.contains('/') && (may_be_table || !reads);
                if has_slash || token.text.contains('.') && is_table(sql, index, *level) {
                    return Some(index);
                }
            }
            _ => {}
        }
    }
    None
}

/// Returns the level that a bracket at `index` opens.
fn begin(sql: &Sql, index: usize, outer: Level) -> Level {
    let before = index.checked_sub(1).and_then(|at| sql.token(at));
    let takes_tables = before.is_some_and(|before| {
        let name = before.name().unwrap_or_default();
        before.is_any(BEFORE_TABLE) || name.starts_with("joinget") || name.starts_with("dict")
    });
    let next = sql.token(index + 1);
    let is_query = next.is_some_and(|next| next.is_any(&["select", "with", "from"]));
    Level {
        in_from: false,
        holds_tables: (outer.in_from || outer.holds_tables || takes_tables) && !is_query,
    }
}

/// Whether a table's name begins at `index`.
fn is_table(sql: &Sql, index: usize, level: Level) -> bool {
    let Some(before) = index.checked_sub(1).and_then(|at| sql.token(at)) else {
        return false;
    };
    // A list of values follows `IN`, and a text is none of its tables.
    let is_text = sql
        .token(index)
        .is_some_and(|token| token.kind == TokenKind::Text);
    before.text == "," && level.in_from
        || before.is_any(BEFORE_TABLE)
            && !(is_text && (before.is_any(&["in", "exists"]) || is_argument(sql, index - 1)))
}

/// Whether the name at `index` is a part of one that may be a table's: `db.name`.
fn is_part(sql: &Sql, index: usize, level: Level) -> bool {
    let before = |back: usize| index.checked_sub(back).and_then(|at| sql.token(at));
    let is_dotted = before(1).is_some_and(|token| token.text == ".");
    is_dotted && (level.in_from || before(3).is_some_and(|token| token.is_any(BEFORE_TABLE)))
}

/// Whether FROM at `index` stands between arguments: `trim(BOTH 'x' FROM 'xax')`, `extract(YEAR FROM '2026-01-01')`.
fn is_argument(sql: &Sql, index: usize) -> bool {
    const CALLS: &[&str] = &["trim", "ltrim", "rtrim", "extract", "substring", "overlay"];
    /// Further back nobody looks.
    const NEAR: usize = 32;
    if !sql.token(index).is_some_and(|token| token.is("from")) {
        return false;
    }
    let mut depth = 0_usize;
    for at in (index.saturating_sub(NEAR)..index).rev() {
        let Some(token) = sql.token(at) else { return false };
        match token.text {
            ")" => depth += 1,
            "(" if depth == 0 => {
                let call = at.checked_sub(1).and_then(|at| sql.token(at));
                return call.is_some_and(|call| call.is_any(CALLS));
            }
            "(" => depth -= 1,
            _ if token.is_any(&["select", "from", "with"]) => return false,
            _ => {}
        }
    }
    false
}

/// Returns where the first list of settings begins: `SETTINGS a = 1`, `SET a = 1`, `MODIFY SETTING a = 1`. Behind a
/// column of that name stands a comma or another clause.
pub(super) fn first_settings(sql: &Sql) -> Option<usize> {
    const BEFORE: &[&str] = &["settings", "setting", "set"];
    let begins = |index: usize| {
        let at = index + if sql.is_sign(index + 1, "(") { 2 } else { 1 };
        let Some(name) = sql.token(at).and_then(|token| token.name()) else {
            return false;
        };
        let next = sql.token(at + 1);
        next.is_none_or(|next| matches!(next.text, "=" | "," | ";" | ")")) || setting_reaches_out(name)
    };
    let mut words = sql.tokens().enumerate().filter(|(_, token)| token.is_any(BEFORE));
    words.find_map(|(index, _)| begins(index).then_some(index))
}

/// Whether the name at `index` is a table's that is made, filled or altered, and no call: `INSERT INTO [TABLE] [db.]url
/// (…)`, `CREATE [TEMPORARY] TABLE [IF NOT EXISTS] [db.]url (…)`, `ALTER TABLE [db.]url (…)` as the engine has it.
pub(super) fn is_own_table(sql: &Sql, index: usize) -> bool {
    let word = |at: usize, words: &[&str]| sql.token(at).is_some_and(|token| token.is_any(words));
    let mut at = if word(0, &["insert"]) && word(1, &["into"]) {
        2 + usize::from(word(2, &["table"]))
    } else if word(0, &["create", "alter"]) {
        let table = 1 + usize::from(word(1, &["temporary"]));
        if !word(table, &["table"]) {
            return false;
        }
        let is_conditional =
            word(table + 1, &["if"]) && word(table + 2, &["not"]) && word(table + 3, &["exists"]);
        table + 1 + if is_conditional { 3 } else { 0 }
    } else {
        return false;
    };
    if sql.is_sign(at + 1, ".") {
        at += 2;
    }
    at == index && !word(index - 1, &["function"])
}

/// Whether `INTO OUTFILE`, or `FROM INFILE` with its file, stands at `index`. Both words may name tables.
pub(super) fn is_outfile(sql: &Sql, index: usize) -> bool {
    let before = |back: usize, word: &str| {
        let token = index.checked_sub(back).and_then(|at| sql.token(at));
        token.is_some_and(|token| token.is(word))
    };
    let Some(token) = sql.token(index) else {
        return false;
    };
    let names_file = || {
        sql.token(index + 1)
            .is_some_and(|next| next.kind != TokenKind::Word)
    };
    let is_table = index == 2 && before(2, "insert");
    token.is("outfile") && before(1, "into") && !is_table
        || token.is("infile") && before(1, "from") && names_file()
}

/// Whether something is made at `index` that leaves the data directory: `CREATE DICTIONARY`, `CREATE USER`, ….
pub(super) fn is_made(sql: &Sql, index: usize) -> bool {
    const MADE: &[&str] = &[
        "dictionary",
        "function",
        "user",
        "collection",
        "quota",
        "role",
        "policy",
    ];
    let made = sql.token(index).is_some_and(|token| token.is_any(MADE));
    let before = index.checked_sub(1).and_then(|at| sql.token(at));
    made && before.is_some_and(|before| before.is_any(&["create", "replace", "named"]))
}

/// Whether the name at `index`, in a list of settings, is one whose value leaves the data directory.
pub(super) fn is_outside_setting(sql: &Sql, index: usize) -> bool {
    let assigned = sql.is_sign(index + 1, "=");
    sql.token(index)
        .and_then(|token| token.name())
        .is_some_and(|name| {
            (assigned || name.contains('_')) && setting_reaches_out(name)
                || assigned && matches!(name, "disk" | "storage_policy")
        })
}

/// Whether `SYSTEM SHUTDOWN` or the like ends at `index`, in whichever of several statements.
pub(super) fn ends_engine(sql: &Sql, index: usize) -> bool {
    let before = |back: usize| index.checked_sub(back).and_then(|at| sql.token(at));
    sql.token(index)
        .is_some_and(|token| token.is_any(&["shutdown", "kill", "suspend"]))
        && before(1).is_some_and(|token| token.is("system"))
        && before(2).is_none_or(|token| token.text == ";")
}
