//! Links that sign in once, and links that only read.
#![allow(clippy::unwrap_used)]

mod support;

use std::time::Duration;

use accounts::Role;
use axum::http::{StatusCode, header};
use jiff::{SignedDuration, Timestamp};
use support::{OWN, World, bearer, name};

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
        assert_eq!(
            world.status("HEAD", &path, &[]).await,
            204,
            "nor does who only asks"
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
        ("GET", "/api/v1/devices", 200),
        ("GET", "/metrics", 403),
        ("GET", "/api/v1/shares", 403),
        ("POST", "/api/v1/devices", 403),
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

#[tokio::test]
async fn links_and_tokens_of_this_moment_are_known_before_the_file_is_looked_at_again() {
    let world = World::new();
    world.add("root", Role::Admin);
    let soon = Timestamp::now() + SignedDuration::from_mins(15);
    let token = world.file.add_token(&name("root"), "", None).unwrap();
    let headers = [("authorization", &*bearer(token.reveal()))];
    assert_eq!(world.status("GET", "/metrics", &headers).await, 200);
    let link = world.file.add_link(&name("root"), soon).unwrap();
    let path = format!("/sign-in?once={}", link.reveal());
    assert_eq!(world.status("GET", &path, &[]).await, 200);
    let (_, share) = world.file.share("", soon).unwrap();
    let opened = world.get(&format!("/?share={}", share.reveal()), &[]).await;
    assert_eq!(opened.status, StatusCode::OK);
    assert_eq!(opened.headers[header::CACHE_CONTROL], "no-store");
}
