//! A statement: its text, its tokens, its kind and its format, parsed once and never changed.
//!
//! In: text, which for an insert may hold data behind the statement. Out: a [`Statement`]. No text makes it panic.

use super::{
    ending::{TrailingFormat, trailing_format},
    head::{Head, InsertHead},
    kill::KillQuery,
    lexer::Sql,
    rows::has_few_rows,
};

/// A statement as the endpoint has to treat it.
#[derive(Debug, Clone)]
pub(crate) struct Statement {
    sql: Sql,
    kind: Kind,
    format: TrailingFormat,
}

/// What a statement is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An INSERT whose data follows. Its text ends before FORMAT or VALUES.
    Insert,
    /// A SELECT, WITH or FROM. Its answer can be streamed.
    Select {
        /// The answer has so few rows that it is one block anyway.
        few_rows: bool,
    },
    /// A `KILL QUERY`, which is answered from the list of running statements.
    KillQuery(KillQuery),
    /// Everything else. It runs to its end before it is answered.
    Other,
}

impl Statement {
    /// Parses `text`, in which no data follows the statement, or data that is not needed.
    pub(crate) fn parse(text: &str) -> Self {
        Self::split(text).0
    }

    /// Parses `text` and returns where an insert's data begins: at the end of any other statement.
    pub(crate) fn split(text: &str) -> (Self, usize) {
        match Head::read(text) {
            Head::Insert(head) => Self::with_head(text, head),
            Head::Other { mut spans, rest, .. } => {
                spans.extend(rest);
                (Self::without_data(Sql::with_spans(text, spans)), text.len())
            }
        }
    }

    /// Parses an insert, of which `text` may be the beginning, and returns where its data begins. The data itself is
    /// not looked at.
    pub(crate) fn insert(text: &str) -> Result<(Self, usize), NoInsert> {
        match Head::read(text) {
            Head::Insert(head) => Ok(Self::with_head(text, head)),
            Head::Other { is_certain, .. } => Err(NoInsert { is_certain }),
        }
    }

    fn with_head(text: &str, head: InsertHead) -> (Self, usize) {
        let statement = Self {
            sql: Sql::with_spans(&text[..head.end], head.spans),
            kind: Kind::Insert,
            format: head.format.map_or(TrailingFormat::Absent, TrailingFormat::Named),
        };
        (statement, head.data_from)
    }

    fn without_data(sql: Sql) -> Self {
        if let Some(kill) = KillQuery::parse(&sql) {
            return Self {
                sql,
                format: kill
                    .format
                    .clone()
                    .map_or(TrailingFormat::Absent, TrailingFormat::Named),
                kind: Kind::KillQuery(kill),
            };
        }
        let first = sql.tokens().find(|token| token.text != "(");
        // `WITH … INSERT` cannot be streamed.
        let begins_insert = sql.token(0).is_some_and(|token| token.is("insert"));
        let selects = first.is_some_and(|token| token.is_any(&["select", "with", "from"]));
        let kind = if selects && !inserts(&sql) {
            Kind::Select {
                few_rows: has_few_rows(&sql),
            }
        } else {
            Kind::Other
        };
        // Behind `INSERT … SELECT` a format would belong to data that does not follow.
        let format = if begins_insert {
            TrailingFormat::Absent
        } else {
            trailing_format(&sql)
        };
        Self { sql, kind, format }
    }

    /// Returns text and tokens.
    pub(crate) fn sql(&self) -> &Sql {
        &self.sql
    }

    /// Returns the text.
    pub(crate) fn text(&self) -> &str {
        self.sql.text()
    }

    /// Returns what it is.
    pub(crate) fn kind(&self) -> &Kind {
        &self.kind
    }

    /// Returns the format that the statement itself names, as far as our reading is certain of it.
    pub(crate) fn format(&self) -> Option<&str> {
        match &self.format {
            TrailingFormat::Named(name) => Some(name),
            TrailingFormat::Absent | TrailingFormat::Unsure => None,
        }
    }

    /// Whether only the engine's reading tells the format.
    pub(crate) fn is_format_unsure(&self) -> bool {
        self.format == TrailingFormat::Unsure
    }

    /// Whether its data follows.
    pub(crate) fn is_insert(&self) -> bool {
        self.kind == Kind::Insert
    }

    /// Whether it is one statement: nothing follows a semicolon.
    pub(crate) fn is_single(&self) -> bool {
        is_single(&self.sql)
    }
}

/// A text that is no insert whose data follows.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NoInsert {
    /// It is none, however it goes on.
    pub(crate) is_certain: bool,
}

/// Whether nothing follows a semicolon.
pub(crate) fn is_single(sql: &Sql) -> bool {
    let semicolon = sql.tokens().position(|token| token.text == ";");
    semicolon.is_none_or(|at| at + 1 == sql.len())
}

/// Whether an insert stands in the text, at whatever place. `insert` alone may be a name.
pub(crate) fn inserts(sql: &Sql) -> bool {
    let mut words = sql.tokens().zip(sql.tokens().skip(1));
    words.any(|(word, next)| word.is("insert") && next.is("into"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn insert(text: &str) -> (String, Option<String>, String) {
        let (statement, data_from) = Statement::split(text);
        assert!(statement.is_insert(), "{statement:?}");
        assert_eq!(Statement::insert(text).unwrap().1, data_from);
        (
            statement.text().trim().to_owned(),
            statement.format().map(str::to_owned),
            text[data_from..].to_owned(),
        )
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
    }

    #[test]
    fn what_needs_no_data_is_no_insert() {
        for text in [
            "INSERT INTO t SELECT 1",
            "INSERT INTO t WITH 1 AS a SELECT a",
            "WITH 1 AS a INSERT INTO t SELECT a",
            "SHOW TABLES",
            "",
        ] {
            assert_eq!(*Statement::parse(text).kind(), Kind::Other, "{text}");
            let certain = Statement::insert(&format!("{text} ")).unwrap_err().is_certain;
            assert_eq!(certain, !text.is_empty(), "{text}");
        }
    }

    #[test]
    fn a_head_that_is_cut_may_still_be_an_insert() {
        for (text, expected) in [
            ("INSERT INTO t (select", Err(NoInsert { is_certain: false })),
            ("INSERT INTO t (select ", Err(NoInsert { is_certain: false })),
            ("INSERT INTO t (select,", Ok(())),
            ("INSERT INTO t (select 1", Err(NoInsert { is_certain: true })),
            ("INSERT INTO t (a) sel", Ok(())),
        ] {
            assert_eq!(Statement::insert(text).map(drop), expected, "{text}");
        }
    }

    #[test]
    fn a_selects_format() {
        let format = |text: &str| {
            let statement = Statement::parse(text);
            assert!(matches!(statement.kind(), Kind::Select { .. }), "{statement:?}");
            statement.format().map(str::to_owned)
        };
        assert_eq!(format("SELECT 1 FORMAT JSON"), Some("JSON".into()));
        assert_eq!(
            format("-- c\nSELECT 1 format JSONEachRow SETTINGS max_threads = 1;"),
            Some("JSONEachRow".into())
        );
        assert_eq!(format("SELECT 'FORMAT JSON'"), None);
        assert_eq!(format("SELECT 1 -- FORMAT JSON"), None);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in any::<String>()) {
            let _ = Statement::parse(&text);
            let _ = Statement::parse(&format!("INSERT INTO t {text}"));
            let _ = Statement::parse(&format!("SELECT {text}"));
        }

        #[test]
        fn odd_quotes_do_not_panic(text in "[`'\"$a/*# \\\\-]{0,40}") {
            let _ = Statement::parse(&text);
        }
    }
}
