//! What explains: how a model does, how the service did, what the checks find, what clips sound like; and a training.

use std::{
    path::Path,
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use testkit::{Casement, Up, wait_until_blocking};

use crate::{
    Answer, admin, agent, get, get_with,
    support::{clip, up},
    token,
};

fn ask(up: &Up, method: &str, path: &str, token: &str, body: Option<&Value>) -> Answer {
    let request = ureq::http::Request::builder()
        .method(method)
        .uri(format!("http://{}/api/v1{path}", up.http))
        .header("Authorization", format!("Bearer {token}"))
        .header("Content-Type", "application/json");
    let body = body
        .map(|body| serde_json::to_vec(body).unwrap())
        .unwrap_or_default();
    Answer::of(agent().run(request.body(body).unwrap()))
}

/// Waits for something that takes long.
fn within(what: &str, patience: Duration, mut condition: impl FnMut() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < patience, "{what}: not within {patience:?}");
        thread::sleep(Duration::from_millis(100));
    }
}

/// A casement whose models are its own.
fn elsewhere(data: &Path) -> Up {
    let casement = Casement::new(env!("CARGO_BIN_EXE_casement")).in_directory(data);
    Up::start(casement, data, &[]).unwrap()
}

fn quality(up: &Up) {
    up.sql(
        "INSERT INTO iot.decision_outcomes (timestamp, device_id, command_id, model_version, position, confidence, corrected, chosen) \
         SELECT now64(3) - INTERVAL number HOUR, 'attic-1', toString(number), 'v9', 50, if(number < 20, 0.95, 0.45), number % 10 = 0, \
         if(number % 10 = 0, 80, nan) FROM numbers(40)",
    )
    .unwrap();
    up.sql(
        "INSERT INTO iot.ml_predictions (timestamp, device_id, prediction, confidence, inference_time_ms, model_version, average, \
         contribution_temperature, contribution_humidity, contribution_sound) SELECT now64(3) - INTERVAL number HOUR, 'attic-1', 50, \
         0.9, 1, 'v9', 30, if(number % 2 = 0, 10, -6), 1, 0 FROM numbers(40)",
    )
    .unwrap();
    let known = get(up, "/models/v9/quality").json();
    assert_eq!(
        (
            &known["version"],
            &known["decisions"],
            &known["corrected"],
            &known["predictions"]
        ),
        (&"v9".into(), &40.into(), &4.into(), &40.into())
    );
    let bins = known["reliability"].as_array().unwrap();
    assert_eq!(bins.len(), 2, "{known}");
    assert_eq!(
        (&bins[1]["from"], &bins[1]["decisions"], &bins[1]["kept"]),
        (&0.9.into(), &20.into(), &0.9.into())
    );
    assert!(bins[1]["kept_at_least"].as_f64().unwrap() < 0.75, "{known}");
    let days = known["days"].as_array().unwrap();
    assert!((2..=3).contains(&days.len()), "{known}");
    assert!(days.iter().any(|day| day["correction"] == 30.0), "{known}");
    assert_eq!(known["contributions"]["temperature"], 8.0);
    let nothing = get(up, "/models/never/quality").json();
    assert_eq!(
        (&nothing["predictions"], &nothing["contributions"]),
        (&0.into(), &Value::Null)
    );
    get(up, "/models/v9/quality?from=1970-01-01T00:00:00Z").is_problem(400, "from");
    get(up, "/models/v9/quality?from=-1y").is_problem(400, "from");
}

fn over_time(up: &Up) {
    wait_until_blocking("a row of metrics", || {
        let found = get(up, "/system-metrics?from=-1h").json();
        found["points"]
            .as_array()
            .is_some_and(|points| !points.is_empty())
    })
    .unwrap();
    let found = get(up, "/system-metrics?from=-1h&points=2000").json();
    assert_eq!(
        found["interval_s"], 10,
        "no interval is shorter than that of its rows"
    );
    assert!(found["points"][0]["messages_per_s"].is_number(), "{found}");
    get(up, "/system-metrics?points=0").is_problem(400, "points");
    get(up, "/system-metrics?points=2001").is_problem(400, "points");
}

