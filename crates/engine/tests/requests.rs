//! Requests as clients send them: methods, what they send unasked, and bodies that are larger than they look.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
};

use support::Engine;

/// The answer to a request without a body.
fn ask(engine: &Engine, method: &str, target: &str, headers: &str) -> String {
    let mut stream = TcpStream::connect(engine.addr).unwrap();
    let head = format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn options_are_answered_and_head_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::start(dir.path());
    let allowed = ask(&engine, "OPTIONS", "/?query=DROP+DATABASE+default", "");
    assert!(
        allowed.starts_with("HTTP/1.1 204")
            && allowed.contains("access-control-allow-methods: POST, GET, OPTIONS"),
        "{allowed}"
    );
    assert!(!allowed.contains("access-control-allow-origin"), "{allowed}");
    let own = ask(&engine, "OPTIONS", "/", "Origin: http://localhost:3000\r\n");
    assert!(
        own.contains("access-control-allow-origin: http://localhost:3000"),
        "{own}"
    );
    for foreign in [
        "Origin: http://evil.example\r\n",
        "Origin: null\r\n",
        "Sec-Fetch-Site: cross-site\r\n",
    ] {
        let answer = ask(&engine, "OPTIONS", "/", foreign);
        assert!(
            answer.starts_with("HTTP/1.1 403") && !answer.contains("allow-origin"),
            "{answer}"
        );
    }
    let created = ask(
        &engine,
        "HEAD",
        "/?query=CREATE+TABLE+h(a+Int8)+ENGINE%3DMemory",
        "",
    );
    assert!(!created.starts_with("HTTP/1.1 200"), "{created}");
    assert_eq!(engine.sql("EXISTS TABLE h"), "0");
    assert!(ask(&engine, "HEAD", "/?query=SELECT+1", "").starts_with("HTTP/1.1 200"));
}

#[test]
fn what_clients_send_unasked_is_forgiven() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::start(dir.path());
    assert_eq!(engine.post("", "\u{feff}SELECT 1".as_bytes()).text(), "1");
    assert_eq!(engine.get("query=%EF%BB%BFSELECT+2").text(), "2");
    // A driver without credentials sends the password "null".
    for name in ["default", "reader"] {
        let basic = base64_simd::STANDARD.encode_to_string(format!("{name}:null"));
        let headers = [("Authorization", format!("Basic {basic}"))];
        let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
        assert_eq!(engine.post_with("", b"SELECT 3", &headers).text(), "3", "{name}");
    }
    assert_eq!(engine.get("&&query=SELECT+4&=").text(), "4");
    // Who asks for less gets it.
    assert_eq!(engine.post("readonly=1", b"SELECT 5").text(), "5");
    let refused = engine.post("readonly=2", b"CREATE TABLE r (a Int8) ENGINE = Memory");
    assert_eq!(refused.code, "164");
    // An Identifier beside parameters that are no names.
    let named = engine.post(
        "param_t=one&param_s=it's+-1.5",
        b"SELECT {s:String} FROM system.{t:Identifier}",
    );
    assert_eq!(named.text(), "it\\'s -1.5");
}

#[test]
fn others_are_served_whatever_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::start(dir.path());
    let pack = |plain: &[u8]| {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        packer.write_all(plain).unwrap();
        packer.finish().unwrap()
    };
    let packed = [vec![0; 2 << 20], vec![b'0'; 15 << 20], b"1,".repeat(1 << 18)].map(|plain| pack(&plain));
    // Their clients do not wait for an answer.
    for body in packed.iter().cycle().take(12) {
        let mut client = TcpStream::connect(engine.addr).unwrap();
        let length = body.len();
        let head = format!(
            "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Encoding: gzip\r\nContent-Length: {length}\r\n\r\n"
        );
        client.write_all(head.as_bytes()).unwrap();
        client.write_all(body).unwrap();
    }
    assert_eq!(engine.sql("SELECT 1"), "1");
    let large = pack(&vec![b' '; 17 << 20]);
    let large = engine.post_with("", &large, &[("Content-Encoding", "gzip")]);
    assert_eq!((large.status, large.code.as_str()), (413, "307"));
}

#[test]
fn a_statement_may_come_byte_by_byte() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::start(dir.path());
    let mut client = TcpStream::connect(engine.addr).unwrap();
    let head =
        "POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n";
    client.write_all(head.as_bytes()).unwrap();
    for byte in b"SELECT 'in small pieces'" {
        client
            .write_all(&[b'1', b'\r', b'\n', *byte, b'\r', b'\n'])
            .unwrap();
    }
    client.write_all(b"0\r\n\r\n").unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("in small pieces"), "{answer}");
    // A statement in ClickHouse's blocks, too.
    let sql = b"SELECT 'in a block'";
    let mut block = vec![0x02];
    block.extend((9 + sql.len() as u32).to_le_bytes());
    block.extend((sql.len() as u32).to_le_bytes());
    block.extend(sql);
    let checksum = cityhash_rs::cityhash_102_128(&block)
        .rotate_left(64)
        .to_le_bytes();
    let body = [&checksum[..], &block].concat();
    assert_eq!(engine.post("decompress=1", &body).text(), "in a block");
}
