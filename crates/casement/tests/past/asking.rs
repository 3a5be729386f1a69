//! What was stored: histories, lists, exports; good questions and bad ones.

use std::{
    path::Path,
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use testkit::{Signal, Up, children, signal, wait_until_blocking};

use crate::{
    Answer, admin, get, get_with, several,
    support::{command::run, up},
    unready,
};

/// An hour of a reading a second until ten minutes ago, and what else a device leaves.
fn fill(up: &Up) {
    for statement in [
        "INSERT INTO iot.sensor_temperature (timestamp, device_id, value) SELECT now64(3) - INTERVAL 4200 SECOND + INTERVAL \
         number SECOND, 'attic-1', 20 + (number % 10) / 10 FROM numbers(3600)",
        "INSERT INTO iot.sensor_co2 (timestamp, device_id, value) SELECT now64(3) - INTERVAL number MINUTE, 'attic-1', 700 \
         FROM numbers(30)",
        "INSERT INTO iot.window_states (timestamp, device_id, position) SELECT now64(3) - INTERVAL number MINUTE, 'attic-1', \
         number FROM numbers(30)",
        "INSERT INTO iot.window_actions (timestamp, device_id, position, confidence, command_id, model_version, reason, origin) \
         SELECT now64(3) - INTERVAL number MINUTE, 'attic-1', number, 0.75, toString(number), 'v1', 'temperature', 'model' \
         FROM numbers(30)",
        "INSERT INTO iot.window_actions (timestamp, device_id, position, confidence, temperature, humidity, command_id, \
         model_version, reason, origin, average, contribution_temperature, contribution_humidity, contribution_sound, verdict, \
         model_confidence, largest_z) VALUES ('2024-05-01 12:00:00', 'attic-2', 75.5, 0.9, 26.4, 48, 'why', 'v1', 'opened to 75.5 %: warm (26.4 °C, +38)', \
         'model', 31.25, 38.25, -0.25, 6.25, 'moved', 0.95, 5.26)",
        "INSERT INTO iot.window_actions (timestamp, device_id, position, command_id, reason, origin, cause) \
         VALUES ('2024-05-01 11:00:00', 'attic-3', 0, 'shut', 'it rains', 'interlock', 'rain')",
        "INSERT INTO iot.ml_predictions (timestamp, device_id, prediction, confidence, inference_time_ms, model_version, held, \
         average, contribution_temperature, contribution_humidity, contribution_sound, verdict, reason, temperature, humidity, \
         model_confidence, largest_z) VALUES ('2024-05-01 13:00:00', 'attic-2', 80, 0.9, 0.1, 'v1', true, 31.25, 42.5, 0, 6.25, 'override', \
         'wished for 80 %: warm (26.9 °C, +43)', 26.9, 47.5, 0.9, 4.75)",
        "INSERT INTO iot.ml_predictions (timestamp, device_id, prediction, confidence, inference_time_ms, model_version, \
         command_id, held) SELECT now64(3) - INTERVAL number MINUTE, 'attic-1', number, 0.5, nan, if(number % 2 = 0, 'v1', \
         'v2'), toString(intDiv(number, 2)), number = 7 FROM numbers(30)",
        "INSERT INTO iot.device_events (timestamp, device_id, event, detail) SELECT now64(3) - INTERVAL intDiv(number, 3) \
         MINUTE, 'attic-1', concat('event ', toString(number)), '' FROM numbers(30)",
        "INSERT INTO iot.ingest_errors SELECT now64(3) - INTERVAL number MINUTE, 'sensor/x/y', if(number % 2 = 0, 'json', \
         'topic'), 'why', 'a\\\\x00b' FROM numbers(30)",
    ] {
        up.sql(statement).unwrap();
    }
}

fn points(answer: &Answer) -> Vec<Value> {
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    answer.json()["points"].as_array().unwrap().clone()
}

fn readings(points: &[Value]) -> u64 {
    points
        .iter()
        .map(|point| point["readings"].as_u64().unwrap())
        .sum()
}

fn histories(up: &Up) {
    let day = get(up, "/devices/attic-1/history?quantity=temperature");
    let body = day.json();
    assert_eq!(
        (
            &body["device_id"],
            &body["quantity"],
            &body["unit"],
            &body["interval_s"]
        ),
        (
            &"attic-1".into(),
            &"temperature".into(),
            &"°C".into(),
            &120.into()
        )
    );
    let found = points(&day);
    assert_eq!(readings(&found), 3_600);
    for point in &found {
        let [min, mean, max] = ["min", "mean", "max"].map(|name| point[name].as_f64().unwrap());
        assert!(
            20.0 <= min && min <= mean && mean <= max && max <= 21.0,
            "{point}"
        );
    }
    for (query, most) in [
        ("points=1", 2),
        ("points=7&from=-2h", 8),
        ("points=10000&from=-2h", 10_001),
    ] {
        let found = points(&get(
            up,
            &format!("/devices/attic-1/history?quantity=temperature&{query}"),
        ));
        assert!(
            found.len() <= most && readings(&found) == 3_600,
            "{query}: {}",
            found.len()
        );
    }
    for word in [
        "sound_level",
        "rms",
        "mfcc_3",
        "position",
        "commanded",
        "confidence",
        "wind",
    ] {
        let found = points(&get(
            up,
            &format!("/devices/attic-1/history?quantity={word}&points=10"),
        ));
        let expected = if ["position", "commanded", "confidence"].contains(&word) {
            30
        } else {
            0
        };
        assert_eq!(readings(&found), expected, "{word}");
    }
    let empty = "/devices/attic-1/history?quantity=temperature&from=2001-01-01T00:00:00Z&to=2001-01-02T00:00:00%2B01:00";
    assert_eq!(points(&get(up, empty)), Vec::<Value>::new());
    // Late data is there at once, in the rollups as well.
    up.sql("INSERT INTO iot.sensor_temperature (timestamp, device_id, value) VALUES ('2001-01-01 12:00:00', 'attic-1', 7)")
        .unwrap();
    let late = points(&get(up, &format!("{empty}&points=2")));
    assert_eq!((late.len(), &late[0]["mean"]), (1, &7.0.into()));

    let csv = get(
        up,
        "/devices/attic-1/history?quantity=temperature&from=-2h&points=10&format=csv",
    );
    let accepted = get_with(
        up,
        "/devices/attic-1/history?quantity=temperature&from=-2h&points=10",
        "Accept",
        "text/csv",
    );
    for csv in [csv, accepted] {
        assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
        let text = String::from_utf8(csv.body).unwrap();
        assert!(text.starts_with("time,mean,min,max,readings\r\n2"), "{text}");
        assert!((3..=12).contains(&text.lines().count()), "{text}");
    }
}

fn bad_questions(up: &Up) {
    for (query, wrong) in [
        ("", "quantity"),
        ("quantity=smell", "quantity"),
        ("quantity=temperature'", "quantity"),
        ("quantity=temperature_over(step%20%3D%201)", "quantity"),
        ("quantity=mfcc_999", "quantity"),
        ("quantity=temperature&points=0", "points"),
        ("quantity=temperature&points=10001", "points"),
        ("quantity=temperature&points=1e9", "points"),
        ("quantity=temperature&points=1000000000", "points"),
        ("quantity=temperature&points=99999999999", "points"),
        ("quantity=temperature&points=-1", "points"),
        ("quantity=temperature&from=-1h&to=-2h", "from"),
        ("quantity=temperature&from=yesterday", "from"),
        ("quantity=temperature&to='%20OR%201=1", "to"),
        ("quantity=temperature&from=0001-01-01T00:00:00Z", "from"),
        ("quantity=temperature&format=xml", "format"),
        ("quantity=temperature&point=3", "point"),
        ("quantity=temperature&quantity=wind", "quantity"),
    ] {
        let answer = get(up, &format!("/devices/attic-1/history?{query}"));
        assert_eq!(answer.status, 400, "{query}");
        answer.is_problem(400, "");
        let text = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(text.contains(wrong), "{query}: {text}");
    }
    for resource in [
        "history?quantity=temperature",
        "histories?quantities=temperature,position",
        "export?quantity=temperature",
        "events",
        "commands",
        "predictions",
    ] {
        get(up, &format!("/devices/cellar/{resource}")).is_problem(404, "");
        for hostile in [
            "a%27%20OR%201=1",
            "..%2f..%2fetc",
            "%00",
            "a%0Ab",
            &"x".repeat(65),
            "%F0%9F%A6%86",
        ] {
            get(up, &format!("/devices/{hostile}/{resource}")).is_problem(400, "device_id");
        }
    }
    for list in [
        "/devices/attic-1/events",
        "/devices/attic-1/commands",
        "/devices/attic-1/predictions",
        "/device-events",
        "/ingest-errors",
    ] {
        for (query, wrong) in [
            ("limit=0", "limit"),
            ("limit=1001", "limit"),
            ("limit=1e9", "limit"),
            ("before=1", "before"),
            ("before=%27%20OR%201=1%20--%20aaaaaaaaaaaaaaaa", "before"),
            ("from=-1h&to=-2h", "from"),
            ("after=1", "after"),
        ] {
            let answer = get(up, &format!("{list}?{query}"));
            answer.is_problem(400, "");
            let text = answer.json()["detail"].as_str().unwrap().to_owned();
            assert!(text.contains(wrong), "{list}?{query}: {text}");
        }
    }
    get(up, "/ingest-errors?topic=a%00b").is_problem(400, "topic");
    get(up, &format!("/ingest-errors?reason={}", "x".repeat(2_000))).is_problem(400, "reason");
    get(up, "/audit").is_problem(401, "");
}

/// Follows the links of a list to its end.
fn whole(up: &Up, first: &str) -> Vec<Value> {
    let (mut rows, mut path) = (vec![], first.to_owned());
    loop {
        let answer = get(up, &path);
        assert_eq!(answer.status, 200, "{path}");
        rows.extend(answer.json().as_array().unwrap().clone());
        let link = answer.header("link");
        let Some(next) = link.strip_prefix("</api/v1") else {
            return rows;
        };
        next.split('>').next().unwrap().clone_into(&mut path);
    }
}

fn lists(up: &Up, data: &Path) {
    let events = whole(up, "/devices/attic-1/events?limit=4");
    let mut names: Vec<&str> = events
        .iter()
        .map(|event| event["event"].as_str().unwrap())
        .collect();
    assert!(
        names.starts_with(&[names[0]]) && events.len() == 30,
        "{}",
        events.len()
    );
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 30);
    assert_eq!(whole(up, "/device-events?limit=7&from=-1h").len(), 30);
    assert_eq!(whole(up, "/device-events?from=-5m&to=now").len(), 15);
    let commands = whole(up, "/devices/attic-1/commands?limit=10");
    assert_eq!(commands.len(), 30);
    assert_eq!(
        (
            &commands[0]["origin"],
            &commands[0]["confidence"],
            &commands[0]["reason"]
        ),
        (&"model".into(), &0.75.into(), &"temperature".into())
    );
    let predictions = whole(up, "/devices/attic-1/predictions?limit=11");
    assert_eq!(predictions.len(), 30);
    assert!(predictions[0]["inference_time_ms"].is_null());
    assert_eq!(predictions.iter().filter(|row| row["held"] == true).count(), 1);
    assert_eq!(
        whole(up, "/devices/attic-1/predictions?version=v2&limit=4").len(),
        15
    );
    let errors = whole(up, "/ingest-errors?reason=json&topic=sensor/x/y&limit=4");
    assert_eq!((errors.len(), &errors[0]["first_bytes"]), (15, &"a\\x00b".into()));
    assert_eq!(whole(up, "/ingest-errors?topic=%27%20OR%201=1%20--").len(), 0);
    up.wait_sql("SELECT count() > 0 FROM iot.audit_log", "1").unwrap();
    let header = format!("Bearer {}", admin(data));
    let audit = get_with(up, "/audit?limit=1000", "Authorization", &header);
    assert!(!audit.json().as_array().unwrap().is_empty());
}

