//! Certificates for a house without an authority of its own.
//!
//! In: names and addresses of this host, ids of clients. Out: files below one directory. A second run keeps the
//! authority, which devices carry in their firmware, and makes a new certificate for the server.

use std::{
    collections::BTreeSet,
    fs,
    net::IpAddr,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use rcgen::SanType;
use sha2::{Digest as _, Sha256};

use crate::{TlsError, authority::Authority, inspection, pem, private};

/// A server's certificate with less time left is renewed at a start.
const RENEWED: Duration = Duration::from_hours(30 * 24);
const SERVER: &str = "the server's certificate";

/// Where everything lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    directory: PathBuf,
}

impl Files {
    /// The files below `directory`.
    pub fn below(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
        }
    }

    /// The authority's certificate, for devices and browsers.
    pub fn ca(&self) -> PathBuf {
        self.directory.join("ca.pem")
    }

    /// The authority's key, which signs.
    pub fn ca_key(&self) -> PathBuf {
        self.directory.join("ca.key")
    }

    /// The server's certificate.
    pub fn server(&self) -> PathBuf {
        self.directory.join("server.pem")
    }

    /// The server's key.
    pub fn server_key(&self) -> PathBuf {
        self.directory.join("server.key")
    }

    /// The certificate and the key of an account.
    pub fn client(&self, id: &str) -> ClientFiles {
        let clients = self.directory.join("clients");
        ClientFiles {
            id: id.to_owned(),
            certificate: clients.join(format!("{id}.pem")),
            key: clients.join(format!("{id}.key")),
        }
    }
}

/// The files of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientFiles {
    /// The account.
    pub id: String,
    /// Its certificate, in PEM.
    pub certificate: PathBuf,
    /// Its key, in PEM.
    pub key: PathBuf,
}

/// What is to be made.
#[derive(Debug, Clone, Default)]
pub struct Provision {
    /// The directory of all files.
    pub directory: PathBuf,
    /// This host's own name, which is always in the certificate, as `localhost` and the addresses of loopback are.
    pub host_name: String,
    /// More names and addresses.
    pub hosts: Vec<String>,
    /// Accounts that get a certificate.
    pub clients: Vec<String>,
    /// Whether an authority that is there is replaced: every device then needs the new one.
    pub new_ca: bool,
}

/// What was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provisioned {
    /// Where everything lies.
    pub files: Files,
    /// Whether the authority is new.
    pub made_ca: bool,
    /// The SHA-256 of the authority's certificate, by which people compare it: pairs of digits with colons.
    pub ca_fingerprint: String,
    /// The names and addresses in the server's certificate.
    pub hosts: Vec<String>,
    /// The end of the server's certificate.
    pub expires_at: SystemTime,
    /// The files of the accounts.
    pub clients: Vec<ClientFiles>,
}

/// Makes an authority unless there is one, a new certificate for the server, and one for each client.
pub fn provision(request: &Provision) -> Result<Provisioned, TlsError> {
    if let Some(id) = request.clients.iter().find(|id| !is_client(id)) {
        return Err(TlsError::Client(id.clone()));
    }
    let hosts = hosts(request)?;
    let alternatives: Result<Vec<SanType>, TlsError> = hosts.iter().map(|host| alternative(host)).collect();
    let alternatives = alternatives?;
    let files = Files::below(&request.directory);
    private::directory(&request.directory)?;
    let (authority, made_ca) = authority(request, &files)?;
    let pair = authority.server(&request.host_name, alternatives)?;
    // A reader may see the new key beside the old certificate for a moment; it then keeps serving the old pair.
    private::write(&files.server_key(), &pair.key)?;
    private::write(&files.server(), &pair.certificate)?;
    let mut clients = Vec::new();
    for id in &request.clients {
        let client = files.client(id);
        private::directory(client.key.parent().unwrap_or(&request.directory))?;
        let pair = authority.client(id)?;
        private::write(&client.key, &pair.key)?;
        private::write(&client.certificate, &pair.certificate)?;
        clients.push(client);
    }
    let server = pem::certificates(SERVER, &files.server())?.swap_remove(0);
    Ok(Provisioned {
        made_ca,
        ca_fingerprint: fingerprint(&authority.certificate),
        hosts: hosts.into_iter().collect(),
        expires_at: inspection::expires_at(&server).unwrap_or(SystemTime::UNIX_EPOCH),
        clients,
        files,
    })
}

