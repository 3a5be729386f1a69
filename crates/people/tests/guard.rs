//! Strangers, this machine, programs: what each may do at a listener that other hosts reach.
#![allow(clippy::unwrap_used)]

mod support;

use accounts::Role;
use axum::http::{StatusCode, header};
use support::{OWN, World, bearer, name};

#[tokio::test]
async fn a_stranger_learns_nothing_but_where_to_sign_in() {
    let world = World::new();
    for path in [
        "/",
        "/metrics",
        "/api/v1/devices",
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
    for path in ["/", "/metrics", "/api/v1/devices"] {
        assert_eq!(world.status("GET", path, &[]).await, 200, "{path}");
        assert_eq!(
            world
                .status("GET", path, &[("x-forwarded-for", "192.0.2.7")])
                .await,
            401
        );
    }
    assert!(world.get("/ready", &[]).await.body.contains("details"));
    assert_eq!(world.status("POST", "/api/v1/devices", &[]).await, 401);
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
        assert_eq!(world.status("POST", "/api/v1/devices", &with).await, change);
        assert_eq!(world.status("GET", "/api/v1/shares", &with).await, shares);
        let foreign = [with[0], ("origin", "https://evil.example")];
        assert_eq!(world.status("POST", "/api/v1/devices", &foreign).await, 403);
        let foreign = [with[0], ("sec-fetch-site", "cross-site")];
        assert_eq!(world.status("POST", "/api/v1/devices", &foreign).await, 403);
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
