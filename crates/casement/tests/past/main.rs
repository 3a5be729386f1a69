//! What was stored, and the models, through the API of a running `casement up`: good questions and bad ones.
#![allow(missing_docs, clippy::unwrap_used)]

#[path = "../support/mod.rs"]
mod support;

mod asking;
mod insight;
mod models;
mod several;
mod unready;

use std::{io::ErrorKind, path::Path};

use serde_json::Value;
use support::command::{run, text};
use testkit::{Up, wait_until_blocking};

/// An answer, read to its end.
struct Answer {
    status: u16,
    headers: ureq::http::HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    fn of(answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Self {
        let mut answer = answer.unwrap();
        let body = answer.body_mut().with_config().limit(1 << 30).read_to_vec();
        Self {
            status: answer.status().as_u16(),
            headers: answer.headers().clone(),
            body: body.unwrap(),
        }
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    fn json(&self) -> Value {
        let text = String::from_utf8_lossy(&self.body);
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// A problem of this status that names this value.
    fn is_problem(&self, status: u16, path: &str) {
        let text = String::from_utf8_lossy(&self.body);
        assert_eq!(self.status, status, "{text}");
        assert_eq!(self.header("content-type"), "application/problem+json", "{text}");
        if !path.is_empty() {
            assert_eq!(self.json()["errors"][0]["path"], path, "{text}");
        }
    }
}

fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder().http_status_as_error(false);
    config.build().into()
}

fn get(up: &Up, path: &str) -> Answer {
    let url = format!("http://{}/api/v1{path}", up.http);
    Answer::of(agent().get(url).call())
}

fn get_with(up: &Up, path: &str, name: &str, value: &str) -> Answer {
    let url = format!("http://{}/api/v1{path}", up.http);
    Answer::of(agent().get(url).header(name, value).call())
}

fn send(up: &Up, method: &str, path: &str, token: &str, body: &[u8]) -> Answer {
    let ask = || {
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("http://{}/api/v1{path}", up.http))
            .header("Authorization", format!("Bearer {token}"))
            .header("Content-Type", "application/octet-stream");
        agent().run(request.body(body).unwrap())
    };
    // Who refuses a body need not read it to its end: then whether the answer comes before the end of the line is chance.
    let is_cut = |error: &ureq::Error| {
        let ureq::Error::Io(error) = error else {
            return false;
        };
        matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset)
    };
    let answer = (0..20)
        .map(|_| ask())
        .find(|answer| !answer.as_ref().is_err_and(is_cut));
    Answer::of(answer.expect("an answer in twenty tries"))
}

fn admin(data: &Path) -> String {
    let token = std::fs::read_to_string(data.join("accounts/admin-token")).unwrap();
    token.trim().to_owned()
}

/// A token of a new account.
fn token(up: &Up, data: &Path, name: &str, role: &str) -> String {
    assert!(
        run(data, &["accounts", "add", name, "--role", role])
            .status
            .success()
    );
    let said = text(data, &["accounts", "token", name]);
    let token = said.split_whitespace().find(|word| word.starts_with("cas_"));
    let token = token.unwrap_or_else(|| panic!("{said}")).to_owned();
    let header = format!("Bearer {token}");
    wait_until_blocking("the account opens the door", || {
        get_with(up, "/devices", "Authorization", &header).status == 200
    })
    .unwrap();
    token
}
