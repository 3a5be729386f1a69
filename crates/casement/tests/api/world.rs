//! A running Casement with an admin, asked over HTTP.

use std::net::SocketAddr;

use serde_json::Value;
use tempfile::TempDir;
use testkit::{Addresses, Process};
use ureq::http::{HeaderMap, Request, Response};

use crate::support::{casement, root};

pub(crate) struct World {
    pub(crate) data: TempDir,
    pub(crate) process: Process,
    pub(crate) at: Addresses,
    /// The admin's token.
    pub(crate) token: String,
    flags: Vec<String>,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    /// The `type` of a problem; empty for anything else.
    pub(crate) fn problem(&self) -> &str {
        let kind = self
            .headers
            .get("content-type")
            .map(|kind| kind.to_str().unwrap());
        if kind == Some("application/problem+json") {
            self.body["type"].as_str().unwrap()
        } else {
            ""
        }
    }

    pub(crate) fn etag(&self) -> &str {
        self.headers["etag"].to_str().unwrap()
    }
}

impl World {
    pub(crate) fn start(flags: &[&str]) -> Self {
        let (data, at) = (tempfile::tempdir().unwrap(), Addresses::free());
        let process = run(&data, at, flags);
        let token = std::fs::read_to_string(data.path().join("accounts/admin-token")).unwrap();
        Self {
            process,
            at,
            token: token.trim().to_owned(),
            flags: flags.iter().map(|flag| (*flag).to_owned()).collect(),
            data,
        }
    }

    /// Kills it with SIGKILL and starts it again.
    pub(crate) fn kill_and_start(&mut self) {
        self.process.kill();
        let flags: Vec<&str> = self.flags.iter().map(String::as_str).collect();
        self.process = run(&self.data, self.at, &flags);
    }

    pub(crate) fn http(&self) -> SocketAddr {
        self.at.http
    }

    /// Asks with these headers, and no others.
    pub(crate) fn bare(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("http://{}{path}", self.http()));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        answer(request.body(body.to_vec()).unwrap())
    }

    /// Asks as `token`'s account.
    pub(crate) fn ask_as(&self, token: &str, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let authorization = format!("Bearer {token}");
        let headers = [
            ("authorization", authorization.as_str()),
            ("content-type", "application/json"),
        ];
        let body = body
            .map(|body| serde_json::to_vec(body).unwrap())
            .unwrap_or_default();
        self.bare(method, path, &headers, &body)
    }

    /// Asks as the admin.
    pub(crate) fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        self.ask_as(&self.token, method, path, body)
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, None)
    }

    /// Makes an account; a token of it.
    pub(crate) fn account(&self, name: &str, role: &str) -> String {
        let new = serde_json::json!({"name": name, "role": role});
        assert_eq!(self.ask("POST", "/api/v1/accounts", Some(&new)).status, 201);
        let made = self.ask("POST", &format!("/api/v1/accounts/{name}/tokens"), None);
        assert_eq!(made.status, 201, "{}", made.body);
        made.body["token"].as_str().unwrap().to_owned()
    }
}

fn run(data: &TempDir, at: Addresses, flags: &[&str]) -> Process {
    let own = at.arguments(data.path());
    let arguments: Vec<&str> = own
        .iter()
        .map(String::as_str)
        .chain(flags.iter().copied())
        .collect();
    // A copy of the model: what is uploaded and promoted goes beside it.
    let model = data.path().join("models/window_regressor.pth");
    if !model.exists() {
        std::fs::create_dir_all(model.parent().unwrap()).unwrap();
        for name in ["window_regressor.pth", "window_regressor.pth.json"] {
            std::fs::copy(root().join("models").join(name), model.with_file_name(name)).unwrap();
        }
    }
    let environment = [("CASEMENT__MODEL__PATH", model.display().to_string())];
    let mut process = casement().start_with(&arguments, &environment).unwrap();
    process.wait_for_line("Casement is ready").unwrap();
    process
}

fn answer(request: Request<Vec<u8>>) -> Answer {
    let config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .allow_non_standard_methods(true)
        .max_redirects(0);
    let agent: ureq::Agent = config.build().into();
    let answer: Response<ureq::Body> = agent.run(request).unwrap();
    let (parts, mut body) = answer.into_parts();
    let text = body.read_to_string().unwrap();
    Answer {
        status: parts.status.as_u16(),
        headers: parts.headers,
        body: serde_json::from_str(&text).unwrap_or(Value::String(text)),
    }
}
