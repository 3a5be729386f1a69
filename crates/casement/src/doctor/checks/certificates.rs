//! Certificates: the files, their end and their names, and a handshake that is really made.

use std::{
    io::{self, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};

use futures_util::future::BoxFuture;
use rustls::{
    ClientConfig, ClientConnection, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};
use tls::Description;

use super::{
    super::{Context, Outcome, Setup},
    off_worker,
    ports::reachable,
};
use crate::{certificates::directory, config::Config};

const DAY: Duration = Duration::from_hours(24);
/// Before so many days, somebody should renew it.
const SOON: u64 = 30;
const HANDSHAKE: Duration = Duration::from_secs(3);
const RENEW: &str = "Renew it: casement provision tls, or as its authority tells; a running service serves the new one at once.";

/// Whether a listener of the role that is examined speaks TLS.
fn needs_certificate(context: &Context) -> bool {
    match context.setup {
        Setup::Backend => context.config.page_needs_certificate(),
        _ => context.config.needs_certificate(),
    }
}

/// The file of the certificate that is served.
fn served(config: &Config) -> PathBuf {
    let own = config.tls.certificate_file.clone();
    own.unwrap_or_else(|| tls::Files::below(directory(config)).server())
}

pub(super) fn files(context: Arc<Context>) -> BoxFuture<'static, Outcome> {
    off_worker(context, |context| {
        if !needs_certificate(context) {
            return Outcome::skipped("no listener speaks TLS");
        }
        let path = served(&context.config);
        match tls::describe(&path) {
            Err(error) => Outcome::failed(
                format!("{error}"),
                "Make one: casement provision tls --host NAME; or correct tls.certificate_file.",
            ),
            Ok(description) => judged(&description, SystemTime::now()).with_detail(format!(
                "{} is for {}",
                path.display(),
                description.hosts.join(", ")
            )),
        }
    })
}

/// Whether it is valid now, and for how long.
fn judged(description: &Description, now: SystemTime) -> Outcome {
    if description.not_before > now {
        return Outcome::failed(
            "the certificate is not valid yet",
            "Look at the clock of this machine, and at the certificate's.",
        );
    }
    match description
        .not_after
        .duration_since(now)
        .map(|left| left.as_secs() / DAY.as_secs())
    {
        Err(past) => Outcome::failed(
            format!(
                "the certificate expired {} days ago",
                past.duration().as_secs() / DAY.as_secs()
            ),
            RENEW,
        ),
        Ok(days) if days < SOON => Outcome::warning(format!("the certificate ends in {days} days"), RENEW),
        Ok(days) => Outcome::ok(format!("the certificate is valid for {days} days")),
    }
}

pub(super) fn handshakes(context: Arc<Context>) -> BoxFuture<'static, Outcome> {
    off_worker(context, |context| {
        let config = &context.config;
        let mqtt = config
            .broker
            .doors()
            .into_iter()
            .filter(|door| door.tls && context.embeds_broker());
        let page = config.http.doors().into_iter().filter(|door| door.tls);
        let doors: Vec<(&str, SocketAddr)> = mqtt
            .map(|door| ("MQTT", door.addr))
            .chain(page.map(|door| ("page", door.addr)))
            .collect();
        if doors.is_empty() {
            return Outcome::skipped("no listener speaks TLS");
        }
        if context.service.is_none() {
            return Outcome::skipped("no service runs to make a handshake with");
        }
        let roots = match roots(config) {
            Ok(roots) => roots,
            Err(error) => return Outcome::failed(error, "Make the certificates: casement provision tls"),
        };
        let tried: Vec<Outcome> = doors
            .iter()
            .filter_map(|(what, address)| {
                shake(&roots, config, *address)
                    .err()
                    .map(|error| failure(what, *address, &error))
            })
            .collect();
        Outcome::worst(tried, || {
            Outcome::ok(format!(
                "{} listeners, each with a verified handshake",
                doors.len()
            ))
        })
    })
}

/// The authorities that clients trust: the house's own, or the system's.
fn roots(config: &Config) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    if config.tls.certificate_file.is_some() {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    } else {
        let path = tls::Files::below(directory(config)).ca();
        let found =
            CertificateDer::from_pem_file(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        roots
            .add(found)
            .map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(roots)
}

/// Makes a handshake, in which the chain, the name and the time are verified.
fn shake(roots: &RootCertStore, config: &Config, address: SocketAddr) -> io::Result<()> {
    let client = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(roots.clone())
        .with_no_client_auth();
    let mut connection =
        ClientConnection::new(Arc::new(client), name(config, address)).map_err(io::Error::other)?;
    let mut socket = TcpStream::connect_timeout(&reachable(address), HANDSHAKE)?;
    socket.set_read_timeout(Some(HANDSHAKE))?;
    socket.set_write_timeout(Some(HANDSHAKE))?;
    while connection.is_handshaking() {
        connection.complete_io(&mut socket)?;
    }
    connection.send_close_notify();
    let _ = connection.complete_io(&mut socket);
    let _ = socket.flush();
    let _ = socket.take(0).read(&mut []);
    Ok(())
}

/// The name that a client would connect to: of one's own certificate its first name, otherwise the address.
fn name(config: &Config, address: SocketAddr) -> ServerName<'static> {
    let described = config
        .tls
        .certificate_file
        .as_ref()
        .and_then(|path| tls::describe(path).ok());
    let first = described.and_then(|described| described.hosts.first().cloned());
    let own = first.and_then(|name| ServerName::try_from(name.replace("*.", "casement.")).ok());
    own.unwrap_or_else(|| ServerName::from(reachable(address).ip()))
}

fn failure(what: &str, address: SocketAddr, error: &io::Error) -> Outcome {
    let reason = error.to_string();
    let found = format!("{what} at {address}: {reason}");
    if reason.contains("UnknownIssuer") {
        return Outcome::warning(
            format!("{found}: this system does not know its authority"),
            "Clients need the authority's certificate, unless theirs know it.",
        );
    }
    let remedy = if reason.contains("Expired") || reason.contains("expired") {
        RENEW
    } else if reason.contains("NotValidForName") || reason.contains("not valid for name") {
        "Make one for this name: casement provision tls --host NAME"
    } else {
        "Give doctor the flags and the configuration that the service was started with, or look at its log."
    };
    Outcome::failed(found, remedy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::State;

    #[test]
    fn the_end_of_a_certificate_is_told_in_time() {
        let now = SystemTime::UNIX_EPOCH + 20_000 * DAY;
        let ending = |days: i64| {
            let hours = Duration::from_hours(u64::try_from((20_000 + days) * 24 + 1).unwrap());
            let description = Description {
                hosts: vec!["casement".into()],
                not_before: SystemTime::UNIX_EPOCH,
                not_after: SystemTime::UNIX_EPOCH + hours,
            };
            judged(&description, now)
        };
        assert_eq!(ending(30).state, State::Ok);
        let soon = ending(29);
        assert_eq!(
            (soon.state, soon.summary.as_str()),
            (State::Warning, "the certificate ends in 29 days")
        );
        assert_eq!(ending(0).state, State::Warning);
        assert_eq!(ending(-1).state, State::Failed);
    }
}
