//! Pages of a list: which one is asked for, and where the next one is.

use axum::{
    Json,
    extract::FromRequestParts,
    http::{HeaderValue, header, request},
    response::{IntoResponse as _, Response},
};
use form_urlencoded::Serializer;
use monitoring::{
    Problem,
    extract::{Query, invalid},
    words,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use store::{Page, PageQuery, Place};
use utoipa::IntoParams;

use super::span;

/// Rows of a page, if nobody says how many.
const USUAL: u32 = 100;
/// Rows of a page at most.
const MOST: u32 = 1_000;

/// Which page of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Paging {
    /// Only what happened from then on: RFC 3339, or as far back as `-24h` or `-7d`.
    #[param(example = "-7d")]
    from: Option<String>,
    /// Only what happened until then, likewise; left out: now.
    to: Option<String>,
    /// Only what stands after this place, which is older. The header `Link` has it.
    before: Option<String>,
    /// At most so many. Left out: 100.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

impl Paging {
    const NAMES: [&str; 4] = ["from", "to", "before", "limit"];

    fn page(&self) -> Result<PageQuery, Problem> {
        let before = self.before.as_deref().map(|text| {
            let place = Place::parse(text);
            place.ok_or_else(|| invalid("before", "is no place in a list: take it from the header `Link`"))
        });
        let limit = self.limit.unwrap_or(USUAL);
        if !(1..=MOST).contains(&limit) {
            return Err(invalid("limit", format!("is not within 1 to {MOST}")));
        }
        Ok(PageQuery {
            period: span(self.from.as_deref(), self.to.as_deref(), None)?.0,
            before: before.transpose()?,
            limit,
        })
    }
}

/// What a list is narrowed down to, beside its period.
pub(crate) trait Narrowing: DeserializeOwned {
    /// The names of its parameters.
    const NAMES: &'static [&'static str];
}

impl Narrowing for () {
    const NAMES: &'static [&'static str] = &[];
}

/// The query of a list: which page, and what the list is narrowed down to.
#[derive(Debug)]
pub(crate) struct Asked<F = ()> {
    pub(crate) page: PageQuery,
    pub(crate) only: F,
    /// What the next page is asked for, too.
    others: Vec<(String, String)>,
}

impl<S: Sync, F: Narrowing> FromRequestParts<S> for Asked<F> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut request::Parts, _: &S) -> Result<Self, Problem> {
        Self::read(parts.uri.query().unwrap_or_default())
    }
}

impl<F: Narrowing> Asked<F> {
    fn read(query: &str) -> Result<Self, Problem> {
        let pairs: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let known = || F::NAMES.iter().chain(&Paging::NAMES);
        if let Some((name, _)) = pairs.iter().find(|(name, _)| !known().any(|known| known == name)) {
            let known: Vec<String> = known().map(|name| format!("`{name}`")).collect();
            let told = format!("unknown field `{name}`, expected one of {}", known.join(", "));
            return Err(invalid(name, words::plain(&told)));
        }
        let (narrowing, paging): (Vec<_>, Vec<_>) = pairs
            .iter()
            .partition(|(name, _)| F::NAMES.contains(&name.as_str()));
        let Query(paging) = Query::<Paging>::read(&written(&paging))?;
        let page = paging.page()?;
        let Query(only) = Query::read(&written(&narrowing))?;
        let others = pairs
            .into_iter()
            .filter(|(name, _)| !["before", "limit"].contains(&name.as_str()));
        Ok(Self {
            page,
            only,
            others: others.collect(),
        })
    }
}

impl<F> Asked<F> {
    /// The answer with `page` of the list at `path`, whose header `Link` leads on.
    pub(crate) fn answer<T, V: Serialize>(
        &self,
        path: &str,
        page: Page<T>,
        view: impl Fn(T) -> V,
    ) -> Response {
        let rows: Vec<V> = page.rows.into_iter().map(view).collect();
        let mut answer = Json(rows).into_response();
        if let Some(place) = page.next {
            let mut query = Serializer::new(String::new());
            query.extend_pairs(&self.others);
            query.append_pair("limit", &self.page.limit.to_string());
            query.append_pair("before", &place.to_string());
            let link = format!("</api/v1{path}?{}>; rel=\"next\"", query.finish());
            let link = HeaderValue::from_str(&link).expect("a query is plain text");
            answer.headers_mut().insert(header::LINK, link);
        }
        answer
    }
}

/// The text of a query.
fn written(pairs: &[&(String, String)]) -> String {
    Serializer::new(String::new())
        .extend_pairs(pairs.iter().copied())
        .finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Only {
        kind: Option<String>,
        kept: Option<bool>,
    }

    impl Narrowing for Only {
        const NAMES: &'static [&'static str] = &["kind", "kept"];
    }

    fn link(query: &str) -> String {
        let asked = Asked::<Only>::read(query).unwrap();
        let next = Place::parse(&"0".repeat(32)).unwrap();
        let page = Page {
            rows: vec![1, 2],
            next: Some(next),
        };
        let answer = asked.answer("/list", page, |row| row);
        answer.headers()[header::LINK].to_str().unwrap().to_owned()
    }

    #[test]
    fn the_next_page_is_asked_for_what_this_one_was() {
        let asked = Asked::<Only>::read("kind=a%26b&from=-1h&limit=2&kept=true").unwrap();
        assert_eq!(
            (asked.only.kind.as_deref(), asked.only.kept),
            (Some("a&b"), Some(true))
        );
        assert_eq!((asked.page.limit, asked.page.before), (2, None));
        let next = link("kind=a%26b&from=-1h&limit=2&kept=true");
        assert!(
            next.starts_with("</api/v1/list?kind=a%26b&from=-1h&kept=true&limit=2&before="),
            "{next}"
        );
        assert!(link("").starts_with("</api/v1/list?limit=100&before="));
    }

    #[test]
    fn whatever_else_is_asked_is_told_with_its_name() {
        for (query, wrong, told) in [
            ("limt=1", "limt", "limit"),
            ("limit=0", "limit", "1 to 1000"),
            ("limit=1001", "limit", "1 to 1000"),
            ("limit=-1", "limit", "whole number"),
            ("limit=1&limit=2", "limit", "more than once"),
            ("kind=a&kind=b", "kind", "more than once"),
            ("kept=perhaps", "kept", "true nor false"),
            ("before=x", "before", "Link"),
            ("from=yesterday", "from", "is no time"),
        ] {
            let problem = Asked::<Only>::read(query).unwrap_err();
            let said = format!("{problem:?}");
            assert!(said.contains(wrong) && said.contains(told), "{query}: {said}");
        }
        assert!(Asked::<()>::read("").is_ok());
        assert!(Asked::<()>::read("kind=a").is_err(), "there is no such filter");
    }
}
