//! HTTP's finer points: content codings, held answers, summaries, running statements and their ends, flat memory.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use std::{
    fmt::Write as _,
    io::{Read, Write as _},
    net::TcpStream,
    time::{Duration, Instant},
};

use support::Engine;

const PATIENCE: Duration = Duration::from_secs(30);

fn decompress(coding: &str, bytes: &[u8]) -> Vec<u8> {
    let mut reader: Box<dyn Read + '_> = match coding {
        "gzip" => Box::new(flate2::read::GzDecoder::new(bytes)),
        "deflate" => Box::new(flate2::read::ZlibDecoder::new(bytes)),
        "br" => Box::new(brotli::Decompressor::new(bytes, 4096)),
        "zstd" => Box::new(zstd::stream::read::Decoder::new(bytes).unwrap()),
        _ => Box::new(lz4_flex::frame::FrameDecoder::new(bytes)),
    };
    let mut plain = Vec::new();
    reader.read_to_end(&mut plain).unwrap();
    plain
}

fn compress(coding: &str, bytes: &[u8]) -> Vec<u8> {
    match coding {
        "gzip" => {
            let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            writer.write_all(bytes).unwrap();
            writer.finish().unwrap()
        }
        "deflate" => {
            let mut writer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
            writer.write_all(bytes).unwrap();
            writer.finish().unwrap()
        }
        "br" => {
            let mut writer = brotli::CompressorWriter::new(Vec::new(), 4096, 5, 20);
            writer.write_all(bytes).unwrap();
            writer.into_inner()
        }
        "zstd" => zstd::encode_all(bytes, 1).unwrap(),
        _ => {
            let mut writer = lz4_flex::frame::FrameEncoder::new(Vec::new());
            writer.write_all(bytes).unwrap();
            writer.finish().unwrap()
        }
    }
}

/// A line for each.
fn numbers(count: u32) -> String {
    let mut lines = String::new();
    for number in 0..count {
        let _ = writeln!(lines, "{number}");
    }
    lines
}

#[test]
fn every_coding_goes_both_ways() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::start(dir.path());
    engine.sql("CREATE TABLE default.c (n UInt64) ENGINE = MergeTree ORDER BY n");
    let lines = numbers(50_000);
    for coding in ["gzip", "deflate", "br", "zstd", "lz4"] {
        let inserted = ureq::post(format!("{}?query=INSERT+INTO+default.c+FORMAT+TSV", engine.url))
            .header("Content-Encoding", coding)
            .send(&compress(coding, lines.as_bytes()));
        assert!(inserted.is_ok(), "{coding}: {inserted:?}");
        let mut answer = ureq::post(format!("{}?enable_http_compression=1", engine.url))
            .header("Accept-Encoding", coding)
            .send("SELECT n FROM default.c ORDER BY n LIMIT 1 BY n")
            .unwrap();
        assert_eq!(answer.headers()["content-encoding"], coding);
        let bytes = answer.body_mut().read_to_vec().unwrap();
        assert!(bytes.len() < lines.len(), "{coding} makes it smaller");
        assert_eq!(decompress(coding, &bytes), lines.as_bytes(), "{coding}");
    }
    assert_eq!(
        engine.sql("SELECT count(), sum(n) FROM default.c"),
        "250000\t6249875000"
    );
    // Without the setting, as ClickHouse has it, an answer is plain.
    let plain = ureq::post(&engine.url)
        .header("Accept-Encoding", "gzip")
        .send("SELECT 1")
        .unwrap();
    assert!(plain.headers().get("content-encoding").is_none());
    for (coding, body) in [("gzip", &b"not gzip"[..]), ("snappy", b"1\n")] {
        let refused = ureq::post(format!("{}?query=INSERT+INTO+default.c+FORMAT+TSV", engine.url))
            .header("Content-Encoding", coding)
            .send(body);
        assert!(refused.is_err(), "{coding}");
    }
    assert_eq!(engine.sql("SELECT count() FROM default.c"), "250000");
}

#[test]
fn a_held_answer_tells_its_end_by_its_status() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::start_with(dir.path(), &["--confined"]);
    let late = b"SELECT throwIf(number = 500000) FROM numbers(1000000) SETTINGS max_block_size = 1000, max_threads = 1";
    let answer = engine.post("wait_end_of_query=1", late);
    assert_eq!((answer.status, answer.code.as_str()), (500, "395"));
    assert!(!answer.text().contains("__exception__"));
    // Larger than what is held in memory.
    let answer = engine.post("wait_end_of_query=1", b"SELECT number FROM numbers(500000)");
    let expected = numbers(500_000);
    assert!(answer.bytes == expected.as_bytes());
}

#[test]
fn the_summary_counts() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::start(dir.path());
    let summary = |parameters: &str, body: &str| -> serde_json::Value {
        let answer = ureq::post(format!("{}?{parameters}", engine.url))
            .send(body)
            .unwrap();
        let text = answer.headers()["x-clickhouse-summary"]
            .to_str()
            .unwrap()
            .to_owned();
        assert_eq!(answer.headers()["x-clickhouse-timezone"], "UTC");
        assert!(!answer.headers()["x-clickhouse-server-display-name"].is_empty());
        serde_json::from_str(&text).unwrap()
    };
    summary(
        "",
        "CREATE TABLE default.s (n UInt64) ENGINE = MergeTree ORDER BY n",
    );
    let inserted = summary("query=INSERT+INTO+default.s+FORMAT+TSV", "1\n2\n3\n");
    assert_eq!(inserted["written_rows"], "3");
    let read = summary("wait_end_of_query=1", "SELECT n FROM default.s LIMIT 2");
    assert_eq!(
        (&read["read_rows"], &read["result_rows"]),
        (&"3".into(), &"2".into())
    );
    assert!(read["elapsed_ns"].as_str().unwrap().parse::<u64>().unwrap() > 0);
}

