//! Whether a word stands where a clause may begin, or where an operand or a name stands: `FORMAT x` is a clause in
//! `SELECT 1 FORMAT x` and a column with an alias in `SELECT format x`.
//!
//! In: tokens. Out: a [`Position`], which leaves to the engine what the word before does not tell.

use super::lexer::{Sql, TokenKind};

/// What may stand at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Position {
    /// An operand ends before it: a clause.
    Clause,
    /// An operator, a comma or an opening bracket stands before it: an operand.
    Operand,
    /// The word before it is one that is followed by an operand where it is a keyword, and ends one where it is a name.
    Unsure,
}

/// Words of ClickHouse's grammar after which an operand or a name may stand.
const BEFORE_OPERAND: &[&str] = &[
    "add",
    "after",
    "all",
    "and",
    "anti",
    "any",
    "apply",
    "array",
    "as",
    "asof",
    "attach",
    "between",
    "by",
    "case",
    "cast",
    "changed",
    "cluster",
    "collate",
    "column",
    "columns",
    "create",
    "cross",
    "current",
    "database",
    "databases",
    "default",
    "describe",
    "dictionaries",
    "dictionary",
    "distinct",
    "div",
    "drop",
    "else",
    "escape",
    "estimate",
    "except",
    "exists",
    "explain",
    "expression",
    "fetch",
    "fill",
    "filter",
    "first",
    "format",
    "from",
    "full",
    "function",
    "functions",
    "global",
    "group",
    "groups",
    "having",
    "if",
    "ilike",
    "in",
    "index",
    "indexes",
    "inner",
    "insert",
    "interpolate",
    "intersect",
    "interval",
    "into",
    "is",
    "join",
    "keys",
    "last",
    "lateral",
    "left",
    "like",
    "limit",
    "materialized",
    "merges",
    "mod",
    "natural",
    "next",
    "not",
    "of",
    "offset",
    "on",
    "only",
    "or",
    "order",
    "outer",
    "over",
    "partition",
    "paste",
    "pipeline",
    "plan",
    "policy",
    "preceding",
    "prewhere",
    "projection",
    "qualify",
    "quota",
    "range",
    "recursive",
    "regexp",
    "rename",
    "replace",
    "right",
    "role",
    "row",
    "rows",
    "sample",
    "select",
    "semi",
    "set",
    "setting",
    "settings",
    "show",
    "staleness",
    "step",
    "strict",
    "syntax",
    "table",
    "tables",
    "temporary",
    "then",
    "ties",
    "to",
    "top",
    "tree",
    "union",
    "unless",
    "use",
    "user",
    "using",
    "values",
    "view",
    "watch",
    "when",
    "where",
    "window",
    "with",
    "xor",
];

/// Returns what may stand at `index`.
pub(super) fn position(sql: &Sql, index: usize) -> Position {
    let Some(before) = index.checked_sub(1).and_then(|at| sql.token(at)) else {
        return Position::Operand;
    };
    // What stands behind `a.` is a part of a name, whatever word it is.
    let is_part = index > 1 && sql.is_sign(index - 2, ".");
    match before.kind {
        TokenKind::Unread => Position::Unsure,
        TokenKind::Word if !is_part => after_word(before.lower, index),
        TokenKind::Text | TokenKind::QuotedName | TokenKind::Word => Position::Clause,
        TokenKind::Sign => match before.text {
            ")" | "]" | "}" => Position::Clause,
            // All columns, or a product.
            "*" => Position::Unsure,
            _ => Position::Operand,
        },
    }
}

fn after_word(word: &str, index: usize) -> Position {
    match word {
        // `DESC t` describes; elsewhere it ends a key.
        "desc" if index == 1 => Position::Operand,
        _ if BEFORE_OPERAND.binary_search(&word).is_ok() => Position::Unsure,
        _ => Position::Clause,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_sorted() {
        assert!(BEFORE_OPERAND.is_sorted());
    }

    #[test]
    fn the_word_before_tells() {
        let of = |text: &str| {
            let sql = Sql::new(text);
            let at = sql.tokens().position(|token| token.is("format")).unwrap();
            position(&sql, at)
        };
        for text in [
            "SELECT 1 format",
            "f(1) FORMAT",
            "FROM t FORMAT",
            "t.select FORMAT",
            "'x' format",
            "`by` format",
        ] {
            assert_eq!(of(text), Position::Clause, "{text}");
        }
        for text in ["format", "1 + format", "a, format", "(format", "t.format"] {
            assert_eq!(of(text), Position::Operand, "{text}");
        }
        for text in [
            "SELECT format",
            "1 AS format",
            "BY format",
            "LIMIT 1 BY ALL FORMAT",
            "SELECT * FORMAT",
        ] {
            assert_eq!(of(text), Position::Unsure, "{text}");
        }
    }
}
