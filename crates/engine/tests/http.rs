//! ClickHouse's HTTP interface as `curl` sees it.
#![allow(missing_docs, clippy::unwrap_used, clippy::float_cmp, clippy::too_many_lines)]

mod support;

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
};

use support::Engine;

#[test]
fn statements_formats_and_parameters() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::start(dir.path());
    let get = |query: &str| {
        ureq::get(format!("{}?{query}", engine.url))
            .call()
            .unwrap()
            .body_mut()
            .read_to_string()
            .unwrap()
    };
    assert_eq!(
        ureq::get(format!("{}ping", engine.url))
            .call()
            .unwrap()
            .body_mut()
            .read_to_string()
            .unwrap(),
        "Ok.\n"
    );
    assert_eq!(get("query=SELECT+1"), "1\n");
    assert_eq!(
        get("query=SELECT+1+AS+x&default_format=JSONEachRow"),
        "{\"x\":1}\n"
    );
    // The statement stands in the URL, in the body, or begins in one and ends in the other.
    assert_eq!(engine.post("query=SELECT", b"2").text(), "2");
    assert_eq!(engine.sql("SELECT 'a' AS a FORMAT CSVWithNames"), "\"a\"\n\"a\"");
    assert_eq!(
        engine
            .post("param_x=it%27s&param_n=7", b"SELECT {x:String}, {n:UInt8}")
            .text(),
        "it\\'s\t7"
    );
    assert_eq!(
        engine
            .post("max_block_size=3", b"SELECT getSetting('max_block_size')")
            .text(),
        "3"
    );
    engine.sql("CREATE DATABASE d");
    engine.sql("CREATE TABLE d.t (a UInt32, b String) ENGINE = MergeTree ORDER BY a");
    assert_eq!(
        engine
            .post("database=d&query=INSERT+INTO+t+FORMAT+TSV", b"1\tx\n2\ty\n")
            .status,
        200
    );
    engine.sql("INSERT INTO d.t VALUES (3, 'z')");
    assert_eq!(
        engine
            .post(
                "query=INSERT+INTO+d.t+FORMAT+JSONEachRow",
                br#"{"a": 4, "b": "FORMAT CSV"}"#
            )
            .status,
        200
    );
    assert_eq!(
        engine.post("database=d", b"SELECT count(), sum(a) FROM t").text(),
        "4\t10"
    );
    let answer = engine.post("query_id=mine", b"SELECT * FROM d.t WHERE 0 FORMAT TSVWithNames");
    assert_eq!(
        (
            answer.text().as_str(),
            answer.format.as_str(),
            answer.query_id.as_str()
        ),
        ("a\tb", "TSVWithNames", "mine")
    );
}

#[test]
fn binary_data_goes_in_and_out_unchanged() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::start(dir.path());
    engine.sql("CREATE TABLE default.b (s String) ENGINE = MergeTree ORDER BY tuple()");
    let bytes: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let mut row = vec![0xa0, 0x8d, 0x06];
    row.extend(&bytes);
    assert_eq!(
        engine
            .post("query=INSERT+INTO+default.b+FORMAT+RowBinary", &row)
            .text(),
        ""
    );
    let with_statement = [b"INSERT INTO default.b FORMAT RowBinary\n".as_slice(), &row].concat();
    assert_eq!(engine.post("", &with_statement).text(), "");
    let answer = engine.post("", b"SELECT s FROM default.b FORMAT RowBinary");
    assert_eq!(answer.bytes, [row.as_slice(), &row].concat());
}

#[test]
fn a_large_answer_has_its_header_once() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::start(dir.path());
    let text = engine.sql("SELECT number AS n FROM numbers(1000000) FORMAT TSVWithNames");
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("n"));
    assert!(lines.enumerate().all(|(i, line)| line == i.to_string()));
}

#[test]
fn errors_have_clickhouses_status_and_code() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::start(dir.path());
    for (query, status, code) in [
        ("SELECT * FROM nosuch", 404, "60"),
        ("SELEC 1", 400, "62"),
        ("SELECT nosuch(1)", 404, "46"),
        ("", 400, "62"),
        ("SELECT sleep(3) SETTINGS max_execution_time = 0.1", 408, "159"),
    ] {
        let answer = engine.post("", query.as_bytes());
        assert_eq!(
            (answer.status, answer.code.as_str()),
            (status, code),
            "{query}: {}",
            answer.text()
        );
        assert!(answer.text().contains("Code: "), "{query}");
    }
    let answer = engine.post("user=stranger&password=x", b"SELECT 1");
    assert_eq!((answer.status, answer.code.as_str()), (403, "516"));
    // A bad insert leaves nothing behind.
    engine.sql("CREATE TABLE default.n (a UInt32) ENGINE = MergeTree ORDER BY a");
    assert_ne!(
        engine
            .post("query=INSERT+INTO+default.n+FORMAT+CSV", b"1\nx\n")
            .status,
        200
    );
    assert_eq!(engine.sql("SELECT count() FROM default.n"), "0");
    // An error after rows were sent is marked in the stream, which then breaks off.
    let query = "SELECT throwIf(number = 500000) FROM numbers(1000000) SETTINGS max_block_size = 1000, max_threads = 1";
    let mut stream = TcpStream::connect(engine.addr).unwrap();
    write!(
        stream,
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{query}",
        query.len()
    )
    .unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8_lossy(&answer);
    assert!(
        answer.starts_with("HTTP/1.1 200")
            && answer.contains("\r\n__exception__\r\n")
            && answer.contains("Code: 395"),
        "{}",
        &answer[answer.len() - 500..]
    );
    assert!(
        !answer.ends_with("0\r\n\r\n"),
        "a broken answer must not look whole"
    );
}

