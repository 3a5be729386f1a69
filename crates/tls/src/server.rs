//! The server's certificate, which may change while it serves.
//!
//! In: files. Out: the configuration of each new connection, the end of the certificate, and why newer files are not
//! served. The files are looked at once a second, as a model's link is: that works on every volume, and certificate
//! tools replace files in many ways.

use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use parking_lot::{Mutex, RwLock};
use rustls::{
    RootCertStore, ServerConfig,
    crypto::{CryptoProvider, ring},
    server::{NoServerSessionStorage, WebPkiClientVerifier},
    sign::{CertifiedKey, SingleCertAndKey},
};

use crate::{TlsError, inspection, pem};

const LOOKS: Duration = Duration::from_secs(1);
/// From here on people are told that the certificate ends.
const SOON: Duration = Duration::from_hours(14 * 24);

/// The files of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerFiles {
    /// Its certificate and those between it and the authority, in PEM.
    pub certificate: PathBuf,
    /// Its key, in PEM.
    pub key: PathBuf,
    /// The authorities of clients, in PEM. `None`: clients are not asked for a certificate. Otherwise they may show one,
    /// which has to be of such an authority.
    pub client_ca: Option<PathBuf>,
}

/// A server's side of TLS 1.2 and 1.3.
#[derive(Debug)]
pub struct ServerTls {
    files: ServerFiles,
    current: RwLock<Current>,
    seen: Mutex<Seen>,
}

#[derive(Debug, Clone)]
struct Current {
    config: Arc<ServerConfig>,
    expires_at: SystemTime,
}

/// The last look at the files.
#[derive(Debug)]
struct Seen {
    marks: Vec<Option<Mark>>,
    /// Why what was seen then is not served.
    fault: Option<String>,
}

/// What changes with a file.
#[derive(Debug, PartialEq, Eq)]
struct Mark {
    inode: u64,
    bytes: u64,
    modified: (i64, i64),
}

impl ServerTls {
    /// Reads the files.
    pub fn load(files: ServerFiles) -> Result<Self, TlsError> {
        // Before reading: a change in between is seen at the next look.
        let marks = marks(&files);
        let current = read(&files)?;
        Ok(Self {
            files,
            current: RwLock::new(current),
            seen: Mutex::new(Seen { marks, fault: None }),
        })
    }

    /// The end of the certificate that is served.
    pub fn expires_at(&self) -> SystemTime {
        self.current.read().expires_at
    }

    /// Why a person should look at it: newer files cannot be served, or the certificate ends within 14 days.
    pub fn concern(&self) -> Option<String> {
        let certificate = self.files.certificate.display();
        if let Some(fault) = &self.seen.lock().fault {
            return Some(format!(
                "the new certificate is not served, the old one still is: {fault}"
            ));
        }
        match self.expires_at().duration_since(SystemTime::now()) {
            Err(_) => Some(format!(
                "the certificate {certificate} has expired: renew it (casement provision tls)"
            )),
            Ok(left) if left < SOON => Some(format!(
                "the certificate {certificate} ends in {} days: renew it (casement provision tls)",
                left.as_secs() / (24 * 60 * 60)
            )),
            Ok(_) => None,
        }
    }

    /// Looks at the files once a second, and serves what is new. Connections that are there stay.
    pub async fn watch(self: Arc<Self>) {
        loop {
            tokio::time::sleep(LOOKS).await;
            let this = Arc::clone(&self);
            let looked = tokio::task::spawn_blocking(move || this.look()).await;
            if looked.is_err() {
                tracing::error!("looking at the certificate's files failed");
            }
        }
    }

    /// Looks at the files once.
    pub fn look(&self) {
        let marks = marks(&self.files);
        let mut seen = self.seen.lock();
        if seen.marks == marks {
            return;
        }
        let certificate = self.files.certificate.display();
        match read(&self.files) {
            Ok(current) => {
                *self.current.write() = current;
                seen.fault = None;
                tracing::info!(%certificate, "the new certificate is served");
            }
            Err(error) => {
                let fault = with_causes(&error);
                tracing::warn!(%certificate, "the new certificate is not served, the old one still is: {fault}");
                seen.fault = Some(fault);
            }
        }
        seen.marks = marks;
    }

    pub(crate) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.current.read().config)
    }
}

fn read(files: &ServerFiles) -> Result<Current, TlsError> {
    let provider = Arc::new(ring::default_provider());
    let chain = pem::certificates("the certificate", &files.certificate)?;
    let expires_at = inspection::expires_at(&chain[0]).ok_or_else(|| {
        let reason = "its first certificate cannot be read";
        pem::content("the certificate", &files.certificate, reason)
    })?;
    let key = pem::key("the key", &files.key)?;
    let pair = CertifiedKey::from_der(chain, key, &provider).map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => TlsError::Mismatch {
            certificate: files.certificate.clone(),
            key: files.key.clone(),
        },
        other => pem::content("the key", &files.key, other.to_string()),
    })?;
    let builder =
        ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
    let builder = match &files.client_ca {
        None => builder.with_no_client_auth(),
        Some(path) => builder.with_client_cert_verifier(verifier(path, &provider)?),
    };
    let mut config = builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(pair)));
    if files.client_ca.is_some() {
        // A session that is resumed would skip the look at the client's certificate.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
    }
    Ok(Current {
        config: Arc::new(config),
        expires_at,
    })
}

fn verifier(
    path: &Path,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn rustls::server::danger::ClientCertVerifier>, TlsError> {
    const WHAT: &str = "the clients' authority";
    let mut roots = RootCertStore::empty();
    for certificate in pem::certificates(WHAT, path)? {
        roots
            .add(certificate)
            .map_err(|error| pem::content(WHAT, path, error.to_string()))?;
    }
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
        .allow_unauthenticated()
        .build()
        .map_err(|error| pem::content(WHAT, path, error.to_string()))
}

fn marks(files: &ServerFiles) -> Vec<Option<Mark>> {
    let paths = [
        Some(&files.certificate),
        Some(&files.key),
        files.client_ca.as_ref(),
    ];
    let mark = |path: &PathBuf| {
        let metadata = fs::metadata(path).ok()?;
        Some(Mark {
            inode: metadata.ino(),
            bytes: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
        })
    };
    paths.into_iter().map(|path| path.and_then(mark)).collect()
}

/// An error and its causes in one line.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}
