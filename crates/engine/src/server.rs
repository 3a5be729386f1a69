//! The service from its start to its end: opens the data, listens, routes, and drains.
//!
//! In: options. Out: an HTTP interface until the shutdown. `handler` answers the requests.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Router,
    routing::{any, get},
};
use monitoring::{Monitor, Registry};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{
    EngineError, Options,
    access::Policy,
    admission::Admission,
    delivery::{Deliveries, Peer},
    handler::handle,
    pool::ConnectionPool,
    running::Running,
    service::Service,
    shutdown, startup,
    statistics::{self, Statistics},
};

/// Serves until `shutdown`, then finishes what runs. `ready` is called with the address as soon as it answers.
pub async fn serve(
    mut options: Options,
    shutdown: CancellationToken,
    ready: impl FnOnce(SocketAddr),
) -> Result<(), EngineError> {
    let loopback = options.listen.ip().is_loopback();
    if !loopback && !options.users.all_protected() {
        return Err(EngineError::Exposed { addr: options.listen });
    }
    options.users.closed = !loopback;
    if options.users.share_a_password() {
        return Err(EngineError::SamePassword);
    }
    let listen = |source| EngineError::Listen {
        addr: options.listen,
        source,
    };
    let listener = TcpListener::bind(options.listen).await.map_err(listen)?;
    let local = listener.local_addr().map_err(listen)?;
    let to_open = options.clone();
    let opening = tokio::task::spawn_blocking(move || startup::open(&to_open));
    let opened = opening.await.expect("opening does not panic")?;
    let _lock = opened.lock;
    if options.stop_with_parent {
        shutdown::follow_parent(shutdown.clone(), |_| {});
    }
    let (running, admission) = (Running::default(), Admission::new(&options.limits));
    let mut registry = Registry::default();
    let statistics = Arc::<Statistics>::default();
    statistics.register(&running, &mut registry);
    let monitor = Monitor::new(registry, vec![statistics::health(&admission)]);
    let service = Arc::new(Service {
        engine: opened.engine,
        pool: ConnectionPool::default(),
        running,
        admission,
        statistics,
        policy: Policy::new(
            options.allow_outside,
            options.backups.is_some(),
            &opened.table_functions,
            &options.limits,
        ),
        temporary: startup::temporary(&options.data_dir),
        limits: options.limits,
        users: options.users,
        loopback,
    });
    ready(local);
    let routes = router(Arc::clone(&service), &monitor, local);
    let serving = axum::serve(
        Deliveries(listener),
        routes.into_make_service_with_connect_info::<Peer>(),
    )
    .with_graceful_shutdown(shutdown.clone().cancelled_owned());
    tokio::select! {
        served = serving => served.map_err(EngineError::Serve)?,
        () = shutdown::grace_over(&shutdown) => {}
    }
    service.pool.close();
    Ok(())
}

/// Statements, and what every role answers: metrics and health.
fn router(service: Arc<Service>, monitor: &Monitor, listen: SocketAddr) -> Router {
    let ping = async || ([("x-casement-pid", std::process::id().to_string())], "Ok.\n");
    Router::new()
        .route("/ping", get(ping))
        .route("/", any(handle))
        .with_state(service)
        .layer(axum::middleware::from_fn(monitoring::answer_panics))
        .merge(monitor.guarded_routes(listen))
}