#[test]
fn a_reader_reads_and_nothing_more() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::start(dir.path());
    engine.sql("CREATE TABLE default.r (a UInt32) ENGINE = MergeTree ORDER BY a");
    let outside = tempfile::tempdir().unwrap();
    let out = outside.path().join("written");
    let reader = |query: &str| engine.post("user=reader&max_execution_time=5", query.as_bytes());
    for query in [
        "SELECT count() FROM default.r",
        "SHOW TABLES FROM default",
        "DESCRIBE TABLE default.r",
        "EXPLAIN SELECT 1",
        "SELECT 1 SETTINGS max_threads = 1",
    ] {
        let answer = reader(query);
        assert!(
            answer.status == 200 || query.contains("SETTINGS"),
            "{query}: {}",
            answer.text()
        );
    }
    for query in [
        "INSERT INTO default.r VALUES (1)".to_owned(),
        "DROP TABLE default.r".to_owned(),
        "CREATE TABLE default.x (a Int8) ENGINE = Memory".to_owned(),
        "CREATE TEMPORARY TABLE x (a Int8)".to_owned(),
        "SET readonly = 0".to_owned(),
        "SELECT 1 SETTINGS readonly = 0".to_owned(),
        "SELECT * FROM (SELECT 1 SETTINGS readonly = 0) SETTINGS readonly = 0".to_owned(),
        "SELECT 1 SETTINGS max_memory_usage = 0".to_owned(),
        "SELECT * FROM file('/etc/passwd', 'LineAsString')".to_owned(),
        "SELECT/**/*/**/FROM/**/FiLe('/etc/passwd', 'LineAsString')".to_owned(),
        "SELECT * FROM (SELECT * FROM `file`('/etc/passwd', LineAsString))".to_owned(),
        "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')".to_owned(),
        "SELECT * FROM remote('127.0.0.1:1', system.one)".to_owned(),
        format!("SELECT 1 INTO OUTFILE '{}'", out.display()),
        format!("SELECT 1 INTO/**/OUTFILE '{}' FORMAT CSV", out.display()),
        format!("(SELECT 1) INTO OUTFILE '{}'", out.display()),
        "SELECT 1; DROP TABLE default.r".to_owned(),
        "KILL QUERY WHERE 1".to_owned(),
        "SYSTEM FLUSH LOGS".to_owned(),
        "EXPLAIN AST INSERT INTO FUNCTION file('/tmp/x') SELECT 1".to_owned(),
    ] {
        let answer = reader(&query);
        assert_ne!(answer.status, 200, "{query}: {}", answer.text());
    }
    assert!(!out.exists());
    assert_ne!(engine.post("user=reader&readonly=0", b"SELECT 1").status, 200);
    assert_eq!(engine.sql("SELECT count() FROM default.r"), "0");
    // The writer has no business outside either.
    assert_ne!(
        engine
            .post(
                "",
                format!("SELECT 1 INTO OUTFILE '{}'", out.display()).as_bytes()
            )
            .status,
        200
    );
    assert_ne!(
        engine
            .post(
                "",
                b"CREATE TABLE default.u (a Int8) ENGINE = URL('http://127.0.0.1:1/')"
            )
            .status,
        200
    );
    assert!(!out.exists());
}

#[test]
fn a_page_of_another_site_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::start(dir.path());
    let from = |site: &str| {
        ureq::post(&engine.url)
            .header("Sec-Fetch-Site", site)
            .send("SELECT 1")
            .is_ok()
    };
    assert!(
        ureq::post(&engine.url)
            .header("Origin", "http://evil.example")
            .send("SELECT 1")
            .is_err()
    );
    assert!(
        ureq::post(&engine.url)
            .header("Host", "evil.example")
            .send("SELECT 1")
            .is_err()
    );
    assert!(!from("cross-site") && from("none") && from("same-origin"));
}

#[test]
fn sessions_keep_settings_and_temporary_tables() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::start(dir.path());
    let in_session = |query: &str| engine.post("session_id=s1", query.as_bytes());
    assert_eq!(in_session("CREATE TEMPORARY TABLE tmp (a Int8)").text(), "");
    assert_eq!(in_session("INSERT INTO tmp VALUES (7)").text(), "");
    assert_eq!(in_session("SELECT a FROM tmp").text(), "7");
    assert_eq!(engine.post("", b"SELECT a FROM tmp").status, 404);
    assert_eq!(
        engine.post("session_id=other&session_check=1", b"SELECT 1").code,
        "372"
    );
}

#[test]
fn what_was_acknowledged_survives_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let mut engine = Engine::start(dir.path());
    engine.sql("CREATE TABLE default.k (a UInt32) ENGINE = MergeTree ORDER BY a");
    for i in 0..20 {
        engine.sql(&format!("INSERT INTO default.k VALUES ({i})"));
    }
    engine.kill();
    let engine = Engine::start(dir.path());
    assert_eq!(
        engine.sql("SELECT count(), uniqExact(a) FROM default.k"),
        "20\t20"
    );
}
