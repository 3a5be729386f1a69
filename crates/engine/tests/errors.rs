//! Errors travel in the encoding that was asked for, with the code and the words of the true reason, once.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use std::{
    io::{Read, Write as _},
    net::TcpStream,
};

use support::{Answer, Engine};

/// How answers are asked for: parameters and `Accept-Encoding`.
const ENCODINGS: &[(&str, &str)] = &[
    ("", "gzip, br"),
    ("compress=1", ""),
    ("compress=1&enable_http_compression=1", "gzip"),
    ("enable_http_compression=1", "gzip"),
    ("enable_http_compression=1", "deflate"),
    ("enable_http_compression=1", "br"),
    ("enable_http_compression=1", "zstd"),
    ("enable_http_compression=1", "lz4"),
];

/// As much as can be read of bytes in that encoding.
fn decode(parameters: &str, coding: &str, bytes: &[u8]) -> String {
    let mut reader: Box<dyn Read + '_> = match (parameters, coding) {
        ("", _) => return String::from_utf8_lossy(bytes).into_owned(),
        ("enable_http_compression=1", "gzip") => Box::new(flate2::read::GzDecoder::new(bytes)),
        (_, "deflate") => Box::new(flate2::read::ZlibDecoder::new(bytes)),
        (_, "br") => Box::new(brotli::Decompressor::new(bytes, 4096)),
        (_, "zstd") => Box::new(zstd::stream::read::Decoder::new(bytes).unwrap()),
        (_, "lz4") => Box::new(lz4_flex::frame::FrameDecoder::new(bytes)),
        _ => return blocks(bytes),
    };
    let mut plain = Vec::new();
    let mut piece = [0; 4096];
    while let Ok(length @ 1..) = reader.read(&mut piece) {
        plain.extend_from_slice(&piece[..length]);
    }
    String::from_utf8_lossy(&plain).into_owned()
}

/// ClickHouse's blocks of LZ4, checksums not looked at.
fn blocks(mut bytes: &[u8]) -> String {
    let mut plain = Vec::new();
    while bytes.len() > 25 {
        let size = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
        assert_eq!(bytes[16], 0x82, "a block of LZ4");
        let (packed, unpacked) = (16 + size(17), size(21));
        plain.extend(lz4_flex::block::decompress(&bytes[25..packed], unpacked).unwrap());
        bytes = &bytes[packed..];
    }
    assert!(bytes.is_empty(), "nothing but whole blocks");
    String::from_utf8_lossy(&plain).into_owned()
}

fn said_once(text: &str) -> bool {
    text.matches("DB::Exception").count() == 1 && text.matches("Code: ").count() == 1
}

#[test]
fn an_error_is_encoded_as_its_answer_would_be() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::start(dir.path());
    engine.sql("CREATE TABLE default.e (a UInt8) ENGINE = MergeTree ORDER BY a");
    for (parameters, accepts) in ENCODINGS {
        for (more, body, code, words) in [
            ("", "SELECT * FROM nosuch", "60", "nosuch"),
            ("", "SELEC 1", "62", "Syntax error"),
            ("", "SELECT 1 FORMAT Nope", "73", "Unknown format Nope"),
            ("", "SELECT throwIf(1, 'my words')", "395", "my words"),
            ("", "SELECT 1 SETTINGS nosuch = 1", "115", "Unknown setting"),
            ("", "SELECT 1 SETTINGS max_threads = 'x'", "27", "Cannot parse"),
            ("nosuch=1", "SELECT 1", "115", "Unknown setting"),
            ("", "SELECT file('/etc/passwd')", "497", "not allowed here"),
            ("", "SELECT 'file', (", "62", "Syntax error"),
            ("", "", "62", "Empty query"),
            (
                "user=stranger&password=x",
                "SELECT 1",
                "516",
                "Authentication failed",
            ),
            ("user=reader", "DROP TABLE default.e", "164", "readonly"),
            ("database=nosuch", "SELECT 1", "81", "nosuch"),
            (
                "query=INSERT+INTO+default.e+FORMAT+CSV",
                "x\n",
                "117",
                "Expected end of line",
            ),
            (
                "session_id=s&session_check=1",
                "SELECT 1",
                "372",
                "Session not found",
            ),
            ("decompress=1", "not a block, but longer than one", "117", "block"),
        ] {
            let context = format!("{parameters} {accepts}: {more} {body}");
            let headers = [("Accept-Encoding", *accepts)];
            let answer = engine.post_with(&format!("{parameters}&{more}"), body.as_bytes(), &headers);
            assert_ne!(answer.status, 200, "{context}");
            let text = decode(parameters, accepts, &answer.bytes);
            assert_eq!(answer.code, code, "{context}: {text}");
            assert!(
                text.starts_with(&format!("Code: {code}. DB::Exception: "))
                    && text.contains(words)
                    && said_once(&text),
                "{context}: {text}"
            );
        }
    }
}

