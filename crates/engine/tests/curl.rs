//! `curl`, as ClickHouse's documentation of its HTTP interface uses it.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use std::process::Command;

use support::Engine;

/// What a line of shell prints; `$URL` is the engine's address.
fn shell(engine: &Engine, line: &str) -> String {
    let output = Command::new("bash")
        .args(["-o", "pipefail", "-c", line])
        .env("URL", format!("http://{}", engine.addr))
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{line}\n{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    text
}

#[test]
fn the_documentations_lines_work() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::start_with(dir.path(), &["--confined"]);
    for (line, expected) in [
        ("curl -sS \"$URL\"", "Ok.\n"),
        ("curl -sS \"$URL/ping\"", "Ok.\n"),
        ("curl -sS \"$URL/?query=SELECT%201\"", "1\n"),
        ("echo 'SELECT 1' | curl -sS \"$URL/\" --data-binary @-", "1\n"),
        (
            "echo 'SELECT 1' | curl -sS \"$URL/?query=\" --data-binary @-",
            "1\n",
        ),
        (
            "echo '1' | curl -sS \"$URL/?query=SELECT\" --data-binary @-",
            "1\n",
        ),
        (
            "curl -sS -G \"$URL/\" --data-urlencode 'query=SELECT 1 FORMAT Pretty' | head -n 1",
            "   ┏━━━┓\n",
        ),
        (
            "echo 'CREATE TABLE t (a UInt8) ENGINE = Memory' | curl -sS \"$URL/\" --data-binary @-",
            "",
        ),
        (
            "echo 'INSERT INTO t VALUES (1),(2),(3)' | curl -sS \"$URL/\" --data-binary @-",
            "",
        ),
        (
            "echo '(4),(5),(6)' | curl -sS \"$URL/?query=INSERT%20INTO%20t%20VALUES\" --data-binary @-",
            "",
        ),
        (
            "echo '(7),(8),(9)' | curl -sS \"$URL/?query=INSERT%20INTO%20t%20FORMAT%20Values\" --data-binary @-",
            "",
        ),
        (
            "echo -ne '10\\n11\\n12\\n' | curl -sS \"$URL/?query=INSERT%20INTO%20t%20FORMAT%20TabSeparated\" --data-binary @-",
            "",
        ),
        (
            "curl -sS \"$URL/?query=SELECT%20a%20FROM%20t%20ORDER%20BY%20a\" | tr '\\n' ' '",
            "1 2 3 4 5 6 7 8 9 10 11 12 ",
        ),
        ("echo 'DROP TABLE t' | curl -sS \"$URL/\" --data-binary @-", ""),
        (
            "curl -sS \"$URL/?enable_http_compression=1\" -H 'Accept-Encoding: gzip' -d 'SELECT number FROM system.numbers LIMIT 3' | gunzip -",
            "0\n1\n2\n",
        ),
        (
            "echo 'SELECT 1' | gzip -c | curl -sS --data-binary @- -H 'Content-Encoding: gzip' \"$URL/\"",
            "1\n",
        ),
        (
            "echo 'SELECT number FROM numbers LIMIT 10' | curl -sS \"$URL/?database=system&default_format=CSV\" --data-binary @- | wc -l",
            "10\n",
        ),
        (
            "echo 'SELECT currentUser()' | curl -sS -u reader: \"$URL/\" -d @- > /dev/null && curl -sS -u reader: \"$URL/\" -d 'SELECT 2'",
            "2\n",
        ),
        (
            "curl -sS -H 'X-ClickHouse-User: reader' -H 'X-ClickHouse-Key:' \"$URL/\" -d 'SELECT 3'",
            "3\n",
        ),
        ("curl -sS \"$URL/?user=reader&password=\" -d 'SELECT 4'", "4\n"),
        (
            "curl -sS \"$URL?max_result_bytes=4000000&buffer_size=3000000&wait_end_of_query=1\" -d 'SELECT toUInt8(number) FROM system.numbers LIMIT 9000000 SETTINGS max_result_bytes = 0 FORMAT RowBinary' | wc -c",
            "9000000\n",
        ),
        (
            "curl -sS \"$URL?param_id=2&param_phrase=test\" -d 'SELECT {id:UInt8} + 1, {phrase:String}'",
            "3\ttest\n",
        ),
        (
            "curl -sS -F param_arr='[1,2]' -F query='SELECT arraySum({arr:Array(UInt8)})' \"$URL/\"",
            "3\n",
        ),
        (
            "printf 'root\\t0\\nnobody\\t65534\\n' | curl -sS -F 'users=@-' \"$URL/?query=SELECT+max(uid)+FROM+users&users_structure=name+String,uid+UInt16\"",
            "65534\n",
        ),
        (
            "curl -sS \"$URL/?session_id=s\" -d 'CREATE TEMPORARY TABLE own (a UInt8)' && curl -sS \"$URL/?session_id=s\" -d 'SELECT count() FROM own'",
            "0\n",
        ),
        (
            "curl -sS -o /dev/null -w '%{http_code} %header{x-clickhouse-exception-code}' \"$URL/\" -d 'SELECT * FROM nosuch'",
            "404 60",
        ),
        (
            "curl -sS -o /dev/null -w '%{http_code}' \"$URL/?user=nobody\" -d 'SELECT 1'",
            "403",
        ),
        (
            "curl -sS -I \"$URL/ping\" | head -n 1 | tr -d '\\r'",
            "HTTP/1.1 200 OK\n",
        ),
    ] {
        assert_eq!(shell(&engine, line), expected, "{line}");
    }
}
