//! Signing in, sessions, and what pages of other sites can do with them.
#![allow(clippy::unwrap_used)]

mod support;

use std::sync::Arc;

use accounts::Role;
use axum::http::{StatusCode, header};
use people::People;
use support::{Book, OWN, World, name, routes};

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
        people::PeopleOptions::default(),
    )
    .unwrap();
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
            world.status("POST", "/api/v1/devices", headers).await,
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
