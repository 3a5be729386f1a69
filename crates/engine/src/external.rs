//! External tables: the files of a form, which one statement reads as temporary tables.
//!
//! In: files, and the parameters `NAME_structure` or `NAME_types` and `NAME_format`. Out: tables of the statement's own
//! connection. They are made and filled before a reader's connection is locked; only names and types of columns reach
//! the engine, as a statement that the policy checks like any other.

use std::fmt::Write as _;

use axum::body::Bytes;

use crate::{
    access::Policy,
    exception::{Exception, TOO_MANY_BYTES},
    ffi::Connection,
    form::File,
    sql::{Sql, Statement, Token, TokenKind, quote_name},
    users::User,
};

const MAX_TABLES: usize = 16;
/// What the tables of a statement take in memory: their files may be packed far smaller.
const MAX_BYTES: u64 = 256 << 20;
const LONGEST_NAME: usize = 127;
/// The name of a part without one, as ClickHouse has it.
const DEFAULT_NAME: &str = "_data";
const DEFAULT_FORMAT: &str = "TabSeparated";

/// A table that is sent along with a statement.
#[derive(Debug)]
pub(crate) struct ExternalTable {
    name: String,
    /// Names and types, as `CREATE TABLE` takes them.
    columns: String,
    format: String,
    data: Bytes,
}

/// Makes tables of the files, and takes their parameters out of `parameters`.
pub(crate) fn tables(
    files: Vec<File>,
    parameters: &mut Vec<(String, String)>,
) -> Result<Vec<ExternalTable>, Exception> {
    if files.len() > MAX_TABLES {
        return Err(Exception::bad_arguments(format_args!(
            "a statement has at most {MAX_TABLES} external tables"
        )));
    }
    let tables = files
        .into_iter()
        .map(|file| table(file, parameters))
        .collect::<Result<Vec<_>, _>>()?;
    parameters.retain(|(name, _)| {
        let of_table = |suffix: &str| {
            let table = name.strip_suffix(suffix);
            table.is_some_and(|table| tables.iter().any(|known| known.name == table))
        };
        !["_structure", "_types", "_format"].into_iter().any(of_table)
    });
    Ok(tables)
}

fn table(file: File, parameters: &[(String, String)]) -> Result<ExternalTable, Exception> {
    let name = file.name.unwrap_or_else(|| DEFAULT_NAME.to_owned());
    let is_word = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if name.is_empty() || name.len() > LONGEST_NAME || !is_word(&name) {
        return Err(Exception::bad_arguments(
            "the name of an external table is of letters, digits and '_'",
        ));
    }
    let of = |suffix: &str| {
        let is_it = |given: &str| given.strip_prefix(name.as_str()) == Some(suffix);
        let last = parameters.iter().rfind(|(given, _)| is_it(given));
        last.map(|(_, value)| value.as_str())
    };
    let columns = match (of("_structure"), of("_types")) {
        (Some(structure), _) => columns(structure, false),
        (None, Some(types)) => columns(types, true),
        (None, None) => {
            return Err(Exception::bad_arguments(format_args!(
                "Neither structure nor types have not been provided for external table {name}. \
                 Use fields {name}_structure or {name}_types to do so"
            )));
        }
    };
    let format = of("_format").unwrap_or(DEFAULT_FORMAT);
    if format.is_empty() || !is_word(format) {
        return Err(Exception::bad_arguments(format_args!(
            "the format of the external table {name} is no word"
        )));
    }
    let columns = columns.ok_or_else(|| {
        Exception::bad_arguments(format_args!(
            "the structure of the external table {name} is no list of names and types"
        ))
    })?;
    Ok(ExternalTable {
        columns,
        format: format.to_owned(),
        name,
        data: file.data,
    })
}

