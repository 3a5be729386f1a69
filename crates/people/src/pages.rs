//! The two small pages of signing in. Nothing in them comes from a visitor but a path of letters.

use axum::{
    http::{HeaderMap, StatusCode, header},
    response::{Html, IntoResponse, Response},
};

const SIGN_IN: &str = include_str!("pages/sign-in.html");
const ANMELDEN: &str = include_str!("pages/sign-in.de.html");
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

/// What a page to sign in says, for whoever knows the visitor's language.
#[derive(Debug, Clone)]
struct Said {
    message: &'static str,
    next: String,
}

/// The page to sign in; `message` is one of our own texts.
pub(crate) fn sign_in(status: StatusCode, message: &'static str, next: &str) -> Response {
    let page = SIGN_IN.replace("{message}", message).replace("{next}", next);
    let mut answer = (status, Html(page)).into_response();
    let next = next.to_owned();
    answer.extensions_mut().insert(Said { message, next });
    answer
}

/// The page to sign in, in German; any other answer stays as it is.
pub(crate) fn in_german(mut answer: Response) -> Response {
    if let Some(Said { message, next }) = answer.extensions_mut().remove::<Said>() {
        let page = ANMELDEN
            .replace("{message}", german(message))
            .replace("{next}", &next);
        *answer.body_mut() = page.into();
    }
    answer
}

/// Whether the visitor's browser would rather have German than English.
pub(crate) fn prefers_german(headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT_LANGUAGE);
    let accepted = accepted.and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (mut is_german, mut best) = (false, 0.0);
    for entry in accepted.split(',') {
        let mut parts = entry.split(';').map(str::trim);
        let language = parts
            .next()
            .and_then(|tag| tag.split('-').next())
            .unwrap_or_default();
        let quality = parts.find_map(|part| part.strip_prefix("q=")?.parse::<f32>().ok());
        let (quality, is_de) = (quality.unwrap_or(1.0), language.eq_ignore_ascii_case("de"));
        if quality > best && (is_de || language.eq_ignore_ascii_case("en")) {
            (is_german, best) = (is_de, quality);
        }
    }
    is_german
}

/// One of our own texts in German.
fn german(message: &'static str) -> &'static str {
    match message {
        "This link was used before, or is older than 15 minutes. A new one: casement accounts link" => {
            "Dieser Link wurde schon benutzt oder ist älter als 15 Minuten. Einen neuen macht: casement accounts link"
        }
        "This link has expired, or was taken back." => "Dieser Link ist abgelaufen oder wurde widerrufen.",
        "This account has no page: readers, operators and admins have." => {
            "Dieses Konto hat keine Seite: Eine haben reader, operator und admin."
        }
        "Too many wrong names or passwords from here: wait a minute, then try again." => {
            "Zu viele falsche Namen oder Passwörter von hier: bitte eine Minute warten und noch einmal versuchen."
        }
        "Too many passwords wait to be compared: try again." => {
            "Zu viele Passwörter warten auf den Vergleich: bitte noch einmal versuchen."
        }
        "This account is closed." => "Dieses Konto ist geschlossen.",
        "Name, password or token is wrong." => "Name, Passwort oder Token ist falsch.",
        other => other,
    }
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
    fn a_language_is_preferred_as_the_browser_says() {
        for (accepted, is_german) in [
            ("", false),
            ("de-DE,de;q=0.9,en;q=0.8", true),
            ("de, en", true),
            ("en, de", false),
            ("en-GB;q=0.7, DE;q=0.8", true),
            ("fr;q=1, de;q=0.3", true),
            ("fr", false),
            ("den, de;q=0", false),
            ("de;q=x, en;q=0.9", true),
            (";;,,q=1", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_LANGUAGE, accepted.parse().unwrap());
            assert_eq!(prefers_german(&headers), is_german, "{accepted}");
        }
        assert!(!prefers_german(&HeaderMap::new()));
    }

    #[tokio::test]
    async fn the_page_to_sign_in_is_said_in_german() {
        let text = "Name, password or token is wrong.";
        let answer = in_german(sign_in(StatusCode::UNAUTHORIZED, text, "/system"));
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
        let body = axum::body::to_bytes(answer.into_body(), 1 << 16).await.unwrap();
        let body = String::from_utf8(body.to_vec()).unwrap();
        assert!(body.contains("Name, Passwort oder Token ist falsch.") && !body.contains(text));
        assert!(
            body.contains("value=\"/system\"") && !body.contains('{'),
            "{body}"
        );
        // Whatever else is answered stays.
        let other = in_german("ready".into_response());
        let body = axum::body::to_bytes(other.into_body(), 1 << 16).await.unwrap();
        assert_eq!(body, "ready");
    }

    #[test]
    fn pages_have_no_script_and_no_style_of_their_own() {
        for page in [SIGN_IN, ANMELDEN, MOVING_ON] {
            assert!(!page.contains("<script") && !page.contains("<style") && !page.contains("style="));
        }
    }
}
