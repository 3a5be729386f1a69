//! What the datasource plugin makes of a query before it sends it: macros and variables.
//!
//! Source: the documented macros of `grafana-clickhouse-datasource` 4.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

/// A time range and the interval that a chart of about a thousand pixels asks for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Range {
    pub(crate) span_s: u64,
    pub(crate) interval_s: u64,
}

const DAY: u64 = 86_400;

/// One hour, a day, 30 days, a year.
pub(crate) const RANGES: [Range; 4] = [
    Range {
        span_s: 3_600,
        interval_s: 10,
    },
    Range {
        span_s: DAY,
        interval_s: 60,
    },
    Range {
        span_s: 30 * DAY,
        interval_s: 1_800,
    },
    Range {
        span_s: 365 * DAY,
        interval_s: 43_200,
    },
];

/// What is chosen in the dashboard's variables.
pub(crate) struct Chosen {
    devices: Vec<String>,
}

impl Chosen {
    pub(crate) fn of(devices: &[&str]) -> Self {
        Self {
            devices: devices.iter().map(|&device| device.to_owned()).collect(),
        }
    }

    fn variable(&self, name: &str) -> Vec<&str> {
        match name {
            "device" => self.devices.iter().map(String::as_str).collect(),
            "one" => self.devices.first().map(String::as_str).into_iter().collect(),
            "location" => vec!["(no location)", "attic"],
            "model" => vec!["v1", "v2"],
            "quantity" => vec!["temperature"],
            other => panic!("no variable is called {other}"),
        }
    }
}

/// An answer in columns.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) types: Vec<String>,
    pub(crate) rows: Vec<Vec<Value>>,
}

/// `'a','b'`, as `${name:singlequote}` becomes.
fn quoted(values: &[&str]) -> String {
    let escaped = values
        .iter()
        .map(|value| value.replace('\\', "\\\\").replace('\'', "\\'"));
    escaped
        .map(|value| format!("'{value}'"))
        .collect::<Vec<_>>()
        .join(",")
}

/// Replaces `$name(argument)` by what `with` makes of the argument.
fn replace_call(sql: &str, name: &str, with: impl Fn(&str) -> String) -> String {
    let mut result = String::new();
    let mut rest = sql;
    let call = format!("{name}(");
    while let Some(start) = rest.find(&call) {
        let after = &rest[start + call.len()..];
        let end = after.find(')').expect("the call is closed");
        result.push_str(&rest[..start]);
        result.push_str(&with(&after[..end]));
        rest = &after[end + 1..];
    }
    result + rest
}

/// The statement that is sent.
pub(crate) fn expand(sql: &str, range: Range, chosen: &Chosen) -> String {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("a sane clock")
        .as_secs();
    let (from, to, step) = (now - range.span_s, now, range.interval_s);
    let mut sql = sql.to_owned();
    sql = replace_call(&sql, "$__timeInterval", |column| {
        format!("toStartOfInterval(toDateTime({column}), INTERVAL {step} second)")
    });
    sql = replace_call(&sql, "$__timeFilter_ms", |column| {
        format!(
            "{column} >= fromUnixTimestamp64Milli({from}000) AND {column} <= fromUnixTimestamp64Milli({to}000)"
        )
    });
    sql = replace_call(&sql, "$__timeFilter", |column| {
        format!("{column} >= toDateTime({from}) AND {column} <= toDateTime({to})")
    });
    for (name, value) in [
        ("$__fromTime_ms", format!("fromUnixTimestamp64Milli({from}000)")),
        ("$__toTime_ms", format!("fromUnixTimestamp64Milli({to}000)")),
        ("$__fromTime", format!("toDateTime({from})")),
        ("$__toTime", format!("toDateTime({to})")),
        ("$__interval_s", step.to_string()),
    ] {
        sql = sql.replace(name, &value);
    }
    for name in ["device", "one", "location", "model", "quantity"] {
        let written = format!("${{{name}:singlequote}}");
        let several = sql.contains(&format!("[{written}]"));
        let mut values = chosen.variable(name);
        // A variable of one value is never empty.
        if !several {
            values = vec![values.first().copied().unwrap_or_default()];
        }
        sql = sql.replace(&written, &quoted(&values));
    }
    assert!(!sql.contains("$__") && !sql.contains("${"), "not expanded: {sql}");
    sql
}