fn exports(up: &Up) {
    let csv = get(up, "/devices/attic-1/export?quantity=temperature&from=-2h");
    assert_eq!(csv.status, 200);
    let name = csv.header("content-disposition");
    assert!(
        name.starts_with("attachment; filename=\"attic-1-temperature-") && name.ends_with(".csv\""),
        "{name}"
    );
    assert_eq!(String::from_utf8(csv.body).unwrap().lines().count(), 3_601);
    for (format, magic) in [
        ("parquet", &b"PAR1"[..]),
        ("arrow", b"\xff\xff\xff\xff"),
        ("jsonl", b"{\"time\":\"2"),
    ] {
        let file = get(
            up,
            &format!("/devices/attic-1/export?quantity=readings&from=-2h&format={format}"),
        );
        assert_eq!(file.status, 200, "{format}");
        assert!(file.body.starts_with(magic), "{format}");
    }
    get(up, "/devices/attic-1/export?quantity=system.tables").is_problem(400, "quantity");
    get(up, "/devices/attic-1/export?quantity=wind&format=xlsx").is_problem(400, "format");
}

/// An engine that answers nothing: every question has an answer in time, and they do not pile up.
/// Why a window moved, and why it stayed.
fn explained(up: &Up, data: &Path) {
    let url = format!("http://{}", up.http);
    let explain = |at: &str, more: &[&str]| {
        let line = ["explain", "--url", &url, "--device", "attic-2", "--at", at];
        run(data, &[&line, more].concat())
    };
    let moved = explain("2024-05-01T14:30:00+02:00", &[]);
    let said = String::from_utf8_lossy(&moved.stdout);
    for expected in [
        "opened to 75.5 %: warm (26.4 °C, +38)",
        "temperature       +38.2  at 26.4 °C",
        "sound              +6.2",
        "confidence         0.90  the model's own: 0.95; the input lies 5.3 standard deviations from its training",
        "verdict        moved",
        "model          v1",
    ] {
        assert!(
            moved.status.success() && said.contains(expected),
            "{expected}: {moved:?}"
        );
    }
    let stayed = explain("2024-05-01T13:00:00Z", &["--json"]);
    let stayed: Value = serde_json::from_slice(&stayed.stdout).unwrap();
    assert_eq!(
        (&stayed["verdict"], &stayed["held"]),
        (&"override".into(), &true.into())
    );
    assert_eq!(stayed["contributions"]["temperature"], 42.5);
    assert_eq!(stayed["temperature"], 26.9);
    assert_eq!(
        (
            &stayed["confidence"],
            &stayed["model_confidence"],
            &stayed["largest_z"]
        ),
        (&0.9.into(), &0.9.into(), &4.75.into())
    );
    for (at, why) in [
        ("rubbish", "--at is no time: write 2025-10-24T12:00:00Z"),
        ("2024-05-01T11:59:59Z", "no command and no held wish of attic-2"),
        ("yesterday", "is no time"),
        ("now&limit=2", "is no time"),
    ] {
        let refused = explain(at, &[]);
        let said = String::from_utf8_lossy(&refused.stderr);
        assert!(
            !refused.status.success() && said.contains(why),
            "{at}: {refused:?}"
        );
    }
    let listed = get(up, "/devices/attic-2/commands").json();
    assert_eq!(listed[0]["contributions"]["humidity"], -0.25);
    assert_eq!(listed[0]["verdict"], "moved");
    assert_eq!(listed[0]["model_confidence"], 0.95);
    assert_eq!(listed[0]["largest_z"], 5.26);
    let of_rain = get(up, "/devices/attic-3/commands").json();
    assert_eq!(
        (&of_rain[0]["origin"], &of_rain[0]["cause"]),
        (&"interlock".into(), &"rain".into())
    );
    // Rows of before say nothing.
    let before = get(up, "/devices/attic-1/commands?limit=1").json();
    assert_eq!(before[0]["model_confidence"], Value::Null);
    assert_eq!(before[0]["largest_z"], Value::Null);
    assert_eq!(
        (
            &before[0]["contributions"],
            &before[0]["verdict"],
            &before[0]["cause"]
        ),
        (&Value::Null, &"".into(), &Value::Null)
    );
}