/// The body of a chunked answer that breaks off.
fn broken_body(engine: &Engine, parameters: &str, accepts: &str, query: &str) -> Vec<u8> {
    let mut stream = TcpStream::connect(engine.addr).unwrap();
    write!(
        stream,
        "POST /?{parameters} HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: {accepts}\r\nContent-Length: {}\r\n\r\n{query}",
        query.len()
    )
    .unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    assert!(
        answer.starts_with(b"HTTP/1.1 200"),
        "rows have left before the error"
    );
    assert!(
        !answer.ends_with(b"0\r\n\r\n"),
        "a broken answer must not look whole"
    );
    let end = |from: usize, mark: &[u8]| {
        let found = answer[from..]
            .windows(mark.len())
            .position(|window| window == mark);
        found.map(|at| from + at + mark.len())
    };
    let mut at = end(0, b"\r\n\r\n").unwrap();
    let mut body = Vec::new();
    while let Some(data) = end(at, b"\r\n") {
        let length = std::str::from_utf8(&answer[at..data - 2]).unwrap();
        let length = usize::from_str_radix(length, 16).unwrap();
        body.extend_from_slice(&answer[data..data + length]);
        at = data + length + 2;
    }
    body
}

#[test]
fn an_error_within_a_stream_is_encoded_as_the_stream() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::start(dir.path());
    let query = "SELECT number, throwIf(number = 200000, 'in the middle') FROM numbers(1000000) \
                 SETTINGS max_block_size = 1000, max_threads = 1";
    for (parameters, accepts) in ENCODINGS {
        let body = broken_body(&engine, parameters, accepts, query);
        let text = decode(parameters, accepts, &body);
        let (rows, error) = text
            .split_once("\r\n__exception__\r\n")
            .unwrap_or_else(|| panic!("{parameters} {accepts}: no error in {} bytes", text.len()));
        assert!(rows.starts_with("0\t0\n1\t0\n"), "{parameters} {accepts}");
        assert!(
            error.contains("Code: 395. DB::Exception: in the middle") && said_once(error),
            "{parameters} {accepts}: {error}"
        );
        // Held until its end, it has a status of its own.
        let headers = [("Accept-Encoding", *accepts)];
        let held: Answer = engine.post_with(
            &format!("{parameters}&wait_end_of_query=1"),
            query.as_bytes(),
            &headers,
        );
        assert_eq!((held.status, held.code.as_str()), (500, "395"));
        assert!(decode(parameters, accepts, &held.bytes).contains("in the middle"));
    }
}

/// A constant column is one value to the engine: what leaves is counted, however it is packed.
#[test]
fn an_answer_that_grows_too_large_breaks_off_in_every_encoding() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::start(dir.path());
    let query =
        "SELECT repeat('x', 99) FROM numbers(10000000) SETTINGS max_block_size = 1000, max_threads = 1";
    for (parameters, accepts) in ENCODINGS {
        let limited = format!("{parameters}&user=reader&max_result_bytes=1000000");
        let body = broken_body(&engine, &limited, accepts, query);
        let text = decode(parameters, accepts, &body);
        let (rows, error) = text
            .split_once("\r\n__exception__\r\n")
            .unwrap_or_else(|| panic!("{parameters} {accepts}: no error in {} bytes", text.len()));
        assert!(rows.len() <= 1_000_000, "{parameters} {accepts}: {}", rows.len());
        assert!(
            error.contains("Code: 396. DB::Exception: Limit for result exceeded") && said_once(error),
            "{parameters} {accepts}: {error}"
        );
    }
}