fn checks(up: &Up, admin: &str, others: &[&str]) {
    for other in others {
        ask(up, "GET", "/doctor", other, None).is_problem(403, "");
        ask(up, "POST", "/doctor", other, None).is_problem(403, "");
    }
    get(up, "/doctor").is_problem(401, "");
    let before = ask(up, "GET", "/doctor", admin, None).json();
    assert_eq!(
        (&before["latest"], &before["running"]),
        (&Value::Null, &Value::Null)
    );
    let begun = ask(up, "POST", "/doctor", admin, None);
    assert_eq!(begun.status, 202);
    assert!(begun.json()["running"]["started_at"].is_string());
    // Again while it runs: the same run.
    let again = ask(up, "POST", "/doctor", admin, None).json();
    assert_eq!(
        again["running"]["started_at"],
        begun.json()["running"]["started_at"]
    );
    // A run may take two minutes.
    within("the checks have ended", Duration::from_secs(150), || {
        ask(up, "GET", "/doctor", admin, None).json()["running"].is_null()
    });
    let known = ask(up, "GET", "/doctor", admin, None).json();
    let found = known["latest"]["checks"].as_array().unwrap();
    let finding = |name: &str| found.iter().find(|finding| finding["name"] == name);
    for name in ["broker", "clickhouse", "device_rights"] {
        assert!(finding(name).is_some(), "{name}: {known:#}");
    }
    // A busy machine may miss the deadline of a check.
    for name in ["configuration", "journal"] {
        let finding = finding(name).unwrap_or_else(|| panic!("{name}: {known:#}"));
        let is_late = finding["summary"]
            .as_str()
            .unwrap()
            .starts_with("no answer within");
        assert!(finding["state"] == "ok" || is_late, "{finding:#}");
    }
    assert!(found.len() >= 20 && known["problem"].is_null(), "{known:#}");
}

#[test]
fn what_explains_is_told_to_those_who_may_know() {
    let data = tempfile::tempdir().unwrap();
    let up = up(data.path(), &[]);
    let (operator, reader) = (
        token(&up, data.path(), "olga", "operator"),
        token(&up, data.path(), "rita", "reader"),
    );
    quality(&up);
    over_time(&up);
    checks(&up, &admin(data.path()), &[&operator, &reader]);
}

#[tokio::test(flavor = "multi_thread")]
async fn recordings_are_heard_by_those_who_may_and_the_log_says_who() {
    let data = tempfile::tempdir().unwrap();
    let configuration = data.path().join("casement.yaml");
    let folder = data.path().join("recordings");
    let text = format!(
        "audio:\n  store_raw: true\n  storage_path: {}\n",
        folder.display()
    );
    std::fs::write(&configuration, text).unwrap();
    let up = up(data.path(), &["--config", configuration.to_str().unwrap()]);
    let client = crate::support::client::Client::connect(up.mqtt, &[]).await;
    let at = domain::Timestamp::parse("2026-05-01T12:00:00Z").unwrap();
    client
        .publisher
        .publish_confirmed(
            "sensor/attic-1/audio".to_owned(),
            clip::payload("attic-1", 440.0, at),
            mqtt::Qos::AtLeastOnce,
            false,
        )
        .await
        .unwrap();
    tokio::task::spawn_blocking(move || heard(&up, data.path()))
        .await
        .unwrap();
}

