//! What a certificate says: whose it is, for which names, until when.

use std::{
    collections::BTreeSet,
    net::{Ipv4Addr, Ipv6Addr},
    path::Path,
    time::{Duration, SystemTime},
};

use rustls::pki_types::CertificateDer;
use x509_parser::{extensions::GeneralName, prelude::*};

use crate::{TlsError, pem};

/// A certificate as people ask for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// The host names and addresses that it is for.
    pub hosts: Vec<String>,
    /// The beginning of its validity.
    pub not_before: SystemTime,
    /// The end of its validity.
    pub not_after: SystemTime,
}

/// Describes the first certificate of a file (PEM), which is that of the server.
pub fn describe(path: &Path) -> Result<Description, TlsError> {
    const WHAT: &str = "the certificate";
    let found = pem::certificates(WHAT, path)?;
    let first = &found[0];
    let begins = not_before(first).and_then(|seconds| u64::try_from(seconds).ok());
    let ends = expires_at(first).ok_or_else(|| pem::content(WHAT, path, "it is damaged"))?;
    Ok(Description {
        hosts: hosts(first).into_iter().collect(),
        not_before: SystemTime::UNIX_EPOCH + Duration::from_secs(begins.unwrap_or(0)),
        not_after: ends,
    })
}

/// The name that stands for an account: the subject's common name, or the first DNS name.
pub(crate) fn account(certificate: &CertificateDer<'_>) -> Option<String> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    let common = certificate
        .subject()
        .iter_common_name()
        .find_map(|name| name.as_str().ok().map(ToOwned::to_owned));
    common.filter(|name| !name.is_empty()).or_else(|| {
        let names = certificate.subject_alternative_name().ok()??;
        names.value.general_names.iter().find_map(|name| match name {
            GeneralName::DNSName(name) => Some((*name).to_owned()),
            _ => None,
        })
    })
}

/// The beginning of its validity, in seconds since 1970.
pub(crate) fn not_before(certificate: &CertificateDer<'_>) -> Option<i64> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    Some(certificate.validity().not_before.timestamp())
}

/// The end of its validity.
pub(crate) fn expires_at(certificate: &CertificateDer<'_>) -> Option<SystemTime> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    let seconds = u64::try_from(certificate.validity().not_after.timestamp()).unwrap_or(0);
    Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
}

/// The host names and addresses that it is for, as text.
pub(crate) fn hosts(certificate: &CertificateDer<'_>) -> BTreeSet<String> {
    let Ok((_, certificate)) = X509Certificate::from_der(certificate) else {
        return BTreeSet::new();
    };
    let Ok(Some(names)) = certificate.subject_alternative_name() else {
        return BTreeSet::new();
    };
    let text = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => match bytes.len() {
            4 => Some(Ipv4Addr::from(<[u8; 4]>::try_from(*bytes).ok()?).to_string()),
            16 => Some(Ipv6Addr::from(<[u8; 16]>::try_from(*bytes).ok()?).to_string()),
            _ => None,
        },
        _ => None,
    };
    names.value.general_names.iter().filter_map(text).collect()
}

/// Whether `issuer` is the name of the one who signed it.
pub(crate) fn is_of(certificate: &CertificateDer<'_>, issuer: &CertificateDer<'_>) -> bool {
    let (Ok((_, certificate)), Ok((_, issuer))) = (
        X509Certificate::from_der(certificate),
        X509Certificate::from_der(issuer),
    ) else {
        return false;
    };
    certificate.issuer().as_raw() == issuer.subject().as_raw()
}

/// Whether it is the certificate of a public key, given as the bits of its point.
pub(crate) fn has_key(certificate: &CertificateDer<'_>, public_key: &[u8]) -> bool {
    X509Certificate::from_der(certificate)
        .is_ok_and(|(_, certificate)| certificate.public_key().subject_public_key.data == public_key)
}
