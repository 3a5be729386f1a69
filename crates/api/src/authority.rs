//! The certificate of the authority that this house's devices trust.
//!
//! In: its file. Out: the certificate, for everybody: it is public. A device that fetches it before it can trust anybody compares
//! its SHA-256 with the one that the page and `casement provision` show.

use std::{io::Read as _, path::PathBuf};

use axum::{
    Router,
    http::{HeaderValue, header},
    response::{IntoResponse as _, Response},
    routing::get,
};
use monitoring::Problem;

use crate::problems::NOT_FOUND;

const PATH: &str = "/assets/ca.pem";
const KIND: HeaderValue = HeaderValue::from_static("application/x-pem-file");
/// A certificate has a few hundred bytes.
const MAX_BYTES: u64 = 64 * 1024;

/// Serves the certificate; without a file, and where it cannot be read, there is none.
pub(crate) fn routes(file: Option<PathBuf>) -> Router {
    Router::new().route(
        PATH,
        get(async move || {
            let reading = tokio::task::spawn_blocking(move || file.and_then(|file| read(&file)));
            match reading.await.expect("reading a file does not panic") {
                Some(pem) => certificate(pem),
                None => none().into_response(),
            }
        }),
    )
}

fn certificate(pem: String) -> Response {
    ([(header::CONTENT_TYPE, KIND)], pem).into_response()
}

fn none() -> Problem {
    Problem::new(
        &NOT_FOUND,
        "this Casement has no authority of its own: no listener speaks TLS, or tls.certificate_file names another certificate",
    )
}

fn read(file: &std::path::Path) -> Option<String> {
    let mut pem = String::new();
    let opened = std::fs::File::open(file).ok()?;
    opened.take(MAX_BYTES + 1).read_to_string(&mut pem).ok()?;
    let is_whole = pem.len() as u64 <= MAX_BYTES;
    // Never anything but certificates: a key beside it would be a disaster.
    (is_whole && pem.contains("BEGIN CERTIFICATE") && !pem.contains("PRIVATE KEY")).then_some(pem)
}

#[cfg(test)]
mod tests {
    use axum::{
        body::{Body, to_bytes},
        http::{Request, StatusCode},
    };
    use tower::ServiceExt as _;

    use super::*;

    async fn ask(file: Option<PathBuf>) -> (StatusCode, String) {
        let request = Request::get(PATH).body(Body::empty()).unwrap();
        let answer = routes(file).oneshot(request).await.unwrap();
        let status = answer.status();
        let body = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn the_certificate_is_served_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("ca.pem");
        let write = |text: &str| std::fs::write(&file, text).unwrap();
        assert_eq!(ask(None).await.0, StatusCode::NOT_FOUND);
        assert_eq!(ask(Some(file.clone())).await.0, StatusCode::NOT_FOUND);
        let pem = "-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n";
        write(pem);
        assert_eq!(ask(Some(file.clone())).await, (StatusCode::OK, pem.to_owned()));
        write(&format!("{pem}{}", " ".repeat(MAX_BYTES as usize)));
        assert_eq!(
            ask(Some(file.clone())).await.0,
            StatusCode::NOT_FOUND,
            "never cut off"
        );
        write(&format!("{pem}-----BEGIN PRIVATE KEY-----\nMII\n"));
        assert_eq!(ask(Some(file.clone())).await.0, StatusCode::NOT_FOUND);
    }
}
