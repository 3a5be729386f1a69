//! What a statement may do: no user reaches files, programs or the network, and a reader only reads.
//!
//! In: a user and a [`Statement`]. Out: the same statement as [`Permitted`] and then [`Confirmed`], the only ones
//! that are executed, or ClickHouse's refusal. It is the first of three locks: the second is `SET readonly = 1` on
//! each of a reader's connections, the third the kernel's, see `sandbox`.

use std::collections::HashSet;

use self::shape::{ambiguous, check_identifiers, engine_allowed, is_file, listed_files, reads};
use crate::{
    allowed::{HOLD_SQL, REFUSED_FUNCTIONS, REFUSED_TABLE_FUNCTIONS, TABLE_FUNCTIONS, setting_reaches_out},
    exception::{Exception, READONLY, SYNTAX_ERROR},
    ffi::{Connection, Parameter},
    sql::{Sql, Statement, Token, TokenKind, quote, unquoted},
    users::User,
};

mod shape;
#[cfg(test)]
mod tests;

/// Texts within texts are checked down to this depth; deeper ones are refused.
const DEPTH: usize = 4;

/// What statements may do on this engine.
#[derive(Debug, Clone)]
pub(crate) struct Policy {
    /// No statement is refused for what it reaches.
    allow_outside: bool,
    /// `BACKUP` and `RESTORE` have a folder.
    backups: bool,
    /// Functions that are not called here, in lower case.
    refused: HashSet<String>,
}

/// A statement that our own reading allows.
#[derive(Debug, Clone)]
pub(crate) struct Permitted(Statement);

/// A statement that the engine's reading allows as well. Only such statements of a client are executed.
#[derive(Debug, Clone)]
pub(crate) struct Confirmed(Statement);

impl Permitted {
    /// Returns the statement.
    pub(crate) fn statement(&self) -> &Statement {
        &self.0
    }
}

impl Confirmed {
    /// Returns the statement.
    pub(crate) fn statement(&self) -> &Statement {
        &self.0
    }
}

impl Policy {
    /// `table_functions` are those that the engine has: whatever is not known to stay inside is refused.
    pub(crate) fn new(allow_outside: bool, backups: bool, table_functions: &[String]) -> Self {
        let unknown = table_functions.iter().map(|name| name.to_ascii_lowercase());
        let refused = REFUSED_TABLE_FUNCTIONS
            .iter()
            .chain(REFUSED_FUNCTIONS)
            .map(|name| (*name).to_owned())
            .chain(unknown.filter(|name| !TABLE_FUNCTIONS.contains(&name.as_str())))
            .collect();
        Self {
            allow_outside,
            backups,
            refused,
        }
    }

    /// Refuses what reaches out of the data directory, and what a reader may not do.
    pub(crate) fn permit(
        &self,
        user: User,
        statement: Statement,
        parameters: &[Parameter],
    ) -> Result<Permitted, Exception> {
        if !self.allow_outside {
            self.check_reach(statement.sql())?;
            check_identifiers(statement.sql(), parameters)?;
            // An insert's format is no part of its text.
            if statement.format().is_some_and(|format| !format.is_ascii()) {
                return Err(Exception::access_denied(
                    "a format beyond ASCII is not allowed here",
                ));
            }
        }
        if user == User::Reader && !reads(&statement) {
            return Err(Exception::new(
                READONLY,
                "READONLY",
                "reader: Cannot execute query in readonly mode",
            ));
        }
        Ok(Permitted(statement))
    }

    /// Refuses SQL in the value of a setting.
    pub(crate) fn check_value(&self, value: &str) -> Result<(), Exception> {
        if self.allow_outside {
            return Ok(());
        }
        self.check_text(value, 0)
    }

    /// Whether rows of a `VALUES` clause may be evaluated: nothing in them reaches out.
    pub(crate) fn may_evaluate(&self, rows: &[u8]) -> bool {
        std::str::from_utf8(rows).is_ok_and(|rows| {
            let rows = Sql::new(rows);
            let subquery = rows.tokens().any(|token| token.is("select"));
            self.allow_outside || !subquery && self.check_reach(&rows).is_ok()
        })
    }

    /// Asks the engine how it reads a statement that holds a word which would be refused as a call, and checks that
    /// reading: what our lexer took for a comment or a text may be something else to the engine.
    pub(crate) fn confirm(
        &self,
        connection: &mut Connection,
        permitted: Permitted,
    ) -> Result<Confirmed, Exception> {
        let Permitted(statement) = permitted;
        if self.allow_outside || !self.is_delicate(statement.sql()) {
            return Ok(Confirmed(statement));
        }
        let end = if statement.is_insert() {
            " FORMAT Values"
        } else {
            ""
        };
        let text = quote(&format!("{}{end}", statement.text()));
        let format_query = format!("SELECT formatQuerySingleLine({text})");
        let (canonical, _) = connection.query(&format_query, "RawBLOB", &[]).map_err(|error| {
            // The engine names the statement that asked it, which is ours.
            let reason = error
                .reason()
                .split(": In scope SELECT formatQuerySingleLine")
                .next();
            let reason = reason.unwrap_or_default();
            if error.code == SYNTAX_ERROR {
                return Exception::new(SYNTAX_ERROR, "SYNTAX_ERROR", reason);
            }
            Exception::access_denied(format_args!("the statement cannot be read for certain: {reason}"))
        })?;
        self.check_reach(&Sql::new(&String::from_utf8_lossy(&canonical)))?;
        Ok(Confirmed(statement))
    }

