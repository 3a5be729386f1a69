//! Queries as the datasource plugin sends them, and answers in columns.

use std::time::{SystemTime, UNIX_EPOCH};

pub(crate) use bench::panels::{Chosen, RANGES, Range};
use serde_json::Value;

use crate::files::Query;

/// These devices, of every location and model.
pub(crate) fn chosen(devices: &[&str]) -> Chosen {
    let owned = |values: &[&str]| values.iter().map(|&value| value.to_owned()).collect();
    Chosen {
        devices: owned(devices),
        locations: owned(&["(no location)", "attic"]),
        models: owned(&["v1", "v2"]),
        quantity: "temperature".to_owned(),
    }
}

/// An answer in columns.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) types: Vec<String>,
    pub(crate) rows: Vec<Vec<Value>>,
}

/// The statement that is sent for a range that ends now.
pub(crate) fn expand(query: &Query, range: Range, chosen: &Chosen) -> String {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("a sane clock")
        .as_secs();
    bench::panels::expand(&query.sql, range.drawn_by(&query.panel), now, chosen)
        .expect("known macros and variables")
}
