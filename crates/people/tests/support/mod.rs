//! A page behind the rules, asked without a network.
#![allow(dead_code, missing_docs, unreachable_pub, clippy::unwrap_used)]

use std::{net::SocketAddr, sync::Arc};

use accounts::{AccountName, Accounts, AccountsFile, NewAccount, Role};
use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Request, StatusCode, header},
    routing::{any, get},
};
use monitoring::Arrival;
use parking_lot::Mutex;
use people::{Audit, Event, People, PeopleOptions};
use tempfile::TempDir;
use tower::ServiceExt as _;

pub const HOST: &str = "casement.lan:8443";
pub const OWN: (&str, &str) = ("origin", "https://casement.lan:8443");

#[derive(Default)]
pub struct Book(pub Mutex<Vec<Event>>);

impl Audit for Book {
    fn note(&self, event: Event) {
        self.0.lock().push(event);
    }
}

impl Book {
    pub fn kinds(&self) -> Vec<&'static str> {
        self.0.lock().iter().map(|event| event.kind).collect()
    }
}

pub struct World {
    pub dir: TempDir,
    pub file: AccountsFile,
    pub accounts: Arc<Accounts>,
    pub people: Arc<People>,
    pub router: Router,
    pub audit: Arc<Book>,
    pub listen: SocketAddr,
    pub encrypted: bool,
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    /// The `name=value` of the cookie that it sets.
    pub fn cookie(&self) -> String {
        let cookie = self.headers[header::SET_COOKIE].to_str().unwrap();
        cookie.split(';').next().unwrap().to_owned()
    }
}

pub fn routes() -> Router {
    let ready = async || (StatusCode::SERVICE_UNAVAILABLE, "{\"parts\": \"details\"}");
    Router::new()
        .route("/", get(async || "page"))
        .route("/metrics", get(async || "metrics"))
        .route("/health", get(async || "ok"))
        .route("/ready", get(ready))
        .route("/api/v1/devices", any(async || "devices"))
}

pub fn name(text: &str) -> AccountName {
    AccountName::parse(text).unwrap()
}

impl World {
    pub fn new() -> Self {
        Self::at(([192, 0, 2, 10], 8443).into(), true)
    }

    pub fn at(listen: SocketAddr, encrypted: bool) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let file = AccountsFile::new(dir.path(), "test");
        let accounts = Accounts::open(file.clone()).unwrap();
        let audit = Arc::new(Book::default());
        let options = PeopleOptions {
            local_reads: true,
            ..PeopleOptions::default()
        };
        let people = People::open(
            Arc::clone(&accounts),
            dir.path(),
            Arc::clone(&audit) as _,
            options,
        )
        .unwrap();
        let router = people.guard(routes());
        Self {
            dir,
            file,
            accounts,
            people,
            router,
            audit,
            listen,
            encrypted,
        }
    }

    /// Adds an account; its password and a token.
    pub fn add(&self, account: &str, role: Role) -> (String, String) {
        let new = NewAccount {
            name: name(account),
            role,
            label: String::new(),
            location: String::new(),
        };
        let password = self.file.add(new).unwrap().reveal().to_owned();
        let token = self.file.add_token(&name(account), "", None).unwrap();
        self.accounts.reload();
        (password, token.reveal().to_owned())
    }

    pub async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header("host", HOST);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if method == "POST" && !headers.iter().any(|(name, _)| *name == "content-type") {
            request = request.header("content-type", "application/x-www-form-urlencoded");
        }
        let mut request = request.body(Body::from(body.to_owned())).unwrap();
        request.extensions_mut().insert(Arrival {
            peer: if self.listen.ip().is_loopback() {
                ([127, 0, 0, 1], 40_000).into()
            } else {
                ([192, 0, 2, 99], 40_000).into()
            },
            listen: self.listen,
            encrypted: self.encrypted,
        });
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = answer.into_parts();
        let bytes = to_bytes(body, 1 << 20).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }

    pub async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.ask("GET", path, headers, "").await
    }

    pub async fn status(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> u16 {
        self.ask(method, path, headers, "").await.status.as_u16()
    }

    /// Signs in by a token; the cookie.
    pub async fn sign_in(&self, token: &str) -> String {
        let answer = self
            .ask("POST", "/sign-in", &[OWN], &format!("password={token}"))
            .await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
        answer.cookie()
    }
}

pub fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}
