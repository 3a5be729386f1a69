//! Which packing a browser takes.

use axum::http::{HeaderMap, header};

use super::File;

/// The smallest form of a file that the other side unpacks, and the form's name where it is packed.
pub(super) fn best(headers: &HeaderMap, file: &File) -> (&'static [u8], Option<&'static str>) {
    match (file.brotli, file.gzip) {
        (Some(bytes), _) if accepts(headers, "br") => (bytes, Some("br")),
        (_, Some(bytes)) if accepts(headers, "gzip") => (bytes, Some("gzip")),
        _ => (file.plain, None),
    }
}

/// Whether a form is named in `Accept-Encoding`, and not with a weight of 0.
fn accepts(headers: &HeaderMap, form: &str) -> bool {
    let accepted = headers
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    accepted
        .map(|item| item.split_once(';').unwrap_or((item, "")))
        .any(|(name, weight)| name.trim().eq_ignore_ascii_case(form) && !is_zero(weight))
}

/// Whether `q=0`, with any number of zeros behind a point.
fn is_zero(weight: &str) -> bool {
    let value = weight.trim().strip_prefix("q=");
    value.is_some_and(|value| value.parse::<f32>().is_ok_and(|value| value <= 0.0))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn what_is_not_accepted_is_not_sent() {
        for (accepted, form, taken) in [
            ("gzip, deflate, br", "br", true),
            ("gzip;q=0.5, BR;q=1.0", "br", true),
            ("gzip;q=0, br;q=0.000", "gzip", false),
            ("gzip;q=0, br;q=0.000", "br", false),
            ("brotli", "br", false),
            ("identity", "gzip", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(accepted));
            assert_eq!(accepts(&headers, form), taken, "{accepted} {form}");
        }
        assert!(!accepts(&HeaderMap::new(), "gzip"));
    }
}
