//! What is wrong with JSON that a person wrote, without the words of the parser.

use serde_json::error::Category;

/// Puts a parser's error into words: what stands where, and what belongs there.
pub fn explain_json(error: &serde_json::Error) -> String {
    let (line, column) = (error.line(), error.column());
    let said = error.to_string();
    let said = said
        .strip_suffix(&format!(" at line {line} column {column}"))
        .unwrap_or(&said);
    match error.classify() {
        Category::Io => said.to_owned(),
        Category::Eof if line <= 1 && column == 0 => "it is empty".to_owned(),
        Category::Eof => format!("it ends in line {line} before it is complete"),
        Category::Syntax => format!("line {line}, column {column}: {}", syntax(said)),
        Category::Data => format!("line {line}, column {column}: {}", data(said)),
    }
}

fn syntax(said: &str) -> &str {
    match said {
        "expected value" | "expected ident" => "no value that JSON knows",
        "key must be a string" => "a key in double quotes is expected",
        "trailing comma" => "a comma stands before the closing bracket",
        "trailing characters" => "more follows after the JSON",
        "expected `:`" => "a colon is missing after the key",
        "expected `,` or `}`" | "expected `,` or `]`" => "a comma or a closing bracket is missing",
        "invalid number" => "no number as JSON has them",
        "number out of range" => "the number is too large",
        "recursion limit exceeded" => "brackets are nested too deep",
        other => other,
    }
}

fn data(said: &str) -> String {
    let quoted = |text: &str| {
        let name = text.split('`').nth(1)?;
        Some(format!("'{name}'"))
    };
    let named = |prefix: &str, end: &str| {
        let rest = said.strip_prefix(prefix)?;
        Some(format!("{}{end}", quoted(rest)?))
    };
    let mistyped = || {
        let (found, wanted) = said.strip_prefix("invalid type: ")?.split_once(", expected ")?;
        Some(format!("{} stands where {} belongs", kind(found), kind(wanted)))
    };
    named("missing field ", " is missing")
        .or_else(|| named("unknown field ", " is unknown"))
        .or_else(|| named("duplicate field ", " stands twice"))
        .or_else(mistyped)
        .unwrap_or_else(|| said.to_owned())
}

/// A type in words of JSON.
fn kind(said: &str) -> &str {
    match said.split_whitespace().next().unwrap_or_default() {
        "string" => "a text",
        "integer" | "floating" | "f64" | "f32" | "u64" | "u32" | "i64" | "usize" => "a number",
        "boolean" => "a truth value",
        "null" => "null",
        "map" | "struct" => "an object",
        "sequence" => "a list",
        "a" => match said {
            "a sequence" => "a list",
            "a map" => "an object",
            "a string" | "a borrowed string" => "a text",
            "a boolean" => "a truth value",
            other => other,
        },
        _ => said,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PredictRequest;

    #[test]
    fn faults_are_told_without_words_of_the_parser() {
        for (text, said) in [
            ("", "it is empty"),
            (r#"{"input": [[1,"#, "it ends in line 1 before it is complete"),
            (
                r#"{"input": [["a"]]}"#,
                "line 1, column 15: a text stands where a number belongs",
            ),
            (
                r#"{"input": 5}"#,
                "line 1, column 11: a number stands where a list belongs",
            ),
            ("{\n\"inputs\": []}", "line 2, column 13: 'input' is missing"),
            (
                "{'input': []}",
                "line 1, column 2: a key in double quotes is expected",
            ),
            (
                r#"{"input": [[NaN]]}"#,
                "line 1, column 13: no value that JSON knows",
            ),
            (
                r#"{"input": [[1,]]}"#,
                "line 1, column 15: a comma stands before the closing bracket",
            ),
            (
                r#"{"input": []} x"#,
                "line 1, column 15: more follows after the JSON",
            ),
            (
                r#"{"input": [] "b": 1}"#,
                "line 1, column 14: a comma or a closing bracket is missing",
            ),
        ] {
            let error = serde_json::from_str::<PredictRequest>(text).expect_err("it is faulty");
            assert_eq!(explain_json(&error), said, "{text}");
        }
    }
}
