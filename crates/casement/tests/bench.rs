//! `casement bench` for a short while: real processes are broken, and what is stored is reconciled.
#![allow(missing_docs, clippy::unwrap_used)]

use std::{path::Path, process::Command};

use serde_json::Value;

/// The lines of a run that succeeded.
fn bench(name: &str, arguments: &[&str]) -> Vec<Value> {
    let output = Command::new(env!("CARGO_BIN_EXE_casement"))
        .args(["bench", name, "--json"])
        .args(arguments)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."))
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}{error}");
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn faults(arguments: &[&str]) -> Vec<Value> {
    bench("faults", arguments)
}

#[test]
fn what_is_killed_and_cut_loses_and_doubles_nothing() {
    let names = "backend,backend-311,engine,up,up-engine,cut,cut-311,clock,two,term";
    let lines = faults(&["--rounds", "2", "--only", names]);
    assert_eq!(lines.len(), names.split(',').count());
    for line in lines {
        assert!(line["acknowledged"].as_u64().unwrap() > 50, "{line}");
        assert_eq!(
            (&line["lost"], &line["doubled"], &line["wrong"]),
            (&0.into(), &0.into(), &0.into()),
            "{line}"
        );
        // Readings, sound and positions, at least.
        let rollups = &line["rollups"];
        assert!(rollups["filled"].as_u64() >= Some(3), "{line}");
        assert_eq!(rollups["different"], 0, "{line}");
    }
}

/// What the API acknowledged is there after a kill, and whole; the table of devices says the same.
#[test]
fn changes_of_devices_survive_kills() {
    let lines = faults(&["--rounds", "2", "--only", "settings-up"]);
    assert!(lines[0]["acknowledged"].as_u64().unwrap() > 0, "{}", lines[0]);
    assert_eq!(
        (&lines[0]["lost"], &lines[0]["wrong"]),
        (&0.into(), &0.into()),
        "{}",
        lines[0]
    );
}

/// A connection that carries nothing is noticed by its silence, though nobody closes it.
#[test]
fn a_half_open_connection_is_given_up() {
    let lines = faults(&["--rounds", "1", "--only", "half-open"]);
    assert_eq!(lines[0]["lost"], 0, "{}", lines[0]);
}

/// Rows keep arriving while far more is outstanding than the broker may have unacknowledged: the bench fails otherwise.
/// The first ping of either version is due after 5 s, the first cut for want of an answer after 10.
#[test]
fn a_saturated_broker_loses_and_doubles_nothing() {
    let lines = faults(&["--saturated", "12", "--only", "saturated,saturated-311"]);
    assert_eq!(lines.len(), 2);
    for line in lines {
        assert!(line["acknowledged"].as_u64().unwrap() > 1_000, "{line}");
        assert_eq!(
            (&line["lost"], &line["doubled"], &line["wrong"]),
            (&0.into(), &0.into(), &0.into()),
            "{line}"
        );
        assert!(line["rollups"]["intervals"].as_u64() > Some(0), "{line}");
        assert_eq!(line["rollups"]["different"], 0, "{line}");
    }
}

#[test]
fn decisions_do_not_wait_for_a_stopped_database() {
    let lines = faults(&["--only", "latency", "--decisions", "50"]);
    assert_eq!(lines.len(), 2, "by each door");
}

/// The bench itself fails where something that was accepted is not stored.
#[test]
fn readings_are_counted_by_every_way_of_receiving_them() {
    let only = "mosquitto_sub,connection,backend,up";
    let lines = bench(
        "ingest",
        &[
            "--seconds",
            "1",
            "--rounds",
            "1",
            "--decisions",
            "0",
            "--only",
            only,
        ],
    );
    assert_eq!(lines.len(), 4, "{lines:?}");
    for way in lines {
        assert!(way["messages"].as_u64().unwrap() > 0, "{way}");
        assert!(!way["processes"].as_array().unwrap().is_empty(), "{way}");
    }
}

#[test]
fn strangers_are_measured_beside_devices() {
    let lines = bench(
        "strangers",
        &[
            "--rounds",
            "1",
            "--decisions",
            "20",
            "--sockets",
            "20",
            "--storm",
            "12",
        ],
    );
    let [siege, storm] = &lines[..] else {
        panic!("{lines:?}")
    };
    assert!(siege["idle_sockets"].as_u64().unwrap() >= 18, "{siege}");
    assert!(siege["guesses_per_s"].as_f64().unwrap() > 0.0, "{siege}");
    assert!(siege["quiet_p50_ms"].as_f64().unwrap() > 0.0, "{siege}");
    assert!(siege["besieged_p50_ms"].as_f64().unwrap() > 0.0, "{siege}");
    assert_eq!(storm["storm"], 12, "{storm}");
}

#[test]
fn a_rate_and_a_window_are_kept() {
    let lines = bench(
        "ingest",
        &[
            "--seconds",
            "2",
            "--rounds",
            "1",
            "--decisions",
            "0",
            "--only",
            "backend",
            "--rate",
            "200",
            "--window",
            "100",
        ],
    );
    let rate = lines[0]["per_second"].as_f64().unwrap();
    assert!((100.0..300.0).contains(&rate), "{rate}");
}

#[test]
fn a_telegraf_that_is_not_there_is_asked_for() {
    let output = Command::new(env!("CARGO_BIN_EXE_casement"))
        .args(["bench", "ingest", "--telegraf", "/nonexistent/telegraf"])
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(
        !output.status.success() && error.contains("--telegraf"),
        "{error}"
    );
}

