//! What a backup holds beside readings: models, recordings, the authority, devices, accounts, configuration.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use domain::Timestamp;

use crate::{
    support::{self, client::Client, clip, command},
    world::{Places, backed_up, entries, figures, restored, verify},
};

const VERSION: &str = "v7.0.0";

/// Every file below `dir` with its content, by its path there.
fn contents(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    fn walk(dir: &Path, found: &mut Vec<PathBuf>) {
        for path in entries(dir) {
            if path.is_dir() {
                walk(&path, found);
            } else {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(dir, &mut found);
    let keyed = |path: PathBuf| {
        let content = fs::read(&path).unwrap();
        (path.strip_prefix(dir).unwrap().to_owned(), content)
    };
    // A lock is of the process that holds it.
    let lasting = |path: &PathBuf| !path.to_string_lossy().contains("lock");
    found.into_iter().filter(lasting).map(keyed).collect()
}

/// Writes a configuration with everything of `data` in that directory, and returns it.
fn configuration(places: &Places, name: &str, data: &Path) -> String {
    let file = places.at(name);
    let text = format!(
        "backend: {{max_devices: 321}}\nmodel: {{path: {0}/models/window_regressor.pth}}\n\
         audio: {{store_raw: true, storage_path: {0}/recordings}}\n",
        data.display()
    );
    fs::write(&file, text).unwrap();
    file.display().to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_around_the_readings_is_restored_as_well() {
    let places = Places::new();
    let (data, shelf, new) = (places.at("data"), places.at("shelf"), places.at("new"));
    let config = configuration(&places, "casement.yaml", &data);
    let model = support::root().join("models/window_regressor.pth");
    command::text(
        &data,
        &[
            "models",
            "add",
            &model.display().to_string(),
            "--version",
            VERSION,
        ],
    );
    command::text(&data, &["models", "promote", VERSION]);
    command::text(&data, &["provision", "tls", "--host", "localhost"]);
    command::text(&data, &["devices", "add", "attic-1", "--name", "Roof light"]);
    command::text(&data, &["accounts", "add", "ada", "--role", "operator"]);
    let made = command::json(&data, &["accounts", "token", "ada", "--label", "test"]);
    let token = made["token"].as_str().unwrap();

    let up = support::up(&data, &["--config", &config]);
    let client = Client::connect(up.mqtt, &[]).await;
    let at = Timestamp::parse("2026-05-01T12:00:00Z").unwrap();
    client
        .publish("sensor/attic-1/audio", clip::payload("attic-1", 440.0, at))
        .await;
    up.wait_sql("SELECT count() FROM iot.sensor_audio WHERE raw_path != ''", "1")
        .unwrap();
    figures(&up);
    let (from, to) = (data.clone(), shelf.clone());
    tokio::task::spawn_blocking(move || backed_up(&from, &to, &[]))
        .await
        .unwrap();
    assert!(verify(&shelf).status.success());
    drop(up);

    restored(&shelf, &new);
    for part in ["models", "recordings", "tls"] {
        let was = contents(&data.join(part));
        assert!(!was.is_empty(), "{part} has something to be kept");
        assert!(was == contents(&new.join(part)), "{part}");
    }
    let has = |part: &str, end: &str| {
        let files = contents(&new.join(part));
        files.keys().any(|path| path.to_string_lossy().ends_with(end))
    };
    assert!(has("models", "window_regressor.pth") && has("recordings", ".wav") && has("tls", "ca.pem"));
    for file in ["accounts/accounts.json", "registry/registry.json"] {
        assert!(
            fs::read(data.join(file)).unwrap() == fs::read(new.join(file)).unwrap(),
            "{file}"
        );
    }
    assert_eq!(
        fs::read(&config).unwrap(),
        fs::read(new.join("configuration/casement.yaml")).unwrap()
    );

    // All of it is what the service works with, and nothing of the place of before.
    fs::rename(&data, places.at("gone")).unwrap();
    let config = configuration(&places, "new.yaml", &new);
    let up = support::up(&new, &["--config", &config]);
    let ready = up.process.output();
    assert!(ready.contains(&format!("model {VERSION}")), "{ready}");
    let ask = |path: &str| {
        let url = format!("http://{}/api/v1{path}", up.http);
        ureq::get(&url)
            .header("Authorization", format!("Bearer {token}"))
            .call()
            .unwrap()
            .body_mut()
            .read_to_vec()
            .unwrap()
    };
    let device = String::from_utf8(ask("/devices/attic-1")).unwrap();
    assert!(device.contains("Roof light"), "{device}");
    assert!(ask("/recordings/attic-1/2026-05-01T12:00:00Z") == clip::wav(440.0));
}
