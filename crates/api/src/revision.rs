//! Revisions as HTTP states them: `ETag` in answers, `If-Match` in requests.
//!
//! In: the number of a change. Out: a tag, and whether a request was made in the knowledge of that change.

use axum::{
    extract::FromRequestParts,
    http::{HeaderName, header, request::Parts},
};
use monitoring::{Problem, extract::invalid};
use registry::Revision;

use crate::problems::CHANGED;

/// The header that states a revision.
pub(crate) fn etag(revision: Revision) -> [(HeaderName, String); 1] {
    [(header::ETAG, format!("\"{revision}\""))]
}

/// What a request's `If-Match` asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum IfMatch {
    /// Nothing.
    Anything,
    /// That there is something, whatever its revision.
    Something,
    /// One of these revisions.
    OneOf(Vec<Revision>),
}

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut asked = Vec::new();
        for value in parts.headers.get_all(header::IF_MATCH) {
            let text = value.to_str().ok();
            let tags = text.map(|text| text.split(',').map(str::trim));
            asked.extend(tags.ok_or_else(|| invalid("If-Match", "is no text"))?);
        }
        if asked.is_empty() {
            return Ok(Self::Anything);
        }
        if asked == ["*"] {
            return Ok(Self::Something);
        }
        let is_tag = |tag: &&str| {
            let tag = tag.strip_prefix("W/").unwrap_or(tag);
            tag.len() >= 2 && tag.starts_with('"') && tag.ends_with('"')
        };
        if !asked.iter().all(is_tag) {
            return Err(invalid(
                "If-Match",
                "is no ETag: send one as it came, with its quotation marks",
            ));
        }
        // A tag that is not ours, or a weak one, matches nothing.
        let number = |tag: &str| tag.strip_prefix('"')?.strip_suffix('"')?.parse().ok();
        Ok(Self::OneOf(asked.into_iter().filter_map(number).collect()))
    }
}

impl IfMatch {
    /// What a change has to expect, where `now` is the present revision; a problem if it is none of those asked for.
    pub(crate) fn expected(&self, now: Revision) -> Result<Option<Revision>, Problem> {
        match self {
            Self::Anything | Self::Something => Ok(None),
            Self::OneOf(asked) if asked.contains(&now) => Ok(Some(now)),
            Self::OneOf(_) => Err(changed(now)),
        }
    }
}

/// Somebody else has changed it meanwhile.
pub(crate) fn changed(now: Revision) -> Problem {
    Problem::new(&CHANGED, format!("its ETag is \"{now}\" now"))
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    async fn read(values: &[&str]) -> Result<IfMatch, Problem> {
        let mut request = Request::builder();
        for value in values {
            request = request.header("if-match", *value);
        }
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        IfMatch::from_request_parts(&mut parts, &()).await
    }

    #[tokio::test]
    async fn a_change_names_the_revision_that_it_knows() {
        for (values, expected) in [
            (&[][..], IfMatch::Anything),
            (&["*"], IfMatch::Something),
            (&["\"7\""], IfMatch::OneOf(vec![7])),
            (&["\"7\", \"8\"", "\"9\""], IfMatch::OneOf(vec![7, 8, 9])),
            (&["W/\"7\""], IfMatch::OneOf(vec![])),
            (&["\"other\""], IfMatch::OneOf(vec![])),
        ] {
            assert_eq!(read(values).await.unwrap(), expected, "{values:?}");
        }
        for wrong in ["7", "\"", "", "*, \"7\""] {
            assert!(read(&[wrong]).await.is_err(), "{wrong}");
        }
        let known = IfMatch::OneOf(vec![7]);
        assert_eq!(known.expected(7).unwrap(), Some(7));
        assert!(known.expected(8).is_err());
        assert_eq!(IfMatch::Anything.expected(8).unwrap(), None);
    }
}
