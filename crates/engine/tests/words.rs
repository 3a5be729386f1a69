//! Words that our reading of SQL knows are columns, aliases, tables and parameters wherever ClickHouse has them be, and
//! a reader's settings, syntax errors and `FROM … SELECT` are read as ClickHouse reads them.
#![allow(missing_docs, clippy::unwrap_used, clippy::too_many_lines)]

mod support;

use support::Engine;

/// Every word that `src/sql`, `src/access` and `src/allowed.rs` treat in a way of their own.
const WORDS: &[&str] = &[
    "additional_result_filter",
    "additional_table_filters",
    "attach",
    "async",
    "backup",
    "cluster",
    "collection",
    "create",
    "default",
    "desc",
    "describe",
    "dialect",
    "dictionary",
    "disk",
    "drop",
    "engine",
    "eval",
    "except",
    "exists",
    "explain",
    "extract",
    "file",
    "format",
    "format_schema",
    "from",
    "function",
    "having",
    "identifier",
    "in",
    "infile",
    "input",
    "insert",
    "intersect",
    "into",
    "into_outfile",
    "join",
    "kill",
    "limit",
    "mysql",
    "named",
    "offset",
    "on",
    "outfile",
    "parallel",
    "policy",
    "processes",
    "processlist",
    "python",
    "query",
    "quota",
    "remote",
    "replace",
    "restore",
    "role",
    "s3",
    "select",
    "set",
    "setting",
    "settings",
    "show",
    "shutdown",
    "source",
    "storage_policy",
    "suspend",
    "sync",
    "system",
    "table",
    "test",
    "to",
    "trim",
    "union",
    "url",
    "url_base",
    "user",
    "using",
    "values",
    "view",
    "watch",
    "where",
    "window",
    "with",
];

/// Statements in which `{w}` is the word. `default.words` has a column of each, and `kw` a table of each.
const READING: &[&str] = &[
    "SELECT {w} FROM default.words",
    "SELECT {w}, 1 FROM default.words LIMIT 1",
    "SELECT 1, {w} FROM default.words",
    "SELECT words.{w} FROM default.words",
    "SELECT 1 AS {w}",
    "SELECT 1 AS {w} FORMAT CSV",
    "SELECT 1 AS {w} SETTINGS max_threads = 1",
    "SELECT 1 AS {w} FORMAT CSV SETTINGS max_threads = 1",
    "SELECT {w} FROM default.words WHERE {w} = 1 GROUP BY {w} ORDER BY {w} DESC",
    "SELECT {w} FROM default.words WHERE {w} = 'x' OR 1",
    "SELECT count() FROM default.words WHERE {w} > 0 AND {w} IN (0, 1)",
    "SELECT {w} x FROM default.words",
    "SELECT 1 AS a ORDER BY a FORMAT CSV SETTINGS max_threads = 1",
    "SELECT max({w}) FROM default.words",
    "SELECT a.{w} FROM default.words AS a",
    "SELECT * FROM default.words ORDER BY {w}",
    "SELECT * FROM default.words ORDER BY {w} DESC LIMIT 1",
    "SELECT count() OVER {w} FROM default.words WINDOW {w} AS (ORDER BY a)",
    "WITH {w} AS x SELECT x FROM default.words",
    "WITH 1 AS {w} SELECT {w}",
    "WITH {w} AS (SELECT 1 AS a) SELECT a FROM {w}",
    "SELECT {w}.a FROM (SELECT 1 AS a) AS {w}",
    "SELECT * FROM (SELECT 1 AS {w}) ORDER BY {w} LIMIT 1",
    "SELECT (SELECT 1 AS {w})",
    "SELECT arrayMap({w} -> {w} + 1, [1])",
    "SELECT a FROM kw.{w}",
    "SELECT {w}.a FROM kw.{w}",
    "FROM kw.{w} SELECT a",
    "FROM default.words SELECT {w}",
    "SELECT a FROM kw.{w} FORMAT CSV",
    "SELECT x.a FROM default.words AS x JOIN kw.{w} AS y ON x.a = y.a",
    "DESCRIBE TABLE kw.{w}",
    "EXISTS TABLE kw.{w}",
    "SHOW CREATE TABLE kw.{w}",
    "EXPLAIN SELECT {w} FROM default.words",
];

