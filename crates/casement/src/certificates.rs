//! The certificates of a running service.
//!
//! In: `tls` of the configuration, and the files below the data directory. Out: the two sides of TLS, one for MQTT that
//! takes clients' certificates, one for the page that does not ask browsers for any; their end as a metric, their
//! troubles as health.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};

use anyhow::Context as _;
use broker::ListenerOptions;
use monitoring::{HealthSource, HttpAddress, Part, Sample};
use tls::{Files, Provision, ServerFiles, ServerTls};
use tokio_util::sync::CancellationToken;

use crate::{config::Config, host, supervision::Tasks};

/// What is served.
#[derive(Debug, Clone)]
pub struct Certificates {
    mqtt: Arc<ServerTls>,
    page: Arc<ServerTls>,
}

/// The directory of the certificates that Casement makes.
pub(crate) fn directory(config: &Config) -> PathBuf {
    config.data().join("tls")
}

/// The certificate of the authority that devices trust; `None` where no listener speaks TLS, or where it is another's.
pub(crate) fn authority(config: &Config) -> Option<PathBuf> {
    let mqtt = config.broker.doors().iter().any(|door| door.tls);
    let http = config.http.doors().iter().any(|door| door.tls);
    let is_own = (mqtt || http) && config.tls.certificate_file.is_none();
    is_own.then(|| Files::below(directory(config)).ca())
}

/// Makes certificates for this host's name and addresses where they are missing, unless the configuration names others.
pub(crate) fn ensure(config: &Config) -> anyhow::Result<()> {
    if config.tls.certificate_file.is_some() {
        return Ok(());
    }
    let request = Provision {
        directory: directory(config),
        host_name: host::name(),
        hosts: host::addresses().iter().map(ToString::to_string).collect(),
        ..Provision::default()
    };
    if let Some(made) = tls::ensure(request)? {
        let hosts = made.hosts.join(", ");
        tracing::info!(%hosts, "made a certificate for this host");
    }
    Ok(())
}

impl Certificates {
    /// Reads them, if any listener speaks TLS.
    pub fn open(config: &Config) -> anyhow::Result<Option<Self>> {
        config.needs_certificate().then(|| Self::read(config)).transpose()
    }

    /// Reads them, if any listener of the page speaks TLS.
    pub fn open_for_page(config: &Config) -> anyhow::Result<Option<Self>> {
        config
            .page_needs_certificate()
            .then(|| Self::read(config))
            .transpose()
    }

    fn read(config: &Config) -> anyhow::Result<Self> {
        let made = Files::below(directory(config));
        let client_ca = config.tls.client_ca_file.clone();
        let client_ca = client_ca.or_else(|| Some(made.ca()).filter(|path| path.exists()));
        let own = config
            .tls
            .certificate_file
            .as_ref()
            .zip(config.tls.key_file.as_ref());
        let (certificate, key) = match own {
            Some((certificate, key)) => (certificate.clone(), key.clone()),
            None => (made.server(), made.server_key()),
        };
        let open = |client_ca| {
            let files = ServerFiles {
                certificate: certificate.clone(),
                key: key.clone(),
                client_ca,
            };
            let loaded = ServerTls::load(files).map(Arc::new);
            loaded.context(
                "a listener speaks TLS and there is no certificate for it (make one: casement provision tls --host NAME; or name \
                 yours in tls.certificate_file and tls.key_file)",
            )
        };
        Ok(Self {
            mqtt: open(client_ca)?,
            page: open(None)?,
        })
    }

    /// Looks for new files until `shutdown`.
    pub(crate) fn watch(&self, tasks: &mut Tasks, shutdown: &CancellationToken) {
        for tls in [&self.mqtt, &self.page] {
            let (watching, shutdown) = (Arc::clone(tls).watch(), shutdown.clone());
            tasks.add("the look at certificates", async move {
                shutdown.run_until_cancelled(watching).await;
                Ok(())
            });
        }
    }

    /// Their end.
    pub(crate) fn sample(&self) -> Sample {
        let end = self.mqtt.expires_at().duration_since(SystemTime::UNIX_EPOCH);
        Sample::Gauge {
            name: "certificate_expiry_timestamp_seconds",
            help: "The end of the certificate that is served, in seconds since 1970",
            value: end.unwrap_or(Duration::ZERO).as_secs(),
        }
    }

    /// Whether somebody has to look at them.
    pub(crate) fn health(&self) -> HealthSource {
        let this = self.clone();
        Arc::new(move || {
            let concern = this.mqtt.concern().or_else(|| this.page.concern());
            let well = || Part {
                reason: Some(days_left(this.mqtt.expires_at(), SystemTime::now())),
                ..Part::ok("certificate")
            };
            vec![concern.map_or_else(well, |concern| Part::degraded("certificate", concern))]
        })
    }
}

/// How long a certificate that is well is still valid.
fn days_left(end: SystemTime, now: SystemTime) -> String {
    let left = end.duration_since(now).unwrap_or_default();
    format!("valid for {} days", left.as_secs() / (24 * 60 * 60))
}

/// The broker's listeners.
pub fn mqtt_listeners(config: &Config, certificates: Option<&Certificates>) -> Vec<ListenerOptions> {
    let doors = config.broker.doors();
    for door in doors
        .iter()
        .filter(|door| !door.tls && !door.addr.ip().is_loopback())
    {
        tracing::warn!(
            listen = %door.addr,
            "passwords and readings cross the network readable there: use a listener with tls: true, as `casement up --lan` does"
        );
    }
    let options = doors.into_iter().map(|door| ListenerOptions {
        address: door.addr,
        tls: certificates.filter(|_| door.tls).map(|tls| Arc::clone(&tls.mqtt)),
        websocket: door.websocket,
        anonymous: door.anonymous == Some(true),
    });
    options.collect()
}

/// The page's addresses.
pub fn page_addresses(config: &Config, certificates: Option<&Certificates>) -> Vec<HttpAddress> {
    let doors = config.http.doors();
    let addresses = doors.into_iter().map(|door| HttpAddress {
        address: door.addr,
        tls: certificates.filter(|_| door.tls).map(|tls| Arc::clone(&tls.page)),
    });
    addresses.collect()
}
