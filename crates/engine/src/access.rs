//! What a statement may do: neither user has business with files, programs or the network, and a reader only reads.
//!
//! In: a user and a statement. Out: nothing, or ClickHouse's refusal. It is the first of three locks: the second is
//! `SET readonly = 1` on each of a reader's connections, the third the kernel's, see `sandbox`.

use std::{collections::HashSet, fmt};

use self::shape::{ambiguous, check_identifiers, engine_allowed, is_file, listed_files, reads};
use crate::{
    allowed::{HOLD_SQL, REFUSED_FUNCTIONS, REFUSED_TABLE_FUNCTIONS, TABLE_FUNCTIONS, setting_reaches_out},
    exception::{ACCESS_DENIED, Exception, READONLY, SYNTAX_ERROR},
    ffi::{Connection, Parameter},
    request::quote,
    sql::{Kind, Token, tokens, unquoted},
    users::User,
};

/// Texts within texts that are looked into; deeper ones are refused.
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

    /// Refuses what reaches out of the data directory, and what is not a reader's to do.
    pub(crate) fn check(&self, user: User, sql: &str, parameters: &[Parameter]) -> Result<(), Exception> {
        let tokens = tokens(sql);
        if !self.allow_outside {
            self.check_reach(sql, &tokens)?;
            check_identifiers(&tokens, parameters)?;
        }
        if user == User::Reader && !reads(&tokens) {
            return Err(Exception::new(
                READONLY,
                "READONLY",
                "reader: Cannot execute query in readonly mode",
            ));
        }
        Ok(())
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
            let tokens = tokens(rows);
            let subquery = tokens.iter().any(|token| token.is("select"));
            self.allow_outside || !subquery && self.check_reach(rows, &tokens).is_ok()
        })
    }

    /// Where a statement holds a word that would be refused as a call, the engine itself is asked how it reads it: what
    /// our reader took for a comment or a text may be something else to it.
    pub(crate) fn confirm(
        &self,
        connection: &mut Connection,
        sql: &str,
        insert: bool,
    ) -> Result<(), Exception> {
        if self.allow_outside || !self.is_delicate(sql) {
            return Ok(());
        }
        let end = if insert { " FORMAT Values" } else { "" };
        let ask = format!("SELECT formatQuerySingleLine({})", quote(&format!("{sql}{end}")));
        let (canonical, _) = connection.query(&ask, "RawBLOB", &[]).map_err(|error| {
            if error.code == SYNTAX_ERROR {
                return error;
            }
            denied(format_args!("the statement cannot be read for certain: {error}"))
        })?;
        let canonical = String::from_utf8_lossy(&canonical);
        self.check_reach(&canonical, &tokens(&canonical))
    }

    fn is_delicate(&self, sql: &str) -> bool {
        let delicate = |word: &str| {
            self.refused.contains(word) || matches!(word, "outfile" | "infile" | "disk" | "source")
        };
        sql.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
            .any(|word| delicate(&word.to_ascii_lowercase()))
    }

    fn check_reach(&self, sql: &str, tokens: &[Token<'_>]) -> Result<(), Exception> {
        if let Some(what) = ambiguous(sql, tokens) {
            return Err(denied(format_args!("{what} outside of text is not allowed here")));
        }
        if let Some(word) = self.outside(tokens) {
            return Err(reaches(word));
        }
        let holds_sql = |token: &Token<'_>| {
            let name = token.name().map(str::to_ascii_lowercase);
            name.is_some_and(|name| HOLD_SQL.contains(&name.as_str()))
        };
        // `FORMAT x` is no call; the names of settings stand alone.
        let called = |index: usize| tokens.get(index + 1).is_some_and(|next| next.text == "(");
        let counts = |index: usize| called(index) || tokens[index].text.contains('_');
        if !(0..tokens.len()).any(|index| holds_sql(&tokens[index]) && counts(index)) {
            return Ok(());
        }
        let mut texts = tokens.iter().filter(|token| token.kind == Kind::Text);
        texts.try_for_each(|text| self.check_text(&unquoted(text.text), 0))
    }

    /// Text that may be SQL: what would be a call in it is refused, also in the texts within.
    fn check_text(&self, text: &str, depth: usize) -> Result<(), Exception> {
        if depth == DEPTH {
            return Err(denied(format_args!("SQL in texts is nested too deeply")));
        }
        let tokens = tokens(text);
        let calls = |index: usize| tokens.get(index + 1).is_some_and(|next| next.text == "(");
        for (index, token) in tokens.iter().enumerate() {
            if token.kind == Kind::Text {
                self.check_text(&unquoted(token.text), depth + 1)?;
            }
            let name = token.name().unwrap_or_default().to_ascii_lowercase();
            if calls(index) && (self.refused.contains(&name) || name.contains('\\')) {
                return Err(reaches(token.text));
            }
        }
        Ok(())
    }

    /// The first word that leaves the data directory.
    fn outside<'a>(&self, tokens: &[Token<'a>]) -> Option<&'a str> {
        let is = |index: usize, words: &[&str]| {
            tokens
                .get(index)
                .is_some_and(|token| words.iter().any(|word| token.is(word)))
        };
        let ends_process = ["shutdown", "kill", "suspend"];
        let system = is(0, &["system"]);
        let creates = tokens.iter().any(|token| {
            ["create", "attach", "replace", "restore"]
                .iter()
                .any(|word| token.is(word))
        });
        if let Some(index) = listed_files(tokens).first() {
            return Some(tokens[*index].text);
        }
        for (index, token) in tokens.iter().enumerate() {
            let called = tokens.get(index + 1).is_some_and(|next| next.text == "(");
            let assigned = tokens.get(index + 1).is_some_and(|next| next.text == "=");
            if token.is("outfile") || token.is("infile") || is_file(tokens, index) {
                return Some(token.text);
            }
            let Some(name) = token.name() else { continue };
            let name = name.to_ascii_lowercase();
            if setting_reaches_out(&name) && (assigned || name.contains('_')) {
                return Some(token.text);
            }
            if called && self.refused.contains(&name) && !self.is_backup(tokens, index) {
                return Some(token.text);
            }
            if creates && token.is("engine") && !engine_allowed(tokens, index) {
                return tokens.get(index + if assigned { 2 } else { 1 }).map(|t| t.text);
            }
            let disk = token.is("disk") && (assigned || called) || token.is("storage_policy") && assigned;
            let made = index > 0
                && is(index - 1, &["create", "replace", "named"])
                && is(
                    index,
                    &[
                        "dictionary",
                        "function",
                        "user",
                        "collection",
                        "quota",
                        "role",
                        "policy",
                    ],
                );
            let ends = system && ends_process.iter().any(|word| token.is(word));
            if disk || made || ends || token.is("source") && called {
                return Some(token.text);
            }
        }
        None
    }

    /// `BACKUP … TO File('name')`, `RESTORE … FROM File('name')`: the one file there is a place for.
    fn is_backup(&self, tokens: &[Token<'_>], index: usize) -> bool {
        let way = match tokens.first() {
            Some(first) if first.is("backup") => "to",
            Some(first) if first.is("restore") => "from",
            _ => return false,
        };
        let there = index > 0 && tokens[index - 1].is(way)
            || index > 1 && tokens[index - 2].is("base_backup") && tokens[index - 1].text == "=";
        let plain = tokens.get(index + 2).is_some_and(|name| {
            let name = name.text.trim_matches('\'');
            let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
            !name.is_empty() && !name.starts_with('.') && name.chars().all(fits)
        });
        let alone = tokens.get(index + 3).is_some_and(|end| end.text == ")");
        self.backups && there && plain && alone && tokens[index].is("file")
    }
}

/// GET reads, whoever asks.
pub(crate) fn check_get(sql: &str) -> Result<(), Exception> {
    if reads(&tokens(sql)) {
        return Ok(());
    }
    Err(Exception::new(
        READONLY,
        "READONLY",
        "Cannot execute query in readonly mode",
    ))
}

pub(crate) fn denied(message: fmt::Arguments<'_>) -> Exception {
    Exception::new(ACCESS_DENIED, "ACCESS_DENIED", message)
}

fn reaches(word: &str) -> Exception {
    denied(format_args!(
        "'{word}' reaches files, programs or the network, which is not allowed here"
    ))
}

mod shape;
#[cfg(test)]
mod tests;
