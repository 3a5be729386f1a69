//! One handshake: done, or why not, in words of a person who set the device up.
//!
//! In: a fresh connection. Out: an encrypted one, with the name in the client's certificate. The first byte is looked at
//! before anything is computed, so that a client that speaks something else is told apart.

use std::io;

use rustls::{AlertDescription as Alert, CertificateError, Error};
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use crate::{ServerTls, inspection};

const HANDSHAKE: u8 = 0x16;
const MQTT_CONNECT: u8 = 0x10;

/// A connection whose handshake is done.
#[derive(Debug)]
pub struct Accepted {
    /// The connection.
    pub stream: TlsStream<TcpStream>,
    /// The name in the client's certificate, which was verified: its common name, or its first DNS name. `None` where it
    /// showed none.
    pub certificate_name: Option<String>,
    /// When that certificate became valid, in seconds since 1970.
    pub certificate_not_before: Option<i64>,
}

/// Why there is no connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// What happened.
    pub reason: String,
    /// What helps.
    pub remedy: &'static str,
}

impl Refused {
    fn new(reason: impl Into<String>, remedy: &'static str) -> Self {
        Self {
            reason: reason.into(),
            remedy,
        }
    }
}

impl ServerTls {
    /// Does the handshake of one connection, which the caller bounds in time. `Err(None)` where the client left before it
    /// said anything.
    pub async fn accept(&self, stream: TcpStream) -> Result<Accepted, Option<Refused>> {
        let mut first = [0];
        match stream.peek(&mut first).await {
            Ok(1..) => {}
            _ => return Err(None),
        }
        if let Some(other) = other_protocol(first[0]) {
            return Err(Some(other));
        }
        let accepted = TlsAcceptor::from(self.config()).accept(stream).await;
        let stream = accepted.map_err(|error| Some(explain(&error)))?;
        let certificates = stream.get_ref().1.peer_certificates();
        let first = certificates.and_then(|chain| chain.first());
        let certificate_name = first.and_then(inspection::account);
        let certificate_not_before = first.and_then(inspection::not_before);
        Ok(Accepted {
            stream,
            certificate_name,
            certificate_not_before,
        })
    }
}

fn other_protocol(first: u8) -> Option<Refused> {
    let refused = match first {
        HANDSHAKE => return None,
        MQTT_CONNECT => Refused::new(
            "a client speaks plain MQTT, and this port speaks TLS",
            "switch TLS on in the client (mqtts:// in place of mqtt://), or use the plain port",
        ),
        byte if byte.is_ascii_alphabetic() => Refused::new(
            "a client speaks plain HTTP, and this port speaks TLS",
            "write https:// in place of http:// (wss:// in place of ws://)",
        ),
        _ => Refused::new(
            "a client speaks something that is not TLS, and this port speaks TLS",
            "check the client's port and protocol",
        ),
    };
    Some(refused)
}

fn explain(error: &io::Error) -> Refused {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    match inner {
        Some(error) => explain_tls(error),
        None => Refused::new(
            "a client left during the TLS handshake",
            "give the client ca.pem as the authority to trust, and connect to a name or an address in the certificate",
        ),
    }
}

fn explain_tls(error: &Error) -> Refused {
    const TRUST: &str = "give the client ca.pem as the authority to trust, and connect to a name or an address in the certificate";
    match error {
        Error::InvalidCertificate(fault) => explain_certificate(fault),
        // The second where it trusts an earlier authority of the same name.
        Error::AlertReceived(Alert::UnknownCA | Alert::DecryptError) => Refused::new(
            "the client does not trust the authority of this server's certificate",
            TRUST,
        ),
        Error::AlertReceived(Alert::CertificateExpired) => Refused::new(
            "to the client, this server's certificate has expired, or is not valid yet",
            "set the client's clock, or renew the certificate",
        ),
        Error::AlertReceived(Alert::BadCertificate | Alert::CertificateUnknown | Alert::AccessDenied) => {
            Refused::new("the client does not accept this server's certificate", TRUST)
        }
        Error::AlertReceived(alert) => Refused::new(
            format!("the client ended the TLS handshake with the alert {alert:?}"),
            TRUST,
        ),
        Error::PeerIncompatible(why) => Refused::new(
            format!("the client offers no TLS that is accepted here, which is 1.2 or 1.3 ({why:?})"),
            "update the client's TLS library, or enable TLS 1.2 with ECDHE and AES-GCM or ChaCha20 in it",
        ),
        Error::InvalidMessage(_) | Error::InappropriateMessage { .. } => Refused::new(
            "what a client sends looks like TLS and is not",
            "check the client's port and protocol",
        ),
        other => Refused::new(
            format!("the TLS handshake failed: {other}"),
            "check the client's TLS settings",
        ),
    }
}

fn explain_certificate(fault: &CertificateError) -> Refused {
    const NEW: &str = "make the client a new certificate: casement provision tls --client ID";
    match fault {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            Refused::new("the client's certificate has expired", NEW)
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => Refused::new(
            "the client's certificate is not valid yet",
            "set this host's clock, or make the client a new certificate",
        ),
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            Refused::new("the client's certificate is of another authority", NEW)
        }
        other => Refused::new(
            format!("the client's certificate is not accepted: {other:?}"),
            NEW,
        ),
    }
}
