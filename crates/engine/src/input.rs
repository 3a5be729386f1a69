//! Reads a request's statement and, for an insert, its data. Both come in the URL, in the body, or in one after the
//! other.
//!
//! In: a request and its body. Out: a parsed [`Statement`] and what an insert reads. Nothing is checked here.

use std::time::Duration;

use axum::body::Body;
use tokio::time::{Instant, timeout_at};

use crate::{
    admission::{Admission, Place, keep},
    body::{InsertData, insert_data, next_piece},
    compression::unblocked,
    exception::{Exception, SYNTAX_ERROR, TOO_MANY_BYTES},
    off_worker::off_worker,
    request::QueryRequest,
    sql::{LONGEST_HEAD, NoInsert, Statement, steps},
};

/// SQL without data is never larger.
const MAX_SQL: usize = 16 << 20;
/// Statements up to this are read without asking for room.
const SMALL: usize = 16 << 10;
/// ClickHouse's own default for a statement. A larger one takes room before it is all there: for its tokens, too.
const USUAL: usize = 256 << 10;
const LARGE_TAKES: usize = 32 << 20;
/// What a byte of SQL takes at most: itself, in lower case, and a token.
const PER_BYTE: usize = 14;
/// How long a large statement may take to arrive: it keeps others out.
const LARGE_ARRIVES: Duration = Duration::from_mins(1);
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// A statement and what belongs to it.
pub(crate) struct Input {
    pub(crate) statement: Statement,
    /// An insert's data.
    pub(crate) data: Option<InsertData>,
    /// The room that the statement's text takes.
    pub(crate) place: Option<Place>,
}

/// Reads the statement to its end, and of an insert's data no more than what came with it.
pub(crate) async fn read(
    request: &QueryRequest,
    body: Body,
    admission: &Admission,
) -> Result<Input, Exception> {
    let mut text = request.url_query.clone().into_bytes();
    if text.starts_with(BYTE_ORDER_MARK.as_bytes()) {
        text.drain(..BYTE_ORDER_MARK.len());
    }
    check_length(&text)?;
    let text = match look(text).await {
        (mut text, Ok((statement, data_from))) if statement.format().is_some() => {
            let data = insert_data(text.split_off(data_from), body, request.decompress).await;
            return Ok(Input {
                statement,
                data: Some(data),
                place: None,
            });
        }
        (text, _) => text,
    };
    let body = if request.decompress {
        unblocked(body, MAX_SQL, admission).await?
    } else {
        body
    };
    let reading = Reading {
        body,
        in_url: text.len(),
        text,
        place: None,
        deadline: None,
        admission,
    };
    reading.run().await
}

/// A statement whose text comes, or goes on, in the body.
struct Reading<'a> {
    body: Body,
    in_url: usize,
    text: Vec<u8>,
    place: Option<Place>,
    /// While it holds a place, the whole text has one.
    deadline: Option<Instant>,
    admission: &'a Admission,
}

impl Reading<'_> {
    async fn run(mut self) -> Result<Input, Exception> {
        // The text is looked at again when it has doubled: twice its length in all, in however many pieces it comes.
        let mut next_look = Some(1);
        while let Some(piece) = self.next_piece().await? {
            self.push(&piece).await?;
            if next_look.is_some_and(|at| self.text.len() >= at) {
                let (text, found) = look(self.text).await;
                self.text = text;
                next_look = Some(self.text.len() * 2).filter(|_| self.text.len() <= LONGEST_HEAD);
                match found {
                    Ok((statement, data_from))
                        if statement.format().is_some() && data_from < self.text.len() =>
                    {
                        let data = insert_data(self.text.split_off(data_from), self.body, false).await;
                        return Ok(Input {
                            statement,
                            data: Some(data),
                            place: self.place,
                        });
                    }
                    Err(NoInsert { is_certain: true }) => next_look = None,
                    _ => {}
                }
            }
        }
        keep(&mut self.place, self.text.len() * PER_BYTE);
        if self.place.is_none() && self.text.len() > SMALL {
            self.place = Some(self.admission.room(self.text.len()).await?);
        }
        let (statement, data) = off_worker(self.text.len(), move || whole(self.text)).await?;
        Ok(Input {
            statement,
            data,
            place: self.place,
        })
    }

    async fn next_piece(&mut self) -> Result<Option<axum::body::Bytes>, Exception> {
        let next = next_piece(&mut self.body);
        let Some(deadline) = self.deadline else {
            return next.await;
        };
        let late = |_| Exception::bad_arguments("the statement did not arrive within a minute");
        timeout_at(deadline, next).await.map_err(late)?
    }

    async fn push(&mut self, piece: &[u8]) -> Result<(), Exception> {
        if !self.text.is_empty() && self.text.len() == self.in_url && !piece.is_empty() {
            self.text.push(b'\n');
        }
        self.text.extend_from_slice(piece);
        if self.in_url == 0 && self.text.starts_with(BYTE_ORDER_MARK.as_bytes()) {
            self.text.drain(..BYTE_ORDER_MARK.len());
        }
        check_length(&self.text)?;
        if self.text.len() > USUAL && self.place.is_none() {
            self.place = Some(self.admission.room(LARGE_TAKES).await?);
            self.deadline = Some(Instant::now() + LARGE_ARRIVES);
        }
        Ok(())
    }
}

