//! The whole system inside this process, on free ports; only the engine is a child, as it always is.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use std::path::Path;

use casement::{
    config::Sources,
    system::{System, SystemOptions},
};
use simulator::Mishaps;
use support::client::Client;
use testkit::{free_addr, get, wait_sql};

#[tokio::test(flavor = "multi_thread")]
async fn rooms_are_stored_and_their_windows_move() {
    let data = tempfile::tempdir().unwrap();
    let below = |name: &str| Some(data.path().join(name).display().to_string());
    let [mqtt, http, clickhouse] = [(); 3].map(|()| free_addr());
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/window_regressor.pth");
    let config = Sources::process(None)
        .flag("engine.path", below("engine"))
        .flag("journal.path", below("journal"))
        .flag("broker.path", below("broker"))
        .flag("model.path", Some(model.display().to_string()))
        .flag("broker.addr", Some(mqtt.to_string()))
        .flag("http.addr", Some(http.to_string()))
        .flag("engine.addr", Some(clickhouse.to_string()))
        .load()
        .unwrap();
    let options = SystemOptions {
        program: env!("CARGO_BIN_EXE_casement").into(),
        configuration_file: None,
        simulate: 2,
        mishaps: Mishaps::default(),
    };
    let system = Box::pin(System::start(config, options)).await.unwrap();
    let pid = system.engine_pid().expect("the engine is a child");

    let mut client = Client::connect(mqtt, &["window/+/control"]).await;
    let (topic, control) = client.json().await;
    let device = control["device_id"].as_str().unwrap().to_owned();
    assert_eq!(topic, format!("window/{device}/control"));
    assert_eq!(system.mqtt().to_string(), format!("tcp://{mqtt}"));
    assert_eq!(
        (system.http(), system.clickhouse()),
        (http, format!("http://{clickhouse}"))
    );
    tokio::task::spawn_blocking(move || {
        for table in [
            "sensor_temperature",
            "sensor_humidity",
            "window_actions",
            "ml_predictions",
        ] {
            let sql = format!("SELECT count() > 0 FROM iot.{table} WHERE device_id = '{device}'");
            wait_sql(clickhouse, &sql, "1").unwrap();
        }
        assert!(
            get(&format!("http://{http}/api/v1/devices/{device}"))
                .unwrap()
                .contains("temperature")
        );
    })
    .await
    .unwrap();

    assert_eq!(Box::pin(system.stop()).await, 0, "everything accepted is stored");
    assert!(
        !Path::new(&format!("/proc/{pid}")).exists(),
        "the engine ended, too"
    );
    assert!(get(&format!("http://{http}/health")).is_err());
}
