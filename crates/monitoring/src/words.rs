//! What is wrong with a value, in words for people: the library that reads values speaks of its own types.
//!
//! In: an error as `serde` and its formats word it. Out: what was found and what is expected. What a type of ours says stays.

/// Returns `error` in our words; its name has already been told.
pub fn plain(error: &str) -> String {
    let (error, place) = placed(error);
    if let Some((found, wanted)) = two(error, "invalid type: ", ", expected ") {
        return format!("is {}; {} is expected", value(found), kind(wanted));
    }
    if let Some((found, wanted)) = two(error, "invalid value: ", ", expected ") {
        return format!("is {}; {} is expected", value(found), kind(wanted));
    }
    if let Some((found, wanted)) = two(error, "invalid length ", ", expected ") {
        return format!("has {found} entries; {} is expected", kind(wanted));
    }
    if let Some((name, known)) = unknown(error, "unknown field `") {
        return format!("{name} is not known here; {}", choices(known));
    }
    if let Some((name, known)) = unknown(error, "unknown variant `") {
        return format!("is '{name}'; {}", choices(known));
    }
    if let Some(name) = error.strip_prefix("missing field `") {
        return format!("has no {}, which is needed", name.trim_end_matches('`'));
    }
    if let Some(name) = error.strip_prefix("duplicate field `") {
        return format!("has {} more than once", name.trim_end_matches('`'));
    }
    if error.starts_with("data did not match any variant") {
        return "has none of the forms that are known here".to_owned();
    }
    match error {
        "invalid digit found in string" | "cannot parse integer from empty string" => {
            "is no whole number, or a negative one".to_owned()
        }
        "number too large to fit in target type" | "number too small to fit in target type" => {
            "is a whole number beyond what is possible here".to_owned()
        }
        "invalid float literal" | "cannot parse float from empty string" => "is no number".to_owned(),
        "provided string was not `true` or `false`" => "is neither true nor false".to_owned(),
        "recursion limit exceeded" => "is nested too deeply".to_owned(),
        _ => match place {
            Some(place) if is_of_the_format(error) => format!("is no JSON: look at {place}"),
            _ => error.to_owned(),
        },
    }
}

/// What a parameter of a path has to be, by the name of its type.
pub(crate) fn parameter(type_name: &str) -> &str {
    kind(type_name)
}

/// An error without its place, and the place in words.
fn placed(error: &str) -> (&str, Option<String>) {
    let Some((rest, place)) = error.rsplit_once(" at line ") else {
        return (error, None);
    };
    match place.split_once(" column ") {
        Some((line, column)) if is_number(line) && is_number(column) => {
            (rest, Some(format!("line {line}, column {column}")))
        }
        _ => (error, None),
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn two<'a>(error: &'a str, before: &str, between: &str) -> Option<(&'a str, &'a str)> {
    let rest = error.strip_prefix(before)?;
    // What was found may contain anything.
    rest.rsplit_once(between)
}

/// A name that is not known, and what is known in its place.
fn unknown<'a>(error: &'a str, before: &str) -> Option<(&'a str, &'a str)> {
    let rest = error.strip_prefix(before)?;
    // The name may contain anything, what is known has no such words.
    let at = ["`, expected ", "`, there are no "]
        .iter()
        .filter_map(|words| rest.rfind(words))
        .max()?;
    Some((&rest[..at], &rest[at + 3..]))
}

/// Whether the parser of JSON says so, and not a type of ours.
fn is_of_the_format(error: &str) -> bool {
    let beginnings = [
        "EOF while",
        "expected ",
        "trailing ",
        "key must be",
        "invalid escape",
        "invalid number",
        "number out of range",
        "invalid unicode",
        "control character",
        "lone leading",
        "unexpected end",
    ];
    beginnings.iter().any(|beginning| error.starts_with(beginning))
}

