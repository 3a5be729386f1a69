#![allow(clippy::case_sensitive_file_extension_comparisons)]

use axum::{
    body::{Body, Bytes, to_bytes},
    http::Request,
};
use tower::ServiceExt as _;

use super::*;

/// What a first visit may cost, packed by gzip.
const FIRST_LOAD_BYTES: usize = 150 * 1024;

async fn get(path: &str, headers: &[(&str, &str)]) -> (StatusCode, HeaderMap, Bytes) {
    let request = headers.iter().fold(Request::get(path), |request, (name, value)| {
        request.header(*name, *value)
    });
    let answer = routes()
        .oneshot(request.body(Body::empty()).unwrap())
        .await
        .unwrap();
    let (parts, body) = answer.into_parts();
    (
        parts.status,
        parts.headers,
        to_bytes(body, 4 << 20).await.unwrap(),
    )
}

async fn text(path: &str) -> String {
    let (status, _, bytes) = get(path, &[]).await;
    assert_eq!(status, StatusCode::OK, "{path}");
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The files that the page's own HTML names.
async fn named() -> Vec<String> {
    let html = text("/").await;
    let named: Vec<String> = html
        .split('"')
        .filter(|part| part.starts_with("/assets/"))
        .map(str::to_owned)
        .collect();
    assert!(
        named.iter().any(|name| name.ends_with(".js")) && named.iter().any(|name| name.ends_with(".css")),
        "the page is not built, run scripts/page.sh: {html}"
    );
    named
}

#[tokio::test]
async fn whatever_the_page_names_is_served_and_its_first_load_is_small() {
    let mut bytes = 0;
    for path in ["/".to_owned()].into_iter().chain(named().await) {
        let (status, headers, body) = get(&path, &[("accept-encoding", "gzip")]).await;
        assert_eq!(status, StatusCode::OK, "{path}");
        // Icons are for the home screen: a browser asks for none of the large ones.
        if path.ends_with(".png") {
            continue;
        }
        assert_eq!(headers[header::CONTENT_ENCODING], "gzip", "{path}");
        bytes += body.len();
    }
    assert!(bytes <= FIRST_LOAD_BYTES, "{bytes} bytes");
}

#[tokio::test]
async fn names_with_a_hash_are_kept_for_ever_and_others_are_asked_for_again() {
    let script = named()
        .await
        .into_iter()
        .find(|name| name.ends_with(".js"))
        .unwrap();
    let (_, headers, _) = get(&script, &[]).await;
    assert_eq!(headers[header::CACHE_CONTROL], FOR_EVER);
    assert_eq!(headers[header::CONTENT_TYPE], "text/javascript");
    for path in ["/", "/assets/icon.svg", "/assets/casement.webmanifest"] {
        let (_, headers, _) = get(path, &[]).await;
        assert_eq!(headers[header::CACHE_CONTROL], ASK_AGAIN, "{path}");
        let tag = headers[header::ETAG].to_str().unwrap();
        let (status, _, body) = get(path, &[("if-none-match", tag)]).await;
        assert_eq!((status, body.len()), (StatusCode::NOT_MODIFIED, 0), "{path}");
        let (status, _, _) = get(path, &[("if-none-match", "W/\"another\"")]).await;
        assert_eq!(status, StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn browsers_that_ask_for_the_usual_icon_get_it() {
    let (status, headers, icon) = get("/favicon.ico", &[]).await;
    assert_eq!(
        (status, &headers[header::CONTENT_TYPE]),
        (StatusCode::OK, &HeaderValue::from_static("image/x-icon"))
    );
    // One picture, and a PNG behind the directory of 22 bytes.
    assert_eq!(
        (&icon[..6], &icon[22..26]),
        (&[0, 0, 1, 0, 1, 0][..], &b"\x89PNG"[..])
    );
}

#[tokio::test]
async fn files_leave_as_the_browser_takes_them() {
    let script = named()
        .await
        .into_iter()
        .find(|name| name.ends_with(".js"))
        .unwrap();
    let (_, headers, plain) = get(&script, &[]).await;
    assert!(!headers.contains_key(header::CONTENT_ENCODING));
    for (accepted, form) in [("gzip, br", "br"), ("gzip", "gzip"), ("gzip, br;q=0", "gzip")] {
        let (_, headers, packed) = get(&script, &[("accept-encoding", accepted)]).await;
        assert_eq!(headers[header::CONTENT_ENCODING], form, "{accepted}");
        assert!(packed.len() < plain.len() / 2, "{form}: {}", packed.len());
    }
}

#[tokio::test]
async fn nothing_of_the_page_is_inline_or_from_elsewhere() {
    let html = text("/").await;
    for wrong in [" style=", "<style", "onclick", "http://", "https://"] {
        assert!(!html.contains(wrong), "{wrong}");
    }
    let inline = html
        .split("<script")
        .skip(1)
        .filter(|script| !script.split('>').next().is_some_and(|head| head.contains("src=")));
    assert_eq!(inline.count(), 0, "{html}");
}
