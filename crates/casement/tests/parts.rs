//! `casement up` with parts that run elsewhere, and from an empty directory with none.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use std::{fs, net::SocketAddr, path::Path, process::Command, sync::Arc, time::Duration};

use support::{
    casement,
    client::{Client, now, reading},
};
use testkit::{Mosquitto, Process, free_addr, get, wait_sql};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, crypto::ring, pki_types::PrivateKeyDer},
};

const PASSWORD: &str = "opens";

/// TLS in front of `upstream`; returns its port and the certificate to trust.
async fn tls_in_front_of(upstream: SocketAddr) -> (u16, String) {
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(certified.signing_key.serialize_der().into());
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certified.cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let mut secured = acceptor.accept(stream).await?;
                let mut plain = TcpStream::connect(upstream).await?;
                tokio::io::copy_bidirectional(&mut secured, &mut plain).await
            });
        }
    });
    (port, certified.cert.pem())
}

/// The engine as a process of its own stands in for a ClickHouse elsewhere.
fn engine(data: &Path, addr: SocketAddr, env: &[(&str, String)]) -> Process {
    let (data, addr) = (data.display().to_string(), addr.to_string());
    let arguments = ["engine", "--data", &data, "--clickhouse", &addr];
    let mut engine = casement().start_with(&arguments, env).unwrap();
    engine.wait_for_line("casement engine is running").unwrap();
    engine
}

/// Asks until `casement sql` answers `expected`.
async fn wait_for_answer(env: &[(&str, String)], query: &str, expected: &str) {
    let asked = async {
        loop {
            let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_casement"));
            command.args(["sql", query]).stdin(std::process::Stdio::null());
            command.envs(env.iter().map(|(name, value)| (name, value)));
            let output = command.output().await.unwrap();
            let answer = String::from_utf8_lossy(&output.stdout).into_owned();
            if answer.trim() == expected {
                return;
            }
            eprintln!("{query}: {answer} {}", String::from_utf8_lossy(&output.stderr));
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), asked)
        .await
        .expect(query);
}

