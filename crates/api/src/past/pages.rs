//! Pages of a list: which one is asked for, and where the next one is.

use axum::{
    Json,
    http::{HeaderValue, header},
    response::{IntoResponse as _, Response},
};
use monitoring::{Problem, extract::invalid};
use serde::{Deserialize, Serialize};
use store::{Page, PageQuery, Place};
use utoipa::IntoParams;

use super::span;

/// Rows of a page, if nobody says how many.
const USUAL: u32 = 100;
/// Rows of a page at most.
const MOST: u32 = 1_000;

/// Which page of which list is asked for.
pub(crate) struct Listing<'a> {
    pub(crate) from: Option<&'a str>,
    pub(crate) to: Option<&'a str>,
    pub(crate) before: Option<&'a str>,
    pub(crate) limit: Option<u32>,
}

impl Listing<'_> {
    /// Reads it.
    pub(crate) fn page(&self) -> Result<PageQuery, Problem> {
        let before = self.before.map(|text| {
            let place = Place::parse(text);
            place.ok_or_else(|| invalid("before", "is no place in a list: take it from the header `Link`"))
        });
        let limit = self.limit.unwrap_or(USUAL);
        if !(1..=MOST).contains(&limit) {
            return Err(invalid("limit", format!("is not within 1 to {MOST}")));
        }
        Ok(PageQuery {
            period: span(self.from, self.to, None)?.0,
            before: before.transpose()?,
            limit,
        })
    }
}

/// Which page of a list without other filters.
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
    /// Reads it.
    pub(crate) fn page(&self) -> Result<PageQuery, Problem> {
        Listing {
            from: self.from.as_deref(),
            to: self.to.as_deref(),
            before: self.before.as_deref(),
            limit: self.limit,
        }
        .page()
    }

    /// What the next page has, too.
    pub(crate) fn filters(&self) -> [(&'static str, Option<&str>); 2] {
        [("from", self.from.as_deref()), ("to", self.to.as_deref())]
    }
}

/// The answer with a page, whose header `Link` leads on. `filters` are those of the query that the next page has, too.
pub(crate) fn listed<T, V: Serialize>(
    path: &str,
    filters: &[(&str, Option<&str>)],
    limit: u32,
    page: Page<T>,
    view: impl Fn(T) -> V,
) -> Response {
    let rows: Vec<V> = page.rows.into_iter().map(view).collect();
    let mut answer = Json(rows).into_response();
    if let Some(place) = page.next {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in filters {
            if let Some(value) = value {
                query.append_pair(name, value);
            }
        }
        query.append_pair("limit", &limit.to_string());
        query.append_pair("before", &place.to_string());
        let link = format!("</api/v1{path}?{}>; rel=\"next\"", query.finish());
        let link = HeaderValue::from_str(&link).expect("a query is plain text");
        answer.headers_mut().insert(header::LINK, link);
    }
    answer
}
