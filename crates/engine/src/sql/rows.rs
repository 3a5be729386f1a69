//! Whether an answer is so small that streaming it gains nothing.

use super::lexer::{Sql, Token};

/// An answer of this many rows is no larger than one block of a streamed one.
const FEW_ROWS: u32 = 1_000;

/// Whether the answer has at most [`FEW_ROWS`] rows, by its outer LIMIT or because it is one row. `false` where that is
/// not certain.
pub(super) fn has_few_rows(sql: &Sql) -> bool {
    const COMBINE: &[&str] = &["union", "intersect", "except"];
    if sql.token(0).is_some_and(|first| first.text == "(") || sql.tokens().any(|token| token.is_any(COMBINE))
    {
        return false;
    }
    is_limited(sql) || is_one_row(sql)
}

/// Whether the outer SELECT ends with `LIMIT n`, with a small `n`.
fn is_limited(sql: &Sql) -> bool {
    const CLAUSES: &[&str] = &["offset", "settings", "format"];
    let mut depth = 0_i32;
    for (index, token) in sql.tokens().enumerate() {
        match token.text {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            _ if depth == 0 && token.is("limit") => {
                let rows = sql
                    .token(index + 1)
                    .and_then(|rows| rows.text.parse::<u32>().ok());
                let ends = |next: Token<'_>| next.is_any(CLAUSES) || next.text == ";";
                return rows.is_some_and(|rows| rows <= FEW_ROWS) && sql.token(index + 2).is_none_or(ends);
            }
            _ => {}
        }
    }
    false
}

/// Whether the answer is one row: without tables, or because the first column is an aggregate, and nothing splits
/// groups or makes rows of arrays.
fn is_one_row(sql: &Sql) -> bool {
    const AGGREGATES: &[&str] = &["count", "sum", "avg", "min", "max", "any", "uniq"];
    const MULTIPLY: &[&str] = &[
        "array",
        "arrayjoin",
        "by",
        "group",
        "over",
        "unnest",
        "window",
        "with",
    ];
    let (Some(select), Some(first)) = (sql.token(0), sql.token(1)) else {
        return false;
    };
    let aggregates = first.is_any(AGGREGATES) && sql.is_sign(2, "(");
    select.is("select")
        && (aggregates || !sql.tokens().any(|token| token.is("from")))
        && !sql
            .tokens()
            .any(|token| token.name().is_some_and(|name| MULTIPLY.contains(&name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_rows_are_certain_or_not_assumed() {
        let few = |text: &str| has_few_rows(&Sql::new(text));
        for text in [
            "SELECT count(), avg(a) FROM t WHERE b = 'x'",
            "SELECT * FROM t ORDER BY a DESC LIMIT 10",
            "SELECT * FROM t LIMIT 10 OFFSET 5 FORMAT JSON",
            "WITH x AS (SELECT * FROM t LIMIT 9999) SELECT * FROM x LIMIT 1;",
            "SELECT a FROM t GROUP BY a LIMIT 100 SETTINGS max_threads = 1",
            "SELECT version(), 'from' AS a",
        ] {
            assert!(few(text), "{text}");
        }
        for text in [
            "SELECT * FROM t",
            "SELECT a, count() FROM t GROUP BY a",
            "SELECT count() FROM t GROUP BY a",
            "SELECT count() OVER () FROM t",
            "SELECT count(), arrayJoin([1, 2]) FROM t",
            "SELECT count(), `arrayJoin`(a) FROM t",
            "SELECT arrayJoin([1, 2])",
            "SELECT count() FROM t UNION ALL SELECT number FROM numbers(100000)",
            "SELECT * FROM (SELECT 1 LIMIT 1)",
            "SELECT * FROM t LIMIT 1 BY a",
            "SELECT * FROM t LIMIT 5, 100000",
            "SELECT * FROM t LIMIT 1 + 100000",
            "SELECT * FROM t LIMIT 1 WITH TIES",
            "SELECT * FROM t LIMIT 100000",
            "(SELECT * FROM t) LIMIT 1",
        ] {
            assert!(!few(text), "{text}");
        }
    }
}