/// Publishes a reading of each kind and waits for the window's command.
async fn is_decided(client: &mut Client, device: &str) {
    client
        .publish(&format!("sensor/{device}/temperature"), reading(25.5, now()))
        .await;
    client
        .publish(&format!("sensor/{device}/humidity"), reading(60.0, now()))
        .await;
    let (topic, control) = client.json().await;
    assert_eq!(topic, format!("window/{device}/control"));
    assert_eq!(control["features_used"]["humidity"], 60.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_part_may_run_elsewhere() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Mosquitto::start().unwrap();
    let (mqtt, clickhouse, http) = (broker.addr(), free_addr(), free_addr());
    let passwords = [
        ("CASEMENT__ENGINE__PASSWORD", PASSWORD.to_owned()),
        ("CASEMENT__ENGINE__READER_PASSWORD", "reads".to_owned()),
    ];
    let _engine = engine(&dir.path().join("engine"), clickhouse, &passwords);
    let (tls_port, certificate) = tls_in_front_of(clickhouse).await;
    let ca_file = dir.path().join("ca.pem");
    fs::write(&ca_file, certificate).unwrap();
    let (mqtt_url, https_url) = (format!("tcp://{mqtt}"), format!("https://localhost:{tls_port}"));
    let env = [
        ("CASEMENT__CLICKHOUSE__PASSWORD", PASSWORD.to_owned()),
        ("CASEMENT__CLICKHOUSE__CA_FILE", ca_file.display().to_string()),
        ("CASEMENT__CLICKHOUSE__ADDR", https_url.clone()),
        // Nothing on this way needs the engine's library.
        ("CASEMENT_LIBCHDB", "/nowhere/libchdb.so".to_owned()),
    ];
    let ml_env = [("CASEMENT__MQTT__BROKER", mqtt_url.clone())];
    let mut ml = casement()
        .in_directory(dir.path())
        .start_with(&["ml", "--http", "127.0.0.1:0"], &ml_env)
        .unwrap();
    ml.wait_for_line("casement ml is running").unwrap();
    let start = || {
        let http = http.to_string();
        let flags = [
            "up", "--data", "data", "--http", &http, "--mqtt", &mqtt_url, "--no-ml",
        ];
        let mut up = casement()
            .in_directory(dir.path())
            .start_with(&flags, &env)
            .unwrap();
        let ready = up.wait_for_line("Casement is ready").unwrap();
        assert!(
            ready.contains(&mqtt_url) && ready.contains(&https_url) && ready.contains("ML service elsewhere"),
            "{ready}"
        );
        up
    };
    let mut up = start();
    let mut client = Client::connect(mqtt, &["window/+/control"]).await;
    is_decided(&mut client, "room-1").await;
    wait_for_answer(&env, "SELECT count() FROM iot.window_actions", "1").await;
    wait_for_answer(&env, "SELECT count() FROM iot.sensor_temperature", "1").await;
    assert!(
        !dir.path().join("data/engine").exists(),
        "nothing embedded was started"
    );

    // What comes while it is away waits in the broker's session.
    up.terminate(support::END).unwrap();
    client
        .publish("sensor/room-1/temperature", reading(27.5, now()))
        .await;
    let mut up = start();
    wait_for_answer(
        &env,
        "SELECT count(), max(value) FROM iot.sensor_temperature",
        "2\t27.5",
    )
    .await;
    up.terminate(support::END).unwrap();
    ml.terminate(support::END).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_directory_is_enough_and_its_models_come_later() {
    let dir = tempfile::tempdir().unwrap();
    let (mqtt, clickhouse, http) = (free_addr(), free_addr(), free_addr());
    let [m, h, c] = [mqtt, http, clickhouse].map(|addr| addr.to_string());
    let mut up = casement()
        .in_directory(dir.path())
        .start_with(&["up", "--mqtt", &m, "--http", &h, "--clickhouse", &c], &[])
        .unwrap();
    let ready = up.wait_for_line("Casement is ready").unwrap();
    assert!(ready.contains("model v1.1.0 (built in)"), "{ready}");
    let mut client = Client::connect(mqtt, &["window/+/control"]).await;
    is_decided(&mut client, "room-1").await;
    let version = "SELECT DISTINCT model_version FROM iot.ml_predictions";
    tokio::task::spawn_blocking(move || wait_sql(clickhouse, version, "v1.1.0"))
        .await
        .unwrap()
        .unwrap();

    let models = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_casement"));
        command.arg("models").args(args).current_dir(dir.path());
        let output = command.output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{args:?}: {text}");
        text
    };
    let list = models(&["list"]);
    assert!(list.contains("v1.1.0") && list.contains("built in"), "{list}");
    assert!(models(&["show", "v1.1.0"]).contains("\"built_in\": true"));
    assert!(!dir.path().join("models").exists());
    let other = Path::new(env!("CARGO_MANIFEST_DIR")).join("../model/tests/goldens/regressor_h32.pth");
    models(&["add", other.to_str().unwrap(), "--version", "v2"]);
    assert!(models(&["promote", "v2"]).contains("in place of v1.1.0"));
    up.wait_for_line("another model serves from now on").unwrap();
    is_decided(&mut client, "room-2").await;
    assert!(models(&["rollback"]).contains("v1.1.0 serves again"));
    up.terminate(support::END).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ml_service_may_run_beside() {
    let dir = tempfile::tempdir().unwrap();
    let (mqtt, clickhouse, http) = (free_addr(), free_addr(), free_addr());
    let [m, h, c] = [mqtt, http, clickhouse].map(|addr| addr.to_string());
    let mut up = casement()
        .in_directory(dir.path())
        .start_with(
            &["up", "--no-ml", "--mqtt", &m, "--http", &h, "--clickhouse", &c],
            &[],
        )
        .unwrap();
    up.wait_for_line("Casement is ready").unwrap();
    let ml_env = [("CASEMENT__MQTT__BROKER", format!("tcp://{mqtt}"))];
    let mut ml = casement()
        .in_directory(dir.path())
        .start_with(&["ml", "--http", "127.0.0.1:0"], &ml_env)
        .unwrap();
    ml.wait_for_line("casement ml is running").unwrap();
    let mut client = Client::connect(mqtt, &["window/+/control"]).await;
    is_decided(&mut client, "room-1").await;
    ml.terminate(support::END).unwrap();
    up.terminate(support::END).unwrap();
}

#[test]
fn without_the_engine_it_says_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let [m, h, c] = [(); 3].map(|()| free_addr().to_string());
    let missing = [("CASEMENT_LIBCHDB", "/nowhere/libchdb.so".to_owned())];
    let mut up = casement()
        .in_directory(dir.path())
        .start_with(&["up", "--mqtt", &m, "--http", &h, "--clickhouse", &c], &missing)
        .unwrap();
    let status = up.wait(Duration::from_secs(20)).unwrap();
    let said = up.output();
    assert!(!status.success());
    assert!(
        said.contains("/nowhere/libchdb.so") && said.contains("--clickhouse http://HOST:8123"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_is_away_is_waited_for_and_named() {
    let dir = tempfile::tempdir().unwrap();
    let (mqtt, clickhouse, http) = (free_addr(), free_addr(), free_addr());
    let (h, mqtt_url, clickhouse_url) = (
        http.to_string(),
        format!("tcp://{mqtt}"),
        format!("http://{clickhouse}"),
    );
    let flags = [
        "up",
        "--http",
        &h,
        "--mqtt",
        &mqtt_url,
        "--clickhouse",
        &clickhouse_url,
    ];
    let mut up = casement()
        .in_directory(dir.path())
        .start_with(&flags, &[])
        .unwrap();
    up.wait_for_line(&format!("waiting for the broker {mqtt_url}"))
        .unwrap();
    assert!(
        get(&format!("http://{http}/health")).is_ok(),
        "the page is there meanwhile"
    );
    let mut broker = Mosquitto::prepare(mqtt, "").unwrap();
    broker.restart().unwrap();
    up.wait_for_line(&format!("waiting for ClickHouse at {clickhouse_url}"))
        .unwrap();
    let _engine = engine(&dir.path().join("engine"), clickhouse, &[]);
    up.wait_for_line("Casement is ready").unwrap();
    up.terminate(support::END).unwrap();
}
