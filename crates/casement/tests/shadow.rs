//! A candidate beside the model that serves, through the doors that a user has.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use std::process::Command;

use serde_json::Value;
use support::{client::Client, root};

#[tokio::test(flavor = "multi_thread")]
async fn a_candidate_is_compared_on_live_requests_and_moves_nothing() {
    let data = tempfile::tempdir().unwrap();
    let serving = data.path().join("model.pth");
    std::fs::copy(root().join("models/window_regressor.pth"), &serving).unwrap();
    let config = data.path().join("config.yaml");
    std::fs::write(
        &config,
        format!("model: {{path: {}, version: v1}}", serving.display()),
    )
    .unwrap();
    let config = config.to_str().unwrap().to_owned();
    let up = support::up(&data.path().join("data"), &["--config", &config]);
    let models = |args: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_casement"))
            .args(["models", "--config", &config])
            .args(args)
            .env("CASEMENT__CLICKHOUSE__ADDR", up.clickhouse.to_string())
            .output()
            .unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        said
    };
    assert!(models(&["compare", "v1", "v2"]).starts_with("no command for which both predicted"));
    let other = root().join("crates/model/tests/goldens/regressor_h32.pth");
    models(&["add", other.to_str().unwrap(), "--version", "v2"]);
    models(&["shadow", "v2"]);
    up.wait_metric("casement_ml_shadowing 1").unwrap();

    let mut client = Client::connect(up.mqtt, &["window/+/control"]).await;
    for (quantity, value) in [("temperature", 25.5), ("humidity", 60.0)] {
        let reading = support::client::reading(value, support::client::now());
        client.publish(&format!("sensor/room/{quantity}"), reading).await;
    }
    let (_, control) = client.json().await;
    assert_eq!(control["model_version"], "v1");
    up.wait_sql(
        "SELECT count() FROM iot.ml_predictions WHERE model_version = 'v2'",
        "1",
    )
    .unwrap();
    up.wait_sql(
        "SELECT count() FROM iot.window_actions WHERE model_version = 'v1'",
        "1",
    )
    .unwrap();
    assert_eq!(
        up.sql("SELECT count() FROM iot.window_actions WHERE model_version = 'v2'")
            .unwrap(),
        "0"
    );
    assert_eq!(up.sql("SELECT count() FROM iot.ingest_errors").unwrap(), "0");
    assert_eq!(
        up.sql("SELECT uniqExact(command_id), uniqExact(timestamp) FROM iot.ml_predictions")
            .unwrap(),
        "1\t1"
    );

    let compared: Value = serde_json::from_str(&models(&["compare", "v1", "v2", "--json"])).unwrap();
    assert_eq!(
        (&compared["all"]["pairs"], &compared["devices"]["room"]["pairs"]),
        (&1.into(), &1.into())
    );
    assert!(compared["all"]["mean_abs_difference"].as_f64().unwrap() > 0.0);
    assert!(compared["all"]["mean_abs_error_a"].is_null());
    let table = models(&["compare", "v1", "v2"]);
    assert!(table.lines().any(|line| line.starts_with("room ")), "{table}");

    models(&["shadow", "--off"]);
    up.wait_metric("casement_ml_shadowing 0").unwrap();
}
