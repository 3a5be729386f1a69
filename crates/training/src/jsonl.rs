//! Data sets as JSON lines, one [`Example`] on each line.
//!
//! `{"device_id":"room-1","timestamp":"2025-10-24T12:00:00Z","temperature":25.5,"humidity":60,"audio":[48 numbers],"position":40}`.
//! Unknown fields and empty lines are ignored.

use std::io::{BufRead, Write};

use crate::{Example, TrainingError};

fn unreadable(source: std::io::Error) -> TrainingError {
    let source = match source.kind() {
        std::io::ErrorKind::InvalidData => std::io::Error::other("it is not UTF-8 text; save it as UTF-8"),
        _ => source,
    };
    TrainingError::File {
        path: "of JSON lines".into(),
        source,
    }
}

/// Reads and checks every example.
pub fn read_jsonl(lines: impl BufRead) -> Result<Vec<Example>, TrainingError> {
    let mut examples = Vec::new();
    for (index, line) in lines.lines().enumerate() {
        let line = line.map_err(unreadable)?;
        if line.trim().is_empty() {
            continue;
        }
        let example = serde_json::from_str(&line).map_err(|error| {
            let said = model::explain_json(&error);
            // Each line is a text of its own.
            let reason = said.replacen("line 1, ", "", 1).replacen(" in line 1", "", 1);
            TrainingError::Syntax {
                line: index + 1,
                reason,
            }
        })?;
        examples.push(example);
    }
    Example::check_all(&examples)?;
    Ok(examples)
}

/// Writes one example on each line.
pub fn write_jsonl(mut out: impl Write, examples: &[Example]) -> Result<(), TrainingError> {
    for example in examples {
        let line = serde_json::to_string(example).expect("checked numbers are JSON");
        writeln!(out, "{line}").map_err(unreadable)?;
    }
    out.flush().map_err(unreadable)
}

#[cfg(test)]
mod tests {
    use domain::Timestamp;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_bad_line_is_named() {
        let good = r#"{"device_id":"a","timestamp":"2025-10-24T12:00:00Z","temperature":20,"humidity":50,"position":10}"#;
        let message = |bad: &str| {
            let text = format!("{good}\n\n{bad}\n");
            read_jsonl(text.as_bytes()).unwrap_err().to_string()
        };
        assert_eq!(
            message("{}"),
            "line 3 is not an example: column 2: 'device_id' is missing"
        );
        assert_eq!(
            message(&good.replace(":10}", ":110}")),
            "example 2 (a): position is 110, possible are 0 to 100"
        );
        assert_eq!(
            message(&good.replace(":10}", ":10,\"audio\":[1]}")),
            "example 2 (a): audio has 1 numbers, a clip has 48"
        );
    }

    proptest! {
        #[test]
        fn written_and_read_back(
            temperature in -60.0_f64..100.0, humidity in 0.0_f64..100.0, position in 0.0_f64..100.0,
            audio in prop::option::of(prop::collection::vec(-1e4_f64..1e4, 48..=48)), ms in 0_i64..4_000_000_000_000,
        ) {
            let example = Example {
                device_id: "a".into(), timestamp: Timestamp::from_millis(ms), temperature, humidity, audio, position,
            };
            let mut text = Vec::new();
            write_jsonl(&mut text, std::slice::from_ref(&example)).unwrap();
            let back = read_jsonl(text.as_slice()).unwrap();
            prop_assert_eq!(back.len(), 1);
            prop_assert!((back[0].temperature - temperature).abs() < 1e-9);
            prop_assert_eq!(back[0].timestamp, example.timestamp);
            prop_assert_eq!(back[0].audio.is_some(), example.audio.is_some());
        }

        #[test]
        fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = read_jsonl(bytes.as_slice());
        }
    }
}
