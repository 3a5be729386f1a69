//! A reader's `SETTINGS` clause: what the URL allows, wherever it stands, and nothing else. `attacks.rs` has the rest.
#![allow(missing_docs, clippy::unwrap_used, clippy::too_many_lines)]

mod support;

use support::Engine;

/// What a statement's clause sets as a whole, and what a part of it sets for itself.
#[test]
fn a_readers_clause_is_as_good_as_its_url() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::start(dir.path());
    engine.sql("CREATE TABLE default.t (a UInt32, b String) ENGINE = MergeTree ORDER BY a");
    engine.sql("INSERT INTO default.t SELECT number, if(number % 2, 'odd', 'it''s even') FROM numbers(10)");
    for (statement, text) in [
        // Grafana's ad hoc filters.
        (
            "SELECT count() FROM default.t settings additional_table_filters={'default.t': 'a < 3'}",
            "3",
        ),
        (
            "SELECT count() FROM default.t SETTINGS additional_table_filters = {'default.t' : ' b = \\'odd\\' AND a > 2 '}",
            "4",
        ),
        (
            "SELECT count() FROM default.t SETTINGS additional_table_filters = {'default.t': 'b = ''it\\\\''s even'''}, final",
            "5",
        ),
        (
            "SELECT count() FROM default.t SETTINGS additional_table_filters = {'default.t': $$b = 'odd'$$}",
            "5",
        ),
        (
            "SELECT count() FROM default.t SETTINGS additional_table_filters = {'default.t': 'a IN (SELECT number FROM numbers(4))'}",
            "4",
        ),
        ("SELECT getSetting('max_threads') SETTINGS max_threads = 2", "2"),
        ("SELECT getSetting('max_threads') SETTINGS max_threads = '2'", "2"),
        (
            "SELECT getSetting('max_threads') /* ; */ SETTINGS /* a */ `max_threads` = /* b */ 2;",
            "2",
        ),
        ("(SELECT getSetting('max_threads') SETTINGS max_threads = 2)", "2"),
        (
            "FROM system.one SELECT getSetting('max_threads') SETTINGS max_threads = 2",
            "2",
        ),
        ("SELECT 1 UNION ALL SELECT 1 SETTINGS max_threads = 2", "1\n1"),
        ("SELECT 1 SETTINGS max_threads = 2 UNION ALL SELECT 1", "1\n1"),
        (
            "SELECT getSetting('max_threads') FORMAT CSV SETTINGS max_threads = 2",
            "2",
        ),
        (
            "SELECT getSetting('max_threads') SETTINGS final = 1 FORMAT CSV SETTINGS max_threads = 2, max_block_size = 100",
            "2",
        ),
        (
            "SELECT getSetting('max_execution_time') SETTINGS max_execution_time = 5",
            "5",
        ),
        (
            "SELECT getSetting('max_result_bytes') SETTINGS max_result_bytes = 1000",
            "1000",
        ),
        (
            "SELECT getSetting('session_timezone') SETTINGS session_timezone = 'Europe/Berlin'",
            "Europe/Berlin",
        ),
        (
            "SELECT toDateTime(0) SETTINGS session_timezone = 'Asia/Tokyo'",
            "1970-01-01 09:00:00",
        ),
        (
            "SELECT true SETTINGS output_format_json_quote_64bit_integers = 0, bool_true_representation = 'yes'",
            "",
        ),
        (
            "SELECT toUInt64(1) AS a FORMAT JSONEachRow SETTINGS output_format_json_quote_64bit_integers = true",
            "{\"a\":\"1\"}",
        ),
        // Within.
        (
            "SELECT * FROM (SELECT getSetting('max_threads') SETTINGS max_threads = 2)",
            "2",
        ),
        (
            "SELECT count() FROM (SELECT * FROM default.t SETTINGS additional_table_filters = {'default.t': 'a < 3'})",
            "3",
        ),
        (
            "WITH x AS (SELECT * FROM default.t SETTINGS final = 1) SELECT count() FROM x SETTINGS max_threads = 1",
            "10",
        ),
        // A word that looks like a clause.
        (
            "SELECT settings, max_threads FROM (SELECT 1 AS settings, 2 AS max_threads)",
            "1\t2",
        ),
        (
            "SELECT settings FROM (SELECT 1 AS settings) ORDER BY settings DESC",
            "1",
        ),
        (
            "SELECT 'SETTINGS max_memory_usage = 0' -- SETTINGS max_memory_usage = 0",
            "SETTINGS max_memory_usage = 0",
        ),
    ] {
        let answer = engine.post("user=reader", statement.as_bytes());
        if text.is_empty() {
            assert_eq!(answer.code, "164", "{statement}: {}", answer.text());
        } else {
            assert_eq!(answer.text(), text, "{statement}");
        }
        let writer = engine.post("", statement.as_bytes());
        assert_eq!(writer.status, 200, "{statement}: {}", writer.text());
    }
    let explained = engine.post(
        "user=reader",
        b"EXPLAIN SELECT a FROM default.t SETTINGS max_threads = 2",
    );
    assert_eq!(explained.status, 200, "{}", explained.text());
    // The clause comes after the URL, and the connection that it was given to is not another request's.
    let both = |parameters: &str, statement: &str| {
        engine
            .post(&format!("user=reader&{parameters}"), statement.as_bytes())
            .text()
    };
    let statement = "SELECT getSetting('max_threads') SETTINGS max_threads = 2";
    assert_eq!(both("max_threads=3", statement), "2");
    assert_eq!(both("max_threads=3", "SELECT getSetting('max_threads')"), "3");
    assert_eq!(both("max_threads=2", "SELECT getSetting('max_threads')"), "2");
    // What the URL may lower it lowers only, and a statement that asks for more is refused.
    assert_eq!(
        both(
            "max_execution_time=100",
            "SELECT getSetting('max_execution_time')"
        ),
        "30"
    );
    let answer = engine.post("user=reader", b"SELECT 1 SETTINGS max_execution_time = 100");
    assert_eq!(answer.code, "164", "{}", answer.text());
}
