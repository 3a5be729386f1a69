//! Several histories in one answer: the same as one by one.

use serde_json::Value;
use testkit::Up;

use crate::get;

/// A column of the history that is asked for alone.
fn alone(up: &Up, word: &str, query: &str, column: &str) -> Vec<Value> {
    let body = get(up, &format!("/devices/attic-1/history?quantity={word}&{query}")).json();
    let points = body["points"].as_array().unwrap();
    points.iter().map(|point| point[column].clone()).collect()
}

fn numbers(values: &[Value]) -> Vec<f64> {
    values
        .iter()
        .map(|value| value.as_f64().unwrap_or(f64::NAN))
        .collect()
}

pub(crate) fn histories(up: &Up) {
    let words = ["position", "temperature", "wind", "confidence", "co2"];
    // Times that do not go on between two questions.
    let ago = |seconds: u32| {
        let time = format!("SELECT formatDateTime(now('UTC') - {seconds}, '%Y-%m-%dT%H:%i:00Z')");
        up.sql(&time).unwrap().trim().to_owned()
    };
    let to = ago(900);
    for (from, points) in [(ago(7_200), 1_500), (ago(7_200), 20), (ago(2_592_000), 10)] {
        let query = format!("from={from}&to={to}&points={points}");
        let words_asked = words.join(",");
        let several = get(
            up,
            &format!("/devices/attic-1/histories?quantities={words_asked}&{query}"),
        );
        assert_eq!(several.status, 200, "{}", String::from_utf8_lossy(&several.body));
        let body = several.json();
        let series = body["series"].as_array().unwrap();
        assert_eq!(series.len(), words.len());
        for (word, found) in words.iter().zip(series) {
            assert_eq!(found["quantity"], *word);
            let times = found["time_ms"].as_array().unwrap().len();
            assert_eq!(times == 0, *word == "wind", "{word} {query}");
            for column in ["mean", "min", "max"] {
                let values = numbers(found[column].as_array().unwrap());
                let expected = numbers(&alone(up, word, &query, column));
                assert_eq!(
                    (values.len(), times),
                    (expected.len(), expected.len()),
                    "{word} {query}"
                );
                for (one, other) in values.iter().zip(&expected) {
                    let error = (one - other).abs();
                    assert!(
                        error <= 1e-6 * other.abs().max(1.0),
                        "{word} {query}: {one} {other}"
                    );
                }
            }
        }
    }
    // The newest report before the period is the one of eleven minutes ago, or of ten.
    let body = get(
        up,
        "/devices/attic-1/histories?quantities=temperature,position&from=-10m",
    )
    .json();
    assert_eq!(body["series"][0]["before"], Value::Null);
    let before = body["series"][1]["before"].as_f64().unwrap();
    assert!((10.0..=12.0).contains(&before), "{before}");
}

pub(crate) fn bad_questions(up: &Up) {
    let many: Vec<String> = (0..17).map(|number| format!("mfcc_{number}")).collect();
    let many = format!("quantities={}", many.join(","));
    for (query, wrong) in [
        ("", "quantities"),
        ("quantities=", "quantities"),
        ("quantities=temperature,smell", "quantities"),
        ("quantities=temperature,temperature", "quantities"),
        ("quantities=temperature'", "quantities"),
        (&many, "quantities"),
        ("quantities=wind&points=2001", "points"),
        ("quantities=wind&points=0", "points"),
        ("quantities=wind&from=yesterday", "from"),
        ("quantity=wind", "quantit"),
    ] {
        let answer = get(up, &format!("/devices/attic-1/histories?{query}"));
        answer.is_problem(400, "");
        let text = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(text.contains(wrong), "{query}: {text}");
    }
}
