//! An authority for a test, what it signs, and clients that trust it.

use std::{net::SocketAddr, path::PathBuf, sync::Arc};

use broker::{BrokerOptions, ListenerOptions};
use rustls::{
    ClientConfig, RootCertStore, SupportedProtocolVersion,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _},
};
use tempfile::TempDir;
use tls::{Provision, ServerFiles, ServerTls};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::options;

pub struct Authority {
    pub directory: TempDir,
}

/// A certificate and its key.
pub type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

impl Authority {
    /// Makes an authority, a server's certificate for loopback, and one for each client.
    pub fn new(clients: &[&str]) -> Self {
        let house = Self {
            directory: tempfile::tempdir().expect("a temporary directory"),
        };
        house.provision(clients);
        house
    }

    /// The same again: the authority stays.
    pub fn provision(&self, clients: &[&str]) {
        let made = tls::provision(&Provision {
            directory: self.directory.path().into(),
            host_name: "house".into(),
            clients: clients.iter().map(ToString::to_string).collect(),
            ..Provision::default()
        });
        made.expect("certificates");
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The server's side, which takes certificates of this authority.
    pub fn server(&self) -> Arc<ServerTls> {
        let loaded = ServerTls::load(ServerFiles {
            certificate: self.path("server.pem"),
            key: self.path("server.key"),
            client_ca: Some(self.path("ca.pem")),
        });
        Arc::new(loaded.expect("the files that were just made"))
    }

    /// Options of a broker that listens plainly and in TLS, both for anonymous clients if `anonymous`.
    pub fn options(&self, anonymous: bool) -> BrokerOptions {
        let loopback: SocketAddr = ([127, 0, 0, 1], 0).into();
        let mut secure = ListenerOptions::tls(loopback, self.server());
        secure.anonymous = anonymous;
        BrokerOptions {
            listeners: vec![ListenerOptions::plain(loopback), secure],
            ..options()
        }
    }

    /// The certificate of a client.
    pub fn identity(&self, id: &str) -> Identity {
        let file = |ending: &str| self.path(&format!("clients/{id}.{ending}"));
        let chain = CertificateDer::pem_file_iter(file("pem")).expect("a certificate's file");
        let chain = chain.collect::<Result<_, _>>().expect("a certificate");
        (chain, PrivateKeyDer::from_pem_file(file("key")).expect("a key"))
    }

    /// The client's side, which trusts this authority.
    pub fn client(
        &self,
        identity: Option<Identity>,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        let ca = CertificateDer::from_pem_file(self.path("ca.pem")).expect("the authority");
        roots.add(ca).expect("an authority");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .expect("versions that ring has")
            .with_root_certificates(roots);
        Arc::new(match identity {
            None => builder.with_no_client_auth(),
            Some((chain, key)) => builder.with_client_auth_cert(chain, key).expect("a pair"),
        })
    }

    /// The usual client.
    pub fn modern(&self, identity: Option<Identity>) -> Arc<ClientConfig> {
        self.client(identity, rustls::ALL_VERSIONS)
    }
}

/// Opens a connection in TLS.
pub async fn connect(
    address: SocketAddr,
    config: Arc<ClientConfig>,
) -> std::io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::try_from("localhost").expect("a name");
    TlsConnector::from(config).connect(name, stream).await
}
