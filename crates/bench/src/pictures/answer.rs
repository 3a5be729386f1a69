//! ClickHouse's answers in columns of times, texts and numbers.

use std::net::SocketAddr;

use anyhow::Context as _;
use serde_json::Value;

/// The database of the generated past.
#[derive(Debug)]
pub(super) struct ClickHouse {
    pub(super) address: SocketAddr,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Time,
    Text,
    Number,
}

/// An answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) columns: Vec<(String, Kind)>,
    pub(super) rows: Vec<Vec<Value>>,
}

impl ClickHouse {
    pub(super) fn ask(&self, statement: &str) -> anyhow::Result<Answer> {
        // Times as seconds, so that no zone is guessed.
        let parameters = "database=iot&default_format=JSONCompact&date_time_output_format=unix_timestamp\
                          &output_format_json_quote_64bit_integers=0";
        let answer = testkit::sql_with(self.address, parameters, statement)?;
        let answer: Value = serde_json::from_str(&answer).context("the answer is no JSON")?;
        let columns = answer["meta"].as_array().context("the answer has no columns")?;
        let column = |column: &Value| {
            let kind = column["type"].as_str().unwrap_or_default();
            let kind = match kind {
                kind if kind.contains("DateTime") => Kind::Time,
                kind if kind.contains("String") || kind.contains("Bool") => Kind::Text,
                _ => Kind::Number,
            };
            (column["name"].as_str().unwrap_or_default().to_owned(), kind)
        };
        Ok(Answer {
            columns: columns.iter().map(column).collect(),
            rows: serde_json::from_value(answer["data"].clone()).context("the answer has no rows")?,
        })
    }

    /// Returns the first column.
    pub(super) fn names(&self, statement: &str) -> anyhow::Result<Vec<String>> {
        Ok(self
            .ask(statement)?
            .rows
            .iter()
            .filter_map(|row| Some(said(row.first()?)))
            .collect())
    }
}

impl Answer {
    /// The columns of a kind.
    pub(super) fn of(&self, kind: Kind) -> Vec<usize> {
        (0..self.columns.len())
            .filter(|&column| self.columns[column].1 == kind)
            .collect()
    }
}

/// A number, also where it is written as a text.
pub(super) fn number(value: &Value) -> f64 {
    value
        .as_f64()
        .or_else(|| value.as_str()?.parse().ok())
        .unwrap_or(f64::NAN)
}

/// A value as text.
pub(super) fn said(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}