/// What a writer does with a table of the word's name.
const WRITING: &[&str] = &[
    "CREATE TABLE made.{w} (a UInt8) ENGINE = MergeTree ORDER BY a",
    "INSERT INTO kw.{w} VALUES (1)",
    "INSERT INTO kw.{w} (a) VALUES (1)",
    "INSERT INTO kw.{w} FORMAT CSV\n1",
    "INSERT INTO kw.{w} (a) SELECT 1",
    "INSERT INTO kw.{w} SELECT 1",
    "INSERT INTO default.words ({w}) VALUES (1)",
    "INSERT INTO default.words ({w}, a) FORMAT CSV\n1,1",
    "INSERT INTO default.words (a, {w}) SELECT 1, 1",
    "ALTER TABLE kw.{w} ADD COLUMN b UInt8",
    "ALTER TABLE kw.{w} DROP COLUMN b",
    "TRUNCATE TABLE made.{w}",
    "DROP TABLE made.{w}",
];

/// An engine with a column and a table of each word.
fn prepared(dir: &std::path::Path) -> Engine {
    let engine = Engine::start(dir);
    let columns: Vec<String> = WORDS
        .iter()
        .map(|word| format!("`{word}` UInt8 DEFAULT 1"))
        .collect();
    engine.sql(&format!(
        "CREATE TABLE default.words (a UInt8, {}) ENGINE = MergeTree ORDER BY a",
        columns.join(", ")
    ));
    engine.sql("INSERT INTO default.words (a) VALUES (1)");
    engine.sql("CREATE DATABASE kw");
    engine.sql("CREATE DATABASE made");
    for word in WORDS {
        engine.sql(&format!(
            "CREATE TABLE kw.`{word}` (a UInt8) ENGINE = MergeTree ORDER BY a"
        ));
    }
    engine
}

/// Of these statements, those that the engine itself can read.
fn read_by(engine: &Engine, statements: Vec<String>) -> Vec<String> {
    let quoted = statements.iter().map(|statement| {
        // Of an insert with data the engine is asked without them.
        let statement = statement.split('\n').next().unwrap_or_default();
        let statement = statement.replace("VALUES (1)", "FORMAT Values");
        format!("'{}'", statement.replace('\\', "\\\\").replace('\'', "\\'"))
    });
    let list = quoted.collect::<Vec<_>>().join(", ");
    let known = engine.sql(&format!(
        "SELECT isNotNull(formatQueryOrNull(arrayJoin([{list}])))"
    ));
    let known = known.lines().map(|line| line == "1");
    let pairs = statements.into_iter().zip(known.collect::<Vec<_>>());
    pairs
        .filter_map(|(statement, is_read)| is_read.then_some(statement))
        .collect()
}

