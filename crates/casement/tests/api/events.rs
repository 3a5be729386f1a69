//! Live events: told in their order, taken up again, bounded in number, and ended with whoever listens.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::TcpStream,
    time::Duration,
};

use serde_json::{Value, json};
use testkit::wait_until;

use crate::{
    support::client::{Client, now, reading},
    world::World,
};

/// One listener.
struct Listener {
    lines: BufReader<TcpStream>,
    head: String,
}

#[derive(Debug, PartialEq)]
struct Event {
    id: String,
    name: String,
    data: Value,
}

fn connect(world: &World, query: &str, headers: &str) -> TcpStream {
    let mut stream = TcpStream::connect(world.http()).unwrap();
    stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    let request = format!(
        "GET /api/v1/events{query} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    stream
}

impl Listener {
    fn new(world: &World, query: &str, headers: &str) -> Self {
        let mut lines = BufReader::new(connect(world, query, headers));
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert!(lines.read_line(&mut head).unwrap() > 0, "no answer: {head}");
        }
        Self { lines, head }
    }

    /// The fields of the next block; `None` at the end. Pieces of the transfer encoding lie between.
    fn block(&mut self) -> Option<Vec<(String, String)>> {
        let mut fields = Vec::new();
        loop {
            let mut line = String::new();
            if self.lines.read_line(&mut line).unwrap() == 0 {
                return None;
            }
            let line = line.trim_end_matches(['\r', '\n']);
            match line.split_once(':') {
                Some((name, value)) => fields.push((name.to_owned(), value.trim_start().to_owned())),
                None if line.is_empty() && !fields.is_empty() => return Some(fields),
                None => {}
            }
        }
    }

    /// The next event.
    fn next(&mut self) -> Option<Event> {
        loop {
            let fields = self.block()?;
            let field = |name: &str| {
                let found = fields.iter().find(|(known, _)| known == name);
                found.map(|(_, value)| value.clone())
            };
            if let (Some(id), Some(name), Some(data)) = (field("id"), field("event"), field("data")) {
                let data = serde_json::from_str(&data).unwrap();
                return Some(Event { id, name, data });
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_are_told_and_taken_up_again() {
    let mut world = World::start(&[]);
    let device = Client::connect(world.at.mqtt, &[]).await;
    let mut all = Listener::new(&world, "", "");
    assert!(all.head.contains("text/event-stream"), "{}", all.head);
    let mut one = Listener::new(&world, "?device_id=room-2&events=reading,registry", "");
    // A first block without an event says where one goes on.
    let first = all.block().unwrap();
    assert!(first.iter().any(|(name, _)| name == "id") && first.iter().any(|(name, _)| name == "retry"));

    for (topic, value) in [
        ("room-1/temperature", 20.0),
        ("room-2/humidity", 40.0),
        ("room-2/temperature", 21.0),
    ] {
        device
            .publish(&format!("sensor/{topic}"), reading(value, now()))
            .await;
    }
    let heard: Vec<Event> = std::iter::from_fn(|| all.next())
        .filter(|event| event.name == "reading")
        .take(3)
        .collect();
    let values: Vec<&Value> = heard.iter().map(|event| &event.data["value"]).collect();
    assert_eq!(values, [&json!(20.0), &json!(40.0), &json!(21.0)]);
    assert_eq!(heard[0].data["device_id"], "room-1");
    assert!(heard[0].data["at"].is_string());
    assert_eq!(one.next().unwrap().data["quantity"], "humidity");
    assert_eq!(one.next().unwrap().data["value"], 21.0);
    world.ask("PATCH", "/api/v1/devices/room-3", Some(&json!({"name": "x"})));
    assert_eq!(one.next().map(|event| event.name).as_deref(), Some("registry"));

    let last = format!("Last-Event-ID: {}\r\n", heard[0].id);
    let mut again = Listener::new(&world, "?events=reading", &last);
    assert_eq!(
        again.next().as_ref(),
        Some(&heard[1]),
        "it goes on after the last one"
    );
    assert_eq!(again.next().as_ref(), Some(&heard[2]));
    for query in ["?events=colour", "?device_id=..%2f", "?colour=1"] {
        assert_eq!(
            world.get(&format!("/api/v1/events{query}")).status,
            400,
            "{query}"
        );
    }

    world.kill_and_start();
    for id in [heard[2].id.as_str(), "nonsense"] {
        let mut after = Listener::new(&world, "", &format!("Last-Event-ID: {id}\r\n"));
        let reset = after.next().unwrap();
        assert_eq!(
            (reset.name.as_str(), &reset.data),
            ("reset", &json!({"missed": null}))
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_ends_with_whoever_listens() {
    let world = World::start(&[]);
    let token = world.account("grafana", "reader");
    let mut by_token = Listener::new(&world, "", &format!("Authorization: Bearer {token}\r\n"));
    let share = world.ask("POST", "/api/v1/shares", Some(&json!({"days": 1})));
    let id = world.get("/api/v1/accounts/grafana/tokens").body[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(
        world.ask("DELETE", &format!("/api/v1/tokens/{id}"), None).status,
        204
    );
    while by_token.block().is_some() {}

    // A guest: as a proxy on this machine asks for somebody else.
    let path = share.body["path"].as_str().unwrap();
    let elsewhere = ("x-forwarded-for", "192.0.2.1");
    let opened = world.bare("GET", path, &[elsewhere], b"");
    let cookie = opened.headers["set-cookie"]
        .to_str()
        .unwrap()
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    let with = [("cookie", cookie.as_str()), elsewhere];
    assert_eq!(world.bare("GET", "/api/v1/devices", &with, b"").status, 200);
    assert_eq!(world.bare("GET", "/api/v1/configuration", &with, b"").status, 403);
    let mut guest = Listener::new(
        &world,
        "",
        &format!("Cookie: {cookie}\r\nX-Forwarded-For: 192.0.2.1\r\n"),
    );
    assert!(guest.head.starts_with("HTTP/1.1 200"), "{}", guest.head);
    let device = Client::connect(world.at.mqtt, &[]).await;
    device
        .publish("sensor/room-1/temperature", "secret words".as_bytes().to_vec())
        .await;
    device
        .publish("sensor/room-1/temperature", reading(20.0, now()))
        .await;
    let heard = std::iter::from_fn(|| guest.next())
        .find(|event| event.name != "device")
        .unwrap();
    assert_eq!(heard.name, "reading", "what was refused is not for guests");
    let id = share.body["id"].as_str().unwrap();
    assert_eq!(
        world.ask("DELETE", &format!("/api/v1/shares/{id}"), None).status,
        204
    );
    while guest.block().is_some() {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_listeners_that_read_nothing_hold_nobody_up() {
    const LISTENERS: usize = 1_000;
    let world = World::start(&["--config", "crates/casement/tests/api/many-requests.yaml"]);
    let tokens: Vec<String> = (0..10)
        .map(|number| world.account(&format!("a{number}"), "reader"))
        .collect();
    let before = testkit::usage::memory_mib(world.process.pid());
    let silent: Vec<TcpStream> = (0..LISTENERS)
        .map(|number| {
            let token = &tokens[number % tokens.len()];
            connect(&world, "", &format!("Authorization: Bearer {token}\r\n"))
        })
        .collect();
    // One more is told to wait, and its connection is closed.
    let full = Listener::new(&world, "", &format!("Authorization: Bearer {}\r\n", world.token));
    assert!(
        full.head.starts_with("HTTP/1.1 503") && full.head.contains("connection: close"),
        "{}",
        full.head
    );
    assert!(full.head.contains("retry-after") && full.head.contains("application/problem+json"));

    let device = Client::connect(world.at.mqtt, &[]).await;
    for number in 0..3_000_u32 {
        let value = 20.0 + f64::from(number) / 1_000.0;
        device
            .publish("sensor/room-1/temperature", reading(value, now()))
            .await;
        if number % 500 == 0 {
            assert_eq!(world.get("/api/v1/devices").status, 200);
        }
    }
    wait_until("the last message has arrived", || {
        let device = world.get("/api/v1/devices/room-1").body;
        device["readings"]["temperature"]["value"] == json!(22.999)
    })
    .await
    .unwrap();
    assert_eq!(world.bare("GET", "/health", &[], b"").status, 200);
    let grown = testkit::usage::memory_mib(world.process.pid()) - before;
    assert!(grown < 256.0, "{grown} MiB for listeners that read nothing");
    drop(silent);
    wait_until("places are free again", || {
        let listener = Listener::new(&world, "", &format!("Authorization: Bearer {}\r\n", world.token));
        listener.head.starts_with("HTTP/1.1 200")
    })
    .await
    .unwrap();
}
