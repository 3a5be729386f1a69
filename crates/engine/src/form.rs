//! Multipart forms: parameters, and the parts that are files, which become external tables.
//!
//! In: a body of bounded length, read as a whole before it is looked at, so that each byte is looked at once. Out: fields
//! and files.

use std::time::Duration;

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, header},
};
use futures_util::FutureExt as _;
use multer::Multipart;
use tokio::time::timeout;

use crate::{
    admission::{Admission, Place, keep},
    body::next_piece,
    exception::{Exception, TOO_MANY_BYTES},
    off_worker::off_worker,
};

/// Files of a form become tables in memory.
const MAX_FORM: usize = 32 << 20;
/// Forms up to this are read without asking for room.
const SMALL: usize = 64 << 10;
/// How long a form may take to arrive: it keeps others out.
const ARRIVES: Duration = Duration::from_mins(2);
const MAX_FIELDS: usize = 10_000;

/// What a form holds.
#[derive(Default)]
pub(crate) struct Form {
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) files: Vec<File>,
    /// The room that it takes.
    pub(crate) place: Option<Place>,
}

/// A part with a file's name. Its own name may be missing.
pub(crate) struct File {
    pub(crate) name: Option<String>,
    pub(crate) data: Bytes,
}

/// Whether a request's body is a form.
pub(crate) fn is_form(headers: &HeaderMap) -> bool {
    content_type(headers).is_some_and(|value| value.starts_with("multipart/form-data"))
}

fn content_type(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::CONTENT_TYPE)?.to_str().ok()
}

/// Reads a form.
pub(crate) async fn read(headers: &HeaderMap, body: Body, admission: &Admission) -> Result<Form, Exception> {
    let boundary = multer::parse_boundary(content_type(headers).unwrap_or_default()).map_err(broken)?;
    let late = |_| Exception::bad_arguments("the form did not arrive within two minutes");
    let (bytes, place) = timeout(ARRIVES, receive(body, admission)).await.map_err(late)??;
    let length = bytes.len();
    let form = off_worker(length, move || parse(bytes.into(), boundary).now_or_never()).await;
    let mut form = form.expect("all bytes are there")?;
    // Who asks is known before a form is read, and as in ClickHouse's server no field changes it.
    form.fields
        .retain(|(name, _)| !matches!(name.as_str(), "user" | "password"));
    Ok(Form { place, ..form })
}

/// Receives a form as a whole, with the room that it takes.
async fn receive(mut body: Body, admission: &Admission) -> Result<(Vec<u8>, Option<Place>), Exception> {
    let mut bytes = Vec::new();
    let mut place = None;
    while let Some(piece) = next_piece(&mut body).await? {
        bytes.extend_from_slice(&piece);
        if bytes.len() > MAX_FORM {
            return Err(Exception::new(
                TOO_MANY_BYTES,
                "TOO_MANY_BYTES",
                "a form is larger than 32 MiB; insert larger tables into a temporary table of a session",
            ));
        }
        if bytes.len() > SMALL && place.is_none() {
            place = Some(admission.room(MAX_FORM).await?);
        }
    }
    keep(&mut place, bytes.len());
    Ok((bytes, place))
}

async fn parse(bytes: Bytes, boundary: String) -> Result<Form, Exception> {
    let whole = futures_util::stream::once(std::future::ready(Ok::<_, std::convert::Infallible>(bytes)));
    let mut multipart = Multipart::new(whole, boundary);
    let mut form = Form::default();
    while let Some(field) = multipart.next_field().await.map_err(broken)? {
        if form.fields.len() + form.files.len() == MAX_FIELDS {
            return Err(Exception::bad_arguments("a form has more than 10000 fields"));
        }
        let name = field.name().map(str::to_owned);
        if field.file_name().is_some() {
            let data = field.bytes().await.map_err(broken)?;
            form.files.push(File { name, data });
        } else {
            let value = field.text().await.map_err(broken)?;
            form.fields.push((name.unwrap_or_default(), value));
        }
    }
    Ok(form)
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err asks for")]
fn broken(error: multer::Error) -> Exception {
    Exception::bad_arguments(format_args!("the form cannot be read: {error}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed(text: &[u8]) -> Result<Form, Exception> {
        let parsing = parse(Bytes::copy_from_slice(text), "b".into());
        parsing.now_or_never().expect("all bytes are there")
    }

    #[test]
    fn files_and_fields_are_told_apart() {
        let form = parsed(
            b"--b\r\nContent-Disposition: form-data; name=\"query\"\r\n\r\nSELECT 1\r\n\
              --b\r\nContent-Disposition: form-data; name=\"t\"; filename=\"\"\r\n\r\n1\r\n\xff\r\n--b--\r\n",
        )
        .unwrap();
        assert_eq!(form.fields, [("query".to_owned(), "SELECT 1".to_owned())]);
        assert_eq!(
            (form.files[0].name.as_deref(), &form.files[0].data[..]),
            (Some("t"), &b"1\r\n\xff"[..])
        );
        assert!(parsed(b"--b\r\nContent-Disposition: form-data; name=\"q\"\r\n\r\ncut off").is_err());
        let many = "--b\r\nContent-Disposition: form-data; name=\"q\"\r\n\r\n\r\n".repeat(MAX_FIELDS + 1);
        assert!(parsed(many.as_bytes()).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_panic(text in "(--b|--|\r\n|name=\"a\"|Content-Disposition: form-data; |x){0,30}") {
            let _ = parsed(text.as_bytes());
        }
    }
}
