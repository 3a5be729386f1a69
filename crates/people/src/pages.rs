//! The two small pages of signing in. Nothing in them comes from a visitor but a path of letters.

use axum::{
    http::{StatusCode, header},
    response::{Html, IntoResponse, Response},
};

const SIGN_IN: &str = include_str!("pages/sign-in.html");
const MOVING_ON: &str = include_str!("pages/moving-on.html");

/// A path on this site that is safe in a page and in a header; anything else is the page itself.
pub(crate) fn local_path(text: &str) -> String {
    let is_plain = |c: u8| c.is_ascii_alphanumeric() || b"/_-.".contains(&c);
    let is_local = text.starts_with('/') && !text.starts_with("//") && text.len() <= 200;
    if is_local && text.bytes().all(is_plain) {
        text.to_owned()
    } else {
        "/".to_owned()
    }
}

/// The page to sign in; `message` is one of our own texts.
pub(crate) fn sign_in(status: StatusCode, message: &str, next: &str) -> Response {
    let page = SIGN_IN.replace("{message}", message).replace("{next}", next);
    (status, Html(page)).into_response()
}

/// Leads on to `next` from a page of this site: a cookie that was just set does not follow a link of another one.
pub(crate) fn moving_on(next: &str) -> impl IntoResponse {
    Html(MOVING_ON.replace("{next}", next))
}

/// Their style.
pub(crate) async fn style() -> impl IntoResponse {
    let kind = [(header::CONTENT_TYPE, "text/css; charset=utf-8")];
    (kind, include_str!("pages/sign-in.css"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_this_site_are_followed() {
        assert_eq!(
            local_path("/api/v1/devices/sensor-001"),
            "/api/v1/devices/sensor-001"
        );
        for other in [
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "evil",
            "",
            "/a\"><script>",
            "/a\r\nSet-Cookie: x",
            "/?next=/",
            "/%2F",
        ] {
            assert_eq!(local_path(other), "/", "{other}");
        }
    }

    #[test]
    fn pages_have_no_script_and_no_style_of_their_own() {
        for page in [SIGN_IN, MOVING_ON] {
            assert!(!page.contains("<script") && !page.contains("<style") && !page.contains("style="));
        }
    }
}
