//! The HTTP client that the ClickHouse client uses: plain, or TLS with the certificates to trust.
//!
//! The `clickhouse` crate supports TLS, but panics on a machine without system certificates, even for a plain address,
//! and accepts no other certificates.

use std::{sync::Arc, time::Duration};

use clickhouse::Client;
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::{
    client::legacy::{Client as HyperClient, connect::HttpConnector},
    rt::TokioExecutor,
};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject as _},
};

use crate::{StoreError, StoreOptions};

/// The values of the `clickhouse` crate for plain connections.
const KEEP_ALIVE: Duration = Duration::from_mins(1);
const POOL_IDLE: Duration = Duration::from_secs(2);

/// Returns a client for the scheme of `options.url`.
pub(crate) fn client(options: &StoreOptions) -> Result<Client, StoreError> {
    if !options.url.starts_with("https://") {
        return Ok(Client::default());
    }
    let mut tcp = HttpConnector::new();
    tcp.set_keepalive(Some(KEEP_ALIVE));
    tcp.enforce_http(false);
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(tls(options.trusted_certificates_pem.as_deref())?)
        .https_only()
        .enable_http1()
        .wrap_connector(tcp);
    let client = HyperClient::builder(TokioExecutor::new())
        .pool_idle_timeout(POOL_IDLE)
        .build(connector);
    Ok(Client::with_http_client(client))
}

/// Returns a configuration for TLS 1.2 and 1.3 with the given certificates (PEM) as roots, or the system's.
fn tls(trusted_pem: Option<&[u8]>) -> Result<ClientConfig, StoreError> {
    let mut roots = RootCertStore::empty();
    if let Some(pem) = trusted_pem {
        roots.add_parsable_certificates(CertificateDer::pem_slice_iter(pem).filter_map(Result::ok));
    } else {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    if roots.is_empty() {
        return Err(StoreError::Options {
            reason: "https:// needs a certificate to trust, and none is found: install the system's \
                     (package ca-certificates), or name a file of your own"
                .to_owned(),
        });
    }
    Ok(
        ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring has the cipher suites of TLS 1.2 and 1.3")
            .with_root_certificates(roots)
            .with_no_client_auth(),
    )
}
