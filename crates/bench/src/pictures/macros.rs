//! What Grafana's datasource plugin makes of a query before it sends it: macros and variables.
//!
//! Source: the documented macros of `grafana-clickhouse-datasource` 4.

/// A time range, seconds since 1970, and the interval that a panel asks for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Range {
    pub(super) from: i64,
    pub(super) to: i64,
    pub(super) interval: i64,
}

/// What is chosen in a dashboard's variables.
#[derive(Debug)]
pub(super) struct Chosen {
    pub(super) devices: Vec<String>,
    pub(super) models: Vec<String>,
    pub(super) locations: Vec<String>,
}

impl Chosen {
    fn values(&self, name: &str) -> Vec<&str> {
        match name {
            "device" => self.devices.iter().map(String::as_str).collect(),
            "model" => self.models.iter().map(String::as_str).collect(),
            "location" => self.locations.iter().map(String::as_str).collect(),
            "one" => self.devices.iter().take(1).map(String::as_str).collect(),
            _ => vec!["co2"],
        }
    }

    /// Replaces `$one` and the like in a title.
    pub(super) fn title(&self, title: &str) -> String {
        let mut title = title.to_owned();
        for name in VARIABLES {
            let values = self.values(name);
            title = title.replace(&format!("${name}"), values.first().copied().unwrap_or_default());
        }
        title
    }
}

const VARIABLES: [&str; 5] = ["device", "one", "location", "model", "quantity"];

/// Replaces `name(argument)` by what `with` makes of the argument.
fn replace_call(sql: &str, name: &str, with: impl Fn(&str) -> String) -> String {
    let (mut result, mut rest) = (String::new(), sql);
    let call = format!("{name}(");
    while let Some((before, after)) = rest.split_once(&call) {
        let Some((argument, after)) = after.split_once(')') else {
            break;
        };
        result.push_str(before);
        result.push_str(&with(argument));
        rest = after;
    }
    result + rest
}

/// Returns the statement that is sent.
pub(super) fn expand(sql: &str, range: Range, chosen: &Chosen) -> String {
    let Range {
        from,
        to,
        interval: step,
    } = range;
    let ms = |s: i64| format!("fromUnixTimestamp64Milli({s}000)");
    let s = |s: i64| format!("toDateTime({s})");
    let mut sql = replace_call(sql, "$__timeInterval", |column| {
        format!("toStartOfInterval(toDateTime({column}), INTERVAL {step} second)")
    });
    sql = replace_call(&sql, "$__timeFilter_ms", |column| {
        format!("{column} >= {} AND {column} <= {}", ms(from), ms(to))
    });
    sql = replace_call(&sql, "$__timeFilter", |column| {
        format!("{column} >= {} AND {column} <= {}", s(from), s(to))
    });
    for (name, value) in [
        ("$__fromTime_ms", ms(from)),
        ("$__toTime_ms", ms(to)),
        ("$__fromTime", s(from)),
        ("$__toTime", s(to)),
        ("$__interval_s", step.to_string()),
    ] {
        sql = sql.replace(name, &value);
    }
    for name in VARIABLES {
        let written = format!("${{{name}:singlequote}}");
        let mut values = chosen.values(name);
        // A variable of one value stands alone; one of several in brackets.
        if !sql.contains(&format!("[{written}]")) {
            values.truncate(1);
        }
        let quoted: Vec<String> = values
            .iter()
            .map(|value| format!("'{}'", value.replace('\\', "\\\\").replace('\'', "\\'")))
            .collect();
        sql = sql.replace(&written, &quoted.join(","));
    }
    sql
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_grafana_is_left() {
        let chosen = Chosen {
            devices: vec!["a'b".into(), "c".into()],
            models: vec![],
            locations: vec!["attic".into()],
        };
        let range = Range {
            from: 100,
            to: 200,
            interval: 60,
        };
        let sql = "SELECT $__timeInterval(t), $__interval_s FROM x WHERE $__timeFilter_ms(t) AND $__timeFilter(u) AND t > $__fromTime_ms \
                   AND u < $__toTime AND d IN ([${device:singlequote}]) AND e = ${one:singlequote}";
        assert_eq!(
            expand(sql, range, &chosen),
            "SELECT toStartOfInterval(toDateTime(t), INTERVAL 60 second), 60 FROM x WHERE t >= fromUnixTimestamp64Milli(100000) \
             AND t <= fromUnixTimestamp64Milli(200000) AND u >= toDateTime(100) AND u <= toDateTime(200) \
             AND t > fromUnixTimestamp64Milli(100000) AND u < toDateTime(200) AND d IN (['a\\'b','c']) AND e = 'a\\'b'"
        );
        assert_eq!(chosen.title("Spectrum of $one"), "Spectrum of a'b");
    }
}
