//! The route for statements: a request on its way through origin, user, statement and policy to its answer.
//!
//! In: an HTTP request. Out: an HTTP response. The statement runs on a blocking thread, see `execution`.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::{Request, State},
    http::{Method, header, request::Parts},
    response::{IntoResponse as _, Response},
};
use tokio::sync::{mpsc, oneshot};

use crate::{
    access::{Permitted, check_get},
    body::InsertData,
    compression,
    exception::Exception,
    execution::Job,
    input, origin,
    request::{QueryRequest, read_form},
    response::{ResponseWriter, failure, success},
    running::CancelOnDrop,
    service::Service,
};

/// How long, and how many bytes of it, the body of a refused request is still read.
const REFUSED_BODY: (Duration, usize) = (Duration::from_secs(1), 64 << 10);
const PIECES_WAITING: usize = 4;

/// Answers a request.
pub(crate) async fn handle(State(service): State<Arc<Service>>, request: Request) -> Response {
    let mut query_id = String::new();
    let statistics = Arc::clone(&service.statistics);
    match answer(service, request, &mut query_id).await {
        Ok(response) => response,
        Err(error) => {
            statistics.failed();
            failure(&error, &query_id)
        }
    }
}

async fn answer(
    service: Arc<Service>,
    request: Request,
    query_id: &mut String,
) -> Result<Response, Exception> {
    let (parts, body) = request.into_parts();
    origin::check(&parts.headers, service.loopback)?;
    let mut parameters: Vec<(String, String)> =
        form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes())
            .into_owned()
            .collect();
    let is_get = parts.method == Method::GET;
    if is_get && parameters.is_empty() {
        return Ok("Ok.\n".into_response());
    }
    let body = if is_form(&parts) {
        read_form(Request::from_parts(parts.clone(), body), &mut parameters).await?;
        Body::empty()
    } else {
        body
    };
    let body = compression::decoded(&parts.headers, body)?;
    let request = match QueryRequest::new(parameters, &parts.headers, &service.users)
        .and_then(|request| check_values(&service, request))
    {
        Ok(request) => Arc::new(request),
        Err(error) => {
            // A client that is still sending would see a broken connection in place of the answer.
            let _ = tokio::time::timeout(REFUSED_BODY.0, axum::body::to_bytes(body, REFUSED_BODY.1)).await;
            return Err(error);
        }
    };
    query_id.clone_from(&request.query_id);
    let (statement, data) = input::read(&request, body).await?;
    if is_get {
        check_get(&statement)?;
    }
    let permitted = service
        .policy
        .permit(request.user, statement, &request.parameters)?;
    run(service, request, permitted, data).await
}

fn is_form(parts: &Parts) -> bool {
    let content_type = parts.headers.get(header::CONTENT_TYPE);
    content_type
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.starts_with("multipart/form-data"))
}

fn check_values(service: &Service, request: QueryRequest) -> Result<QueryRequest, Exception> {
    for (_, value) in &request.settings {
        service.policy.check_value(value)?;
    }
    Ok(request)
}

/// Waits for the statement's turn, runs it, and answers with the first that is known of its outcome.
async fn run(
    service: Arc<Service>,
    request: Arc<QueryRequest>,
    permitted: Permitted,
    data: Option<InsertData>,
) -> Result<Response, Exception> {
    let registration = service.running.register(&request.query_id, request.user)?;
    let is_insert = permitted.statement().is_insert();
    let permit = service.admission.admit(request.user, is_insert).await?;
    service.statistics.admitted(is_insert);
    let (head_sender, head) = oneshot::channel();
    let (piece_sender, pieces) = mpsc::channel(PIECES_WAITING);
    // An insert that has all its data is finished, client or not; without it, the broken body ends it.
    let cancel = (!is_insert).then(|| CancelOnDrop::new(service.engine.clone(), &registration));
    let job = Job {
        request: Arc::clone(&request),
        permitted,
        data,
        registration,
    };
    tokio::task::spawn_blocking(move || {
        let _permit = permit;
        let mut writer = ResponseWriter::new(&job.request, &service.temporary, head_sender, piece_sender);
        // A panic ends this statement alone: its client hears that it ended without an answer.
        let _ = monitoring::contain(move || {
            let outcome = job.run(&service, &mut writer);
            writer.end(outcome);
        });
    });
    match head.await {
        Ok(Ok(head)) => Ok(success(&request, head, pieces, cancel)),
        Ok(Err(error)) => Err(error),
        Err(_) => Err(Exception::from_engine("the statement ended without an answer")),
    }
}