/// Runs for minutes unless it is cancelled.
const ENDLESS: &str = "SELECT count() FROM numbers(1000000000000) WHERE sipHash64(number) = 1";

fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let started = Instant::now();
    while !done() {
        assert!(started.elapsed() < PATIENCE, "never: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn running(engine: &Engine, condition: &str) -> String {
    engine.sql(&format!(
        "SELECT count() FROM system.processes WHERE query LIKE 'SELECT count() FROM numbers(%' AND {condition}"
    ))
}

#[test]
fn running_statements_are_shown_and_killed_by_their_own_ids() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::start(dir.path());
    std::thread::scope(|scope| {
        let endless = scope.spawn(|| engine.post("query_id=mine&user=reader", ENDLESS.as_bytes()));
        wait_until("it runs", || {
            running(&engine, "query_id = 'mine' AND user = 'reader'") == "1"
        });
        assert!(
            engine
                .sql("SHOW PROCESSLIST FORMAT JSONEachRow")
                .contains("\"mine\"")
        );
        let twice = engine.post("query_id=mine", b"SELECT 1");
        assert_eq!((twice.status, twice.code.as_str()), (500, "216"));
        assert_eq!(engine.sql("KILL QUERY WHERE query_id = 'other' SYNC"), "");
        let killed = engine.sql("KILL QUERY WHERE query_id = 'mine' SYNC FORMAT TSV");
        assert!(killed.starts_with("finished\tmine\treader\t"), "{killed}");
        assert_eq!(endless.join().unwrap().code, "394");
    });
    assert_eq!(
        engine.post("query_id=mine", b"SELECT 1").text(),
        "1",
        "the id is free again"
    );
}

#[test]
fn a_client_that_goes_away_cancels_its_query() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::start(dir.path());
    let rows = "SELECT number FROM numbers(1000000000000) WHERE NOT ignore('count() FROM numbers(')";
    for (id, query) in [("silent", ENDLESS), ("talking", rows)] {
        let mut client = TcpStream::connect(engine.addr).unwrap();
        write!(
            client,
            "POST /?query_id={id} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{query}",
            query.len()
        )
        .unwrap();
        let count = || {
            engine.sql(&format!(
                "SELECT count() FROM system.processes WHERE query_id = '{id}'"
            ))
        };
        wait_until("it runs", || count() == "1");
        drop(client);
        wait_until("it is cancelled", || count() == "0");
    }
}

#[test]
fn a_query_beyond_the_bound_is_refused_and_inserts_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::start_with(dir.path(), &["--reader-queries", "1", "--queue-ms", "100"]);
    engine.sql("CREATE TABLE default.q (n UInt64) ENGINE = MergeTree ORDER BY n");
    std::thread::scope(|scope| {
        scope.spawn(|| engine.post("query_id=long&user=reader", ENDLESS.as_bytes()));
        wait_until("it runs", || running(&engine, "query_id = 'long'") == "1");
        let refused = engine.post("user=reader", b"SELECT 1");
        assert_eq!((refused.status, refused.code.as_str()), (503, "202"));
        engine.sql("INSERT INTO default.q VALUES (1)");
        assert_eq!(
            engine.sql("SELECT count() FROM default.q"),
            "1",
            "the writer does not wait for readers"
        );
        engine.sql("KILL QUERY WHERE user = 'reader' SYNC");
    });
}

fn peak_memory_mib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

/// A gigabyte in and out after a fifth of it, which fills every buffer on the way: whoever held it all would show it.
#[test]
fn memory_stays_flat_whatever_passes_through() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::start(dir.path());
    engine.sql("CREATE TABLE default.m (s String) ENGINE = Null");
    let row = [&b"x".repeat(1023)[..], b"\n"].concat();
    let chunk = row.repeat(1024);
    let send = |chunks: usize| {
        let mut client = TcpStream::connect(engine.addr).unwrap();
        client.set_read_timeout(Some(PATIENCE)).unwrap();
        write!(client, "POST /?query=INSERT+INTO+default.m+FORMAT+TSV HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n").unwrap();
        for _ in 0..chunks {
            write!(client, "{:x}\r\n", chunk.len()).unwrap();
            client.write_all(&chunk).unwrap();
            client.write_all(b"\r\n").unwrap();
        }
        client.write_all(b"0\r\n\r\n").unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    };
    let receive = |rows: usize| {
        let query = format!("SELECT repeat('x', 1023) FROM numbers({rows})");
        let mut answer = ureq::post(&engine.url).send(&query).unwrap();
        let mut reader = answer.body_mut().as_reader();
        let bytes = std::io::copy(&mut reader, &mut std::io::sink()).unwrap();
        assert_eq!(bytes as usize, rows * 1024);
    };
    send(200);
    receive(200_000);
    let before = peak_memory_mib(engine.pid());
    send(1_000);
    receive(1_000_000);
    let grown = peak_memory_mib(engine.pid()) - before;
    assert!(grown < 500, "grown by {grown} MiB");
}
