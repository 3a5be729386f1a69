//! Why a broker cannot be used, in words for the person who set its address: what is wrong, and what helps.
//!
//! In: errors of the system and of the libraries for TLS and MQTT. Out: text without their words.

use std::{
    fmt::{Debug, Display},
    io,
};

use rustls::{CertificateError, Error as TlsError};

/// A refusal or an end by the broker, by the name of MQTT's reason code: `NotAuthorized` is "not authorized".
pub(super) fn reason(code: &impl Debug) -> String {
    let name = format!("{code:?}");
    let mut words = String::with_capacity(name.len() + 8);
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.push(letter.to_ascii_lowercase());
    }
    words
}

/// A refused greeting.
pub(super) fn refused(code: &impl Debug) -> String {
    let reason = reason(code);
    let remedy = match reason.as_str() {
        "not authorized" | "bad user name password" | "banned" => "; check the user name and the password",
        "bad client id" | "client identifier not valid" => "; the broker accepts other client ids only",
        _ => "",
    };
    format!("the broker refused the connection: {reason}{remedy}")
}

/// What the codec does not read.
pub(super) fn unreadable(error: &impl Display) -> String {
    format!("what the broker sent is no MQTT: {error}")
}

/// The beginning of an answer that is none of MQTT's.
pub(super) fn foreign(answer: &[u8]) -> Option<&'static str> {
    answer.starts_with(b"HTTP/").then_some(
        "what answers at this address speaks HTTP, not MQTT: name the broker's port for MQTT, which is often 1883",
    )
}

/// An error of a connection that was greeted.
pub(super) fn io_error(error: &io::Error) -> String {
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<TlsError>());
    if let Some(tls) = tls {
        return tls_error(tls);
    }
    if error.kind() == io::ErrorKind::UnexpectedEof {
        return "the broker closed the connection".to_owned();
    }
    let said = error.to_string();
    if said.starts_with("failed to lookup address information") {
        return "the broker's host name cannot be resolved".to_owned();
    }
    said
}

/// An error of a connection that was not greeted yet: both sides may expect different things of the port.
pub(super) fn early(error: &io::Error, tls: bool) -> String {
    use io::ErrorKind as Kind;
    let said = io_error(error);
    let ended = [Kind::UnexpectedEof, Kind::ConnectionReset, Kind::BrokenPipe].contains(&error.kind());
    match (ended, tls) {
        (true, true) => format!("{said} before it answered; is its port one without TLS (tcp://)?"),
        (true, false) => format!("{said} before it answered; is its port one for TLS (mqtts://)?"),
        (false, _) => said,
    }
}

fn tls_error(error: &TlsError) -> String {
    let certificate = match error {
        TlsError::InvalidCertificate(certificate) => certificate,
        TlsError::InvalidMessage(_) => {
            return "what answers at this address does not speak TLS; tcp:// is MQTT without it".to_owned();
        }
        TlsError::AlertReceived(alert) => {
            return format!("the broker ended the TLS handshake: {}", reason(alert));
        }
        other => return format!("TLS: {other}"),
    };
    let problem = match certificate {
        CertificateError::UnknownIssuer => {
            "is signed by nobody who is trusted; trust the certificate of its authority (ca_file)".to_owned()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "is for another host name".to_owned()
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "has expired".to_owned(),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "is not valid yet; check the clocks of both machines".to_owned()
        }
        other => {
            let said = format!("{other:?}");
            if said.contains("CaUsedAsEndEntity") {
                "is that of an authority (CA:TRUE); sign one for the broker with it, and trust the authority's (ca_file)"
                    .to_owned()
            } else {
                format!("cannot be used: {other}")
            }
        }
    };
    format!("the broker's certificate {problem}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    enum Code {
        NotAuthorized,
        BadUserNamePassword,
        ServerBusy,
    }

    #[test]
    fn reasons_are_words() {
        for (code, said) in [
            (Code::NotAuthorized, "not authorized; check the user name"),
            (Code::BadUserNamePassword, "bad user name password; check"),
            (Code::ServerBusy, "server busy"),
        ] {
            assert!(refused(&code).contains(said), "{}", refused(&code));
        }
    }

    #[test]
    fn errors_of_tls_are_words() {
        let said = |error: TlsError| io_error(&io::Error::new(io::ErrorKind::InvalidData, error));
        for (error, word) in [
            (CertificateError::UnknownIssuer, "ca_file"),
            (CertificateError::NotValidForName, "another host name"),
            (CertificateError::Expired, "has expired"),
            (CertificateError::NotValidYet, "clocks"),
            (CertificateError::BadSignature, "cannot be used"),
        ] {
            let said = said(TlsError::InvalidCertificate(error));
            assert!(
                said.starts_with("the broker's certificate") && said.contains(word),
                "{said}"
            );
        }
        let message = rustls::InvalidMessage::InvalidContentType;
        assert!(said(TlsError::InvalidMessage(message)).contains("tcp://"));
    }

    #[test]
    fn an_end_before_an_answer_hints_at_the_other_kind_of_port() {
        let closed = io::Error::from(io::ErrorKind::UnexpectedEof);
        assert!(early(&closed, false).contains("mqtts://"));
        assert!(early(&closed, true).contains("tcp://"));
        assert!(!io_error(&closed).contains("://"));
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        assert!(!early(&refused, false).contains("://"));
        assert!(foreign(b"HTTP/1.1 400 Bad Request").is_some());
        assert!(foreign(b"\x20\x02\0\0").is_none());
    }
}
