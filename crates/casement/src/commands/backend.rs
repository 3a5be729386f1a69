//! `casement backend`: runs the backend with a broker and a ClickHouse.

use std::time::Duration;

use backend::Backend;
use monitoring::{HttpListener, Monitor, Registry};
use tracing::warn;

use tokio_util::sync::CancellationToken;

use crate::{
    api_part, assembly,
    certificates::{self, Certificates},
    cli,
    config::{Reader, Sources},
    data_dir,
    doctor::Setup,
    entrance::Entrance,
    noted,
    output::announce,
    page_urls::PageUrls,
    service_manager, shutdown,
    supervision::Tasks,
    system::this_program,
    telemetry::redaction,
};

const DRAIN: Duration = Duration::from_secs(4);

pub(super) async fn run(flags: cli::Backend) -> anyhow::Result<()> {
    let shutdown = shutdown::on_signal()?;
    let has_flag = flags.http.is_some();
    let config = Sources::process(flags.config)
        .data(flags.data)
        .flag("http.addr", flags.http.map(|addr| addr.to_string()))
        .load_for(Reader::Backend)?;
    config.refuse_flags(false, has_flag)?;
    let certificates = Certificates::open_for_page(&config)?;
    let addresses = certificates::page_addresses(&config, certificates.as_ref());
    let listener = HttpListener::bind_all(addresses, "http.addr")
        .await?
        .limited(api_part::limits());
    let http = listener.addr();
    data_dir::create(&config.journal.path)?;
    // After a crash the journal repairs itself first, which may take a second.
    let options = assembly::backend(&config)?;
    let local = assembly::local(&config)?;
    let mut registry = Registry::default();
    let mut backend = tokio::task::block_in_place(|| Backend::open(options, local, &mut registry))?;
    let serving = CancellationToken::new();
    let mut tasks = Tasks::default();
    let mut health = vec![redaction::health(backend.health())];
    if let Some(certificates) = certificates {
        certificates.watch(&mut tasks, &serving);
        health.push(certificates.health());
        registry
            .sub_registry_with_prefix("casement_tls")
            .register_collector(monitoring::collector(move || vec![certificates.sample()]));
    }
    let entrance = Entrance::open(&config, &backend.ingest())?;
    if let Err(error) = noted::note(&config) {
        warn!(
            "where broker and ClickHouse are cannot be noted for `sql --data` and `doctor --data`: {error}"
        );
    }
    health.push(entrance.register(&mut registry));
    let monitor = Monitor::new(registry, health);
    let page = PageUrls::of(&listener);
    let invitation = entrance.invitation(&config, &page);
    entrance.follow(&config, &backend, None, &serving);
    let parts = api_part::parts(
        &config,
        (Setup::Backend, this_program()?),
        &backend,
        &monitor,
        &entrance,
    )?;
    let routes = entrance.people.guard(monitor.routes().merge(api::routes(parts)));
    tasks.serve(listener, routes, serving.clone());
    backend.connect(assembly::backend_connection(&config.mqtt)?);
    let (diagnosis, filters) = assembly::diagnosis(&config.mqtt)?;
    backend.diagnose(diagnosis, filters);
    let (rooms, connection) = assembly::home_assistant(&config, page.of_network())?;
    backend.announce_rooms(rooms, connection);
    let status = format!(
        "broker {}, ClickHouse {}, page http://{http}, journal {}",
        config.mqtt.broker,
        config.clickhouse.url(),
        config.journal.path.display()
    );
    announce!("casement backend is running: {status}");
    service_manager::ready(&status);
    if let Some(line) = invitation {
        announce!("{line}");
    }
    let ran = tasks.run_until(&shutdown).await;
    serving.cancel();
    let left = backend.stop(DRAIN).await;
    let _ = tasks.join(shutdown::HTTP_END).await;
    if left > 0 {
        announce!("{left} records wait in the journal and are stored at the next start");
    }
    ran
}
