//! How often one may ask, how much one may send, how long one may take.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use crate::world::World;

fn say(world: &World, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(world.http()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    // The other side may close before all of it was taken.
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn large_slow_and_broken_requests_get_problems() {
    let world = World::start(&[]);
    let head = |more: &str| {
        format!(
            "PATCH /api/v1/settings HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\nConnection: close\r\n{more}\r\n\r\n",
            world.token
        )
    };
    let large = format!(
        "{}{}",
        head(&format!("Content-Length: {}", 10 << 20)),
        "x".repeat(10 << 20)
    );
    let chunk = format!("{:x}\r\n{}\r\n", 64 << 10, "x".repeat(64 << 10));
    let chunks = format!(
        "{}{}0\r\n\r\n",
        head("Transfer-Encoding: chunked"),
        chunk.repeat(160)
    );
    let slow = format!("{}{{\"settings\":", head("Content-Length: 100"));
    let deep = "[".repeat(200_000);
    let deep = format!("{}{deep}", head(&format!("Content-Length: {}", deep.len())));
    let mut broken = head("Content-Length: 8").into_bytes();
    broken.extend(b"{\"\xff\xfe\": 1");
    for (bytes, status, slug) in [
        (large.as_bytes(), 413, "too-large"),
        (chunks.as_bytes(), 413, "too-large"),
        (slow.as_bytes(), 408, "request-timeout"),
        (deep.as_bytes(), 400, "invalid-request"),
        (&broken, 400, "invalid-request"),
    ] {
        let answer = say(&world, bytes);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
        assert!(answer.contains(&format!("/problems/{slug}")), "{answer}");
        assert!(answer.contains("application/problem+json"), "{answer}");
    }
    let header = format!(
        "GET /api/v1/devices HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n",
        "x".repeat(100_000)
    );
    assert!(say(&world, header.as_bytes()).starts_with("HTTP/1.1 431"));
    assert_eq!(world.get("/api/v1/status").status, 200);
}

#[test]
fn who_asks_too_often_is_told_when_to_ask_again() {
    let world = World::start(&["--config", "crates/casement/tests/api/few-requests.yaml"]);
    let reader = world.account("reader-1", "reader");
    let asked = |token: Option<&str>| match token {
        Some(token) => world.ask_as(token, "GET", "/api/v1/quantities", None),
        None => world.bare("GET", "/api/v1/quantities", &[], b""),
    };
    for token in [Some(reader.as_str()), None] {
        let refused = (0..200)
            .map(|_| asked(token))
            .find(|answer| answer.status != 200)
            .unwrap();
        assert_eq!(
            (refused.status, refused.problem()),
            (429, "/problems/too-many-requests")
        );
        let wait: u64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((1..=60).contains(&wait), "{wait}");
    }
    // Others, the page and the health are not concerned.
    assert_eq!(world.get("/api/v1/quantities").status, 200);
    assert_eq!(world.bare("GET", "/health", &[], b"").status, 200);
    // A wrong token is charged to the address.
    assert_eq!(
        world
            .ask_as("cas_wrong", "GET", "/api/v1/quantities", None)
            .status,
        429
    );
}
