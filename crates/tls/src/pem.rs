//! Certificates and keys in PEM files, with an answer for each file that is something else.

use std::{fs::File, io::Read as _, path::Path};

use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};

use crate::TlsError;

/// No chain and no bundle of a household is larger.
const MAX_BYTES: u64 = 1 << 20;
const DER: u8 = 0x30;

fn read(what: &'static str, path: &Path) -> Result<Vec<u8>, TlsError> {
    let read = || {
        let mut bytes = Vec::new();
        File::open(path)?.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = read().map_err(|source| TlsError::Read {
        what,
        path: path.into(),
        source,
    })?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(content(
            what,
            path,
            "it has more than 1 MiB; name a file of certificates",
        ));
    }
    if bytes.first() == Some(&DER) {
        let reason = "it is DER and has to be PEM; convert it with: openssl x509 -inform der (keys: openssl pkey -inform der)";
        return Err(content(what, path, reason));
    }
    Ok(bytes)
}

pub(crate) fn content(what: &'static str, path: &Path, reason: impl Into<String>) -> TlsError {
    TlsError::Content {
        what,
        path: path.into(),
        reason: reason.into(),
    }
}

/// Every certificate of a file; at least one.
pub(crate) fn certificates(
    what: &'static str,
    path: &Path,
) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let bytes = read(what, path)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    let found = found.map_err(|error| content(what, path, format!("it is damaged: {error}")))?;
    if found.is_empty() {
        let reason = "it holds no certificate: one begins with -----BEGIN CERTIFICATE-----";
        return Err(content(what, path, reason));
    }
    Ok(found)
}

/// The private key of a file.
pub(crate) fn key(what: &'static str, path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let bytes = read(what, path)?;
    if bytes.windows(9).any(|window| window == b"ENCRYPTED") {
        let reason = "the key has a password, which nobody could type at a start; remove it with: openssl pkey -in FILE -out FILE";
        return Err(content(what, path, reason));
    }
    PrivateKeyDer::from_pem_slice(&bytes).map_err(|_| {
        let reason = "it holds no private key: one begins with -----BEGIN PRIVATE KEY-----";
        content(what, path, reason)
    })
}