/// At the embedded door a connection waits for its own messages only. The bench gives up on a decision after seconds.
#[test]
fn a_quiet_device_is_heard_beside_a_flood() {
    let arguments = [
        "--only",
        "up",
        "--seconds",
        "1",
        "--rounds",
        "1",
        "--decisions",
        "30",
    ];
    let lines = bench("ingest", &arguments);
    assert!(lines.iter().any(|line| line["flood"].is_string()), "{lines:?}");
}

#[test]
fn an_unknown_fault_is_named() {
    let output = Command::new(env!("CARGO_BIN_EXE_casement"))
        .args(["bench", "faults", "--only", "nosuch"])
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(
        !output.status.success() && error.contains("'nosuch'") && error.contains("half-open"),
        "{error}"
    );
}

/// The engine takes every codec that is measured, and time and value have their share in a whole reading.
#[test]
fn codecs_of_readings_are_measured() {
    let lines = bench("codecs", &["--devices", "2", "--seconds", "5000"]);
    let bytes = |column: &str, codec: &str| {
        let line = lines
            .iter()
            .find(|line| line["column"] == column && line["codec"].as_str().unwrap().starts_with(codec));
        line.unwrap_or_else(|| panic!("{column} {codec} in {lines:?}"))["bytes"]
            .as_f64()
            .unwrap()
    };
    let (time, value) = (
        bytes("timestamp", "Delta(8), ZSTD(3)"),
        bytes("temperature", "ZSTD(3)"),
    );
    let whole = bytes("whole temperature", "Delta(8), ZSTD(3) / ZSTD(3)");
    assert!(
        time > 0.5 && value > 0.1 && whole > 0.9 * (time + value),
        "{time} {value} {whole}"
    );
    assert!(lines.iter().all(|line| line["bytes"].as_f64().unwrap() > 0.0));
}

/// A picture's size, and the number of its colours.
fn seen(file: &Path) -> ((u32, u32), usize) {
    let file = std::fs::File::open(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let mut reader = png::Decoder::new(std::io::BufReader::new(file))
        .read_info()
        .unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    reader.next_frame(&mut pixels).unwrap();
    let colours: std::collections::HashSet<&[u8]> = pixels.chunks_exact(3).collect();
    (reader.info().size(), colours.len())
}

fn pictures(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_casement"));
    command
        .args(["bench", "pictures", "--days", "1"])
        .args(arguments)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."));
    command
}

#[test]
fn every_dashboard_is_drawn() {
    let out = tempfile::tempdir().unwrap();
    let output = pictures(&["--out", &out.path().display().to_string()])
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    let dashboards = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/grafana/dashboards");
    let mut drawn = 0;
    for file in dashboards.read_dir().unwrap() {
        let file = file.unwrap().path();
        let body: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        let panels = body["panels"].as_array().unwrap();
        let rows = panels
            .iter()
            .map(|panel| {
                let end = |key: &str| panel["gridPos"][key].as_u64().unwrap() as u32;
                end("y") + end("h")
            })
            .max()
            .unwrap();
        let picture = out.path().join(file.file_stem().unwrap()).with_extension("png");
        let ((width, height), colours) = seen(&picture);
        // 24 columns of 46 pixels, rows of 24, a head and margins.
        assert_eq!(
            (width, height),
            (24 * 46 + 16, rows * 24 + 60),
            "{}",
            picture.display()
        );
        // Text alone is grey: its edges have some dozens of shades. Lines, bands and heat maps have colours.
        assert!(colours > 40, "{}: {colours} colours", picture.display());
        drawn += 1;
    }
    assert_eq!((drawn, out.path().read_dir().unwrap().count()), (4, 4));
}

#[test]
fn what_pictures_need_is_named() {
    let out = tempfile::tempdir().unwrap();
    let folder = out.path().display().to_string();
    let said = |command: &mut Command| {
        let output = command.output().unwrap();
        assert!(!output.status.success());
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let error = said(&mut pictures(&["--out", &folder, "--dashboards", "/nonexistent"]));
    assert!(error.contains("/nonexistent"), "{error}");
    let error = said(&mut pictures(&["--out", &folder, "--dashboards", &folder]));
    assert!(error.contains("no dashboard in"), "{error}");
    let engine = "/nonexistent/libchdb.so";
    let error = said(pictures(&["--out", &folder]).env("CASEMENT_LIBCHDB", engine));
    assert!(error.contains("generate") && error.contains(engine), "{error}");
    assert_eq!(out.path().read_dir().unwrap().count(), 0);
}

/// What was acknowledged before a backup began is there after it was restored; the bench itself looks.
#[test]
fn backups_under_load_are_measured_and_whole() {
    let lines = bench("backup", &["--rate", "200", "--rows", "50000", "--seconds", "2"]);
    let kinds: Vec<_> = lines.iter().filter_map(|line| line["backup"].as_str()).collect();
    assert_eq!(kinds, ["without", "full", "incremental"]);
    for line in &lines[1..3] {
        assert!(
            line["mib"].as_f64().unwrap() > 0.0 && line["files"].as_u64().unwrap() > 50,
            "{line}"
        );
    }
    assert!(lines[3]["restored_s"].as_f64().unwrap() > 0.0, "{lines:?}");
}
