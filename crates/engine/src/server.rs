//! The HTTP interface: one route for statements, one to see whether it lives.
//!
//! In: requests. Out: answers. Each statement runs on a blocking thread with a connection of its own; queries and
//! inserts have separate bounds, so that dashboards never starve inserts.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{FromRequest as _, Multipart, Request, State},
    http::{HeaderMap, header},
    response::Response,
    routing::{any, get},
    serve::ListenerExt as _,
};
use tokio::{
    io::AsyncReadExt as _,
    net::TcpListener,
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot},
};
use tokio_util::sync::CancellationToken;

use crate::{
    EngineError, Options,
    access::{Policy, check_get},
    body::{Pieces, read_sql},
    compression,
    exception::{ACCESS_DENIED, BAD_ARGUMENTS, Exception, SYNTAX_ERROR, TOO_MANY_QUERIES},
    ffi::{Counters, Engine},
    options::Limits,
    query::{self, Setup},
    request::Ask,
    respond::{Answer, failure, success},
    running::{Kill, Place, Running, Watch},
    session::{Lease, Sessions},
    sql::{Statement, look_at},
    store,
    users::{User, Users},
};

const LAST_REQUESTS: Duration = Duration::from_secs(3);
/// How long, and how many bytes of it, the body of a refused request is still read.
const REFUSED_BODY: (Duration, usize) = (Duration::from_secs(1), 64 << 10);
const PIECES_WAITING: usize = 4;

#[derive(Clone)]
struct Shared {
    engine: Engine,
    sessions: Arc<Sessions>,
    limits: Arc<Limits>,
    /// For answers that are held until their end.
    temporary: Arc<std::path::Path>,
    running: Running,
    queries: Arc<Semaphore>,
    reader_queries: Arc<Semaphore>,
    inserts: Arc<Semaphore>,
    users: Arc<Users>,
    policy: Arc<Policy>,
    /// Reached from this machine alone.
    loopback: bool,
}

/// Serves until `shutdown`, then finishes what runs. `ready` is called with the address when it answers.
pub async fn serve(
    options: Options,
    shutdown: CancellationToken,
    ready: impl FnOnce(SocketAddr),
) -> Result<(), EngineError> {
    let loopback = options.listen.ip().is_loopback();
    if !loopback && !options.users.all_protected() {
        return Err(EngineError::Exposed { addr: options.listen });
    }
    let listen = |source| EngineError::Listen {
        addr: options.listen,
        source,
    };
    let listener = TcpListener::bind(options.listen).await.map_err(listen)?;
    let local = listener.local_addr().map_err(listen)?;
    let to_open = options.clone();
    let opening = tokio::task::spawn_blocking(move || store::open(&to_open));
    let opened = opening.await.expect("opening does not panic")?;
    let _lock = opened.lock;
    let policy = Policy::new(
        options.allow_outside,
        options.backups.is_some(),
        &opened.table_functions,
    );
    if options.stop_with_parent {
        stop_with_parent(shutdown.clone());
    }
    let shared = Shared {
        engine: opened.engine,
        sessions: Arc::default(),
        running: Running::default(),
        queries: Arc::new(Semaphore::new(options.limits.queries)),
        reader_queries: Arc::new(Semaphore::new(options.limits.reader_queries)),
        inserts: Arc::new(Semaphore::new(options.limits.inserts)),
        limits: Arc::new(options.limits),
        temporary: store::temporary(&options.data_dir).into(),
        users: Arc::new(options.users),
        policy: Arc::new(policy),
        loopback,
    };
    let sessions = Arc::clone(&shared.sessions);
    let router = Router::new()
        .route(
            "/ping",
            get(async || ([("x-casement-pid", std::process::id().to_string())], "Ok.\n")),
        )
        .route("/", any(statement))
        .with_state(shared);
    ready(local);
    let stopped = shutdown.clone();
    // The last piece of an answer must not wait for the acknowledgement of the one before.
    let listener = listener.tap_io(|connection| drop(connection.set_nodelay(true)));
    let serving = axum::serve(listener, router).with_graceful_shutdown(stopped.cancelled_owned());
    let patience = async {
        shutdown.cancelled().await;
        tokio::time::sleep(LAST_REQUESTS).await;
    };
    tokio::select! {
        served = serving => served.map_err(EngineError::Serve)?,
        () = patience => {}
    }
    sessions.close();
    Ok(())
}

/// The supervisor holds our standard input open; when it is gone, however it ended, so are we.
fn stop_with_parent(shutdown: CancellationToken) {
    tokio::spawn(async move {
        let mut stdin = tokio::io::stdin();
        let mut byte = [0];
        while matches!(stdin.read(&mut byte).await, Ok(1..)) {}
        shutdown.cancel();
        tokio::time::sleep(LAST_REQUESTS).await;
        crate::ffi::leave(0);
    });
}

