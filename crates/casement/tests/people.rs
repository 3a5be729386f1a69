//! People at the page of a running Casement: links, sessions, share links, what they leave in the audit log; and accounts as
//! users of ClickHouse.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use serde_json::Value;
use support::{
    casement,
    command::{json, text},
    up,
};
use testkit::{Addresses, Up, wait_until_blocking};
use ureq::http::Response;

fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0);
    config.build().into()
}

/// Asks for a page with these headers.
fn get(up: &Up, path: &str, headers: &[(&str, &str)]) -> Response<ureq::Body> {
    let mut request = agent().get(format!("http://{}{path}", up.http));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.call().unwrap()
}

fn status(up: &Up, path: &str, headers: &[(&str, &str)]) -> u16 {
    get(up, path, headers).status().as_u16()
}

fn cookie(answer: &Response<ureq::Body>) -> String {
    let set = answer.headers()["set-cookie"].to_str().unwrap();
    assert!(set.contains("HttpOnly; SameSite=Strict"), "{set}");
    set.split(';').next().unwrap().to_owned()
}

/// Sends these bytes to the page's port and reads until the other side closes.
fn say(up: &Up, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(up.http).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(bytes).unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn the_first_start_signs_an_admin_in_and_sessions_survive_and_end_with_their_account() {
    let data = tempfile::tempdir().unwrap();
    let mut up = up(data.path(), &[]);
    let said = up.process.wait_for_line("Sign in as admin, once").unwrap();
    let (_, path) = said.split_once("/sign-in?").unwrap();
    let link = format!("/sign-in?{path}");
    let first = get(&up, &link, &[]);
    assert_eq!(first.status(), 200);
    let cookie = cookie(&first);
    let with = [("Cookie", cookie.as_str())];
    assert_eq!(status(&up, "/api/v1/shares", &with), 200);
    assert_eq!(status(&up, &link, &[]), 401, "a link works once");
    assert_eq!(status(&up, "/api/v1/shares", &[]), 401);
    let token = std::fs::read_to_string(data.path().join("accounts/admin-token")).unwrap();
    let authorization = format!("Bearer {}", token.trim());
    assert_eq!(
        status(&up, "/api/v1/shares", &[("Authorization", &authorization)]),
        200
    );

    let again = text(data.path(), &["accounts", "link"]);
    let (_, path) = again.lines().next().unwrap().split_once("/sign-in?").unwrap();
    let link = format!("/sign-in?{path}");
    wait_until_blocking("the link of the command is known", || {
        status(&up, &link, &[]) == 200
    })
    .unwrap();
    assert_eq!(status(&up, &link, &[]), 401);

    // A kill takes the rows that are still on their way; these have arrived.
    for kind in ["sign_in", "sign_in_failed"] {
        let statement = format!("SELECT count() >= 2 FROM iot.audit_log FINAL WHERE kind = '{kind}'");
        up.wait_sql(&statement, "1").unwrap();
    }
    up.restart().unwrap();
    assert_eq!(
        status(&up, "/api/v1/shares", &with),
        200,
        "kill -9 signs nobody out"
    );
    let audited =
        "SELECT count(), uniqExact(number) FROM iot.audit_log WHERE kind IN ('account_add', 'account_token')";
    up.wait_sql(audited, "2\t2").unwrap();
    text(data.path(), &["accounts", "retire", "admin"]);
    let gone = || status(&up, "/api/v1/shares", &with) == 401;
    wait_until_blocking("the session ends with its account", gone).unwrap();
    assert_eq!(status(&up, "/", &with), 200, "this machine still reads");
    for (kind, count) in [
        ("sign_in", "= 2"),
        ("sign_in_failed", ">= 2"),
        ("account_retire", "= 1"),
        ("session_ended", "= 2"),
        ("link", "= 1"),
    ] {
        let statement = format!("SELECT count() {count} FROM iot.audit_log FINAL WHERE kind = '{kind}'");
        up.wait_sql(&statement, "1").unwrap();
    }
    // Told again, changes stay what they are.
    std::fs::remove_file(data.path().join("accounts/audited")).unwrap();
    up.restart().unwrap();
    wait_until_blocking("they are told again", || {
        data.path().join("accounts/audited").exists()
    })
    .unwrap();
    up.wait_page("/api/v1/status", "\"journal_records\":0").unwrap();
    let all = "SELECT count() FROM iot.audit_log FINAL WHERE kind = 'account_retire'";
    up.wait_sql(all, "1").unwrap();
}

#[test]
fn pages_say_what_they_may_load_and_requests_are_bounded() {
    let data = tempfile::tempdir().unwrap();
    let up = up(data.path(), &[]);
    for path in ["/", "/sign-in", "/api/v1/devices", "/metrics", "/nothing"] {
        let answer = get(&up, path, &[]);
        let policy = answer.headers()["content-security-policy"].to_str().unwrap();
        assert!(
            policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{path}"
        );
        assert!(!policy.contains("unsafe"), "{path}");
        assert_eq!(answer.headers()["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(answer.headers()["referrer-policy"], "same-origin", "{path}");
    }
    let page = get(&up, "/", &[]).body_mut().read_to_string().unwrap();
    for (ending, kind) in [(".js", "text/javascript"), (".css", "text/css")] {
        let named = page
            .split('"')
            .find(|part| part.starts_with("/assets/") && part.ends_with(ending));
        let path = named.expect("the page is built: scripts/page.sh");
        assert_eq!(get(&up, path, &[]).headers()["content-type"], kind);
    }
    assert!(!page.contains("<style") && !page.contains("style=") && !page.contains("<script>"));

    let large = format!(
        "GET / HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n",
        "x".repeat(200_000)
    );
    assert!(say(&up, large.as_bytes()).starts_with("HTTP/1.1 431"));
    let many = format!(
        "GET / HTTP/1.1\r\nHost: localhost\r\n{}\r\n",
        "a: b\r\n".repeat(500)
    );
    assert!(say(&up, many.as_bytes()).starts_with("HTTP/1.1 431"));
    let post =
        "POST /sign-in HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n";
    let claimed = format!("{post}Content-Length: 100000000\r\n\r\n{}", "x".repeat(2 << 20));
    assert!(say(&up, claimed.as_bytes()).starts_with("HTTP/1.1 413"));
    // Ten seconds, then nobody waits for the rest.
    let slow = format!("{post}Content-Length: 100\r\nConnection: close\r\n\r\nname=");
    assert!(say(&up, slow.as_bytes()).starts_with("HTTP/1.1 408"));
    for foreign in ["Origin: http://evil.example", "Sec-Fetch-Site: cross-site"] {
        let answer = say(
            &up,
            format!("{post}{foreign}\r\nConnection: close\r\nContent-Length: 10\r\n\r\npassword=x")
                .as_bytes(),
        );
        assert!(answer.starts_with("HTTP/1.1 403"), "{foreign}: {answer}");
    }
}

#[test]
fn a_share_link_of_the_command_opens_and_closes() {
    let data = tempfile::tempdir().unwrap();
    let up = up(data.path(), &[]);
    let made = json(
        data.path(),
        &["accounts", "share", "--days", "1", "--label", "Bob"],
    );
    let path = made["path"].as_str().unwrap();
    wait_until_blocking("the link is known", || status(&up, path, &[]) == 200).unwrap();
    let guest = cookie(&get(&up, path, &[]));
    let session = get(&up, "/api/v1/session", &[("Cookie", &guest)])
        .body_mut()
        .read_to_string()
        .unwrap();
    assert!(session.contains("\"guest\""), "{session}");
    let list = json(data.path(), &["accounts", "shares"]);
    assert_eq!(
        (list[0]["label"].as_str(), list[0]["id"].as_str()),
        (Some("Bob"), made["id"].as_str())
    );
    text(
        data.path(),
        &["accounts", "unshare", made["id"].as_str().unwrap()],
    );
    wait_until_blocking("the link is void", || status(&up, path, &[]) == 401).unwrap();
}

#[test]
fn accounts_read_in_clickhouse_and_nobody_reads_the_accounts() {
    let data = tempfile::tempdir().unwrap();
    let up = Up::start(casement(), data.path(), &[]).unwrap();
    let made = json(data.path(), &["accounts", "add", "grafana", "--role", "reader"]);
    let bridge = json(data.path(), &["accounts", "add", "nodered", "--role", "bridge"]);
    let password = |made: &Value| made["password"].as_str().unwrap().to_owned();
    let ask = |user: &str, password: &str, statement: &str| {
        let answer = agent()
            .post(format!("http://{}/", up.clickhouse))
            .header("X-ClickHouse-User", user)
            .header("X-ClickHouse-Key", password)
            .send(statement);
        let mut answer = answer.unwrap();
        (
            answer.status().as_u16(),
            answer.body_mut().read_to_string().unwrap(),
        )
    };
    let grafana = password(&made);
    let enters = || ask("grafana", &grafana, "SELECT 1") == (200, "1\n".into());
    wait_until_blocking("the account reads", enters).unwrap();
    assert_eq!(
        ask("reader", "", "SELECT 1").0,
        200,
        "on loopback it is open as before"
    );
    for (user, password) in [
        ("grafana", "wrong"),
        ("nobody", &grafana),
        ("nodered", &password(&bridge)),
        ("admin", ""),
    ] {
        let (status, answer) = ask(user, password, "SELECT 1");
        assert!(status != 200 && answer.contains("516"), "{user}: {answer}");
    }
    let (status, answer) = ask("grafana", &grafana, "CREATE TABLE iot.x (a Int8) ENGINE = Memory");
    assert!(status != 200, "{answer}");
    let file = data.path().join("accounts/accounts.json").display().to_string();
    for user in ["default", "reader"] {
        for statement in [
            format!("SELECT * FROM file('{file}', 'LineAsString')"),
            "SELECT * FROM file('../../accounts/accounts.json', 'RawBLOB')".to_owned(),
            format!("SELECT * FROM `{file}`"),
        ] {
            let (status, answer) = ask(user, "", &statement);
            assert!(
                status != 200 && !answer.contains("argon2id"),
                "{statement}: {answer}"
            );
        }
    }
    text(data.path(), &["accounts", "retire", "grafana"]);
    let shut = || ask("grafana", &grafana, "SELECT 1").0 != 200;
    wait_until_blocking("a retired account reads nothing", shut).unwrap();
}

#[test]
fn the_engines_process_keeps_its_users_after_a_crash() {
    let data = tempfile::tempdir().unwrap();
    let addresses = Addresses::free();
    let mut process = casement().up(data.path(), addresses, &[]).unwrap();
    process.wait_for_line("Casement is ready").unwrap();
    let made = json(data.path(), &["accounts", "add", "grafana", "--role", "reader"]);
    let password = made["password"].as_str().unwrap();
    let url = format!(
        "http://{}/?query=SELECT+1&user=grafana&password={password}",
        addresses.clickhouse
    );
    let reads = || {
        agent()
            .get(&url)
            .call()
            .is_ok_and(|answer| answer.status() == 200)
    };
    wait_until_blocking("the account reads", reads).unwrap();
    let engine = testkit::children(process.pid())[0];
    testkit::signal(engine, testkit::Signal::KILL).unwrap();
    wait_until_blocking("the engine has ended", || testkit::has_ended(engine)).unwrap();
    wait_until_blocking("the account reads again", reads).unwrap();
}

#[test]
fn this_machine_needs_an_account_where_the_configuration_says_so() {
    let data = tempfile::tempdir().unwrap();
    let addresses = Addresses::free();
    let arguments = addresses.arguments(data.path());
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let never = [("CASEMENT__HTTP__ANONYMOUS", "never".to_owned())];
    let mut process = casement().start_with(&arguments, &never).unwrap();
    process.wait_for_line("Casement is ready").unwrap();
    let status = |path: &str| {
        let url = format!("http://{}{path}", addresses.http);
        agent().get(url).call().unwrap().status().as_u16()
    };
    assert_eq!(
        (status("/"), status("/metrics"), status("/health")),
        (401, 401, 200)
    );
}
