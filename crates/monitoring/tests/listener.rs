//! The HTTP listener as strangers meet it: several addresses, TLS, heads and bodies without an end.
#![allow(clippy::unwrap_used)]

use std::{
    convert::Infallible,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use axum::{
    Extension, Router,
    body::{Body, Bytes},
    routing::{get, post},
};
use futures_util::{Stream, stream::unfold};
use monitoring::{Arrival, HttpAddress, HttpLimits, HttpListener};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};
use tempfile::TempDir;
use tls::{Provision, ServerFiles, ServerTls};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinHandle,
    time::timeout,
};
use tokio_rustls::TlsConnector;
use tokio_util::sync::CancellationToken;

const PATIENCE: Duration = Duration::from_secs(10);
const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// Answers without an end that were given up.
static GIVEN_UP: AtomicUsize = AtomicUsize::new(0);

struct Given;

impl Drop for Given {
    fn drop(&mut self) {
        GIVEN_UP.fetch_add(1, Relaxed);
    }
}

fn endless() -> impl Stream<Item = Result<Bytes, Infallible>> {
    unfold(Given, async |given| {
        Some((Ok(Bytes::from_static(&[b'x'; 4_096])), given))
    })
}

struct Served {
    plain: SocketAddr,
    secure: SocketAddr,
    client: Arc<ClientConfig>,
    shutdown: CancellationToken,
    serving: JoinHandle<()>,
    _directory: TempDir,
}

async fn serve(limits: HttpLimits) -> Served {
    let directory = tempfile::tempdir().unwrap();
    let made = tls::provision(&Provision {
        directory: directory.path().into(),
        host_name: "localhost".into(),
        ..Provision::default()
    });
    let files = made.unwrap().files;
    let tls = ServerTls::load(ServerFiles {
        certificate: files.server(),
        key: files.server_key(),
        client_ca: None,
    });
    let addresses = vec![
        HttpAddress {
            address: LOOPBACK,
            tls: Some(Arc::new(tls.unwrap())),
        },
        HttpAddress {
            address: LOOPBACK,
            tls: None,
        },
    ];
    let listener = HttpListener::bind_all(addresses, "http.addr")
        .await
        .unwrap()
        .limited(limits);
    let all: Vec<SocketAddr> = listener.addresses().map(|address| address.address).collect();
    assert_eq!(listener.addr(), all[1], "the plain one is this machine's");
    let router = Router::new()
        .route(
            "/",
            get(async |Extension(arrival): Extension<Arrival>| format!("encrypted: {}", arrival.encrypted)),
        )
        .route("/unread", post(async || "unread"))
        .route("/echo", post(async |body: String| body))
        .route("/endless", get(async || Body::from_stream(endless())));
    let shutdown = CancellationToken::new();
    let serving = listener.spawn(router, shutdown.clone());
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(files.ca()).unwrap())
        .unwrap();
    let client = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Served {
        plain: all[1],
        secure: all[0],
        client: Arc::new(client),
        shutdown,
        serving,
        _directory: directory,
    }
}

/// Sends bytes and returns everything until the server closes.
async fn exchange(mut stream: impl AsyncRead + AsyncWrite + Unpin, request: &str) -> String {
    let _ = stream.write_all(request.as_bytes()).await;
    let mut answer = Vec::new();
    let read = timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
    let _ = read.expect("the server closes");
    String::from_utf8_lossy(&answer).into_owned()
}

async fn ask(address: SocketAddr, request: &str) -> String {
    exchange(TcpStream::connect(address).await.unwrap(), request).await
}