fn away(up: &Up) {
    let engines = children(up.process.pid());
    let [engine] = engines[..] else {
        panic!("{engines:?}")
    };
    signal(engine, Signal::STOP).unwrap();
    let started = Instant::now();
    thread::scope(|scope| {
        for _ in 0..12 {
            scope.spawn(|| {
                let answer = get(up, "/devices/attic-1/history?quantity=temperature");
                answer.is_problem(503, "");
                assert!(!answer.header("retry-after").is_empty());
            });
        }
    });
    let took = started.elapsed();
    get(up, "/device-events").is_problem(503, "");
    signal(engine, Signal::CONT).unwrap();
    // Twelve, one after the other, would take a minute.
    assert!(took < Duration::from_secs(30), "{took:?}");
    wait_until_blocking("ClickHouse answers again", || {
        get(up, "/device-events").status == 200
    })
    .unwrap();
}

#[test]
fn what_was_stored_is_asked_for() {
    let data = tempfile::tempdir().unwrap();
    let up = up(data.path(), &[]);
    fill(&up);
    histories(&up);
    several::histories(&up);
    several::bad_questions(&up);
    bad_questions(&up);
    lists(&up, data.path());
    exports(&up);
    explained(&up, data.path());
    unready::lists(&up);
    away(&up);
}
