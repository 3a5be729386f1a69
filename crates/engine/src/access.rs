//! What a statement may do: no user reaches files, programs or the network, and a reader only reads.
//!
//! In: a user and a [`Statement`]. Out: the same statement as [`Permitted`] and then [`Confirmed`], the only ones
//! that are executed, or ClickHouse's refusal. It is the first of three locks: the second is `SET readonly = 1` on
//! each of a reader's connections, the third the kernel's, see `sandbox`.

use std::collections::HashSet;

use self::shape::{
    ambiguous, check_identifiers, ends_engine, engine_allowed, first_file, first_settings, is_made,
    is_outfile, is_outside_setting, is_own_table, reads,
};
use crate::{
    allowed::{REFUSED_FUNCTIONS, REFUSED_TABLE_FUNCTIONS, TABLE_FUNCTIONS},
    exception::{Exception, READONLY},
    ffi::{Connection, Parameter},
    options::Limits,
    settings::{Setting, check_clause, clause_settings},
    sql::{Sql, Statement, Token, all_settings, canonical_format, trailing_settings},
    users::User,
};

mod canonical;
mod shape;
#[cfg(test)]
mod tests;
mod text;

/// What statements may do on this engine.
#[derive(Debug, Clone)]
pub(crate) struct Policy {
    /// No statement is refused for what it reaches.
    allow_outside: bool,
    /// `BACKUP` and `RESTORE` have a folder.
    backups: bool,
    /// Functions that are not called here, in lower case.
    refused: HashSet<String>,
    /// What a reader's settings lower.
    limits: Limits,
}

/// A statement that our own reading allows.
#[derive(Debug, Clone)]
pub(crate) struct Permitted {
    statement: Statement,
    user: User,
    /// It is refused, unless the engine cannot read it at all.
    refusal: Option<Exception>,
    settings: Vec<Setting>,
}

/// A statement that the engine's reading allows as well. Only such statements of a client are executed.
#[derive(Debug, Clone)]
pub(crate) struct Confirmed {
    statement: Statement,
    format: Option<String>,
}

impl Permitted {
    /// Returns the statement.
    pub(crate) fn statement(&self) -> &Statement {
        &self.statement
    }

    /// Returns the settings that the statement has for itself as a whole. A reader's connection has them before it is
    /// locked: the engine then finds nothing that the statement would change.
    pub(crate) fn settings(&self) -> &[Setting] {
        &self.settings
    }

    /// Whether it is refused, unless the engine cannot read it at all.
    pub(crate) fn is_refused(&self) -> bool {
        self.refusal.is_some()
    }
}

impl Confirmed {
    /// Returns the statement.
    pub(crate) fn statement(&self) -> &Statement {
        &self.statement
    }

    /// Returns the format that the statement itself names.
    pub(crate) fn format(&self) -> Option<&str> {
        self.format.as_deref()
    }
}

