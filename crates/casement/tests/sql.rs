//! `casement sql` against `casement engine`: answers, data from standard input, errors and exit codes.
#![allow(missing_docs, clippy::unwrap_used, clippy::float_cmp, clippy::too_many_lines)]

mod support;

use std::{
    io::Write as _,
    net::SocketAddr,
    process::{Command, Stdio},
};

use support::casement;
use testkit::free_addr;

struct Said {
    code: i32,
    out: String,
    error: String,
}

fn sql(addr: SocketAddr, args: &[&str], input: &str, env: &[(&str, &str)]) -> Said {
    let mut child = Command::new(env!("CARGO_BIN_EXE_casement"))
        .args(["sql", "--clickhouse", &addr.to_string()])
        .args(args)
        .envs(env.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // One that does not read its input may be gone by now.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    Said {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        error: String::from_utf8(output.stderr).unwrap(),
    }
}

#[test]
fn statements_data_and_errors() {
    let dir = tempfile::tempdir().unwrap();
    let addr = free_addr();
    let passwords = [
        ("CASEMENT__ENGINE__PASSWORD", "writes".to_owned()),
        ("CASEMENT__ENGINE__READER_PASSWORD", "reads".to_owned()),
    ];
    let data = dir.path().join("data");
    let mut engine = casement()
        .start_with(
            &[
                "engine",
                "--data",
                data.to_str().unwrap(),
                "--clickhouse",
                &addr.to_string(),
            ],
            &passwords,
        )
        .unwrap();
    engine.wait_for_line("casement engine is running").unwrap();
    let file = dir.path().join("password");
    std::fs::write(&file, "reads\n").unwrap();
    let writer =
        |args: &[&str], input: &str| sql(addr, args, input, &[("CASEMENT__CLICKHOUSE__PASSWORD", "writes")]);
    let reader = |query: &str| {
        sql(
            addr,
            &[
                "--user",
                "reader",
                "--password-file",
                file.to_str().unwrap(),
                query,
            ],
            "",
            &[],
        )
    };
    let answer = writer(&["SELECT 1 AS a, 'x' AS b"], "");
    assert_eq!(
        (answer.code, answer.out.as_str()),
        (0, "1\tx\n"),
        "{}",
        answer.error
    );
    assert_eq!(
        writer(&["SELECT 1 AS a", "--format", "JSONEachRow"], "").out,
        "{\"a\":1}\n"
    );
    assert!(
        writer(&["SELECT 1 AS a", "--format", "PrettyCompact"], "")
            .out
            .contains("─a─")
    );
    assert_eq!(writer(&[], "SELECT 2\n").out, "2\n");
    assert_eq!(
        writer(
            &["CREATE TABLE default.t (a UInt32, b String) ENGINE = MergeTree ORDER BY a"],
            ""
        )
        .code,
        0
    );
    assert_eq!(
        writer(&["INSERT INTO default.t FORMAT CSV"], "1,x\n2,y\n").code,
        0
    );
    assert_eq!(
        writer(&["INSERT INTO t VALUES", "--database", "default"], "(3, 'z')").code,
        0
    );
    assert_eq!(writer(&[], "INSERT INTO default.t FORMAT TSV\n4\tw\n").code, 0);
    assert_eq!(reader("SELECT count(), sum(a) FROM default.t").out, "4\t10\n");
    let refused = reader("DROP TABLE default.t");
    assert!(
        refused.code == 1 && refused.error.contains("Code: 164"),
        "{}",
        refused.error
    );
    let wrong = writer(&["SELEC 1"], "");
    assert!(
        wrong.code == 1 && wrong.error.starts_with("error: Code: 62") && wrong.out.is_empty(),
        "{}",
        wrong.error
    );
    let stranger = sql(addr, &["SELECT 1"], "", &[]);
    assert!(
        stranger.code == 1 && stranger.error.contains("Code: 516"),
        "{}",
        stranger.error
    );
    // An error after rows were printed is told apart from them.
    let late = writer(
        &[
            "SELECT throwIf(number = 900000) FROM numbers(1000000) SETTINGS max_block_size = 1000, max_threads = 1",
        ],
        "",
    );
    assert!(
        late.code == 1 && late.error.starts_with("error: Code: 395"),
        "{}",
        late.error
    );
    assert!(late.out.lines().all(|line| line == "0"));
    let gone = sql(free_addr(), &["SELECT 1"], "", &[]);
    assert!(
        gone.code == 3 && gone.error.contains("cannot be reached"),
        "{}",
        gone.error
    );
    assert_eq!(sql(addr, &["--nonsense"], "", &[]).code, 2);
    // The engine shows neither password, and its own files hold none.
    let environment = writer(&["SELECT * FROM file('/proc/self/environ', 'LineAsString')"], "");
    assert!(environment.code == 1 && !environment.out.contains("writes"));
    engine.terminate(support::END).unwrap();
}

#[test]
fn a_service_is_found_by_its_directory() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let flag = format!("--data={}", data.display());
    let ask = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_casement"))
            .args(arguments)
            .arg(&flag)
            .current_dir(dir.path())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (
            output.status.code().unwrap(),
            text(&output.stdout),
            text(&output.stderr),
        )
    };
    let (code, _, error) = ask(&["sql", "SELECT 1"]);
    assert!(code == 1 && error.contains("--clickhouse ADDR"), "{error}");
    let up = support::up(&data, &[]);
    assert_eq!(ask(&["sql", "SELECT 40 + 2"]).1, "42\n");
    let (code, out, error) = ask(&["storage", "--json"]);
    assert!(code == 0 && out.contains("bytes"), "{out} {error}");
    let (_, _, error) = ask(&["plot", "--device", "nobody", "--out", "x.png"]);
    assert!(error.contains("no device"), "{error}");
    let (code, out, error) = ask(&["config"]);
    assert!(
        code == 0 && out.contains(&*data.join("journal").to_string_lossy()),
        "{out} {error}"
    );
    drop(up);
}
