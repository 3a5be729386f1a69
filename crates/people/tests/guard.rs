//! Each rule at a listener that other hosts reach, with good and with bad input.
#![allow(clippy::unwrap_used)]

use std::{net::SocketAddr, sync::Arc, time::Duration};

use accounts::{AccountName, Accounts, AccountsFile, NewAccount, Role};
use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Request, StatusCode, header},
    routing::{any, get},
};
use jiff::{SignedDuration, Timestamp};
use monitoring::Arrival;
use parking_lot::Mutex;
use people::{Audit, Event, People};
use tempfile::TempDir;
use tower::ServiceExt as _;

const HOST: &str = "casement.lan:8443";
const OWN: (&str, &str) = ("origin", "https://casement.lan:8443");

#[derive(Default)]
struct Book(Mutex<Vec<Event>>);

impl Audit for Book {
    fn note(&self, event: Event) {
        self.0.lock().push(event);
    }
}

impl Book {
    fn kinds(&self) -> Vec<&'static str> {
        self.0.lock().iter().map(|event| event.kind).collect()
    }
}

struct World {
    dir: TempDir,
    file: AccountsFile,
    accounts: Arc<Accounts>,
    people: Arc<People>,
    router: Router,
    audit: Arc<Book>,
    listen: SocketAddr,
    encrypted: bool,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    /// The `name=value` of the cookie that it sets.
    fn cookie(&self) -> String {
        let cookie = self.headers[header::SET_COOKIE].to_str().unwrap();
        cookie.split(';').next().unwrap().to_owned()
    }
}

fn routes() -> Router {
    let ready = async || (StatusCode::SERVICE_UNAVAILABLE, "{\"parts\": \"details\"}");
    Router::new()
        .route("/", get(async || "page"))
        .route("/metrics", get(async || "metrics"))
        .route("/health", get(async || "ok"))
        .route("/ready", get(ready))
        .route("/api/devices", any(async || "devices"))
}

fn name(text: &str) -> AccountName {
    AccountName::parse(text).unwrap()
}

impl World {
    fn new() -> Self {
        Self::at(([192, 0, 2, 10], 8443).into(), true)
    }

    fn at(listen: SocketAddr, encrypted: bool) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let file = AccountsFile::new(dir.path(), "test");
        let accounts = Accounts::open(file.clone()).unwrap();
        let audit = Arc::new(Book::default());
        let people = People::open(Arc::clone(&accounts), dir.path(), Arc::clone(&audit) as _, true);
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
    fn add(&self, account: &str, role: Role) -> (String, String) {
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

    async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
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

    async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.ask("GET", path, headers, "").await
    }

