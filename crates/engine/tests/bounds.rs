//! What leaves is bounded, whatever the engine counts: a constant column, a dictionary or a state is one value to it.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use support::Engine;

const LIMIT: usize = 300_000;

/// Answers of about ten times the limit, of which the engine counts a fraction.
const LARGE: &[&str] = &[
    "SELECT repeat('x', 100) FROM numbers(30000)",
    "SELECT repeat('x', 100) AS a, number FROM numbers(30000)",
    "SELECT toLowCardinality(repeat('x', 100)) FROM numbers(30000)",
    "SELECT s FROM (SELECT repeat('x', 100) AS s FROM numbers(30000)) UNION ALL SELECT 'y'",
    "SELECT [repeat('x', 100)] FROM numbers(30000) SETTINGS max_block_size = 1000",
    "SELECT repeat('x', 100) FROM numbers(30000) LIMIT 30000",
    "SELECT repeat('x', 100000) FROM numbers(30) LIMIT 30",
    "SELECT arrayMap(i -> repeat('x', 100), range(30000))",
    "SELECT groupArray(repeat('x', 100)) FROM numbers(30000)",
    "WITH repeat('x', 100) AS a SELECT a FROM numbers(30000) SETTINGS max_threads = 1",
];

const FORMATS: &[&str] = &[
    "TSV",
    "TSVWithNames",
    "CSV",
    "CSVWithNamesAndTypes",
    "JSONEachRow",
    "JSONCompactEachRow",
    "RowBinary",
    "RowBinaryWithNamesAndTypes",
    "JSON",
    "JSONCompact",
    "JSONColumns",
    "XML",
    "Markdown",
    "Values",
    "MsgPack",
];

#[test]
fn a_readers_answer_is_bounded_in_every_format() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::start_with(dir.path(), &["--reader-result-bytes", &LIMIT.to_string()]);
    for query in LARGE {
        for format in FORMATS {
            let by =
                |user: &str| engine.post(&format!("user={user}&default_format={format}"), query.as_bytes());
            // It is refused at once or breaks off, which `errors.rs` looks at; it is never whole.
            let answer = by("reader");
            assert!(
                answer.code == "396" || answer.bytes.is_empty(),
                "{query} {format}: {} bytes, {}",
                answer.bytes.len(),
                answer.code
            );
            // Held until its end, it has a status of its own.
            let held = engine.post(
                &format!("user=reader&default_format={format}&wait_end_of_query=1"),
                query.as_bytes(),
            );
            assert_eq!(
                (held.status, held.code.as_str()),
                (500, "396"),
                "{query} {format}"
            );
        }
    }
    // A writer's answer has no such bound, unless it asks for one.
    let query = LARGE[0].as_bytes();
    assert_eq!(engine.post("", query).bytes.len(), 30_000 * 101);
    assert_eq!(engine.post("max_result_bytes=300000", query).code, "396");
    let own = b"SELECT repeat('x', 100) FROM numbers(30000) SETTINGS max_result_bytes = 300000";
    assert_eq!(engine.post("", own).code, "396");
    // A reader asks for less than it may have, and gets no more than that.
    let small = b"SELECT repeat('x', 100) FROM numbers(2000)";
    assert_eq!(engine.post("user=reader", small).bytes.len(), 202_000);
    assert_eq!(
        engine.post("user=reader&max_result_bytes=100000", small).code,
        "396"
    );
    let answer = engine.post("user=reader&max_result_bytes=1000000000", LARGE[0].as_bytes());
    assert_eq!(answer.code, "396");
}

#[test]
fn what_is_within_the_bound_is_whole_in_every_format() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::start(dir.path());
    for query in [
        "SELECT repeat('x', 10) AS a, number FROM numbers(100000)",
        "SELECT 1 AS a WHERE 0",
        "SELECT number % 3 AS a, count() FROM numbers(100) GROUP BY a WITH TOTALS ORDER BY a",
        "SELECT number FROM numbers(100) LIMIT 5 OFFSET 2 SETTINGS max_block_size = 2",
        "SELECT number FROM numbers(100) ORDER BY number LIMIT 5",
        "SELECT 'a' AS a",
    ] {
        for format in FORMATS {
            let by =
                |user: &str| engine.post(&format!("user={user}&default_format={format}"), query.as_bytes());
            let (reader, writer) = (by("reader"), by("default"));
            assert_eq!(reader.status, 200, "{query} {format}: {}", reader.text());
            // How long it took differs; what was read does not.
            let comparable = |text: String| {
                let lines = text.lines().filter(|line| !line.contains("elapsed"));
                lines.map(str::to_owned).collect::<Vec<_>>()
            };
            assert_eq!(
                comparable(reader.text()),
                comparable(writer.text()),
                "{query} {format}"
            );
        }
    }
    // Of a long answer, a format for people shows the first rows.
    let answer = engine.post(
        "user=reader&max_result_bytes=200000&default_format=Vertical",
        b"SELECT repeat('x', 9) FROM numbers(1000000) SETTINGS max_block_size = 1000",
    );
    assert!(answer.text().ends_with("Showed first 1000."), "{}", answer.text());
    // An answer may also end at its bound.
    let cut = engine.post(
        "user=reader&max_result_bytes=300000&result_overflow_mode=break",
        b"SELECT repeat('x', 99) FROM numbers(1000000) SETTINGS max_block_size = 1000",
    );
    assert_eq!(cut.status, 200);
    assert!(
        (100_000..=300_000).contains(&cut.bytes.len()) && cut.bytes.len().is_multiple_of(100),
        "{}",
        cut.bytes.len()
    );
}
