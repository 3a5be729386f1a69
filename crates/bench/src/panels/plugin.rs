//! What the datasource plugin makes of a query before it sends it: macros and variables.
//!
//! Source: the documented macros of `grafana-clickhouse-datasource` 4.

use anyhow::{Context as _, bail, ensure};
use serde_json::Value;

/// A time range and the interval of a chart's points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// What it is called.
    pub name: &'static str,
    /// Its length, s.
    pub span_s: u64,
    /// Length of an interval, s.
    pub interval_s: u64,
}

const DAY: u64 = 86_400;

/// One hour, a day, 30 days, a year, as charts of `WIDTH` ask for them.
pub const RANGES: [Range; 4] = [
    Range::of("1 h", 3_600),
    Range::of("1 d", DAY),
    Range::of("30 d", 30 * DAY),
    Range::of("1 y", 365 * DAY),
];

/// Pixels of a panel, and so its points where it does not say how many.
const WIDTH: u64 = 1_000;

/// Grafana's intervals, ms: a span of one point that is shorter than the first becomes the second.
/// Source: `roundInterval` of `@grafana/data`.
const INTERVALS: [(u64, u64); 18] = [
    (7_500, 5_000),
    (12_500, 10_000),
    (17_500, 15_000),
    (25_000, 20_000),
    (45_000, 30_000),
    (90_000, 60_000),
    (210_000, 120_000),
    (450_000, 300_000),
    (750_000, 600_000),
    (1_050_000, 900_000),
    (1_500_000, 1_200_000),
    (2_700_000, 1_800_000),
    (5_400_000, 3_600_000),
    (9_000_000, 7_200_000),
    (16_200_000, 10_800_000),
    (32_400_000, 21_600_000),
    (86_400_000, 43_200_000),
    (604_800_000, 86_400_000),
];

impl Range {
    const fn of(name: &'static str, span_s: u64) -> Self {
        Self {
            name,
            span_s,
            interval_s: interval_s(span_s, WIDTH),
        }
    }

    /// As a panel asks for it: `maxDataPoints` and the least `interval` of its JSON count.
    #[must_use]
    pub fn drawn_by(self, panel: &Value) -> Self {
        let points = panel["maxDataPoints"].as_u64().unwrap_or(WIDTH);
        let least_s = panel["interval"].as_str().map_or(0, seconds);
        Self {
            interval_s: interval_s(self.span_s, points).max(least_s),
            ..self
        }
    }
}

/// The interval of so many points over a span, s. Below five seconds Grafana has shorter ones.
const fn interval_s(span_s: u64, points: u64) -> u64 {
    let (point_ms, mut place) = (span_s * 1_000 / if points == 0 { WIDTH } else { points }, 0);
    while place < INTERVALS.len() {
        if point_ms < INTERVALS[place].0 {
            return INTERVALS[place].1 / 1_000;
        }
        place += 1;
    }
    7 * DAY
}

/// `10s`, `1m`, `1h` in seconds; 0 for anything else.
fn seconds(text: &str) -> u64 {
    let unit = |end: &str| {
        text.strip_suffix(end)
            .and_then(|number| number.parse::<u64>().ok())
    };
    unit("s")
        .or_else(|| Some(60 * unit("m")?))
        .or_else(|| Some(3_600 * unit("h")?))
        .unwrap_or_default()
}

/// What is chosen in the dashboard's variables.
#[derive(Debug, Clone, Default)]
pub struct Chosen {
    /// `device`, whose first is `one`.
    pub devices: Vec<String>,
    /// `location`.
    pub locations: Vec<String>,
    /// `model`.
    pub models: Vec<String>,
    /// `quantity`.
    pub quantity: String,
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
            _ => vec![&self.quantity],
        }
    }

    /// A title, with the first value in place of each variable.
    pub fn title(&self, title: &str) -> String {
        VARIABLES.into_iter().fold(title.to_owned(), |title, name| {
            let first = self.variable(name).first().copied().unwrap_or_default();
            title.replace(&format!("${name}"), first)
        })
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
    use serde_json::json;

    use super::*;

    #[test]
    fn a_panel_asks_for_as_many_points_as_it_says() {
        let asked = |range: Range, panel: Value| range.drawn_by(&panel).interval_s;
        let [hour, day, month, year] = RANGES;
        assert_eq!(RANGES.map(|range| range.interval_s), [5, 60, 1_800, 21_600]);
        assert_eq!(asked(month, json!({"maxDataPoints": 720})), 3_600);
        assert_eq!(asked(day, json!({"maxDataPoints": 720, "interval": "10s"})), 120);
        assert_eq!(asked(hour, json!({"interval": "10s"})), 10);
        assert_eq!(asked(hour, json!({"interval": "1m"})), 60);
        assert_eq!(asked(year, json!({"maxDataPoints": 365})), 86_400);
        assert_eq!(asked(year, json!({"maxDataPoints": 20})), 7 * DAY);
        assert_eq!(asked(year, json!({})), 21_600);
    }

    #[test]
    fn macros_and_variables_are_replaced() {
        let chosen = Chosen {
            devices: vec!["a".into(), "o'b\\".into()],
            ..Chosen::default()
        };
        let sql = "SELECT $__timeInterval(t) WHERE $__timeFilter(t) AND s = $__interval_s AND d IN [${device:singlequote}] OR d = ${one:singlequote}";
        let hour = RANGES[0].drawn_by(&json!({"interval": "10s"}));
        let expanded = expand(sql, hour, 10_000, &chosen).unwrap();
        assert_eq!(
            expanded,
            "SELECT toStartOfInterval(toDateTime(t), INTERVAL 10 second) WHERE t >= toDateTime(6400) AND t <= toDateTime(10000) \
             AND s = 10 AND d IN ['a','o\\'b\\\\'] OR d = 'a'"
        );
        assert_eq!(chosen.title("Spectrum of $one"), "Spectrum of a");
        for unknown in ["$__nosuch", "${nosuch:singlequote}", "$__timeFilter(t"] {
            assert!(expand(unknown, RANGES[0], 10_000, &chosen).is_err(), "{unknown}");
        }
    }
}
