//! MQTT in TLS: versions, certificates of clients, what strangers send, files that change.

mod support;

use std::{process::Stdio, sync::Arc, time::Duration};

use broker::{BrokerOptions, EventKind};
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, Issuer, KeyPair, date_time_ymd};
use rumqttc::{TlsConfiguration, Transport};
use rustls::{
    ClientConfig,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    version::{TLS12, TLS13},
};
use support::{
    Client, House, client_options,
    house::{Authority, Identity, connect},
    mosquitto,
    raw::{Greeting, Raw, connect as greet},
    within,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

async fn client(house: &House, id: &str, config: Arc<ClientConfig>) -> Client {
    let mut options = client_options(house.broker.addresses()[1], id);
    options.set_transport(Transport::tls_with_config(TlsConfiguration::Rustls(config)));
    Client::with(options).await
}

#[tokio::test(flavor = "multi_thread")]
async fn both_versions_carry_messages_of_any_size() {
    let authority = Authority::new(&[]);
    let house = House::start(authority.options(true)).await;
    let mut plain = Client::connect(house.address(), "plain").await;
    plain.subscribe("#").await;
    for version in [&TLS12, &TLS13] {
        let config = authority.client(None, &[version]);
        let mut secure = client(&house, "secure", config).await;
        secure.subscribe("back").await;
        let clip = vec![7; 1_500_000];
        secure.publish("there", clip.clone(), false).await;
        secure.puback().await;
        assert_eq!(plain.message().await, ("there".to_owned(), clip.clone()));
        plain.publish("back", clip.clone(), false).await;
        assert_eq!(secure.message().await, ("back".to_owned(), clip.clone()));
        assert_eq!(plain.message().await.0, "back");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mosquittos_clients_come_with_their_certificates() {
    let authority = Authority::new(&["sensor-001"]);
    let mut house = House::start(authority.options(false)).await;
    let address = house.broker.addresses()[1];
    let path = |name: &str| authority.path(name).display().to_string();
    let (ca, cert, key) = (
        path("ca.pem"),
        path("clients/sensor-001.pem"),
        path("clients/sensor-001.key"),
    );
    let message = ["-t", "t", "-m", "x", "-q", "1", "--cafile", &ca];
    for version in ["tlsv1.2", "tlsv1.3"] {
        let with = ["--cert", &cert, "--key", &key, "--tls-version", version];
        let output = mosquitto("mosquitto_pub", address, &[&message[..], &with].concat()).await;
        assert!(output.status.success(), "{output:?}");
        assert_eq!(within("the publish", house.sees.recv()).await.unwrap().topic, "t");
    }
    let output = mosquitto("mosquitto_pub", address, &message).await;
    assert!(!output.status.success());
    let event = house.event(EventKind::LoginFailed).await;
    assert!(event.reason.contains("no certificate"), "{event:?}");
    let without_ca = mosquitto(
        "mosquitto_pub",
        address,
        &["-t", "t", "-m", "x", "--capath", "/nonexistent"],
    )
    .await;
    assert!(!without_ca.status.success());
}

/// A certificate that `authority` signed for a client, valid from one year to another.
fn signed(authority: &Authority, years: (i32, i32)) -> Identity {
    let read = |name: &str| std::fs::read_to_string(authority.path(name)).expect("a file");
    let ca_key = KeyPair::from_pem(&read("ca.key")).expect("the authority's key");
    let issuer = Issuer::from_ca_cert_pem(&read("ca.pem"), ca_key).expect("the authority");
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "sensor-001");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params.not_before = date_time_ymd(years.0, 1, 1);
    params.not_after = date_time_ymd(years.1, 1, 1);
    let key = KeyPair::generate().expect("a key");
    let certificate = params.signed_by(&key, &issuer).expect("a certificate");
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    (vec![certificate.der().clone()], key)
}

/// Tries to connect, and returns whether the broker answered CONNECT.
async fn is_served(house: &House, config: Arc<ClientConfig>) -> bool {
    let Ok(mut stream) = connect(house.broker.addresses()[1], config).await else {
        return false;
    };
    // In TLS 1.3 the client learns of a refusal with its first read.
    let sent = stream.write_all(&greet(4, "c", &Greeting::default())).await;
    let mut answer = [0; 4];
    sent.is_ok() && within("an answer", stream.read_exact(&mut answer)).await.is_ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_of_others_and_of_other_times_are_refused_with_the_reason() {
    let (authority, stranger) = (Authority::new(&["sensor-001"]), Authority::new(&["sensor-001"]));
    for version in [&TLS12, &TLS13] {
        // The log has five lines of a kind and an address in a minute, so that each version gets a broker of its own.
        let mut house = House::start(authority.options(false)).await;
        for valid in [authority.identity("sensor-001"), signed(&authority, (2000, 2090))] {
            assert!(is_served(&house, authority.client(Some(valid), &[version])).await);
        }
        for (identity, reason) in [
            (stranger.identity("sensor-001"), "of another authority"),
            (signed(&authority, (2000, 2001)), "has expired"),
            (signed(&authority, (2090, 2095)), "not valid yet"),
            // A server's certificate is none for a client.
            (server_identity(&authority), "is not accepted"),
        ] {
            let config = authority.client(Some(identity), &[version]);
            assert!(!is_served(&house, config).await, "{reason}");
            let event = house.event(EventKind::TlsFailed).await;
            assert!(event.reason.contains(reason), "{event:?}");
        }
    }
    let mut house = House::start(authority.options(false)).await;
    // A client that trusts another authority says so.
    assert!(!is_served(&house, stranger.modern(None)).await);
    let event = house.event(EventKind::TlsFailed).await;
    assert!(
        event.reason.contains("does not trust") && event.remedy.contains("ca.pem"),
        "{event:?}"
    );
}

fn server_identity(authority: &Authority) -> Identity {
    use rustls::pki_types::{CertificateDer, pem::PemObject as _};
    let certificate = CertificateDer::from_pem_file(authority.path("server.pem")).expect("a certificate");
    let key = PrivateKeyDer::from_pem_file(authority.path("server.key")).expect("a key");
    (vec![certificate], key)
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_before_1_2_are_refused() {
    let authority = Authority::new(&[]);
    let mut house = House::start(authority.options(true)).await;
    let address = house.broker.addresses()[1].to_string();
    for (version, is_accepted) in [
        ("-tls1", false),
        ("-tls1_1", false),
        ("-tls1_2", true),
        ("-tls1_3", true),
    ] {
        let mut command = tokio::process::Command::new("openssl");
        command
            .args(["s_client", "-connect", &address, version, "-CAfile"])
            .arg(authority.path("ca.pem"))
            // OpenSSL itself would not offer the old versions.
            .args(["-cipher", "DEFAULT@SECLEVEL=0", "-verify_return_error"])
            .stdin(Stdio::null())
            .kill_on_drop(true);
        let output = within("openssl", command.output())
            .await
            .expect("openssl is installed");
        assert_eq!(output.status.success(), is_accepted, "{version}: {output:?}");
        if !is_accepted {
            let event = house.event(EventKind::TlsFailed).await;
            assert!(event.reason.contains("1.2 or 1.3"), "{event:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn other_protocols_are_told_apart_on_both_ports() {
    let authority = Authority::new(&[]);
    let mut house = House::start(authority.options(true)).await;
    let (plain, secure) = (house.broker.addresses()[0], house.broker.addresses()[1]);
    for (bytes, reason) in [
        (greet(4, "c", &Greeting::default()), "plain MQTT"),
        (b"GET / HTTP/1.1\r\n\r\n".to_vec(), "plain HTTP"),
        (vec![0x80, 0x2E, 1, 3, 1], "not TLS"),
        ([&[0x16, 3, 1, 0, 5][..], b"aaaaa"].concat(), "is not"),
    ] {
        let mut raw = Raw::open(secure).await;
        raw.send(&bytes).await;
        let event = house.event(EventKind::TlsFailed).await;
        assert!(event.reason.contains(reason), "{event:?}");
    }
    assert!(connect(plain, authority.modern(None)).await.is_err());
    let event = house.event(EventKind::OtherProtocol).await;
    assert!(event.reason.contains("speaks TLS"), "{event:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_has_the_time_and_the_places_of_a_greeting() {
    let authority = Authority::new(&[]);
    let options = BrokerOptions {
        connect_timeout: Duration::from_millis(300),
        max_unidentified_per_address: 2,
        ..authority.options(true)
    };
    let mut house = House::start(options).await;
    let address = house.broker.addresses()[1];
    let mut slow = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(&[0x16, 3, 1]).await.unwrap();
        slow.push(stream);
    }
    house.figure("connections", 2).await;
    // Counted together with those of the plain port.
    let _third = TcpStream::connect(house.address()).await.unwrap();
    house.event(EventKind::ConnectionLimit).await;
    for _ in 0..2 {
        let event = house.event(EventKind::NoGreeting).await;
        assert!(event.reason.contains("over TLS"), "{event:?}");
    }
    let _client = client(&house, "later", authority.modern(None)).await;
}

/// The serial number of the certificate that a fresh connection sees.
async fn served(house: &House, config: &Arc<ClientConfig>) -> Vec<u8> {
    let stream = connect(house.broker.addresses()[1], Arc::clone(config))
        .await
        .expect("a handshake");
    let chain = stream.get_ref().1.peer_certificates().expect("a handshake");
    chain[0].to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_certificate_is_served_and_old_connections_stay() {
    let authority = Authority::new(&[]);
    let server = authority.server();
    let mut options = authority.options(true);
    options.listeners[1].tls = Some(Arc::clone(&server));
    let house = House::start(options).await;
    let config = authority.modern(None);
    let old = client(&house, "old", Arc::clone(&config)).await;
    let first = served(&house, &config).await;
    authority.provision(&[]);
    assert_eq!(served(&house, &config).await, first, "nobody has looked yet");
    server.look();
    let second = served(&house, &config).await;
    assert_ne!(second, first);
    assert_eq!(server.concern(), None);
    // The new key is not written yet, or a tool has failed: what was served is served on.
    std::fs::write(authority.path("server.key"), "nonsense").unwrap();
    server.look();
    assert_eq!(served(&house, &config).await, second);
    let concern = server.concern().unwrap();
    assert!(
        concern.contains("server.key") && concern.contains("the old one still is"),
        "{concern}"
    );
    // The service itself looks once a second.
    let watching = tokio::spawn(Arc::clone(&server).watch());
    authority.provision(&[]);
    within("the new certificate", async {
        while server.concern().is_some() || served(&house, &config).await == second {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    watching.abort();
    let mut old = old;
    old.publish("still/here", "x", false).await;
    old.puback().await;
}