    /// Whether the text holds a word that would be refused as a call, also in what our lexer takes for a comment.
    pub(crate) fn is_delicate(&self, sql: &Sql) -> bool {
        let delicate = |word: &str| {
            matches!(word, "outfile" | "infile" | "disk" | "source") || self.refused.contains(word)
        };
        sql.lower()
            .split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
            .any(|word| !word.is_empty() && delicate(word))
    }

    fn check_reach(&self, sql: &Sql) -> Result<(), Exception> {
        if let Some(what) = ambiguous(sql) {
            return Err(Exception::access_denied(format_args!(
                "{what} outside of text is not allowed here"
            )));
        }
        if let Some(word) = self.outside(sql) {
            return Err(reaches(word));
        }
        // `FORMAT x` is no call; names of settings are none either.
        let holds_sql = sql.tokens().enumerate().any(|(index, token)| {
            token.name().is_some_and(|name| HOLD_SQL.contains(&name))
                && (sql.is_sign(index + 1, "(") || token.text.contains('_'))
        });
        if !holds_sql {
            return Ok(());
        }
        let mut texts = sql.tokens().filter(|token| token.kind == TokenKind::Text);
        texts.try_for_each(|text| self.check_text(&unquoted(text.text), 0))
    }

    /// Refuses text that may be SQL and holds a call that is refused, also in the texts within.
    fn check_text(&self, text: &str, depth: usize) -> Result<(), Exception> {
        if depth == DEPTH {
            return Err(Exception::access_denied("SQL in texts is nested too deeply"));
        }
        let sql = Sql::new(text);
        for (index, token) in sql.tokens().enumerate() {
            if token.kind == TokenKind::Unread {
                return Err(Exception::access_denied(
                    "SQL in text has too many unclosed heredocs",
                ));
            }
            if token.kind == TokenKind::Text {
                self.check_text(&unquoted(token.text), depth + 1)?;
            }
            let name = token.name().unwrap_or_default();
            if sql.is_sign(index + 1, "(") && (self.refused.contains(name) || name.contains('\\')) {
                return Err(reaches(token.text));
            }
        }
        Ok(())
    }

    /// Returns the first word that leaves the data directory.
    fn outside<'a>(&self, sql: &'a Sql) -> Option<&'a str> {
        const CREATE: &[&str] = &["create", "attach", "replace", "restore"];
        if let Some(index) = listed_files(sql).first() {
            return sql.token(*index).map(|token| token.text);
        }
        let creates = sql.tokens().any(|token| token.is_any(CREATE));
        let is_system = sql.token(0).is_some_and(|first| first.is("system"));
        sql.tokens().enumerate().find_map(|(index, token)| {
            let ends = is_system && token.is_any(&["shutdown", "kill", "suspend"]);
            if ends || token.is_any(&["outfile", "infile"]) || is_file(sql, index) {
                return Some(token.text);
            }
            if creates && token.is("engine") && !engine_allowed(sql, index) {
                let assigned = sql.is_sign(index + 1, "=");
                return sql.token(index + if assigned { 2 } else { 1 }).map(|t| t.text);
            }
            self.name_reaches_out(sql, index, token).then_some(token.text)
        })
    }

    /// Whether a name is a function, a setting or an object that leaves the data directory.
    fn name_reaches_out(&self, sql: &Sql, index: usize, token: Token<'_>) -> bool {
        const MADE: &[&str] = &[
            "dictionary",
            "function",
            "user",
            "collection",
            "quota",
            "role",
            "policy",
        ];
        let Some(name) = token.name() else { return false };
        let called = sql.is_sign(index + 1, "(");
        let assigned = sql.is_sign(index + 1, "=");
        if (assigned || name.contains('_')) && setting_reaches_out(name) {
            return true;
        }
        if called && self.refused.contains(name) && !self.is_backup(sql, index) {
            return true;
        }
        let made = token.is_any(MADE)
            && index > 0
            && sql
                .token(index - 1)
                .is_some_and(|before| before.is_any(&["create", "replace", "named"]));
        let disk = token.is("disk") && (assigned || called) || token.is("storage_policy") && assigned;
        made || disk || token.is("source") && called
    }

    /// `BACKUP … TO File('name')`, `RESTORE … FROM File('name')`: the one file there is a place for.
    fn is_backup(&self, sql: &Sql, index: usize) -> bool {
        let way = match sql.token(0) {
            Some(first) if first.is("backup") => "to",
            Some(first) if first.is("restore") => "from",
            _ => return false,
        };
        let before = |back: usize| index.checked_sub(back).and_then(|at| sql.token(at));
        let there = before(1).is_some_and(|token| token.is(way))
            || before(1).is_some_and(|token| token.text == "=")
                && before(2).is_some_and(|token| token.is("base_backup"));
        let plain = sql.token(index + 2).is_some_and(|name| {
            let name = name.text.trim_matches('\'');
            let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
            !name.is_empty() && !name.starts_with('.') && name.chars().all(fits)
        });
        let is_file = sql.token(index).is_some_and(|token| token.is("file"));
        self.backups && there && plain && is_file && sql.is_sign(index + 3, ")")
    }
}

/// Refuses a statement that does not read, by GET or with the setting `readonly`, for every user.
pub(crate) fn check_get(statement: &Statement) -> Result<(), Exception> {
    if reads(statement) {
        return Ok(());
    }
    Err(Exception::new(
        READONLY,
        "READONLY",
        "Cannot execute query in readonly mode. For queries over HTTP, method GET implies readonly. \
         You should use method POST for modifying queries",
    ))
}

fn reaches(word: &str) -> Exception {
    Exception::access_denied(format_args!(
        "'{word}' reaches files, programs or the network, which is not allowed here"
    ))
}