/// However a recording is asked for: who hears it is written down, once for all its parts.
fn noted(up: &Up, data: &Path, path: &str) {
    let url = format!("http://{}/api/v1{path}", up.http);
    for (name, range) in [("otto", "nonsense"), ("oda", "bytes=1-"), ("ole", "bytes=-64044")] {
        let token = token(up, data, name, "operator");
        let asked = agent()
            .get(&url)
            .header("Authorization", format!("Bearer {token}"));
        let answer = Answer::of(asked.header("Range", range).call());
        assert!(matches!(answer.status, 200 | 206), "{range}");
    }
    for name in ["olga", "otto", "oda", "ole"] {
        let heard = format!(
            "SELECT count() > 0 FROM iot.audit_log FINAL WHERE kind = 'recording_heard' AND account = '{name}' \
             AND detail LIKE 'attic-1 at %'"
        );
        up.wait_sql(&heard, "1").unwrap();
    }
}

fn heard(up: &Up, data: &Path) {
    let (operator, reader) = (
        token(up, data, "olga", "operator"),
        token(up, data, "rita", "reader"),
    );
    wait_until_blocking("the clip is stored", || {
        get(up, "/devices/attic-1/clips?kept=true")
            .json()
            .as_array()
            .map(Vec::len)
            == Some(1)
    })
    .unwrap();
    let listed = get(up, "/devices/attic-1/clips").json();
    assert_eq!(
        (
            &listed[0]["kept"],
            &listed[0]["duration_s"],
            &listed[0]["timestamp"]
        ),
        (&true.into(), &2.0.into(), &"2026-05-01T12:00:00Z".into())
    );
    assert!(listed[0]["level_dbfs"].as_f64().unwrap() < 0.0);
    get(up, "/devices/nobody/clips").is_problem(404, "");
    get(up, "/devices/attic-1/clips?kept=maybe").is_problem(400, "");

    let path = "/recordings/attic-1/2026-05-01T12:00:00Z";
    get(up, path).is_problem(401, "");
    ask(up, "GET", path, &reader, None).is_problem(403, "");
    let whole = ask(up, "GET", path, &operator, None);
    assert_eq!(
        (
            whole.status,
            whole.header("content-type"),
            whole.header("accept-ranges")
        ),
        (200, "audio/wav", "bytes")
    );
    assert_eq!(whole.header("x-content-type-options"), "nosniff");
    assert_eq!(whole.header("cache-control"), "private, no-store");
    assert_eq!(whole.body, clip::wav(440.0));
    let url = format!("http://{}/api/v1{path}", up.http);
    let part = agent()
        .get(url)
        .header("Authorization", format!("Bearer {operator}"))
        .header("Range", "bytes=4-7")
        .call();
    let part = Answer::of(part);
    assert_eq!((part.status, &part.body[..]), (206, &whole.body[4..8]));
    assert_eq!(part.header("content-range"), "bytes 4-7/64044");
    for nothing in [
        "/recordings/attic-1/2026-05-01T12:00:01Z",
        "/recordings/attic-2/2026-05-01T12:00:00Z",
    ] {
        ask(up, "GET", nothing, &operator, None).is_problem(404, "");
    }
    ask(up, "GET", "/recordings/attic-1/..%2f..%2fetc", &operator, None).is_problem(400, "");
    noted(up, data, path);
    let map = get(
        up,
        "/devices/attic-1/spectrum?from=2026-05-01T11:00:00Z&to=2026-05-01T13:00:00Z&points=100",
    )
    .json();
    let (bands, rows) = (
        map["bands_hertz"].as_array().unwrap(),
        map["rows"].as_array().unwrap(),
    );
    assert_eq!(
        (
            bands.len(),
            rows.len(),
            rows[0]["mel_db"].as_array().unwrap().len()
        ),
        (32, 1, 32)
    );
    assert!(bands[0].as_f64() < bands[31].as_f64() && bands[31].as_f64().unwrap() < 8_000.0);
    get(up, "/devices/attic-1/spectrum?points=1001").is_problem(400, "points");
    // The file goes, and the list stays.
    let recordings = data.join("recordings");
    std::fs::remove_dir_all(&recordings).unwrap();
    ask(up, "GET", path, &operator, None).is_problem(404, "");
    // Who reads with a link, or sits at this machine, hears nothing either.
    get_with(up, path, "Range", "bytes=0-").is_problem(401, "");
}

