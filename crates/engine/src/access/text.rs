//! SQL in texts: filters in settings, structures and data in arguments, and the values of parameters.
//!
//! In: text that may be SQL. Out: a refusal where it reaches out.

use super::{
    Policy,
    shape::{ambiguous, first_file},
};
use crate::{
    allowed::HOLD_SQL,
    exception::Exception,
    ffi::Parameter,
    sql::{Sql, TokenKind, unquoted},
};

/// Texts within texts are checked down to this depth; deeper ones are refused.
const DEPTH: usize = 4;
/// Settings whose text is an expression.
const FILTERS: &[&str] = &[
    "additional_table_filters",
    "additional_result_filter",
    "parallel_replicas_custom_key",
];

impl Policy {
    /// Refuses SQL in the value of a setting.
    pub(crate) fn check_value(&self, name: &str, value: &str) -> Result<(), Exception> {
        if self.allow_outside {
            return Ok(());
        }
        self.check_text(value, 0)?;
        if FILTERS.contains(&name.to_ascii_lowercase().as_str()) {
            check_filters(value)?;
        }
        Ok(())
    }

    /// Refuses parameters that may become a text which is SQL.
    pub(super) fn check_parameters(&self, sql: &Sql, parameters: &[Parameter]) -> Result<(), Exception> {
        let filters = sql
            .tokens()
            .find_map(|token| token.name().filter(|name| FILTERS.contains(name)));
        let Some(name) = filters else { return Ok(()) };
        let mut values = parameters.iter().map(|(_, value)| value);
        values.try_for_each(|value| self.check_value(name, value))
    }

    /// Refuses what reaches out in the texts of a statement that holds SQL in text.
    pub(super) fn check_texts(&self, sql: &Sql) -> Result<(), Exception> {
        // `FORMAT x` is no call; names of settings are none either.
        let holds_sql = sql.tokens().enumerate().any(|(index, token)| {
            token.name().is_some_and(|name| HOLD_SQL.contains(&name))
                && (sql.is_sign(index + 1, "(") || token.text.contains('_'))
        });
        if !holds_sql {
            return Ok(());
        }
        let mut is_filter = false;
        for token in sql.tokens() {
            match token.kind {
                TokenKind::Text => {
                    let text = unquoted(token.text);
                    self.check_text(&text, 0)?;
                    if is_filter {
                        check_filter(&text)?;
                    }
                }
                TokenKind::Sign => {}
                _ => is_filter = token.name().is_some_and(|name| FILTERS.contains(&name)),
            }
        }
        Ok(())
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
                return Err(super::reaches(token.text));
            }
        }
        Ok(())
    }
}

/// Refuses what a filter may not hold: `{'t': 'a > 1'}`, or the expression alone.
fn check_filters(value: &str) -> Result<(), Exception> {
    let sql = Sql::new(value);
    if !sql.is_sign(0, "{") {
        return check_filter(value);
    }
    let mut texts = sql.tokens().filter(|token| token.kind == TokenKind::Text);
    texts.try_for_each(|text| check_filter(&unquoted(text.text)))
}

/// Refuses a filter that names files as tables, that could be read in two ways, or that has settings: the engine
/// asks nobody about those within.
fn check_filter(filter: &str) -> Result<(), Exception> {
    let sql = Sql::new(filter);
    if let Some(what) = ambiguous(&sql) {
        return Err(Exception::access_denied(format_args!(
            "{what} outside of text is not allowed in a filter"
        )));
    }
    if let Some(token) = first_file(&sql).and_then(|index| sql.token(index)) {
        return Err(super::reaches(token.text));
    }
    if sql
        .tokens()
        .any(|token| token.is("settings") || token.text == "{")
    {
        return Err(Exception::access_denied(
            "a filter has no settings and no parameters of its own",
        ));
    }
    Ok(())
}