#[tokio::test]
async fn both_addresses_answer_and_say_how_they_were_asked() {
    let served = serve(HttpLimits::default()).await;
    let request = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    assert!(ask(served.plain, request).await.ends_with("encrypted: false"));
    let stream = TcpStream::connect(served.secure).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let stream = TlsConnector::from(Arc::clone(&served.client))
        .connect(name, stream)
        .await
        .unwrap();
    assert!(exchange(stream, request).await.ends_with("encrypted: true"));
    // Another site's name is refused on both.
    let foreign = "GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n";
    assert!(ask(served.plain, foreign).await.starts_with("HTTP/1.1 403"));
    // Plain HTTP gets nothing of TLS.
    assert_eq!(ask(served.secure, request).await, "");
    served.shutdown.cancel();
    timeout(PATIENCE, served.serving).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_route_that_bounds_its_body_itself_is_asked_before_the_body_has_come() {
    let limits = HttpLimits {
        body: Duration::from_millis(300),
        body_bytes: 1_000,
        streamed: &["/unread"],
        ..HttpLimits::default()
    };
    let served = serve(limits).await;
    let post = |path: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 9000000\r\n\r\nx"
        )
    };
    assert!(ask(served.plain, &post("/unread")).await.ends_with("unread"));
    // Any other path is what it was.
    assert!(!ask(served.plain, &post("/unread/")).await.ends_with("unread"));
    assert!(ask(served.plain, &post("/echo")).await.starts_with("HTTP/1.1 4"));
}

#[tokio::test]
async fn heads_and_bodies_have_a_size_and_a_time() {
    let limits = HttpLimits {
        head: Duration::from_millis(300),
        body: Duration::from_millis(300),
        handshake: Duration::from_millis(300),
        body_bytes: 1_000,
        ..HttpLimits::default()
    };
    let served = serve(limits).await;
    let post = |length: usize, body: &str| {
        format!(
            "POST /echo HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
        )
    };
    assert!(ask(served.plain, &post(2, "hi")).await.ends_with("\r\n\r\nhi"));
    assert!(
        ask(served.plain, &post(1_001, &"x".repeat(1_001)))
            .await
            .starts_with("HTTP/1.1 413")
    );
    // A body that stops.
    assert!(
        ask(served.plain, &post(500, "x"))
            .await
            .starts_with("HTTP/1.1 408")
    );
    // A head that stops, and nothing at all.
    let slow = ask(served.plain, "GET / HTTP/1.1\r\nHost: loc").await;
    assert!(slow.is_empty() || slow.starts_with("HTTP/1.1 408"), "{slow}");
    ask(served.plain, "").await;
    // A head without an end, by length and by lines.
    let long = format!(
        "GET / HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n",
        "x".repeat(100_000)
    );
    let long = ask(served.plain, &long).await;
    assert!(long.is_empty() || long.starts_with("HTTP/1.1 431"), "{long}");
    let lines = format!(
        "GET / HTTP/1.1\r\nHost: localhost\r\n{}\r\n",
        "X: x\r\n".repeat(500)
    );
    let lines = ask(served.plain, &lines).await;
    assert!(lines.is_empty() || lines.starts_with("HTTP/1.1 431"), "{lines}");
    // A handshake that stops.
    ask(served.secure, "\u{16}\u{3}\u{1}").await;
}

#[tokio::test]
async fn strangers_beyond_the_limit_are_closed_and_places_come_back() {
    let limits = HttpLimits {
        connections: 2,
        ..HttpLimits::default()
    };
    let served = serve(limits).await;
    let first = TcpStream::connect(served.plain).await.unwrap();
    let _second = TcpStream::connect(served.plain).await.unwrap();
    assert_eq!(ask(served.plain, "").await, "", "closed at once");
    drop(first);
    let request = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let answered = async {
        while !ask(served.plain, request).await.starts_with("HTTP/1.1 200") {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, answered).await.expect("a place came back");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reads_nothing_of_an_answer_is_cut() {
    let served = serve(HttpLimits {
        write: Duration::from_millis(300),
        ..HttpLimits::default()
    })
    .await;
    let request = b"GET /endless HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let mut plain = TcpStream::connect(served.plain).await.unwrap();
    plain.write_all(request).await.unwrap();
    let stream = TcpStream::connect(served.secure).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let mut secure = TlsConnector::from(Arc::clone(&served.client))
        .connect(name, stream)
        .await
        .unwrap();
    secure.write_all(request).await.unwrap();
    let both = async {
        while GIVEN_UP.load(Relaxed) < 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, both).await.expect("both are given up");
}
