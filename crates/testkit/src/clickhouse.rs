//! Requests to pages and to ClickHouse.

use std::{
    net::SocketAddr,
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::Error;

const MAX_ANSWER: u64 = 1 << 30;
/// Rows reach ClickHouse about a second after they were accepted.
const STORED_WITHIN: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(50);

/// Returns the body of a page; a status of failure is an error.
pub fn get(url: &str) -> Result<String, Error> {
    let answer = ureq::get(url)
        .call()
        .and_then(|mut answer| answer.body_mut().read_to_string());
    answer.map_err(failed(url))
}

pub(crate) fn get_json(url: &str) -> Result<Value, Error> {
    serde_json::from_str(&get(url)?).map_err(|source| Error::Json {
        url: url.to_owned(),
        source,
    })
}

/// Returns ClickHouse's answer to a statement, without the final line break.
pub fn sql(clickhouse: SocketAddr, statement: &str) -> Result<String, Error> {
    sql_with(clickhouse, "", statement)
}

/// The same with parameters of the request, such as `database=iot&default_format=JSONCompact`.
pub fn sql_with(clickhouse: SocketAddr, parameters: &str, statement: &str) -> Result<String, Error> {
    let answer = ureq::post(format!("http://{clickhouse}/?{parameters}"))
        .send(statement)
        .and_then(|mut answer| answer.body_mut().with_config().limit(MAX_ANSWER).read_to_string());
    Ok(answer.map_err(failed(statement))?.trim().to_owned())
}

/// Repeats a statement until its answer is `expected`.
pub fn wait_sql(clickhouse: SocketAddr, statement: &str, expected: &str) -> Result<(), Error> {
    let started = Instant::now();
    loop {
        let answer = sql(clickhouse, statement)?;
        if answer == expected {
            return Ok(());
        }
        if started.elapsed() > STORED_WITHIN {
            let what = format!("{statement} answers {expected}");
            return Err(Error::timeout(what, STORED_WITHIN, answer));
        }
        thread::sleep(POLL);
    }
}

fn failed(request: &str) -> impl FnOnce(ureq::Error) -> Error {
    move |source| Error::Http {
        request: request.to_owned(),
        source: source.into(),
    }
}
