//! `KILL QUERY WHERE … [SYNC|ASYNC|TEST] [FORMAT f]`, taken apart.

use super::{
    lexer::Sql,
    position::{Position, position},
};

/// The clauses at a statement's end are within its last tokens.
const CLAUSES: usize = 4;

/// What a `KILL QUERY` chooses, and how it kills.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KillQuery {
    pub(crate) condition: String,
    /// `SYNC`, `ASYNC` or `TEST`.
    pub(crate) mode: &'static str,
    pub(super) format: Option<String>,
}

impl KillQuery {
    /// Returns `None` for any other statement.
    pub(super) fn parse(sql: &Sql) -> Option<Self> {
        if !(sql.token(0)?.is("kill") && sql.token(1)?.is("query")) {
            return None;
        }
        let begin = sql.tokens().position(|token| token.is("where"))?;
        let mut end = sql.text().len();
        let (mut mode, mut format) = ("ASYNC", None);
        for (index, token) in sql.tokens().enumerate().skip(begin) {
            let found = [("sync", "SYNC"), ("async", "ASYNC"), ("test", "TEST")]
                .into_iter()
                .find(|(word, _)| token.is(word));
            // `user = test` compares with a column.
            let last = sql.len() - index <= CLAUSES && position(sql, index) != Position::Operand;
            if let Some((_, found)) = found.filter(|_| last) {
                mode = found;
            } else if token.is("format") && last {
                format = sql.token(index + 1).map(|token| token.text.to_owned());
            } else if token.text != ";" {
                continue;
            }
            end = end.min(token.start);
        }
        Some(Self {
            condition: sql.text()[sql.token(begin)?.end..end].trim().to_owned(),
            mode,
            format,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kill_is_taken_apart() {
        let parse = |text| KillQuery::parse(&Sql::new(text));
        let kill = parse("KILL QUERY WHERE query_id = 'sync' SYNC FORMAT JSON;").unwrap();
        assert_eq!(
            (kill.condition.as_str(), kill.mode, kill.format.as_deref()),
            ("query_id = 'sync'", "SYNC", Some("JSON"))
        );
        let kill = parse("kill query where user = 'reader' test").unwrap();
        assert_eq!((kill.condition.as_str(), kill.mode), ("user = 'reader'", "TEST"));
        assert_eq!(parse("KILL MUTATION WHERE 1"), None);
    }
}