/// Makes what is missing: nothing where the server's certificate has every name and address, and time left. One that
/// another authority signed is left alone. Names that an earlier run was given stay.
pub fn ensure(mut request: Provision) -> Result<Option<Provisioned>, TlsError> {
    let files = Files::below(&request.directory);
    if files.server().exists() {
        let certificate = pem::certificates(SERVER, &files.server())?.swap_remove(0);
        let ca = pem::certificates("the authority's certificate", &files.ca());
        if !ca.is_ok_and(|ca| inspection::is_of(&certificate, &ca[0])) {
            return Ok(None);
        }
        let present = inspection::hosts(&certificate);
        let left = inspection::expires_at(&certificate).unwrap_or(SystemTime::UNIX_EPOCH);
        if hosts(&request)?.is_subset(&present) && left > SystemTime::now() + RENEWED {
            return Ok(None);
        }
        request.hosts.extend(present);
    }
    provision(&request).map(Some)
}

fn authority(request: &Provision, files: &Files) -> Result<(Authority, bool), TlsError> {
    let (certificate, key) = (files.ca(), files.ca_key());
    if !request.new_ca {
        match (certificate.exists(), key.exists()) {
            (true, true) => return Ok((Authority::load(&certificate, &key)?, false)),
            (true, false) => {
                return Err(TlsError::Incomplete {
                    present: certificate,
                    missing: key,
                });
            }
            // A run that was interrupted between the two files: the key has signed nothing yet.
            (false, true | false) => {}
        }
    }
    for old in [&certificate, &key] {
        keep_old(old)?;
    }
    Ok((Authority::make(&request.host_name, &certificate, &key)?, true))
}

/// An authority that is replaced stays beside the new one until the next is.
fn keep_old(path: &Path) -> Result<(), TlsError> {
    if !path.exists() {
        return Ok(());
    }
    fs::rename(path, path.with_added_extension("old")).map_err(|source| TlsError::Write {
        path: path.into(),
        source,
    })
}

fn hosts(request: &Provision) -> Result<BTreeSet<String>, TlsError> {
    let own = ["localhost", "127.0.0.1", "::1"].map(ToOwned::to_owned);
    let name = request.host_name.trim_end_matches('.').to_ascii_lowercase();
    let mut all: BTreeSet<String> = own.into();
    if is_name(&name) {
        if !name.contains('.') {
            // The name by which mDNS knows it.
            all.insert(format!("{name}.local"));
        }
        all.insert(name);
    }
    for host in &request.hosts {
        let plain = host.trim_start_matches('[').trim_end_matches(']');
        match plain.parse::<IpAddr>() {
            Ok(ip) if !ip.is_unspecified() => all.insert(ip.to_string()),
            Err(_) if is_name(host) => all.insert(host.trim_end_matches('.').to_ascii_lowercase()),
            _ => return Err(TlsError::Host(host.clone())),
        };
    }
    Ok(all)
}

fn alternative(host: &str) -> Result<SanType, TlsError> {
    host.parse().map_or_else(
        |_| {
            let name = host.try_into().map_err(|_| TlsError::Host(host.to_owned()))?;
            Ok(SanType::DnsName(name))
        },
        |ip| Ok(SanType::IpAddress(ip)),
    )
}

/// Whether it is a host name, with one star in front at most.
fn is_name(text: &str) -> bool {
    let rest = text.strip_prefix("*.").unwrap_or(text).trim_end_matches('.');
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    // The last label of a name is no number: 192.168.1 is an address that lacks a part.
    let is_number = |label: &str| label.bytes().all(|b| b.is_ascii_digit());
    rest.len() <= 253 && rest.split('.').all(is_label) && !rest.rsplit('.').next().is_none_or(is_number)
}

fn is_client(id: &str) -> bool {
    (1..=64).contains(&id.len())
        && !id.starts_with('.')
        && id
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
}

fn fingerprint(der: &[u8]) -> String {
    let digest = Sha256::digest(der);
    let pairs: Vec<String> = digest.iter().map(|byte| format!("{byte:02X}")).collect();
    pairs.join(":")
}