fn check_length(text: &[u8]) -> Result<(), Exception> {
    if text.len() <= MAX_SQL {
        return Ok(());
    }
    Err(Exception::new(
        TOO_MANY_BYTES,
        "TOO_MANY_BYTES",
        "a statement in the body is larger than 16 MiB; send an insert's statement in the URL",
    ))
}

/// Looks for an insert's head at the beginning of a text. Data behind it are not looked at.
async fn look(text: Vec<u8>) -> (Vec<u8>, Result<(Statement, usize), NoInsert>) {
    off_worker(text.len().min(LONGEST_HEAD), move || {
        let start = valid_start(&text[..text.len().min(LONGEST_HEAD + 1)]);
        steps::count(start.len());
        let found = Statement::insert(start);
        (text, found)
    })
    .await
}

/// Parses a text that is all there.
fn whole(mut text: Vec<u8>) -> Result<(Statement, Option<InsertData>), Exception> {
    // Of an insert only the head has to be text.
    if let Ok((statement, data_from)) = Statement::insert(valid_start(&text))
        && statement.format().is_some()
    {
        let data = InsertData::whole(text.split_off(data_from));
        return Ok((statement, Some(data)));
    }
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
        let admission = Admission::new(&crate::Limits::default());
        let body = Body::from_stream(stream);
        let Input { statement, data, .. } = runtime.block_on(read(&url_request(url), body, &admission))?;
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
    fn a_byte_order_mark_before_sql_is_skipped() {
        for (url, pieces) in [
            ("\u{feff}SELECT 1", &[][..]),
            ("", &[&b"\xef\xbb\xbfSELECT 1"[..]]),
            ("", &[b"\xef", b"\xbb", b"\xbfSELECT", b" 1"]),
        ] {
            assert_eq!(read_all(url, pieces).unwrap().0.text(), "SELECT 1", "{pieces:?}");
        }
        // It is part of data, which the engine reads.
        let (_, data) = read_all("INSERT INTO t FORMAT CSV", &[b"\xef\xbb\xbf1"]).unwrap();
        assert_eq!(data, b"\xef\xbb\xbf1");
        let (_, data) = read_all("", &[b"\xef\xbb\xbfINSERT INTO t FORMAT CSV\n", b"1"]).unwrap();
        assert_eq!(data, b"1");
    }

    /// Twice the text takes twice the steps, in however small pieces it comes.
    #[test]
    fn steps_are_linear_in_the_text() {
        let steps_of = |text: String, piece: usize| {
            let text: &'static [u8] = Box::leak(text.into_bytes().into_boxed_slice());
            let pieces: Vec<&'static [u8]> = text.chunks(piece).collect();
            steps::take();
            let _ = read_all("", &pieces);
            steps::take()
        };
        let makes: [(&str, &dyn Fn(usize) -> String); 8] = [
            ("a list", &|n| format!("SELECT 1 IN ({}1)", "1,".repeat(n / 2))),
            ("zeros", &|n| "\0".repeat(n)),
            ("a word", &|n| "0".repeat(n)),
            ("blanks", &|n| " ".repeat(n)),
            ("a comment", &|n| format!("/*{}", "x".repeat(n))),
            ("a name", &|n| format!("INSERT INTO `{}", "x".repeat(n))),
            ("an insert's head", &|n| {
                format!("INSERT INTO t ({}", "a,".repeat(n / 2))
            }),
            ("an insert's rows", &|n| {
                format!("INSERT INTO t VALUES {}", "(1),".repeat(n / 4))
            }),
        ];
        for (name, make) in makes {
            for piece in [64, 1000, 1 << 20] {
                let (once, twice) = (steps_of(make(200_000), piece), steps_of(make(400_000), piece));
                assert!(
                    twice <= once * 5 / 2 && once <= 2_000_000,
                    "{name} in pieces of {piece}: {once}, {twice}"
                );
            }
        }
    }

    #[test]
    fn what_is_no_text_is_no_insert() {
        assert!(read_all("", &[b"INSERT INTO t\xff FORMAT CSV\n1"]).is_err());
        assert!(read_all("", &[b" \n"]).is_err());
    }
}
