//! Reads a request's statement and, for an insert, its data. Both come in the URL, in the body, or in one after the
//! other.
//!
//! In: a request and its body. Out: a parsed [`Statement`] and what an insert reads. Nothing is checked here.

use axum::body::Body;

use crate::{
    body::{BodyReader, InsertData},
    exception::{Exception, SYNTAX_ERROR},
    request::QueryRequest,
    sql::Statement,
};

/// SQL without data is never larger.
const MAX_SQL: usize = 16 << 20;

/// Reads the statement to its end, and of an insert's data no more than what came with it.
pub(crate) async fn read(
    request: &QueryRequest,
    body: Body,
) -> Result<(Statement, Option<InsertData>), Exception> {
    let mut body = BodyReader::new(body, request.decompress);
    let mut text = request.url_query.clone().into_bytes();
    if let Ok((statement, data_from)) = Statement::insert(&request.url_query)
        && statement.format().is_some()
    {
        let data = body.into_data(text.split_off(data_from)).await;
        return Ok((statement, Some(data)));
    }
    let mut may_be_insert = true;
    while let Some(piece) = body.next().await? {
        if !text.is_empty() && text.len() == request.url_query.len() && !piece.is_empty() {
            text.push(b'\n');
        }
        text.extend_from_slice(&piece);
        if may_be_insert {
            match Statement::insert(valid_start(&text)) {
                Ok((statement, data_from)) if statement.format().is_some() && data_from < text.len() => {
                    let data = body.into_data(text.split_off(data_from)).await;
                    return Ok((statement, Some(data)));
                }
                Ok(_) => {}
                Err(no_insert) => may_be_insert = !no_insert.is_certain,
            }
        }
        if text.len() > MAX_SQL {
            return Err(Exception::new(
                307,
                "TOO_MANY_BYTES",
                "a statement in the body is larger than 16 MiB; send an insert's statement in the URL",
            ));
        }
    }
    whole(text)
}

/// Parses a text that is all there.
fn whole(text: Vec<u8>) -> Result<(Statement, Option<InsertData>), Exception> {
    let (text, is_valid) = match String::from_utf8(text) {
        Ok(text) => (text, true),
        Err(error) => (String::from_utf8_lossy(error.as_bytes()).into_owned(), false),
    };
    if text.trim().is_empty() {
        return Err(Exception::new(SYNTAX_ERROR, "SYNTAX_ERROR", "Empty query"));
    }
    let (statement, data_from) = Statement::split(&text);
    if !statement.is_insert() {
        return Ok((statement, None));
    }
    if !is_valid {
        return Err(Exception::bad_arguments(
            "the statement of an insert is not UTF-8",
        ));
    }
    let data = InsertData::whole(text.into_bytes().split_off(data_from));
    Ok((statement, Some(data)))
}

/// Binary data may follow an insert's head: only the head has to be text.
fn valid_start(bytes: &[u8]) -> &str {
    match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&bytes[..error.valid_up_to()]).expect("it is valid up to there"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{request::tests::url_request, sql::Kind};

    /// Reads a request whose body arrives in these pieces; returns the statement, its format and all of its data.
    fn read_all(url: &str, pieces: &[&'static [u8]]) -> Result<(Statement, Vec<u8>), Exception> {
        let stream = futures_util::stream::iter(pieces.to_vec())
            .map(|piece| Ok::<_, std::io::Error>(axum::body::Bytes::from_static(piece)));
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let (statement, data) = runtime.block_on(read(&url_request(url), Body::from_stream(stream)))?;
        let mut bytes = Vec::new();
        if let Some(mut data) = data {
            while let Some(piece) = data.next()? {
                bytes.extend_from_slice(&piece);
            }
        }
        Ok((statement, bytes))
    }

    use futures_util::StreamExt as _;

    #[test]
    fn data_may_follow_in_url_and_body() {
        for (url, pieces) in [
            ("INSERT INTO t FORMAT CSV 1\n", &[&b"2\n\xff"[..]][..]),
            ("INSERT INTO t FORMAT CSV", &[b"1\n", b"2\n\xff"]),
            ("INSERT INTO t", &[b"FORMAT CSV", b"\n1\n", b"2\n\xff"]),
            ("", &[b"INS", b"ERT INTO t FORM", b"AT CSV", b"\n1\n2\n\xff"]),
        ] {
            let (statement, data) = read_all(url, pieces).unwrap();
            assert_eq!(statement.text().trim(), "INSERT INTO t", "{url}");
            assert_eq!(statement.format(), Some("CSV"), "{url}");
            assert_eq!(data, b"1\n2\n\xff", "{url}");
        }
    }

    #[test]
    fn url_and_body_are_one_statement() {
        let (statement, _) = read_all("SELECT 1", &[b"FORMAT", b" JSON"]).unwrap();
        assert_eq!(statement.text(), "SELECT 1\nFORMAT JSON");
        assert!(matches!(statement.kind(), Kind::Select { .. }));
        assert_eq!(read_all("SELECT 1", &[]).unwrap().0.text(), "SELECT 1");
        // The body's insert is no statement of its own.
        let (statement, data) = read_all("SELECT 1", &[b"INSERT INTO t FORMAT CSV 1"]).unwrap();
        assert!(!statement.is_insert() && data.is_empty());
        assert!(statement.text().ends_with("CSV 1"));
    }

    #[test]
    fn what_is_no_text_is_no_insert() {
        assert!(read_all("", &[b"INSERT INTO t\xff FORMAT CSV\n1"]).is_err());
        assert!(read_all("", &[b" \n"]).is_err());
    }
}