impl Policy {
    /// `table_functions` are those that the engine has: whatever is not known to stay inside is refused.
    pub(crate) fn new(
        allow_outside: bool,
        backups: bool,
        table_functions: &[String],
        limits: &Limits,
    ) -> Self {
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
            limits: limits.clone(),
        }
    }

    /// Refuses what reaches out of the data directory, and what a reader may not do. `only_reads` is asked for by GET
    /// and by the setting `readonly`.
    pub(crate) fn permit(
        &self,
        user: User,
        statement: Statement,
        parameters: &[Parameter],
        only_reads: bool,
    ) -> Result<Permitted, Exception> {
        if !self.allow_outside {
            self.check_reach(statement.sql())?;
            check_identifiers(statement.sql(), parameters)?;
            self.check_parameters(statement.sql(), parameters)?;
            // An insert's format is no part of its text.
            if statement.format().is_some_and(|format| !format.is_ascii()) {
                return Err(Exception::access_denied(
                    "a format beyond ASCII is not allowed here",
                ));
            }
        }
        let refused = (user == User::Reader || only_reads) && !reads(statement.sql());
        let refusal = refused.then(|| {
            let reason = if user == User::Reader {
                "reader: Cannot execute query in readonly mode"
            } else {
                "Cannot execute query in readonly mode. For queries over HTTP, method GET implies readonly. \
                 You should use method POST for modifying queries"
            };
            Exception::new(READONLY, "READONLY", reason)
        });
        let settings = if names_settings(statement.sql()) {
            clause_settings(user, trailing_settings(statement.sql()))
        } else {
            Vec::new()
        };
        Ok(Permitted {
            statement,
            user,
            refusal,
            settings,
        })
    }

    /// Whether rows of a `VALUES` clause may be evaluated: nothing in them reaches out.
    pub(crate) fn may_evaluate(&self, rows: &[u8]) -> bool {
        std::str::from_utf8(rows).is_ok_and(|rows| {
            let rows = Sql::new(rows);
            let subquery = rows.tokens().any(|token| token.is("select"));
            self.allow_outside || !subquery && self.check_reach(&rows).is_ok()
        })
    }

    /// Asks the engine how it reads a statement that holds a word which would be refused as a call, a reader's settings
    /// or what may be a format, and checks that reading: what our lexer took for a comment or a text may be something
    /// else to the engine.
    pub(crate) fn confirm(
        &self,
        connection: &mut Connection,
        permitted: Permitted,
    ) -> Result<Confirmed, Exception> {
        let Permitted {
            statement,
            user,
            refusal,
            ..
        } = permitted;
        if let Some(refusal) = refusal {
            return Err(canonical::syntax_error(connection, &statement).unwrap_or(refusal));
        }
        let is_delicate = !self.allow_outside && self.is_delicate(statement.sql());
        let has_settings = user == User::Reader && names_settings(statement.sql());
        let mut format = statement.format().map(str::to_owned);
        if is_delicate || has_settings || statement.is_format_unsure() {
            let text = canonical::text(connection, &statement)?;
            let sql = Sql::new(&text);
            if !self.allow_outside {
                self.check_reach(&sql)?;
            }
            if has_settings {
                all_settings(&sql)
                    .iter()
                    .try_for_each(|assignment| check_clause(assignment, &self.limits))?;
            }
            if statement.is_format_unsure() {
                format = canonical_format(&text);
            }
        }
        Ok(Confirmed { statement, format })
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
        self.check_texts(sql)
    }

    /// Returns the first word that leaves the data directory.
    fn outside<'a>(&self, sql: &'a Sql) -> Option<&'a str> {
        const CREATE: &[&str] = &["create", "attach", "replace", "restore"];
        if let Some(file) = first_file(sql).and_then(|index| sql.token(index)) {
            return Some(file.text);
        }
        // A statement that reads makes nothing: the words are columns.
        let makes = !reads(sql);
        let creates = makes && sql.tokens().any(|token| token.is_any(CREATE));
        let settings = first_settings(sql).unwrap_or(usize::MAX);
        sql.tokens().enumerate().find_map(|(index, token)| {
            if ends_engine(sql, index) || is_outfile(sql, index) {
                return Some(token.text);
            }
            if creates && token.is("engine") && !engine_allowed(sql, index) {
                let assigned = sql.is_sign(index + 1, "=");
                return sql.token(index + if assigned { 2 } else { 1 }).map(|t| t.text);
            }
            let reaches = makes && is_made(sql, index)
                || index > settings && is_outside_setting(sql, index)
                || self.call_reaches_out(sql, index, token);
            reaches.then_some(token.text)
        })
    }

    /// Whether a name is called that leaves the data directory.
    fn call_reaches_out(&self, sql: &Sql, index: usize, token: Token<'_>) -> bool {
        let Some(name) = token.name() else { return false };
        let refused = self.refused.contains(name) || token.is_any(&["disk", "source"]);
        refused && sql.is_sign(index + 1, "(") && !self.is_backup(sql, index) && !is_own_table(sql, index)
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

/// Whether a statement may have settings of its own.
fn names_settings(sql: &Sql) -> bool {
    sql.lower().contains("settings")
}

fn reaches(word: &str) -> Exception {
    Exception::access_denied(format_args!(
        "'{word}' reaches files, programs or the network, which is not allowed here"
    ))
}
