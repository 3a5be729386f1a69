//! `casement train` and `casement evaluate` as a user runs them, and the PyTorch script beside them.
#![allow(missing_docs, clippy::unwrap_used)]

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use serde_json::{Value, json};

fn casement(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_casement"))
        .args(args)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Windows that open with the temperature.
fn examples(count: usize) -> String {
    let line = |n: usize| {
        let temperature = 15.0 + ((n * 37) % 150) as f64 / 10.0;
        let position = ((temperature - 18.0) * 8.0 + ((n * 13) % 11) as f64).clamp(0.0, 100.0);
        let time = format!("2025-10-{:02}T{:02}:00:00Z", 1 + n / 24 % 28, n % 24);
        json!({"device_id": format!("room-{}", n % 7), "timestamp": time, "temperature": temperature,
               "humidity": 50, "position": position})
        .to_string()
    };
    (0..count).map(|n| line(n) + "\n").collect()
}

#[test]
fn a_file_of_examples_becomes_a_model_that_predicts_and_is_judged() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    fs::write(at("examples.jsonl"), examples(600)).unwrap();
    let (data, out, copy) = (at("examples.jsonl"), at("m.pth"), at("copy.jsonl"));
    let flags = [
        "train", "--from", &data, "--out", &out, "--epochs", "4", "--hidden", "16", "--export", &copy,
    ];
    let trained = casement(&flags);
    assert!(trained.status.success(), "{}", text(&trained.stderr));
    assert!(
        text(&trained.stderr).contains("epoch   4/4"),
        "{}",
        text(&trained.stderr)
    );
    assert!(text(&trained.stdout).contains("MAE"), "{}", text(&trained.stdout));
    assert_eq!(fs::read_to_string(&copy).unwrap().lines().count(), 600);
    for name in [
        "report.json",
        "report.md",
        "errors.png",
        "reliability.png",
        "learning.png",
    ] {
        assert!(dir.path().join("m.report").join(name).exists(), "{name}");
    }

    fs::write(at("input.json"), json!({"input": [vec![20.0; 50]]}).to_string()).unwrap();
    let predicted = casement(&["predict", "--model", &out, "--input", &at("input.json")]);
    let predicted: Value = serde_json::from_slice(&predicted.stdout).unwrap();
    assert_eq!(predicted["model_version"], "m");

    let plots = at("plots");
    let judged = casement(&[
        "evaluate", "--model", &out, "--from", &data, "--json", "--plot", &plots,
    ]);
    let judged: Value = serde_json::from_slice(&judged.stdout).unwrap();
    assert_eq!(
        (&judged["model_version"], &judged["overall"]["count"]),
        (&json!("m"), &json!(600))
    );
    assert!(judged["weeks"].as_array().unwrap().len() >= 4 && Path::new(&plots).join("drift.png").exists());
    let table = text(&casement(&["evaluate", "--model", &out, "--from", &data]).stdout);
    assert!(
        table.starts_with("model m (") && table.contains("2025-10-06"),
        "{table}"
    );
}

#[test]
fn what_cannot_be_used_is_one_clear_line() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    fs::write(at("few.jsonl"), examples(20)).unwrap();
    fs::write(at("bad.jsonl"), examples(1) + "{}\n").unwrap();
    let message = |from: &str| {
        let output = casement(&["train", "--from", from, "--out", &at("m.pth")]);
        assert!(!output.status.success());
        text(&output.stderr).lines().last().unwrap().to_owned()
    };
    assert_eq!(
        message(&at("few.jsonl")),
        "error: too few examples: 20, at least 100 are needed"
    );
    assert!(message(&at("bad.jsonl")).contains("line 2 is not an example: column"));
    assert!(message("nonsense").contains("--from takes simulator, clickhouse, or a file"));
    assert!(!Path::new(&at("m.pth")).exists());
}

#[test]
fn what_cannot_be_written_is_told_before_the_work() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    fs::write(at("examples.jsonl"), examples(200)).unwrap();
    fs::write(at("file"), "").unwrap();
    let (data, out) = (at("examples.jsonl"), at("m.pth"));
    let (below, folder) = (at("file/m.pth"), dir.path().to_str().unwrap().to_owned());
    let (report, export) = (at("file"), at("nowhere/x.jsonl"));
    let (clip, picture) = (at("nowhere/clip.wav"), at("nowhere/x.png"));
    for flags in [
        &["train", "--from", &data, "--out", &below][..],
        &["train", "--from", &data, "--out", &folder],
        &["train", "--from", &data, "--out", &out, "--report", &report],
        &["train", "--from", &data, "--out", &out, "--export", &export],
        &["evaluate", "--from", &data, "--plot", &report],
        &["plot", "--device", "a", "--out", &picture],
        &["features", &clip, "--plot", &picture],
        &["bench", "decisions", "--plot", &picture],
        &["bench", "pictures", "--out", &report],
    ] {
        let output = casement(flags);
        let said = text(&output.stderr);
        assert!(!output.status.success(), "{flags:?}");
        assert!(
            said.contains("cannot write") && !said.contains("collecting") && !said.contains("epoch"),
            "{flags:?}: {said}"
        );
    }
    assert!(!Path::new(&out).exists() && !Path::new(&at("m.report")).exists());
}

/// It runs where PyTorch is installed; that it is Python is checked everywhere.
#[test]
fn the_pytorch_script_compiles() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../training/train_in_pytorch.py");
    let compile = "import sys; compile(open(sys.argv[1]).read(), sys.argv[1], 'exec')";
    let output = Command::new("python3")
        .args(["-c", compile])
        .arg(script)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
}
