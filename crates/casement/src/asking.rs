//! How commands ask a running service over HTTP: each question has a deadline, and says who asks.
//!
//! In: a URL, headers, a body; the configuration, for the authority to trust and the token of this machine's own service. Out:
//! status and text of at most some MiB, or why there is none.

use std::{
    fs,
    io::Read as _,
    net::{Ipv4Addr, SocketAddr, SocketAddrV4},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::Context as _;

use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, TlsProvider, parse_pem};

use crate::{assembly, certificates, config::Config};

/// Longest token that is read.
const MAX_TOKEN: u64 = 4_096;
const MAX_ANSWER: u64 = 32 << 20;

/// Asks over HTTP; it trusts one file of authorities, or the system's.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    agent: ureq::Agent,
    token: Option<String>,
}

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) text: String,
}

impl Client {
    /// A client whose questions take at most `deadline`. `ca` holds certificates to trust for `https://` (PEM).
    pub(crate) fn new(deadline: Duration, ca: Option<&Path>, token: Option<String>) -> Self {
        let roots = trusted(ca);
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .root_certs(RootCerts::new_with_certs(&roots))
            .build();
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(deadline))
            .max_redirects(0)
            .tls_config(tls)
            .build()
            .into();
        Self { agent, token }
    }

    /// Asks, and waits: not on a worker.
    pub(crate) fn get(&self, url: &str) -> Result<Answer, String> {
        let mut request = self.agent.get(url);
        if let Some(token) = &self.token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        answered(request.call())
    }

    /// Runs a statement at ClickHouse.
    pub(crate) fn statement(&self, url: &str, account: (&str, &str), sql: &str) -> Result<Answer, String> {
        let (user, password) = account;
        let request = self
            .agent
            .post(format!("{url}/"))
            .header("X-ClickHouse-User", user)
            .header("X-ClickHouse-Key", password)
            .content_type("text/plain");
        answered(request.send(sql))
    }

    /// A stream of lines that ends when its reader is dropped; no deadline but that of the connection.
    pub(crate) fn stream(
        &self,
        url: &str,
        headers: &[(&str, String)],
    ) -> Result<impl std::io::Read + use<>, String> {
        let mut request = self
            .agent
            .get(url)
            .config()
            .timeout_global(None)
            .timeout_connect(Some(Duration::from_secs(3)))
            .build();
        if let Some(token) = &self.token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let response = request.call().map_err(|error| error.to_string())?;
        if response.status() != 200 {
            return Err(format!("it answers {}", response.status()));
        }
        Ok(response.into_body().into_reader())
    }
}

fn answered(sent: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Result<Answer, String> {
    let mut response = sent.map_err(|error| match error {
        ureq::Error::Io(error) => error.to_string(),
        other => other.to_string(),
    })?;
    let status = response.status().as_u16();
    let text = response
        .body_mut()
        .with_config()
        .limit(MAX_ANSWER)
        .read_to_string();
    text.map(|text| Answer { status, text })
        .map_err(|error| error.to_string())
}

fn trusted(ca: Option<&Path>) -> Vec<Certificate<'static>> {
    if let Some(pem) = ca.and_then(|path| fs::read(path).ok()) {
        let certificates = parse_pem(&pem).filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        });
        return certificates.collect();
    }
    let system = rustls_native_certs::load_native_certs().certs;
    let owned = |der: &rustls::pki_types::CertificateDer<'static>| Certificate::from_der(der).to_owned();
    system.iter().map(owned).collect()
}

/// Who asks: the first line of a file, or `CASEMENT_TOKEN`.
pub(crate) fn token(file: Option<&Path>) -> anyhow::Result<Option<String>> {
    let Some(path) = file else {
        let token = std::env::var("CASEMENT_TOKEN").ok();
        return Ok(token.filter(|token| !token.is_empty()));
    };
    let mut text = String::new();
    let read = fs::File::open(path).and_then(|file| file.take(MAX_TOKEN).read_to_string(&mut text));
    read.with_context(|| format!("the token in {} cannot be read", path.display()))?;
    Ok(Some(text.lines().next().unwrap_or_default().trim().to_owned()))
}

/// The authority of the page's certificate, where it is this house's own.
pub(crate) fn authority(config: &Config) -> Option<PathBuf> {
    let own = tls::Files::below(certificates::directory(config)).ca();
    (config.tls.certificate_file.is_none() && own.exists()).then_some(own)
}

/// The token that the first start made, where this user may read it and a process of the accounts' owner listens at `url`:
/// whoever else takes the address of a service that does not run learns nothing.
pub(crate) fn admin_token(config: &Config, url: &str) -> Option<String> {
    let path = assembly::accounts(config, "casement")
        .path()
        .with_file_name("admin-token");
    let owner = fs::metadata(&path).ok()?.uid();
    let is_known = match url.split_once("://")? {
        // Its certificate says who it is.
        ("https", _) => authority(config).is_some(),
        (_, address) => listeners_owner(address.parse().ok()?) == Some(owner),
    };
    let text = fs::read_to_string(path).ok().filter(|_| is_known)?;
    Some(text.trim().to_owned()).filter(|token| !token.is_empty())
}

/// The user whose process listens at an address of this machine.
fn listeners_owner(address: SocketAddr) -> Option<u32> {
    let SocketAddr::V4(address) = address else {
        return None;
    };
    if !address.ip().is_loopback() {
        return None;
    }
    let table = fs::read_to_string("/proc/net/tcp").ok()?;
    owner_in(&table, address)
}

/// The user of the line that listens at `address`, or at every address (proc(5): addresses are hexadecimal, in the byte order
/// of the machine; state 0A listens).
fn owner_in(table: &str, address: SocketAddrV4) -> Option<u32> {
    let hex = |ip: Ipv4Addr| format!("{:08X}:{:04X}", u32::from_ne_bytes(ip.octets()), address.port());
    let (own, every) = (hex(*address.ip()), hex(Ipv4Addr::UNSPECIFIED));
    table.lines().skip(1).find_map(|line| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let listens = columns.get(3) == Some(&"0A")
            && [&own, &every]
                .iter()
                .any(|it| columns.get(1) == Some(&it.as_str()));
        columns.get(7).filter(|_| listens)?.parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_owner_of_a_listener_is_known() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        assert_eq!(
            listeners_owner(address),
            Some(rustix::process::geteuid().as_raw())
        );
        drop(listener);
        assert_eq!(listeners_owner(address), None);
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n\
                     0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 1 1\n\
                     1: 0100007F:1F91 0100007F:0050 01 00000000:00000000 00:00000000 00000000  1001        0 1 1\n";
        let owner = |port| owner_in(table, SocketAddrV4::new(Ipv4Addr::LOCALHOST, port));
        assert_eq!((owner(8_080), owner(8_081)), (Some(1_000), None));
    }
}