async fn statement(State(shared): State<Shared>, request: Request) -> Response {
    let mut query_id = String::new();
    match answer(shared, request, &mut query_id).await {
        Ok(response) => response,
        Err(error) => failure(&error, &query_id),
    }
}

async fn answer(shared: Shared, request: Request, query_id: &mut String) -> Result<Response, Exception> {
    let (parts, body) = request.into_parts();
    refuse_other_sites(&parts.headers, shared.loopback)?;
    let mut pairs: Vec<(String, String)> =
        form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes())
            .into_owned()
            .collect();
    let get = parts.method == axum::http::Method::GET;
    if get && pairs.is_empty() {
        return Ok(axum::response::IntoResponse::into_response("Ok.\n"));
    }
    let multipart = parts
        .headers
        .get(header::CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .is_some_and(|v| v.starts_with("multipart/form-data"));
    let body = if multipart {
        read_multipart(Request::from_parts(parts.clone(), body), &mut pairs).await?;
        Body::empty()
    } else {
        body
    };
    let body = compression::decoded(&parts.headers, body)?;
    let mut ask = match Ask::new(pairs, &parts.headers, &shared.users) {
        Ok(ask) => ask,
        Err(error) => {
            // Who is still sending would see a broken connection in place of the answer.
            let _ = tokio::time::timeout(REFUSED_BODY.0, axum::body::to_bytes(body, REFUSED_BODY.1)).await;
            return Err(error);
        }
    };
    query_id.clone_from(&ask.query_id);
    let (statement, data) = read_statement(&mut ask, body).await?;
    if get && check_get(&ask.query).is_err() {
        return Err(Exception::new(
            164,
            "READONLY",
            "Cannot execute query in readonly mode. For queries over HTTP, method GET implies readonly. You should use method POST for modifying queries",
        ));
    }
    shared.policy.check(ask.user, &ask.query, &ask.parameters)?;
    for (_, value) in &ask.settings {
        shared.policy.check_value(value)?;
    }
    run(shared, ask, statement, data).await
}

/// A page of another site that a person happens to have open must not reach a database on their own machine: browsers
/// say where a request comes from, and no other client sends this header.
fn refuse_other_sites(headers: &HeaderMap, loopback: bool) -> Result<(), Exception> {
    let site = headers
        .get("sec-fetch-site")
        .and_then(|value| value.to_str().ok());
    // A name that is not this machine's points here only by a trick with DNS.
    let here = |authority: &str| {
        let host = authority.rsplit_once(':').map_or(authority, |(host, port)| {
            if port.bytes().all(|b| b.is_ascii_digit()) {
                host
            } else {
                authority
            }
        });
        let host = host.trim_start_matches('[').trim_end_matches(']');
        host.eq_ignore_ascii_case("localhost")
            || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
    };
    let text = |name: header::HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let host = text(header::HOST);
    // Where other names may point here, a page may still only ask the host it came from.
    let fits = |origin: &str| {
        if loopback {
            here(origin)
        } else {
            Some(origin) == host
        }
    };
    let origin = text(header::ORIGIN)
        .is_some_and(|origin| !fits(origin.split_once("://").map_or(origin, |(_, rest)| rest)));
    if origin || loopback && host.is_some_and(|host| !here(host)) {
        return Err(Exception::new(
            ACCESS_DENIED,
            "ACCESS_DENIED",
            "requests for other hosts or from other sites' pages are refused",
        ));
    }
    match site {
        Some("cross-site" | "same-site") => Err(Exception::new(
            ACCESS_DENIED,
            "ACCESS_DENIED",
            "requests from other sites' pages are refused",
        )),
        _ => Ok(()),
    }
}

/// Puts URL and body together: the statement, and where an insert's data comes from.
async fn read_statement(ask: &mut Ask, mut body: Body) -> Result<(Statement, Pieces), Exception> {
    if let Statement::Insert {
        head,
        format: Some(format),
        data_from,
    } = look_at(&ask.query)
        && !ask.query.is_empty()
    {
        let inline = ask.query.split_off(data_from.min(ask.query.len())).into_bytes();
        let statement = Statement::Insert {
            head,
            format: Some(format),
            data_from,
        };
        return Ok((statement, Pieces::new(inline, Some(body), ask.decompress).await));
    }
    let insert_begun = |sql: &[u8]| {
        let text = String::from_utf8_lossy(sql);
        matches!(look_at(&text), Statement::Insert { format: Some(_), data_from, .. } if data_from < text.len())
    };
    let (bytes, more, blocks) = read_sql(&mut body, ask.decompress, insert_begun).await?;
    if !ask.query.is_empty() && !bytes.is_empty() {
        ask.query.push('\n');
    }
    let prefix = ask.query.len();
    // Binary data may follow the statement: only the statement has to be text.
    ask.query.push_str(&String::from_utf8_lossy(&bytes));
    let statement = look_at(&ask.query);
    if ask.query.trim().is_empty() {
        return Err(Exception::new(SYNTAX_ERROR, "SYNTAX_ERROR", "Empty query"));
    }
    let Statement::Insert {
        head,
        format,
        data_from,
    } = statement
    else {
        return Ok((statement, Pieces::new(Vec::new(), None, false).await));
    };
    let format = format.or_else(|| ask.default_format.clone());
    let at = data_from.saturating_sub(prefix).min(bytes.len());
    ask.query.truncate(data_from.min(ask.query.len()));
    let statement = Statement::Insert {
        head,
        format,
        data_from,
    };
    Ok((
        statement,
        Pieces::resume(bytes[at..].to_vec(), more.then_some(body), blocks).await,
    ))
}

