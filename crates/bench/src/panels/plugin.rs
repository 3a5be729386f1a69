//! What the datasource plugin makes of a query before it sends it: macros and variables.
//!
//! Source: the documented macros of `grafana-clickhouse-datasource` 4.

use anyhow::{Context as _, bail, ensure};

/// A time range and the interval that a chart of about a thousand pixels asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// What it is called.
    pub name: &'static str,
    /// Its length, s.
    pub span_s: u64,
    /// Length of a chart's interval, s.
    pub interval_s: u64,
}

const DAY: u64 = 86_400;

/// One hour, a day, 30 days, a year.
pub const RANGES: [Range; 4] = [
    Range {
        name: "1 h",
        span_s: 3_600,
        interval_s: 10,
    },
    Range {
        name: "1 d",
        span_s: DAY,
        interval_s: 60,
    },
    Range {
        name: "30 d",
        span_s: 30 * DAY,
        interval_s: 1_800,
    },
    Range {
        name: "1 y",
        span_s: 365 * DAY,
        interval_s: 43_200,
    },
];

/// What is chosen in the dashboard's variables.
#[derive(Debug, Clone, Default)]
pub struct Chosen {
    /// `device`, whose first is `one`.
    pub devices: Vec<String>,
    /// `location`.
    pub locations: Vec<String>,
    /// `model`.
    pub models: Vec<String>,
}

/// The variables that a query may name.
const VARIABLES: [&str; 5] = ["device", "one", "location", "model", "quantity"];

impl Chosen {
    fn variable(&self, name: &str) -> Vec<&str> {
        fn all(values: &[String]) -> Vec<&str> {
            values.iter().map(String::as_str).collect()
        }
        match name {
            "device" => all(&self.devices),
            "one" => all(&self.devices[..self.devices.len().min(1)]),
            "location" => all(&self.locations),
            "model" => all(&self.models),
            _ => vec!["temperature"],
        }
    }
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
fn replace_call(sql: &str, name: &str, with: impl Fn(&str) -> String) -> anyhow::Result<String> {
    let mut result = String::new();
    let mut rest = sql;
    let call = format!("{name}(");
    while let Some(start) = rest.find(&call) {
        let after = &rest[start + call.len()..];
        let end = after
            .find(')')
            .with_context(|| format!("{name} is not closed: {sql}"))?;
        result.push_str(&rest[..start]);
        result.push_str(&with(&after[..end]));
        rest = &after[end + 1..];
    }
    Ok(result + rest)
}

/// The statement that is sent for a range that ends at `to`, in seconds since 1970. Returns an error if it names a macro
/// or a variable that nobody knows.
pub fn expand(sql: &str, range: Range, to: u64, chosen: &Chosen) -> anyhow::Result<String> {
    let (from, step) = (to.saturating_sub(range.span_s), range.interval_s);
    let mut sql = replace_call(sql, "$__timeInterval", |column| {
        format!("toStartOfInterval(toDateTime({column}), INTERVAL {step} second)")
    })?;
    sql = replace_call(&sql, "$__timeFilter_ms", |column| {
        format!(
            "{column} >= fromUnixTimestamp64Milli({from}000) AND {column} <= fromUnixTimestamp64Milli({to}000)"
        )
    })?;
    sql = replace_call(&sql, "$__timeFilter", |column| {
        format!("{column} >= toDateTime({from}) AND {column} <= toDateTime({to})")
    })?;
    for (name, value) in [
        ("$__fromTime_ms", format!("fromUnixTimestamp64Milli({from}000)")),
        ("$__toTime_ms", format!("fromUnixTimestamp64Milli({to}000)")),
        ("$__fromTime", format!("toDateTime({from})")),
        ("$__toTime", format!("toDateTime({to})")),
        ("$__interval_s", step.to_string()),
    ] {
        sql = sql.replace(name, &value);
    }
    for name in VARIABLES {
        let written = format!("${{{name}:singlequote}}");
        let several = sql.contains(&format!("[{written}]"));
        let mut values = chosen.variable(name);
        // A variable of one value is never empty.
        if !several {
            values = vec![values.first().copied().unwrap_or_default()];
        }
        sql = sql.replace(&written, &quoted(&values));
    }
    if let Some(start) = sql.find("${") {
        bail!("nobody knows the variable in: {}", &sql[start..]);
    }
    ensure!(!sql.contains("$__"), "nobody knows the macro in: {sql}");
    Ok(sql)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn macros_and_variables_are_replaced() {
        let chosen = Chosen {
            devices: vec!["a".into(), "o'b\\".into()],
            ..Chosen::default()
        };
        let sql = "SELECT $__timeInterval(t) WHERE $__timeFilter(t) AND s = $__interval_s AND d IN [${device:singlequote}] OR d = ${one:singlequote}";
        let expanded = expand(sql, RANGES[0], 10_000, &chosen).unwrap();
        assert_eq!(
            expanded,
            "SELECT toStartOfInterval(toDateTime(t), INTERVAL 10 second) WHERE t >= toDateTime(6400) AND t <= toDateTime(10000) \
             AND s = 10 AND d IN ['a','o\\'b\\\\'] OR d = 'a'"
        );
        for unknown in ["$__nosuch", "${nosuch:singlequote}", "$__timeFilter(t"] {
            assert!(expand(unknown, RANGES[0], 10_000, &chosen).is_err(), "{unknown}");
        }
    }
}
