//! The feed at a service that says what it is told to.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Mutex, mpsc},
};

use super::*;

/// A service of one device. Each listener of events gets one, and then the stream ends.
struct Stub {
    url: String,
    /// The ids after which listeners went on.
    resumed: mpsc::Receiver<String>,
}

impl Stub {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (sender, resumed) = mpsc::channel();
        let sender = Arc::new(Mutex::new(sender));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let sender = Arc::clone(&sender);
                thread::spawn(move || answer(stream, &sender));
            }
        });
        Self { url, resumed }
    }
}

fn answer(mut stream: TcpStream, resumed: &Mutex<mpsc::Sender<String>>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut path, mut last) = (String::new(), String::new());
    let mut line = String::new();
    while reader.read_line(&mut line).is_ok_and(|count| count > 2) {
        if let Some(rest) = line.strip_prefix("GET ") {
            rest.split(' ').next().unwrap().clone_into(&mut path);
        }
        let lower = line.to_ascii_lowercase();
        if let Some(id) = lower.strip_prefix("last-event-id: ") {
            id.trim().clone_into(&mut last);
        }
        line.clear();
    }
    let (kind, body) = match path.as_str() {
        "/api/v1/status" => (
            "application/json",
            r#"{"version": "9", "counters": {"messages": {"co2": 7}}}"#,
        ),
        "/api/v1/health" => (
            "application/json",
            r#"{"parts": [{"name": "broker", "state": "ok"}]}"#,
        ),
        "/api/v1/devices" => (
            "application/json",
            r#"[{"device_id": "a"}, 7, {"device_id": "b"}]"#,
        ),
        "/api/v1/events" => {
            resumed.lock().unwrap().send(last).unwrap();
            (
                "text/event-stream",
                "id: 1-5\nevent: refused\ndata: {\"topic\": \"t\"}\n\n",
            )
        }
        _ => panic!("nobody asks for {path}"),
    };
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nConnection: close\r\n\r\n");
    stream.write_all((head + body).as_bytes()).unwrap();
}

fn source(url: &str) -> Source {
    Source {
        url: url.to_owned(),
        client: Client::new(Duration::from_secs(5), None, None),
    }
}

/// Takes updates until one of them is as wanted.
fn until(feed: &Feed, wanted: impl Fn(&Update) -> bool) {
    testkit::wait_until_blocking("an update", || feed.take().any(|update| wanted(&update))).unwrap();
}

#[test]
fn one_round_of_questions_has_everything_that_is_shown() {
    let stub = Stub::start();
    let updates = source(&stub.url).ask(true).unwrap();
    let [
        Update::Status(status, _),
        Update::Parts(parts),
        Update::Devices(devices),
    ] = updates.as_slice()
    else {
        panic!("{updates:?}");
    };
    assert_eq!((status.version.as_str(), parts.len()), ("9", 1));
    assert_eq!(devices.len(), 2, "what is no device is left out");
}

#[test]
fn events_come_and_are_asked_for_again_after_the_last_one() {
    let stub = Stub::start();
    let feed = Feed::start(&source(&stub.url));
    until(
        &feed,
        |update| matches!(update, Update::Event(event) if event.name == "refused"),
    );
    until(&feed, |update| matches!(update, Update::Live(false)));
    until(&feed, |update| matches!(update, Update::Live(true)));
    assert_eq!(stub.resumed.recv().unwrap(), "");
    assert_eq!(stub.resumed.recv().unwrap(), "1-5");
}

#[test]
fn a_service_that_does_not_answer_is_told() {
    let url = format!("http://{}", testkit::free_addr());
    let feed = Feed::start(&source(&url));
    until(&feed, |update| matches!(update, Update::Trouble(_)));
}