#[test]
fn a_model_is_trained_beside_the_service_and_a_cancelled_one_leaves_nothing() {
    let data = tempfile::tempdir().unwrap();
    let up = elsewhere(data.path());
    let (owner, operator) = (admin(data.path()), token(&up, data.path(), "olga", "operator"));
    ask(
        &up,
        "POST",
        "/training",
        &operator,
        Some(&json!({"version": "v7", "source": "stored"})),
    )
    .is_problem(403, "");
    ask(&up, "GET", "/training", &operator, None).is_problem(403, "");
    ask(&up, "DELETE", "/training", &owner, None).is_problem(409, "");
    for (body, wrong) in [
        (json!({"version": "../v7", "source": "stored"}), "version"),
        (
            json!({"version": "v7", "source": "simulator", "rooms": 100_000}),
            "rooms",
        ),
    ] {
        ask(&up, "POST", "/training", &owner, Some(&body)).is_problem(400, wrong);
    }
    let training = |what: &str, state: &str| {
        within(what, Duration::from_mins(4), || {
            ask(&up, "GET", "/training", &owner, None).json()["training"]["state"] == state
        });
        ask(&up, "GET", "/training", &owner, None).json()["training"].clone()
    };
    // Nobody has chosen anything here yet.
    let none = json!({"version": "v7", "source": "stored"});
    assert_eq!(ask(&up, "POST", "/training", &owner, Some(&none)).status, 202);
    let failed = training("a training without examples fails", "failed");
    assert!(
        failed["reason"].as_str().unwrap().contains("holds no position"),
        "{failed}"
    );

    let long = json!({"version": "v7", "source": "simulator", "rooms": 1000, "days": 30, "epochs": 200});
    assert_eq!(ask(&up, "POST", "/training", &owner, Some(&long)).status, 202);
    ask(&up, "POST", "/training", &owner, Some(&none)).is_problem(409, "");
    let cancelled = ask(&up, "DELETE", "/training", &owner, None);
    assert_eq!(
        (cancelled.status, &cancelled.json()["training"]["state"]),
        (200, &"cancelled".into())
    );
    ask(&up, "DELETE", "/training", &owner, None).is_problem(409, "");
    within("it has ended", Duration::from_secs(30), || {
        ask(&up, "GET", "/training", &owner, None).json()["training"]["finished_at"].is_string()
    });
    get(&up, "/models/v7").is_problem(404, "");

    let short = json!({"version": "v7", "source": "simulator", "rooms": 24, "days": 1, "epochs": 2});
    let begun = ask(&up, "POST", "/training", &owner, Some(&short));
    assert_eq!(begun.status, 202);
    assert_eq!(begun.json()["training"]["started_by"], "admin");
    let made = training("it is trained", "finished");
    assert_eq!(made["validation_mae"].as_array().unwrap().len(), 2, "{made}");
    assert_eq!(made["result"]["version"], "v7");
    let version = get(&up, "/models/v7").json();
    assert_eq!(
        (&version["serves"], &version["problem"]),
        (&false.into(), &Value::Null)
    );
    assert!(
        version["figures"]["mae"].is_number()
            && version["training_data"]
                .as_str()
                .unwrap()
                .contains("24 simulated rooms")
    );
    ask(&up, "POST", "/training", &owner, Some(&short)).is_problem(409, "");
    for kind in ["training_started", "training_cancelled", "model_trained"] {
        up.wait_sql(
            &format!("SELECT count() > 0 FROM iot.audit_log FINAL WHERE kind = '{kind}' AND account = 'admin' AND detail = 'v7'"),
            "1",
        )
        .unwrap();
    }
}
