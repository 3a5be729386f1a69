//! The authority of a house, and what it signs.
//!
//! Keys are ECDSA on P-256: every ESP32's mbedTLS has it, its key fits into a small flash, and a handshake takes it a
//! tenth of the time that RSA takes.

use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, SanType,
};
use rustls::pki_types::CertificateDer;
use time::{Duration, OffsetDateTime};

use crate::{TlsError, inspection, pem, private};

/// Devices carry the authority in their firmware, and nobody opens a wall to renew it.
const AUTHORITY: Duration = Duration::days(3_650);
/// The longest that Apple's systems accept of a server; a start renews it long before.
const SERVER: Duration = Duration::days(825);
/// A device's certificate is in its flash as the authority is. Retiring the account ends it earlier.
const CLIENT: Duration = Duration::days(3_650);
/// A device's clock may be behind.
const EARLIER: Duration = Duration::days(1);

/// A certificate and its key, in PEM.
pub(crate) struct Pair {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

/// The authority, able to sign.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub(crate) certificate: CertificateDer<'static>,
    /// The end of its own validity, which nothing that it signs outlives.
    expires_at: OffsetDateTime,
}

impl Authority {
    /// Makes one for a house, which `name` tells from others.
    pub(crate) fn make(name: &str, certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let mut params = CertificateParams::default();
        params.distinguished_name = common_name(&format!("Casement CA {name}"));
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        validity(&mut params, AUTHORITY, EARLIER);
        let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let signed = params.self_signed(&pair)?;
        // The key first: a certificate without its key would be of no use to anyone.
        private::write(key, &pair.serialize_pem())?;
        private::write(certificate, &signed.pem())?;
        Self::load(certificate, key)
    }

    /// Reads the one of an earlier run.
    pub(crate) fn load(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        const CERTIFICATE: &str = "the authority's certificate";
        const KEY: &str = "the authority's key";
        let der = pem::certificates(CERTIFICATE, certificate)?.swap_remove(0);
        let secret = pem::key(KEY, key)?;
        let pair = KeyPair::try_from(secret.secret_der())
            .map_err(|error| pem::content(KEY, key, error.to_string()))?;
        let mismatch = || TlsError::Mismatch {
            certificate: PathBuf::from(certificate),
            key: PathBuf::from(key),
        };
        if !inspection::has_key(&der, pair.public_key_raw()) {
            return Err(mismatch());
        }
        let expires_at = inspection::expires_at(&der).ok_or_else(mismatch)?.into();
        if OffsetDateTime::now_utc() >= expires_at {
            let reason = "it has expired: make a new authority with --new-ca, and give it to every device";
            return Err(pem::content(CERTIFICATE, certificate, reason));
        }
        Ok(Self {
            issuer: Issuer::from_ca_cert_der(&der, pair)?,
            certificate: der,
            expires_at,
        })
    }

    /// Signs a server's certificate for these names and addresses.
    pub(crate) fn server(&self, name: &str, hosts: Vec<SanType>) -> Result<Pair, TlsError> {
        let mut params = CertificateParams::default();
        params.distinguished_name = common_name(name);
        params.subject_alt_names = hosts;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.sign(params, SERVER, EARLIER)
    }

    /// Signs the certificate of an account.
    pub(crate) fn client(&self, id: &str) -> Result<Pair, TlsError> {
        let mut params = CertificateParams::default();
        params.distinguished_name = common_name(id);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        // Only this host judges it, by the clock that makes it: it says when it was made.
        self.sign(params, CLIENT, Duration::ZERO)
    }

    fn sign(
        &self,
        mut params: CertificateParams,
        lifetime: Duration,
        earlier: Duration,
    ) -> Result<Pair, TlsError> {
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.use_authority_key_identifier_extension = true;
        validity(&mut params, lifetime, earlier);
        params.not_after = params.not_after.min(self.expires_at);
        let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let signed = params.signed_by(&pair, &self.issuer)?;
        Ok(Pair {
            // The authority itself is not sent along: whoever trusts it has it, and a device reads fewer bytes.
            certificate: signed.pem(),
            key: pair.serialize_pem(),
        })
    }
}

fn common_name(name: &str) -> DistinguishedName {
    let mut subject = DistinguishedName::new();
    // A common name has 64 characters at most.
    let name: String = name.chars().take(64).collect();
    subject.push(DnType::CommonName, name);
    subject
}

fn validity(params: &mut CertificateParams, lifetime: Duration, earlier: Duration) {
    let now = OffsetDateTime::now_utc();
    params.not_before = now - earlier;
    params.not_after = now + lifetime;
}