#[test]
fn a_word_is_what_its_place_makes_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let engine = prepared(dir.path());
    let mut answered = 0;
    let mut wrong = Vec::new();
    for (number, word) in WORDS.iter().enumerate() {
        let mut statements = Vec::new();
        for (at, template) in READING.iter().enumerate() {
            statements.push(template.replace("{w}", word));
            match (at + number) % 6 {
                0 => statements.push(template.replace("{w}", &format!("`{word}`"))),
                1 => statements.push(template.replace("{w}", &format!("\"{word}\""))),
                // Tables and columns have small letters.
                2 if template.contains(" AS {w}") => {
                    statements.push(template.replace("{w}", &word.to_ascii_uppercase()));
                }
                _ => {}
            }
        }
        for (at, statement) in read_by(&engine, statements).iter().enumerate() {
            let user = if (at + number).is_multiple_of(3) {
                "user=default"
            } else {
                "user=reader"
            };
            let answer = engine.post(user, statement.as_bytes());
            let is_named = statement.contains("FORMAT CSV") || statement.contains("format CSV");
            let fits = !is_named || answer.format == "CSV";
            if answer.status == 200 && fits {
                answered += 1;
            } else {
                wrong.push(format!("{user} {statement}: {} {}", answer.format, answer.text()));
            }
        }
        // As a parameter.
        let value = engine.post(
            &format!("user=reader&param_{word}=a%20b"),
            format!("SELECT {{{word}:String}} AS {word}").as_bytes(),
        );
        if value.text() != "a b" {
            wrong.push(format!("parameter {word}: {}", value.text()));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {answered}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(answered > 2_500, "{answered}");
}

#[test]
fn a_writers_table_has_any_name() {
    let dir = tempfile::tempdir().unwrap();
    let engine = prepared(dir.path());
    let mut wrong = Vec::new();
    for (number, word) in WORDS.iter().enumerate() {
        let name = if number.is_multiple_of(4) {
            format!("`{word}`")
        } else {
            (*word).to_owned()
        };
        let statements = WRITING.iter().map(|template| template.replace("{w}", &name));
        for statement in read_by(&engine, statements.collect()) {
            let answer = engine.post("", statement.as_bytes());
            if answer.status != 200 {
                wrong.push(format!("{statement}: {}", answer.text()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(engine.sql("SELECT sum(a) FROM kw.format"), "5");
}

#[test]
fn a_format_is_a_clause_where_clickhouse_has_it_be_one() {
    let dir = tempfile::tempdir().unwrap();
    let engine = prepared(dir.path());
    for (statement, format, text) in [
        ("SELECT format FROM default.words LIMIT 1", "TabSeparated", "1"),
        (
            "SELECT format, count() FROM default.words GROUP BY format ORDER BY format",
            "TabSeparated",
            "1\t1",
        ),
        (
            "WITH format AS x SELECT x FROM default.words FORMAT CSV",
            "CSV",
            "1",
        ),
        (
            "SELECT format FROM default.words FORMAT JSONCompactEachRow",
            "JSONCompactEachRow",
            "[1]",
        ),
        ("SELECT format x FROM default.words", "TabSeparated", "1"),
        ("SELECT 1 format CSV", "CSV", "1"),
        ("SELECT 'a' AS format FORMAT `CSV`", "CSV", "\"a\""),
        ("SELECT * FORMAT CSV", "CSV", "0"),
        ("SELECT 'a' FORMAT CSV;", "CSV", "\"a\""),
        ("SELECT 'a' /* x */ FORMAT /* y */ CSV -- z", "CSV", "\"a\""),
        ("SELECT 'a' FORMAT CSV SETTINGS max_threads = 1", "CSV", "\"a\""),
        ("SELECT 'a' SETTINGS max_threads = 1 FORMAT CSV", "CSV", "\"a\""),
        (
            "SELECT CASE WHEN 0 THEN 2 ELSE format END FROM default.words",
            "TabSeparated",
            "1",
        ),
        (
            "SELECT format FROM default.words ORDER BY format DESC",
            "TabSeparated",
            "1",
        ),
        (
            "SELECT a AS format FROM default.words ORDER BY ALL FORMAT CSV",
            "CSV",
            "1",
        ),
        ("SELECT (SELECT 'a' AS format) FORMAT CSV", "CSV", "\"a\""),
        ("EXISTS TABLE kw.format FORMAT CSV", "CSV", "1"),
        (
            "SHOW TABLES FROM kw LIKE 'format' FORMAT CSV",
            "CSV",
            "\"format\"",
        ),
        ("SHOW DATABASES LIKE 'kw' FORMAT CSV", "CSV", "\"kw\""),
    ] {
        for user in ["user=reader", "user=default"] {
            let answer = engine.post(user, statement.as_bytes());
            assert_eq!(
                (answer.format.as_str(), answer.text().as_str()),
                (format, text),
                "{user} {statement}"
            );
        }
    }
}

#[test]
fn syntax_errors_are_said_as_such() {
    let dir = tempfile::tempdir().unwrap();
    let engine = prepared(dir.path());
    for (statement, position) in [
        ("SELEC 1", "position 1"),
        ("SELECT 1 FRM t", "position"),
        ("SELECT (", "position"),
        ("DROP TABEL default.words", "position"),
        ("INSER INTO default.words VALUES (1)", "position 1"),
        ("1 + 1", "position 1"),
        ("SELECT 1; SELECT 2 FROM", "position"),
        ("WITH 1 AS x", "position"),
        ("SETTINGS max_threads = 1", "position 1"),
        ("SELECT 1 SETTINGS max_threads = 1 max_block_size = 2", "position"),
    ] {
        for user in ["user=reader", "user=default", "user=default&readonly=1"] {
            let answer = engine.post(user, statement.as_bytes());
            let text = answer.text();
            assert_eq!(
                (answer.status, answer.code.as_str()),
                (400, "62"),
                "{user} {statement}: {text}"
            );
            assert!(
                text.contains("Syntax error") && text.contains(position),
                "{user} {statement}: {text}"
            );
            assert!(!text.contains("formatQuery"), "{user} {statement}: {text}");
        }
    }
    // What can be read and may not be done is refused as before.
    for statement in [
        "DROP TABLE default.words",
        "SET max_threads = 1",
        "INSERT INTO default.words (a) VALUES (1)",
    ] {
        let answer = engine.post("user=reader", statement.as_bytes());
        assert_eq!(answer.code, "164", "{statement}: {}", answer.text());
    }
}

#[test]
fn from_may_come_first() {
    let dir = tempfile::tempdir().unwrap();
    let engine = prepared(dir.path());
    for (statement, text) in [
        ("FROM default.words SELECT a", "1"),
        ("from default.words select a FORMAT CSV", "1"),
        ("(FROM default.words SELECT a)", "1"),
        ("WITH 2 AS x FROM default.words SELECT a + x", "3"),
        (
            "FROM (FROM default.words SELECT a) SELECT a SETTINGS max_threads = 1",
            "1",
        ),
        (
            "EXPLAIN SYNTAX FROM default.words SELECT a",
            "SELECT a\nFROM default.words",
        ),
    ] {
        for user in [
            "user=reader",
            "user=default",
            "user=reader&default_format=JSONCompactEachRow",
        ] {
            let answer = engine.post(user, statement.as_bytes());
            assert_eq!(answer.status, 200, "{user} {statement}: {}", answer.text());
            if !user.contains("JSON") {
                assert_eq!(answer.text(), text, "{user} {statement}");
            }
        }
    }
}

#[test]
fn names_with_signs_are_names() {
    let dir = tempfile::tempdir().unwrap();
    let engine = prepared(dir.path());
    for (statement, text) in [
        ("SELECT a AS \"km/h\" FROM default.words", "1"),
        (
            "SELECT max(\"km/h\"), \"km/h\" FROM (SELECT a AS \"km/h\" FROM default.words) GROUP BY \"km/h\"",
            "1\t1",
        ),
        (
            "SELECT t.`m/s` FROM (SELECT 1 AS `m/s`) AS t ORDER BY t.`m/s`",
            "1",
        ),
        (
            "SELECT trim(BOTH 'x' FROM 'xax'), extract(YEAR FROM toDate('2026-01-02'))",
            "a\t2026",
        ),
        ("SELECT trim(LEADING ' ' FROM concat(' ', 'a'))", "a"),
    ] {
        let answer = engine.post("user=reader", statement.as_bytes());
        assert_eq!(answer.text(), text, "{statement}");
    }
}