/// Returns the columns of `a UInt8, b Array(String)`, or of types alone, which are named `_1`, `_2`, …; `None` where
/// there is more than names and types, such as a default.
fn columns(text: &str, types_alone: bool) -> Option<String> {
    let sql = Sql::new(text);
    let tokens: Vec<Token<'_>> = sql.tokens().collect();
    let mut columns = String::new();
    let mut rest = tokens.as_slice();
    for number in 1.. {
        let name = if types_alone {
            format!("_{number}")
        } else {
            let (name, types) = rest.split_first()?;
            rest = types;
            column_name(name)?
        };
        let length = type_length(rest)?;
        let _ = write!(columns, "{}", quote_name(&name));
        // Token by token, without what the two readers may take for a comment.
        for token in &rest[..length] {
            let _ = write!(columns, " {}", token.text);
        }
        match rest.get(length) {
            None => return Some(columns),
            Some(comma) if comma.text == "," => columns.push_str(", "),
            Some(_) => return None,
        }
        rest = &rest[length + 1..];
    }
    None
}

fn column_name(token: &Token<'_>) -> Option<String> {
    match token.kind {
        TokenKind::Word => Some(token.text.to_owned()),
        TokenKind::QuotedName if !token.text.contains('\\') => {
            let inner = token.text.get(1..token.text.len().checked_sub(1)?)?;
            (!inner.is_empty() && !inner.contains(['`', '"'])).then(|| inner.to_owned())
        }
        _ => None,
    }
}