    async fn status(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> u16 {
        self.ask(method, path, headers, "").await.status.as_u16()
    }

    /// Signs in by a token; the cookie.
    async fn sign_in(&self, token: &str) -> String {
        let answer = self
            .ask("POST", "/sign-in", &[OWN], &format!("password={token}"))
            .await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
        answer.cookie()
    }
}

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

#[tokio::test]
async fn a_stranger_learns_nothing_but_where_to_sign_in() {
    let world = World::new();
    for path in [
        "/",
        "/metrics",
        "/api/devices",
        "/api/v1/session",
        "/api/v1/shares",
        "/nothing",
    ] {
        let answer = world.get(path, &[]).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
        assert!(
            answer.headers.contains_key(header::WWW_AUTHENTICATE) && answer.body.contains("sign in first")
        );
        let browser = world.get(path, &[("accept", "text/html,*/*")]).await;
        assert_eq!(browser.status, StatusCode::SEE_OTHER, "{path}");
        assert_eq!(browser.headers[header::LOCATION], format!("/sign-in?next={path}"));
        assert_eq!(world.status("POST", path, &[OWN]).await, 401, "{path}");
    }
    assert_eq!(world.get("/health", &[]).await.body, "ok");
    let ready = world.get("/ready", &[]).await;
    assert_eq!((ready.status.as_u16(), ready.body.as_str()), (503, "not ready\n"));
    let page = world.get("/sign-in?next=//evil.example", &[]).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains("value=\"/\"") && !page.body.contains("evil"));
    assert_eq!(world.get("/assets/sign-in.css", &[]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn this_machine_reads_without_an_account_unless_a_proxy_asks_for_somebody_else() {
    let world = World::at(([127, 0, 0, 1], 8080).into(), false);
    for path in ["/", "/metrics", "/api/devices"] {
        assert_eq!(world.status("GET", path, &[]).await, 200, "{path}");
        assert_eq!(
            world
                .status("GET", path, &[("x-forwarded-for", "192.0.2.7")])
                .await,
            401
        );
    }
    assert!(world.get("/ready", &[]).await.body.contains("details"));
    assert_eq!(world.status("POST", "/api/devices", &[]).await, 401);
    assert_eq!(world.status("GET", "/api/v1/shares", &[]).await, 401);
    assert_eq!(
        world
            .status("GET", "/", &[("authorization", "Bearer cas_wrong")])
            .await,
        401
    );
}

#[tokio::test]
async fn programs_have_the_rights_of_their_account() {
    let world = World::new();
    let (password, reader) = world.add("grafana", Role::Reader);
    let (_, operator) = world.add("ada", Role::Operator);
    let (_, admin) = world.add("root", Role::Admin);
    let (_, bridge) = world.add("homeassistant", Role::Bridge);
    for (token, read, change, shares) in [
        (&reader, 200, 403, 403),
        (&operator, 200, 200, 403),
        (&admin, 200, 200, 200),
        (&bridge, 403, 403, 403),
    ] {
        let authorization = bearer(token);
        let with = [("authorization", authorization.as_str())];
        assert_eq!(world.status("GET", "/metrics", &with).await, read);
        assert_eq!(world.status("POST", "/api/devices", &with).await, change);
        assert_eq!(world.status("GET", "/api/v1/shares", &with).await, shares);
        let foreign = [with[0], ("origin", "https://evil.example")];
        assert_eq!(world.status("POST", "/api/devices", &foreign).await, 403);
        let foreign = [with[0], ("sec-fetch-site", "cross-site")];
        assert_eq!(world.status("POST", "/api/devices", &foreign).await, 403);
    }
    let basic = |name: &str, secret: &str| {
        let pair = format!("{name}:{secret}");
        format!("Basic {}", base64_simd::STANDARD.encode_to_string(pair))
    };
    for (authorization, expected) in [
        (basic("grafana", &password), 200),
        (basic("grafana", &reader), 200),
        (basic("", &reader), 200),
        (basic("ada", &reader), 401),
        (basic("grafana", "wrong"), 401),
        ("Basic !".to_owned(), 401),
        ("Bearer ".to_owned(), 401),
        ("Negotiate x".to_owned(), 401),
        (bearer(&"x".repeat(10_000)), 401),
    ] {
        let with = [("authorization", authorization.as_str())];
        assert_eq!(
            world.status("GET", "/", &with).await,
            expected,
            "{authorization:.40}"
        );
    }
    world.file.retire(&name("grafana")).unwrap();
    world.accounts.reload();
    let authorization = bearer(&reader);
    assert_eq!(
        world
            .status("GET", "/", &[("authorization", &authorization)])
            .await,
        401
    );
    assert!(world.audit.kinds().contains(&"refused"));
}

#[tokio::test]
async fn a_session_is_a_cookie_that_follows_its_account() {
    let world = World::new();
    let (password, token) = world.add("ada", Role::Operator);
    let form = format!("name=ada&password={password}&next=/metrics");
    let answer = world.ask("POST", "/sign-in", &[OWN], &form).await;
    assert_eq!(answer.headers[header::LOCATION], "/metrics");
    let set = answer.headers[header::SET_COOKIE].to_str().unwrap();
    for attribute in [
        "__Host-casement_8443=cas_",
        "Path=/;",
        "HttpOnly",
        "SameSite=Strict",
        "Secure",
    ] {
        assert!(set.contains(attribute), "{set}");
    }
    let by_password = answer.cookie();
    let by_token = world.sign_in(&token).await;
    for cookie in [&by_password, &by_token] {
        let with = [("cookie", cookie.as_str())];
        assert_eq!(world.status("GET", "/", &with).await, 200);
        assert!(
            world
                .get("/api/v1/session", &with)
                .await
                .body
                .contains("\"name\":\"ada\"")
        );
    }
    // Another service reads the same file.
    let again = People::open(
        Arc::clone(&world.accounts),
        world.dir.path(),
        Arc::new(Book::default()),
        false,
    );
    let restarted = World {
        router: again.guard(routes()),
        ..world
    };
    assert_eq!(
        restarted.status("GET", "/", &[("cookie", &by_password)]).await,
        200
    );
    let world = restarted;
    world.file.revoke(&token).unwrap();
    world.accounts.reload();
    assert_eq!(world.status("GET", "/", &[("cookie", &by_token)]).await, 401);
    let out = world
        .ask("POST", "/sign-out", &[OWN, ("cookie", &by_password)], "")
        .await;
    assert!(
        out.headers[header::SET_COOKIE]
            .to_str()
            .unwrap()
            .contains("Max-Age=0")
    );
    assert_eq!(world.status("GET", "/", &[("cookie", &by_password)]).await, 401);
    for change in ["rotate", "retire", "forget"] {
        let token = world.file.add_token(&name("ada"), "", None).unwrap();
        world.accounts.reload();
        let cookie = world.sign_in(token.reveal()).await;
        match change {
            "rotate" => drop(world.file.rotate(&name("ada")).unwrap()),
            "retire" => world.file.retire(&name("ada")).unwrap(),
            _ => world.file.forget(&name("ada")).unwrap(),
        }
        world.accounts.reload();
        assert_eq!(
            world.status("GET", "/", &[("cookie", &cookie)]).await,
            401,
            "{change}"
        );
        if change == "retire" {
            world.file.approve(&name("ada")).unwrap();
        }
    }
}

#[tokio::test]
async fn a_cookie_changes_nothing_for_a_page_of_another_site() {
    let world = World::new();
    let (_, token) = world.add("ada", Role::Operator);
    let cookie = world.sign_in(&token).await;
    let cookie = ("cookie", cookie.as_str());
    for (headers, expected) in [
        (&[cookie, OWN][..], 200),
        (&[cookie, ("sec-fetch-site", "same-origin")], 200),
        (&[cookie], 403),
        (&[cookie, ("origin", "https://evil.example")], 403),
        (&[cookie, ("origin", "null")], 403),
        (&[cookie, ("origin", "http://casement.lan:8443")], 403),
        (&[cookie, OWN, ("sec-fetch-site", "same-site")], 403),
        (&[cookie, OWN, ("sec-fetch-site", "cross-site")], 403),
    ] {
        assert_eq!(
            world.status("POST", "/api/devices", headers).await,
            expected,
            "{headers:?}"
        );
    }
    assert_eq!(
        world
            .status("POST", "/sign-out", &[cookie, ("origin", "https://evil.example")])
            .await,
        403
    );
    assert_eq!(
        world.status("GET", "/", &[cookie]).await,
        200,
        "nobody signs a person out from afar"
    );
    let foreign = [("origin", "https://evil.example")];
    let answer = world
        .ask("POST", "/sign-in", &foreign, &format!("password={token}"))
        .await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "or in as somebody else");
}

#[tokio::test]
async fn guessing_waits_and_tells_nothing() {
    let world = World::new();
    let (password, _) = world.add("ada", Role::Operator);
    world.add("homeassistant", Role::Bridge);
    let try_in = async |form: String| world.ask("POST", "/sign-in", &[OWN], &form).await;
    let (wrong, nobody) = (
        try_in("name=ada&password=wrong".into()).await,
        try_in("name=nobody&password=wrong".into()).await,
    );
    assert_eq!((wrong.status.as_u16(), nobody.status.as_u16()), (401, 401));
    assert_eq!(wrong.body, nobody.body);
    for form in [
        "name=ada&password=",
        "name=ada",
        "password=",
        "",
        "{\"name\": \"ada\"}",
    ] {
        assert!(try_in(form.into()).await.status.is_client_error(), "{form}");
    }
    let throttled = loop {
        let answer = try_in("name=ada&password=wrong".into()).await;
        if answer.status != StatusCode::UNAUTHORIZED {
            break answer;
        }
    };
    assert_eq!(throttled.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(throttled.headers.contains_key(header::RETRY_AFTER));
    let right = try_in(format!("name=ada&password={password}")).await;
    assert_eq!(
        right.status,
        StatusCode::SEE_OTHER,
        "a stranger who guesses locks nobody out"
    );
    let no_page = world.file.add_token(&name("homeassistant"), "", None).unwrap();
    world.accounts.reload();
    assert_eq!(try_in(format!("password={}", no_page.reveal())).await.status, 403);
    let kinds = world.audit.kinds();
    assert!(kinds.contains(&"sign_in_failed") && kinds.contains(&"sign_in"));
}

#[tokio::test]
async fn a_link_signs_in_once() {
    let world = World::new();
    world.add("admin", Role::Admin);
    let of_start = world.people.invite("admin").unwrap();
    assert!(world.people.invite("nobody").is_none());
    let expires = Timestamp::now() + SignedDuration::from_mins(15);
    let of_file = world.file.add_link(&name("admin"), expires).unwrap();
    let late = world.file.add_link(&name("admin"), Timestamp::now()).unwrap();
    world.accounts.reload();
    for secret in [of_start, of_file] {
        let path = format!("/sign-in?once={}", secret.reveal());
        let ahead = world.get(&path, &[("sec-purpose", "prefetch;prerender")]).await;
        assert_eq!(
            ahead.status,
            StatusCode::NO_CONTENT,
            "a browser that looks ahead uses nothing up"
        );
        let first = world.get(&path, &[]).await;
        assert_eq!(first.status, StatusCode::OK);
        assert!(first.body.contains("http-equiv=\"refresh\""));
        assert_eq!(
            world
                .status("GET", "/api/v1/shares", &[("cookie", &first.cookie())])
                .await,
            200
        );
        let second = world.get(&path, &[]).await;
        assert_eq!(second.status, StatusCode::UNAUTHORIZED);
        assert!(!second.headers.contains_key(header::SET_COOKIE));
    }
    for bad in [late.reveal(), "", "cas_wrong"] {
        assert_eq!(
            world.status("GET", &format!("/sign-in?once={bad}"), &[]).await,
            401,
            "{bad}"
        );
    }
    let void = world.people.invite("admin").unwrap();
    world.file.rotate(&name("admin")).unwrap();
    world.accounts.reload();
    assert_eq!(
        world
            .status("GET", &format!("/sign-in?once={}", void.reveal()), &[])
            .await,
        401
    );
}

#[tokio::test]
async fn a_share_link_shows_the_page_until_it_expires_or_is_taken_back() {
    let world = World::new();
    let (_, admin) = world.add("root", Role::Admin);
    let authorization = bearer(&admin);
    let with = [
        ("authorization", authorization.as_str()),
        ("content-type", "application/json"),
    ];
    for bad in ["{\"days\": 0}", "{\"days\": 366}", "{\"weeks\": 1}", "[]", ""] {
        assert!(
            world
                .ask("POST", "/api/v1/shares", &with, bad)
                .await
                .status
                .is_client_error(),
            "{bad}"
        );
    }
    let made = world
        .ask(
            "POST",
            "/api/v1/shares",
            &with,
            "{\"days\": 1, \"label\": \"Bob\"}",
        )
        .await;
    assert_eq!(made.status, StatusCode::CREATED);
    let made: serde_json::Value = serde_json::from_str(&made.body).unwrap();
    let (id, path) = (made["id"].as_str().unwrap(), made["path"].as_str().unwrap());
    let list = world.ask("GET", "/api/v1/shares", &with, "").await.body;
    assert!(
        list.contains("\"label\":\"Bob\"") && list.contains(id) && !list.contains("cas_"),
        "{list}"
    );

    let opened = world.get(path, &[]).await;
    assert_eq!(opened.status, StatusCode::OK);
    let cookie = opened.cookie();
    assert!(cookie.starts_with("__Host-casement_share_8443="));
    let guest = [("cookie", cookie.as_str()), OWN];
    for (method, path, expected) in [
        ("GET", "/", 200),
        ("GET", "/api/devices", 200),
        ("GET", "/metrics", 403),
        ("GET", "/api/v1/shares", 403),
        ("POST", "/api/devices", 403),
    ] {
        assert_eq!(
            world.status(method, path, &guest).await,
            expected,
            "{method} {path}"
        );
    }
    assert_eq!(world.get("/ready", &guest).await.body, "not ready\n");
    assert_eq!(world.status("DELETE", "/api/v1/shares/unknown", &with).await, 404);
    assert_eq!(
        world
            .status("DELETE", &format!("/api/v1/shares/{id}"), &with)
            .await,
        204
    );
    assert_eq!(world.status("GET", "/", &guest).await, 401);
    assert_eq!(world.status("GET", path, &[]).await, 401);

    let (_, brief) = world
        .file
        .share("", Timestamp::now() + SignedDuration::from_secs(1))
        .unwrap();
    world.accounts.reload();
    let path = format!("/?share={}", brief.reveal());
    assert_eq!(world.status("GET", &path, &[]).await, 200);
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    assert_eq!(world.status("GET", &path, &[]).await, 401, "it has expired");
}
