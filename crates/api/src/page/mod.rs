//! The page: the files that `web/` is built into, as they are in the binary.
//!
//! In: a path, what the browser unpacks, what it has already. Out: the file, packed where possible. Names below `/assets/` that hold a
//! hash never change; everything else is asked for again, and answered shortly where it is the same.

mod encoding;

use axum::{
    Router,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::get,
};
use sha2::{Digest as _, Sha256};

/// A file of the page: its path below `/`, and its bytes, plain and packed.
struct File {
    path: &'static str,
    plain: &'static [u8],
    gzip: Option<&'static [u8]>,
    brotli: Option<&'static [u8]>,
}

static FILES: &[File] = include!(concat!(env!("OUT_DIR"), "/page.rs"));

/// A year: names with a hash mean the same for ever.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const ASK_AGAIN: HeaderValue = HeaderValue::from_static("no-cache");

pub(crate) fn routes() -> Router {
    FILES.iter().fold(Router::new(), |router, file| {
        let path = match file.path {
            "index.html" => "/".to_owned(),
            other => format!("/{other}"),
        };
        let tag = tag(file.plain);
        router.route(
            &path,
            get(async move |headers: HeaderMap| file.answer(&headers, &tag)),
        )
    })
}

/// A weak tag: the same file may leave packed in several ways.
fn tag(bytes: &[u8]) -> HeaderValue {
    let digest = hex::encode(&Sha256::digest(bytes)[..8]);
    HeaderValue::from_str(&format!("W/\"{digest}\"")).expect("a digest in hexadecimal is a header's text")
}

impl File {
    fn answer(&self, headers: &HeaderMap, tag: &HeaderValue) -> Response {
        let caching = if self.is_hashed() { FOR_EVER } else { ASK_AGAIN };
        let common = [
            (header::CACHE_CONTROL, caching),
            (header::ETAG, tag.clone()),
            (header::VARY, HeaderValue::from_static("accept-encoding")),
        ];
        if headers
            .get(header::IF_NONE_MATCH)
            .is_some_and(|known| known == tag)
        {
            return (StatusCode::NOT_MODIFIED, common).into_response();
        }
        let kind = [(header::CONTENT_TYPE, HeaderValue::from_static(self.kind()))];
        let (bytes, packed) = encoding::best(headers, self);
        let mut answer = (common, kind, bytes).into_response();
        if let Some(name) = packed {
            answer
                .headers_mut()
                .insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
        }
        answer
    }

    /// Whether its name holds a hash of what is in it: `name-XXXXXXXX.ext`.
    fn is_hashed(&self) -> bool {
        let stem = self.path.rsplit_once('.').map_or(self.path, |(stem, _)| stem);
        let hash = self
            .path
            .starts_with("assets/")
            .then(|| stem.get(stem.len().saturating_sub(9)..));
        hash.flatten().is_some_and(|end| {
            end.starts_with('-')
                && end.len() == 9
                && end[1..]
                    .bytes()
                    .all(|c| c.is_ascii_alphanumeric() || b"_-".contains(&c))
        })
    }

    fn kind(&self) -> &'static str {
        match self.path.rsplit('.').next() {
            Some("html") => "text/html; charset=utf-8",
            Some("js") => "text/javascript",
            Some("css") => "text/css",
            Some("svg") => "image/svg+xml",
            Some("png") => "image/png",
            Some("ico") => "image/x-icon",
            Some("txt") => "text/plain; charset=utf-8",
            Some("webmanifest") => "application/manifest+json",
            _ => "application/octet-stream",
        }
    }
}

#[cfg(test)]
mod tests;
