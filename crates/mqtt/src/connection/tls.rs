//! The TLS configuration of encrypted connections.

use std::{io, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject as _},
};

/// Returns a configuration for TLS 1.2 and 1.3 with the given certificates (PEM) as roots, or the system's.
/// Certificates that cannot be read are logged and ignored.
///
/// # Errors
/// There is none at all, so that every handshake would fail.
pub(super) fn client_config(trusted_pem: Option<&[u8]>) -> io::Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    if let Some(pem) = trusted_pem {
        let readable = CertificateDer::pem_slice_iter(pem).filter_map(Result::ok);
        roots.add_parsable_certificates(readable);
    } else {
        let system = rustls_native_certs::load_native_certs();
        for error in &system.errors {
            tracing::warn!(%error, "cannot read a system certificate");
        }
        roots.add_parsable_certificates(system.certs);
    }
    if roots.is_empty() {
        return Err(io::Error::other(
            "there is no certificate to trust: install the system's (ca-certificates), or name the broker's authority (ca_file)",
        ));
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring has the cipher suites of TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}
