//! `casement explain`: why a window moved, or stayed where the model wanted it to move.
//!
//! In: a device, a time. Out: the command or the held wish that is nearest before it, in words and numbers, as the API of a
//! running service tells them.

use std::fmt::Write as _;

use anyhow::{Context as _, bail};
use domain::DeviceId;
use serde_json::{Value, json};

use super::top::source;
use crate::{cli, output::say, top::Source};

/// What is told of a time that is none.
const NO_TIME: &str = "--at is no time: write 2025-10-24T12:00:00Z, -24h, -7d or now";
/// Most characters of a time that are sent.
const LONGEST_TIME: usize = 64;

pub(super) async fn run(flags: cli::Explain) -> anyhow::Result<()> {
    let source = source(&flags.service)?;
    let explaining = tokio::task::spawn_blocking(move || {
        let found = nearest(&source, &flags.device, &flags.at)?;
        let Some(decision) = found else {
            bail!(
                "until {} no command and no held wish of {} is known",
                flags.at,
                flags.device
            );
        };
        if flags.json {
            say!("{decision:#}");
        } else {
            say!("{}", text(&decision));
        }
        Ok(())
    });
    explaining.await?
}

/// The newest command until `at`, or the wish that was held after it.
fn nearest(source: &Source, device: &DeviceId, at: &str) -> anyhow::Result<Option<Value>> {
    let at = in_a_query(at)?;
    let list = |kind: &str, query: &str| -> anyhow::Result<Vec<Value>> {
        let path = format!("/api/v1/devices/{device}/{kind}?to={at}{query}");
        let answer = source.client.get(&format!("{}{path}", source.url));
        let answer = answer
            .map_err(anyhow::Error::msg)
            .with_context(|| format!("{} does not answer", source.url))?;
        match answer.status {
            200 => serde_json::from_str(&answer.text).context("this is not Casement's API"),
            400 if is_of_time(&answer.text) => bail!(NO_TIME),
            401 | 403 => bail!("it wants to know who asks: set CASEMENT_TOKEN, or name --token-file"),
            status => bail!("{}", problem(status, &answer.text)),
        }
    };
    let command = list("commands", "&limit=1")?.into_iter().next();
    let since = command.as_ref().and_then(|command| command["timestamp"].as_str());
    let since = since.map(in_a_query).transpose()?;
    let since = since.map_or_else(String::new, |since| format!("&from={since}"));
    let held = list("predictions", &format!("&limit=1000{since}"))?
        .into_iter()
        .find(|prediction| prediction["held"] == true);
    Ok(later(command, held).map(|decision| named(decision, device)))
}

/// Whichever came later; a wish that was held at the time of a command came after it.
fn later(command: Option<Value>, held: Option<Value>) -> Option<Value> {
    let marked = |decision: Option<Value>, held: bool| {
        decision.map(|mut decision| {
            decision["held"] = held.into();
            decision
        })
    };
    let (command, held) = (marked(command, false), marked(held, true));
    match (command, held) {
        // RFC 3339 in UTC sorts as text.
        (Some(command), Some(held)) if command["timestamp"].as_str() > held["timestamp"].as_str() => {
            Some(command)
        }
        (command, held) => held.or(command),
    }
}

fn named(mut decision: Value, device: &DeviceId) -> Value {
    decision["device_id"] = json!(device);
    decision
}

/// Whether the service says that the time is none: it has another name there.
fn is_of_time(text: &str) -> bool {
    let problem: Value = serde_json::from_str(text).unwrap_or_default();
    problem["errors"][0]["path"] == "to"
}

/// What the service says is wrong.
fn problem(status: u16, text: &str) -> String {
    let problem: Value = serde_json::from_str(text).unwrap_or_default();
    let field = |name: &str| problem[name].as_str().map(str::to_owned);
    field("detail")
        .or_else(|| field("title"))
        .unwrap_or_else(|| format!("it answers {status}"))
}

/// A time as a query carries it. What has other characters is no time.
fn in_a_query(time: &str) -> anyhow::Result<String> {
    let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '+' | ':' | '.');
    if time.is_empty() || time.len() > LONGEST_TIME || !time.chars().all(known) {
        bail!(NO_TIME);
    }
    Ok(time.replace('+', "%2B"))
}