async fn read_multipart(request: Request, pairs: &mut Vec<(String, String)>) -> Result<(), Exception> {
    let broken = |error: &dyn std::fmt::Display| {
        Exception::new(
            BAD_ARGUMENTS,
            "BAD_ARGUMENTS",
            format_args!("the form cannot be read: {error}"),
        )
    };
    let mut form = Multipart::from_request(request, &())
        .await
        .map_err(|error| broken(&error))?;
    while let Some(field) = form.next_field().await.map_err(|error| broken(&error))? {
        let name = field.name().unwrap_or_default().to_owned();
        let value = field.text().await.map_err(|error| broken(&error))?;
        pairs.push((name, value));
    }
    Ok(())
}

async fn turn(semaphore: &Arc<Semaphore>, wait: Duration) -> Result<OwnedSemaphorePermit, Exception> {
    let acquired = tokio::time::timeout(wait, Arc::clone(semaphore).acquire_owned()).await;
    let full = || {
        Exception::new(
            TOO_MANY_QUERIES,
            "TOO_MANY_SIMULTANEOUS_QUERIES",
            "Too many simultaneous queries",
        )
    };
    acquired
        .map_err(|_| full())
        .map(|permit| permit.expect("the semaphore is never closed"))
}

async fn run(
    shared: Shared,
    ask: Ask,
    statement: Statement,
    mut data: Pieces,
) -> Result<Response, Exception> {
    let place = shared.running.enter(&ask.query_id, ask.user)?;
    let inserts = matches!(statement, Statement::Insert { .. });
    let queue = match ask.user {
        _ if inserts => &shared.inserts,
        User::Default => &shared.queries,
        User::Reader => &shared.reader_queries,
    };
    let permit = turn(queue, shared.limits.queue_time).await?;
    let (head_sender, head) = oneshot::channel();
    let (piece_sender, pieces) = mpsc::channel(PIECES_WAITING);
    let asked = ask.clone();
    // An insert that has all its data is finished, client or not; without it, the broken body ends it.
    let watch = (!inserts).then(|| Watch::new(shared.engine.clone(), &place));
    tokio::task::spawn_blocking(move || {
        let _permit = permit;
        let mut answer = Answer::new(&ask, &shared.temporary, head_sender, piece_sender);
        let outcome = work(&shared, ask, &statement, &place, &mut data, &mut answer);
        place.end();
        answer.end(outcome);
    });
    match head.await {
        Ok(Ok(head)) => Ok(success(&asked, head, pieces, watch)),
        Ok(Err(error)) => Err(error),
        Err(_) => Err(Exception::from_engine("the statement ended without an answer")),
    }
}

/// A statement from its connection to its end; on a blocking thread.
fn work(
    shared: &Shared,
    mut ask: Ask,
    statement: &Statement,
    place: &Place,
    data: &mut Pieces,
    answer: &mut Answer,
) -> Result<Counters, Exception> {
    let setup = Setup::new(&ask, &shared.limits);
    let session = ask.session.as_ref();
    let mut lease = shared.sessions.lease(&shared.engine, ask.user, session, &setup)?;
    let ready = matches!(lease, Lease::Ready(_));
    let connection = lease.connection();
    if !ready {
        setup.apply(connection)?;
    }
    place.runs_on(connection.name())?;
    let inserts = matches!(statement, Statement::Insert { .. });
    shared.policy.confirm(connection, &ask.query, inserts)?;
    let reusable = query::leaves_no_trace(&ask, statement);
    let counters = match statement {
        Statement::Insert { head, format, .. } => {
            let format = format.as_deref().unwrap_or("TabSeparated");
            query::insert(connection, &shared.policy, head, format, || data.next())
        }
        _ if let Some(kill) = Kill::parse(&ask.query) => {
            query::kill(connection, &ask, &kill, &shared.running, answer)
        }
        other => {
            ask.query = shared.running.with_our_names(&ask.query);
            query::execute(connection, &ask, other, &shared.limits, answer)
        }
    }?;
    if reusable && !answer.is_abandoned() && place.end() {
        shared.sessions.give_back(lease, setup);
    }
    Ok(counters)
}
