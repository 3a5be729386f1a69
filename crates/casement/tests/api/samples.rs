//! The command lines that are printed for people to copy: of README, of docs/api.md and docs/windows.md, of the description. They run as printed;
//! only the default address becomes the one of this test.

use std::process::Command;

use serde_json::Value;

use crate::{
    support::{
        client::{Client, now, reading},
        root,
    },
    world::World,
};

/// Operations on what only a person's own system has: a 404 is the right answer here.
const OF_ONES_OWN: [&str; 6] = [
    "revoke_token",
    "get_recording",
    "remove_share",
    "approve_device",
    "refuse_device",
    "remove_group",
];

/// Operations for which the versions of the model may stand in the way, or a training that has ended, as the lines before left
/// them: a 409 is right, too.
const OF_VERSIONS: [&str; 5] = [
    "cancel_training",
    "roll_back_model",
    "shadow_model",
    "unshadow_model",
    "remove_model",
];

/// Lines in which `curl` is run for this service, with what follows after a backslash.
fn printed(text: &str) -> Vec<String> {
    let mut lines = text.lines();
    let mut found = Vec::new();
    while let Some(line) = lines.next() {
        let is_code = line.starts_with("curl ") || line.starts_with("    curl ");
        if !is_code || !line.contains("127.0.0.1:8080") && !line.ends_with('\\') {
            continue;
        }
        let mut command = line.trim_start().to_owned();
        while let Some(rest) = command.strip_suffix('\\') {
            command = format!("{rest}{}", lines.next().unwrap_or_default());
        }
        if command.contains("127.0.0.1:8080") {
            found.push(command);
        }
    }
    found
}

/// Runs a line as a person would; the answer and whether it is a success.
fn run(world: &World, line: &str, home: &std::path::Path) -> (bool, String) {
    let line = line.replace("127.0.0.1:8080", &world.http().to_string());
    let output = Command::new("bash")
        .args(["-c", &line])
        .env("TOKEN", &world.token)
        .env("CURL_HOME", home)
        .current_dir(root())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    // A stream has no end: it ran until the time was up.
    let is_stream = line.contains("/api/v1/events") && output.status.code() == Some(28);
    (output.status.success() || is_stream && text.contains("id:"), text)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn command_lines_run_as_printed() {
    let world = World::start(&[]);
    let device = Client::connect(world.at.mqtt, &[]).await;
    for (quantity, value) in [("temperature", 21.0), ("humidity", 45.0), ("temperature", 22.0)] {
        let topic = format!("sensor/sensor-001/{quantity}");
        device.publish(&topic, reading(value, now())).await;
    }
    let home = tempfile::tempdir().unwrap();
    std::fs::write(
        home.path().join(".curlrc"),
        "silent\nshow-error\nfail-with-body\nmax-time = 20\n",
    )
    .unwrap();
    for quantity in ["temperature", "humidity"] {
        let stored = format!("SELECT count() > 0 FROM iot.sensor_{quantity} WHERE device_id = 'sensor-001'");
        testkit::wait_sql(world.at.clickhouse, &stored, "1").unwrap();
    }
    let model = "models/window_regressor.pth";
    std::fs::create_dir(home.path().join("models")).unwrap();
    std::fs::copy(root().join(model), home.path().join(model)).unwrap();
    let mut count = 0;
    for file in ["README.md", "docs/api.md", "docs/windows.md"] {
        let text = std::fs::read_to_string(root().join(file)).unwrap();
        for line in printed(&text) {
            let (succeeded, answer) = run(&world, &line, home.path());
            assert!(succeeded, "{file}: {line}\n{answer}");
            count += 1;
        }
    }
    assert!(count >= 10, "only {count} lines are printed");

    let document = world.get("/api/v1/openapi.json").body;
    let mut samples: Vec<(String, String, String)> = Vec::new();
    for item in document["paths"].as_object().unwrap().values() {
        for (method, operation) in item.as_object().unwrap() {
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            let source = text(&operation["x-codeSamples"][0]["source"]);
            samples.push((method.clone(), text(&operation["operationId"]), source));
        }
    }
    // What is made comes first, what is removed last. What others need is taken from them at the end of its kind.
    let order = ["post", "put", "get", "patch", "delete"];
    let last = ["rotate_account", "close_account", "forget_device"];
    samples.sort_by_key(|(method, id, _)| {
        (
            order.iter().position(|known| known == method),
            last.iter().position(|known| known == id),
        )
    });
    for (_, id, source) in &samples {
        let (succeeded, text) = run(&world, source, home.path());
        let is_absent = OF_ONES_OWN.contains(&id.as_str()) && text.contains("/problems/not-found");
        let is_in_the_way = OF_VERSIONS.contains(&id.as_str()) && text.contains("/problems/conflict");
        assert!(succeeded || is_absent || is_in_the_way, "{id}: {source}\n{text}");
    }
}