/// The decision for people.
fn text(decision: &Value) -> String {
    let word = |name: &str| decision[name].as_str().unwrap_or_default();
    let number = |value: &Value, decimals: usize| value.as_f64().map(|number| format!("{number:.decimals$}"));
    let mut text = format!("{}  {}\n", word("device_id"), word("timestamp"));
    let reason = word("reason");
    let position = number(&decision["position"], 1).unwrap_or_else(|| "?".to_owned());
    if reason.is_empty() {
        let _ = writeln!(text, "{position} %; its sender said no reason");
    } else {
        let _ = writeln!(text, "{reason}");
    }
    text.push('\n');
    let mut line = |name: &str, value: &str, basis: &str| {
        let line = format!("{name:<14} {value:>8}  {basis}");
        let _ = writeln!(text, "{}", line.trim_end());
    };
    let reading = |name: &str, unit: &str| {
        number(&decision[name], 1).map_or_else(String::new, |value| format!("at {value} {unit}"))
    };
    let (temperature, humidity) = (reading("temperature", "°C"), reading("humidity", "%"));
    let parts = &decision["contributions"];
    if parts.is_object() {
        let points = |name: &str| {
            parts[name]
                .as_f64()
                .map_or_else(String::new, |points| format!("{points:+.1}"))
        };
        line(
            "average",
            &number(&parts["average"], 1).unwrap_or_default(),
            "% open, of the model's training",
        );
        line("temperature", &points("temperature"), &temperature);
        line("humidity", &points("humidity"), &humidity);
        line("sound", &points("sound"), "");
    } else {
        line("temperature", "?", &temperature);
        line("humidity", "?", &humidity);
    }
    let is_held = decision["held"] == true;
    line(if is_held { "wish" } else { "position" }, &position, "% open");
    line(
        "confidence",
        &number(&decision["confidence"], 2).unwrap_or_default(),
        &guard(decision),
    );
    let or_dash = |text: &str| {
        if text.is_empty() {
            "–".to_owned()
        } else {
            text.to_owned()
        }
    };
    let _ = writeln!(text, "{:<14} {}", "verdict", or_dash(word("verdict")));
    if !is_held {
        let _ = writeln!(text, "{:<14} {}", "decided by", or_dash(word("origin")));
    }
    let _ = write!(text, "{:<14} {}", "model", or_dash(word("model_version")));
    text
}

/// What lowered the model's own confidence, or left it; empty where that is not known.
fn guard(decision: &Value) -> String {
    let numbers = [&decision["model_confidence"], &decision["largest_z"]].map(Value::as_f64);
    let [Some(own), Some(largest_z)] = numbers else {
        return String::new();
    };
    format!("the model's own: {own:.2}; the input lies {largest_z:.1} standard deviations from its training")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command() -> Value {
        json!({
            "device_id": "room-1", "timestamp": "2026-05-01T12:00:00.000Z", "position": 75.5, "confidence": 0.92,
            "origin": "model", "model_version": "v1.0.0", "command_id": "c", "verdict": "moved",
            "reason": "opened to 75.5 %: warm (26.4 °C, +38), quiet (+6)",
            "contributions": {"average": 31.0, "temperature": 38.25, "humidity": -0.5, "sound": 6.0},
            "temperature": 26.4, "humidity": 48.0, "held": false, "model_confidence": 0.97, "largest_z": 5.25,
        })
    }

    #[test]
    fn a_command_is_told_in_words_and_numbers() {
        let expected = "\
room-1  2026-05-01T12:00:00.000Z
opened to 75.5 %: warm (26.4 °C, +38), quiet (+6)

average            31.0  % open, of the model's training
temperature       +38.2  at 26.4 °C
humidity           -0.5  at 48.0 %
sound              +6.0
position           75.5  % open
confidence         0.92  the model's own: 0.97; the input lies 5.2 standard deviations from its training
verdict        moved
decided by     model
model          v1.0.0";
        assert_eq!(text(&command()), expected);
    }

    #[test]
    fn a_strangers_command_is_told_as_far_as_it_goes() {
        let stranger = json!({
            "device_id": "room-1", "timestamp": "2026-05-01T12:00:00.000Z", "position": 20.0, "confidence": null,
            "origin": "", "model_version": "", "verdict": "", "reason": "", "contributions": null,
            "temperature": null, "humidity": null, "held": false, "model_confidence": null, "largest_z": null,
        });
        let text = text(&stranger);
        assert!(!text.contains("the model's own"), "{text}");
        assert!(text.contains("\n20.0 %; its sender said no reason\n"), "{text}");
        assert!(
            text.contains("\ntemperature           ?\n") && text.ends_with("model          –"),
            "{text}"
        );
    }

    #[test]
    fn the_later_one_is_explained() {
        let at = |second: u32| json!({"timestamp": format!("2026-05-01T12:00:0{second}.000Z")});
        let chosen = |command: Option<u32>, held: Option<u32>| {
            later(command.map(at), held.map(at)).map(|decision| decision["held"] == true)
        };
        assert_eq!(chosen(None, None), None);
        assert_eq!(chosen(Some(1), None), Some(false));
        assert_eq!(chosen(None, Some(1)), Some(true));
        assert_eq!(chosen(Some(1), Some(2)), Some(true));
        assert_eq!(chosen(Some(1), Some(1)), Some(true));
        assert_eq!(chosen(Some(2), Some(1)), Some(false));
    }

    #[test]
    fn a_time_is_a_time_and_nothing_else_reaches_the_service() {
        assert_eq!(
            in_a_query("2026-05-01T12:00:00+02:00").unwrap(),
            "2026-05-01T12:00:00%2B02:00"
        );
        for bad in ["", "now&limit=1", "a b", "x#", &"1".repeat(65)] {
            let error = in_a_query(bad).unwrap_err().to_string();
            assert!(error.contains("write 2025-10-24T12:00:00Z"), "{bad}: {error}");
        }
    }

    #[test]
    fn a_refusal_says_what_is_wrong() {
        let text = r#"{"title":"Bad Request","detail":"to is no time","errors":[]}"#;
        assert_eq!(problem(400, text), "to is no time");
        assert_eq!(problem(404, r#"{"title":"Not Found"}"#), "Not Found");
        assert_eq!(
            problem(404, r#"{"title":"Not Found","detail":"no such device"}"#),
            "no such device"
        );
        assert_eq!(problem(500, "<html>"), "it answers 500");
    }
}
