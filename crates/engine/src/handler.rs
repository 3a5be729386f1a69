//! The route for statements: a request on its way through origin, user, statement and policy to its answer.
//!
//! In: an HTTP request. Out: an HTTP response. The statement runs on a blocking thread, see `execution`.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::Duration,
};

use axum::{
    body::Body,
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, Method, Uri, header, request::Parts},
    response::{IntoResponse as _, Response},
};
use tokio::sync::{mpsc, oneshot};

use crate::{
    access::Permitted,
    admission::Place,
    body::InsertData,
    compression,
    delivery::{Delivery, Peer},
    encoding::Encoding,
    exception::Exception,
    execution::Job,
    external::{self, ExternalTable},
    form,
    input::{self, Input},
    off_worker::off_worker,
    origin,
    request::{QueryRequest, credentials},
    response::{ResponseWriter, failure, options, success},
    running::CancelOnDrop,
    service::Service,
    users::User,
};

/// How long, and how many bytes of it, the body of a refused request is still read.
const REFUSED_BODY: (Duration, usize) = (Duration::from_secs(1), 64 << 10);
const PIECES_WAITING: usize = 4;
/// Who asks where no connection says so.
const UNKNOWN: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// Answers a request.
pub(crate) async fn handle(State(service): State<Arc<Service>>, request: Request) -> Response {
    let mut reply = Reply::default();
    let statistics = Arc::clone(&service.statistics);
    match answer(service, request, &mut reply).await {
        Ok(response) => response,
        Err(error) => {
            statistics.failed();
            failure(&error, &reply.query_id, reply.encoding)
        }
    }
}

/// What an error is answered with, as far as it is known.
#[derive(Default)]
struct Reply {
    query_id: String,
    encoding: Encoding,
}

/// A request that was understood, before its statement is checked.
struct Understood {
    request: Arc<QueryRequest>,
    input: Input,
    tables: Vec<ExternalTable>,
    form: Option<Place>,
}

async fn answer(service: Arc<Service>, request: Request, reply: &mut Reply) -> Result<Response, Exception> {
    let (parts, body) = request.into_parts();
    origin::check(&parts.headers, service.loopback)?;
    if parts.method == Method::OPTIONS {
        return Ok(options(parts.headers.get(header::ORIGIN)));
    }
    let url = url_parameters(&parts.uri);
    let only_reads = matches!(parts.method, Method::GET | Method::HEAD);
    if only_reads && url.is_empty() {
        return Ok("Ok.\n".into_response());
    }
    reply.encoding = Encoding::requested(&url, &parts.headers);
    let mut understood = understand(&service, &parts, url, body, reply).await?;
    let statement = understood.input.statement;
    let only_reads = only_reads || understood.request.only_reads;
    let (checker, request) = (Arc::clone(&service), Arc::clone(&understood.request));
    let permitted = off_worker(statement.text().len(), move || {
        checker
            .policy
            .permit(request.user, statement, &request.parameters, only_reads)
    });
    let statement = ToRun {
        permitted: permitted.await?,
        data: understood.input.data.take(),
        tables: understood.tables,
        places: [understood.input.place, understood.form],
    };
    let delivery = peer(&parts).map(|peer| peer.delivery.clone());
    run(service, understood.request, statement, delivery).await
}

fn peer(parts: &Parts) -> Option<&Peer> {
    parts.extensions.get().map(|ConnectInfo(peer)| peer)
}

/// Reads who asks, then what they ask.
async fn understand(
    service: &Arc<Service>,
    parts: &Parts,
    mut parameters: Vec<(String, String)>,
    body: Body,
    reply: &mut Reply,
) -> Result<Understood, Exception> {
    let (name, password) = credentials(&parameters, &parts.headers);
    let address = peer(parts).map_or(UNKNOWN, |peer| peer.address.ip());
    let user = match service.users.admit(&name, &password, address).await {
        Ok(user) => user,
        Err(error) => return Err(refused(body, error).await),
    };
    let mut body = compression::decoded(&parts.headers, body, &service.admission).await?;
    let mut tables = Vec::new();
    let mut place = None;
    if form::is_form(&parts.headers) {
        let form = form::read(&parts.headers, body, &service.admission).await?;
        parameters.extend(form.fields);
        tables = external::tables(form.files, &mut parameters)?;
        parameters.retain(|(name, _)| !name.ends_with("_structure") && !name.ends_with("_types"));
        place = form.place;
        body = Body::empty();
    }
    let request = match read_request(service, user, parameters, &parts.headers).await {
        Ok(request) => Arc::new(request),
        Err(error) => return Err(refused(body, error).await),
    };
    reply.query_id.clone_from(&request.query_id);
    reply.encoding = request.encoding;
    Ok(Understood {
        input: input::read(&request, body, &service.admission).await?,
        request,
        tables,
        form: place,
    })
}

fn url_parameters(uri: &Uri) -> Vec<(String, String)> {
    form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes())
        .into_owned()
        .collect()
}

/// Reads what is left of a refused request: a client that is still sending would see a broken connection in place of
/// the answer.
async fn refused(body: Body, error: Exception) -> Exception {
    let _ = tokio::time::timeout(REFUSED_BODY.0, axum::body::to_bytes(body, REFUSED_BODY.1)).await;
    error
}

async fn read_request(
    service: &Arc<Service>,
    user: User,
    parameters: Vec<(String, String)>,
    headers: &HeaderMap,
) -> Result<QueryRequest, Exception> {
    let request = QueryRequest::new(user, parameters, headers)?;
    let bytes = request.settings.iter().map(|(_, value)| value.len()).sum();
    let service = Arc::clone(service);
    off_worker(bytes, move || {
        let mut settings = request.settings.iter();
        settings.try_for_each(|(name, value)| service.policy.check_value(name, value))?;
        Ok(request)
    })
    .await
}

/// A statement that may run, with what belongs to it.
struct ToRun {
    permitted: Permitted,
    data: Option<InsertData>,
    tables: Vec<ExternalTable>,
    /// What its text and its form take.
    places: [Option<Place>; 2],
}

/// Waits for the statement's turn, runs it, and answers with the first that is known of its outcome.
async fn run(
    service: Arc<Service>,
    request: Arc<QueryRequest>,
    statement: ToRun,
    delivery: Option<Delivery>,
) -> Result<Response, Exception> {
    let ToRun {
        permitted,
        data,
        tables,
        places,
    } = statement;
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
        tables,
        registration,
    };
    tokio::task::spawn_blocking(move || {
        let _places = (permit, places);
        let mut writer = ResponseWriter::new(&job.request, &service.temporary, head_sender, piece_sender);
        // A panic ends this statement alone: its client hears that it ended without an answer.
        let _ = monitoring::contain(move || {
            let outcome = job.run(&service, &mut writer);
            writer.end(outcome);
        });
    });
    match head.await {
        Ok(Ok(head)) => Ok(success(&request, head, pieces, delivery, cancel)),
        Ok(Err(error)) => Err(error),
        Err(_) => Err(Exception::from_engine("the statement ended without an answer")),
    }
}
