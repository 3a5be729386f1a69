//! An engine as a real process for tests: this crate's example program, on a free port, ended by its pid.
#![allow(dead_code, missing_docs, unreachable_pub, clippy::unwrap_used)]

use std::{
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// The example program, which cargo builds beside the tests.
pub fn program() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let program = tests.parent().unwrap().parent().unwrap().join("examples/engine");
    assert!(
        program.exists(),
        "{} is not built: run `cargo build -p engine --example engine`",
        program.display()
    );
    program
}

pub struct Engine {
    child: Child,
    pub addr: SocketAddr,
    pub url: String,
    /// What it said before it was ready.
    said: Vec<String>,
}

impl Engine {
    pub fn start(dir: &Path) -> Self {
        Self::start_with(dir, &[])
    }

    pub fn start_with(dir: &Path, flags: &[&str]) -> Self {
        let mut child = Command::new(program())
            .arg(dir)
            // Its own choice: a port that was found free may be another process's by the time it listens.
            .arg("127.0.0.1:0")
            .args(flags)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (sender, receiver) = std::sync::mpsc::channel();
        // It reads on, so that the engine never writes to a closed pipe.
        std::thread::spawn(move || lines.try_for_each(|line| line.map(|line| drop(sender.send(line)))));
        let started = Instant::now();
        let mut said = Vec::new();
        let addr = loop {
            let left = Duration::from_secs(30).saturating_sub(started.elapsed());
            let Ok(line) = receiver.recv_timeout(left) else {
                let _ = child.kill();
                panic!("the engine was never ready: {said:?}, {:?}", child.wait());
            };
            if let Some(addr) = line.strip_prefix("ready at ") {
                break addr.parse().expect("an address");
            }
            said.push(line);
        };
        Self {
            child,
            addr,
            url: format!("http://{addr}/"),
            said,
        }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Which of the kernel's locks hold: files, network.
    pub fn confinement(&self) -> (bool, bool) {
        let line = self.said.first().expect("a confined engine says how");
        (line.contains("files true"), line.contains("network true"))
    }

    /// A statement by GET.
    pub fn get(&self, parameters: &str) -> Answer {
        let response = agent().get(format!("{}?{parameters}", self.url)).call();
        Answer::new(response.unwrap())
    }

    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Status, a header's value and the body of an answer.
    pub fn post(&self, parameters: &str, body: &[u8]) -> Answer {
        self.post_with(parameters, body, &[])
    }

    pub fn post_with(&self, parameters: &str, body: &[u8], headers: &[(&str, &str)]) -> Answer {
        let mut request = agent().post(format!("{}?{parameters}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Answer::new(request.send(body).unwrap())
    }

    /// The text of an answer that must succeed.
    pub fn sql(&self, query: &str) -> String {
        let answer = self.post("", query.as_bytes());
        assert_eq!(answer.status, 200, "{query}: {}", answer.text());
        answer.text()
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub struct Answer {
    pub status: u16,
    pub code: String,
    pub format: String,
    pub query_id: String,
    pub bytes: Vec<u8>,
}

/// Content type and body of a form; `true` for a part that is a file.
pub fn form(parts: &[(&str, bool, &[u8])]) -> (String, Vec<u8>) {
    let mut body = Vec::new();
    for (name, is_file, data) in parts {
        let file = if *is_file { "; filename=\"x\"" } else { "" };
        let head = format!("--b0und\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n");
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(data);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--b0und--\r\n");
    ("multipart/form-data; boundary=b0und".to_owned(), body)
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .build()
        .into()
}

impl Answer {
    fn new(mut response: ureq::http::Response<ureq::Body>) -> Self {
        let header = |name: &str| {
            response
                .headers()
                .get(name)
                .map(|v| v.to_str().unwrap().to_owned())
                .unwrap_or_default()
        };
        let (code, format, query_id) = (
            header("x-clickhouse-exception-code"),
            header("x-clickhouse-format"),
            header("x-clickhouse-query-id"),
        );
        let status = response.status().as_u16();
        let body = response.body_mut().with_config().limit(1 << 30);
        Self {
            status,
            code,
            format,
            query_id,
            // An error within a stream breaks it off.
            bytes: body.read_to_vec().unwrap_or_default(),
        }
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).trim().to_owned()
    }
}