/// A value that was found.
fn value(found: &str) -> String {
    if let Some(text) = found.strip_prefix("string ") {
        return format!("the text {text}");
    }
    for (before, name) in [
        ("integer `", "the number "),
        ("floating point `", "the number "),
        ("boolean `", ""),
    ] {
        if let Some(number) = found.strip_prefix(before) {
            return format!("{name}{}", number.trim_end_matches('`'));
        }
    }
    match found {
        "map" => "an object",
        "sequence" => "a list",
        "null" | "unit value" | "Option value" => "null",
        other => other,
    }
    .to_owned()
}

/// What is expected.
fn kind(wanted: &str) -> &str {
    match wanted {
        "f32" | "f64" => "a number",
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number, 0 or larger",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "a nonzero u32" | "a nonzero usize" | "a nonzero u64" => "a whole number above 0",
        "a string" | "str" | "a borrowed string" | "string" => "a text",
        "a boolean" | "bool" => "true or false",
        "a map" => "an object",
        "a sequence" => "a list",
        "unit" => "null",
        _ if wanted.starts_with("struct ") || wanted.starts_with("internally tagged ") => "an object",
        _ if wanted.starts_with("tuple ") || wanted.starts_with("a tuple ") => "a list",
        _ if wanted.starts_with("variant ") || wanted.starts_with("enum ") => "one of its words",
        _ => wanted,
    }
}

/// What is possible instead, of ``expected one of `a`, `b` `` and its kin.
fn choices(known: &str) -> String {
    if known.starts_with("there are no") {
        return "nothing is possible here".to_owned();
    }
    let names = known
        .trim_start_matches("expected ")
        .trim_start_matches("one of ")
        .replace('`', "")
        .replace(" or ", ", ");
    format!("there is {names}")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its errors are of interest")]
    struct Example {
        number: f64,
        count: Option<u32>,
        text: Option<String>,
        is_so: Option<bool>,
        list: Option<Vec<f64>>,
        object: Option<BTreeMap<String, f64>>,
        word: Option<Word>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Word {
        OneThing,
        Another,
    }

    #[test]
    fn what_is_wrong_is_told_without_the_librarys_words() {
        for (json, told) in [
            (r#"{"number": "x"}"#, "is the text \"x\"; a number is expected"),
            (
                r#"{"number": 1, "count": -1}"#,
                "is the number -1; a whole number, 0 or larger is expected",
            ),
            (
                r#"{"number": 1, "count": 1.5}"#,
                "is the number 1.5; a whole number, 0 or larger is expected",
            ),
            (
                r#"{"number": 1, "text": 5}"#,
                "is the number 5; a text is expected",
            ),
            (
                r#"{"number": 1, "is_so": "yes"}"#,
                "is the text \"yes\"; true or false is expected",
            ),
            (r#"{"number": 1, "list": {}}"#, "is an object; a list is expected"),
            (
                r#"{"number": 1, "object": []}"#,
                "is a list; an object is expected",
            ),
            (r#"{"number": null}"#, "is null; a number is expected"),
            (r#"{"number": true}"#, "is true; a number is expected"),
            ("{}", "has no number, which is needed"),
            (r#"{"number": 1, "number": 2}"#, "has number more than once"),
            (
                r#"{"numbr": 1}"#,
                "numbr is not known here; there is number, count, text, is_so, list, object, word",
            ),
            (
                r#"{"number": 1, "word": "two"}"#,
                "is 'two'; there is one_thing, another",
            ),
            ("[1", "is no JSON: look at line 1, column 2"),
            ("{\"number\": 1,}", "is no JSON: look at line 1, column 14"),
            ("5", "is the number 5; an object is expected"),
        ] {
            let error = serde_json::from_str::<Example>(json).unwrap_err();
            let found = plain(&error.to_string());
            assert_eq!(found, told, "{json}: {error}");
        }
        // What a type of ours says is for people already, and what a client says is only quoted.
        assert_eq!(
            plain("a time of day is HH:MM at line 1 column 9"),
            "a time of day is HH:MM"
        );
        assert_eq!(
            plain("invalid type: string \"a, expected b\", expected f64"),
            "is the text \"a, expected b\"; a number is expected"
        );
    }
}