/// Returns how many tokens a type at the beginning has: a word, and what stands in parentheses behind it.
fn type_length(tokens: &[Token<'_>]) -> Option<usize> {
    let first = tokens.first()?;
    if first.kind != TokenKind::Word {
        return None;
    }
    if tokens.get(1).is_none_or(|token| token.text != "(") {
        return Some(1);
    }
    let mut depth = 0_usize;
    for (index, token) in tokens.iter().enumerate().skip(1) {
        match (token.kind, token.text) {
            (TokenKind::Sign, "(") => depth += 1,
            (TokenKind::Sign, ")") => depth -= 1,
            (TokenKind::Sign, "," | "=" | "-" | "." | "+")
            | (TokenKind::Word | TokenKind::QuotedName | TokenKind::Text, _) => {}
            _ => return None,
        }
        if depth == 0 {
            return Some(index + 1);
        }
    }
    None
}

/// Makes and fills the tables: all of them, or none.
pub(crate) fn make(
    tables: &[ExternalTable],
    connection: &mut Connection,
    policy: &Policy,
) -> Result<(), Exception> {
    let mut bytes = 0;
    for (index, table) in tables.iter().enumerate() {
        let made = table.create(connection, policy);
        // A table of that name that was there before is the session's.
        let there = index + usize::from(made.is_ok());
        let filled = made.and_then(|()| table.fill(connection)).and_then(|written| {
            bytes += written;
            check_size(bytes)
        });
        if filled.is_err() {
            remove(&tables[..there], connection);
        }
        filled?;
    }
    Ok(())
}

fn check_size(bytes: u64) -> Result<(), Exception> {
    if bytes <= MAX_BYTES {
        return Ok(());
    }
    Err(Exception::new(
        TOO_MANY_BYTES,
        "TOO_MANY_BYTES",
        "the external tables take more than 256 MiB",
    ))
}

/// Removes the tables from a connection that lives on.
pub(crate) fn remove(tables: &[ExternalTable], connection: &mut Connection) {
    for table in tables {
        let drop = format!("DROP TEMPORARY TABLE IF EXISTS {}", quote_name(&table.name));
        if let Err(error) = connection.query(&drop, "Null", &[]) {
            tracing::warn!(%error, table = table.name, "an external table stays in its session");
        }
    }
}

impl ExternalTable {
    fn create(&self, connection: &mut Connection, policy: &Policy) -> Result<(), Exception> {
        let (name, columns) = (quote_name(&self.name), &self.columns);
        let create = format!("CREATE TEMPORARY TABLE {name} ({columns}) ENGINE = Memory");
        let permitted = policy.permit(User::Default, Statement::parse(&create), &[], false)?;
        let confirmed = policy.confirm(connection, permitted)?;
        connection
            .query(confirmed.statement().text(), "Null", &[])
            .map(drop)
    }

    /// Returns the bytes that were written.
    fn fill(&self, connection: &mut Connection) -> Result<u64, Exception> {
        if self.data.is_empty() {
            return Ok(0);
        }
        let head = format!("INSERT INTO {}", quote_name(&self.name));
        let mut insert = connection.insert(&head, &self.format)?;
        insert.append(&self.data)?;
        Ok(insert.finish()?.written_bytes)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_structure_is_names_and_types() {
        let read = |text| columns(text, false);
        assert_eq!(
            read("a UInt8, `b c` Array(Tuple(String, x Enum8('(' = -1))) , d DateTime64(3, 'UTC')").unwrap(),
            "`a` UInt8, `b c` Array ( Tuple ( String , x Enum8 ( '(' = - 1 ) ) ), `d` DateTime64 ( 3 , 'UTC' )"
        );
        assert_eq!(columns("UInt8,String", true).unwrap(), "`_1` UInt8, `_2` String");
        for text in [
            "",
            "a",
            "a UInt8,",
            ", a UInt8",
            "a UInt8 DEFAULT file('/p')",
            "a UInt8 MATERIALIZED 1",
            "a UInt8 CODEC(ZSTD)",
            "a UInt8) ENGINE = File('/p'",
            "a UInt8, INDEX i a TYPE minmax",
            "a Array(UInt8",
            "a Array(UInt8))",
            "a 'UInt8'",
            "a `UInt8`",
            "a UInt8; DROP TABLE t",
            "a T({x:Identifier})",
            "`a\\`` UInt8",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
        // A comment is no part of it, however it is read.
        assert_eq!(
            read("a Array(/* ) DEFAULT 1 */ UInt8)").unwrap(),
            "`a` Array ( UInt8 )"
        );
    }

    #[test]
    fn a_tables_parameters_are_its_own() {
        let file = |name: Option<&str>| File {
            name: name.map(str::to_owned),
            data: Bytes::new(),
        };
        let given = |names: &[(&str, &str)]| -> Vec<(String, String)> {
            names
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect()
        };
        let mut parameters = given(&[
            ("t_structure", "a UInt8"),
            ("t_format", "CSV"),
            ("_data_types", "String"),
            ("date_time_input_format", "basic"),
        ]);
        let made = tables(vec![file(Some("t")), file(None)], &mut parameters).unwrap();
        assert_eq!((made[0].format.as_str(), made[1].name.as_str()), ("CSV", "_data"));
        assert_eq!(made[1].format, "TabSeparated");
        assert_eq!(parameters, given(&[("date_time_input_format", "basic")]));
        for (name, parameter, value) in [
            ("t", "u_structure", "a UInt8"),
            ("t.u", "t.u_structure", "a UInt8"),
            ("", "_structure", "a UInt8"),
            ("t", "t_structure", "a UInt8 DEFAULT 1"),
        ] {
            assert!(
                tables(vec![file(Some(name))], &mut given(&[(parameter, value)])).is_err(),
                "{name}"
            );
        }
        let format = given(&[("t_structure", "a UInt8"), ("t_format", "CSV SETTINGS x = 1")]);
        assert!(tables(vec![file(Some("t"))], &mut format.clone()).is_err());
        let many = (0..=MAX_TABLES).map(|_| file(Some("t"))).collect();
        assert!(tables(many, &mut given(&[("t_structure", "a UInt8")])).is_err());
    }

    proptest! {
        #[test]
        fn no_structure_panics(text in "[a-z`\"'(), =.\\\\$/*-]{0,40}") {
            let _ = columns(&text, false);
            let _ = columns(&text, true);
        }
    }
}
