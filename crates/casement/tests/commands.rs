//! The tools of the command line, against what librosa and PyTorch say.
#![allow(missing_docs, clippy::unwrap_used, clippy::float_cmp, clippy::too_many_lines)]

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn casement(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_casement"))
        .args(args)
        .current_dir(root())
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn features_are_json_lines_with_librosas_numbers() {
    let golden: Value = serde_json::from_str(
        &std::fs::read_to_string(root().join("crates/audio/tests/goldens/features.json")).unwrap(),
    )
    .unwrap();
    let clip = "crates/audio/tests/goldens/clips/chirp_44k1_s16.wav";
    let lines = text(&casement(&["features", clip, clip]).stdout);
    assert_eq!(lines.lines().count(), 2);
    let own: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!(
        (
            own["file"].as_str().unwrap(),
            own["sample_rate"].as_u64().unwrap()
        ),
        (clip, 44_100)
    );
    let resampled: Value =
        serde_json::from_str(&text(&casement(&["features", clip, "--rate", "16000"]).stdout)).unwrap();
    assert_eq!(resampled["sample_rate"], 16_000);
    let name = Path::new(clip).file_name().unwrap().to_str().unwrap();
    let clips = golden.get("clips").unwrap_or(&golden);
    let expected = clips
        .get(name)
        .or_else(|| clips.get(name.trim_end_matches(".wav")))
        .unwrap();
    for (ours, theirs) in [(&own, &expected["native"]), (&resampled, &expected["resampled"])] {
        let (ours, theirs) = (
            ours["spectral_centroid"]["mean"][0].as_f64().unwrap(),
            theirs["spectral_centroid"]["mean"][0].as_f64().unwrap(),
        );
        assert!((ours - theirs).abs() < 1.0, "{ours} {theirs}");
    }
}

#[test]
fn a_file_that_is_no_recording_is_one_clear_line() {
    let output = casement(&["features", "README.md"]);
    assert!(!output.status.success());
    let message = text(&output.stderr);
    assert!(
        message.starts_with("error: README.md") && message.lines().count() == 1,
        "{message}"
    );
}

#[test]
fn a_bad_file_does_not_stop_the_others() {
    let clip = "crates/audio/tests/goldens/clips/short_100_16k_s16.wav";
    let output = casement(&["features", "README.md", clip, "no/such.wav", clip]);
    assert!(!output.status.success());
    assert_eq!(text(&output.stdout).lines().count(), 2);
    let message = text(&output.stderr);
    let lines: Vec<&str> = message.lines().collect();
    assert_eq!(lines.len(), 2, "{message}");
    assert!(
        lines[0].starts_with("error: README.md cannot be decoded: "),
        "{message}"
    );
    assert!(
        lines[1].starts_with("error: no/such.wav cannot be read: "),
        "{message}"
    );
}

#[test]
fn frames_and_pictures_come_on_request() {
    let dir = tempfile::tempdir().unwrap();
    let clip = "crates/audio/tests/goldens/clips/noise_16k_s16.wav";
    // The same samples without a header.
    let bare = dir.path().join("bare.pcm");
    std::fs::write(&bare, &std::fs::read(root().join(clip)).unwrap()[44..]).unwrap();
    let json = |args: &[&str]| -> Value { serde_json::from_str(&text(&casement(args).stdout)).unwrap() };
    let wanted = ["--features", "mfcc,mel_spectrogram", "--frames"];
    let whole = json(&[&["features", clip], &wanted[..]].concat());
    assert_eq!(whole["mfcc"]["frames"].as_array().unwrap().len(), 63);
    assert_eq!(whole["mfcc"]["frames"][0].as_array().unwrap().len(), 20);
    assert_eq!(
        whole["mel_spectrogram"]["frames"][62].as_array().unwrap().len(),
        128
    );
    assert!(whole.get("rms").is_none());
    let pcm = json(
        &[
            &["features", bare.to_str().unwrap(), "--pcm", "16000"],
            &wanted[..],
        ]
        .concat(),
    );
    assert_eq!(pcm["mfcc"], whole["mfcc"]);

    let picture = dir.path().join("clip.png");
    let output = casement(&["features", clip, "--plot", picture.to_str().unwrap()]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(&std::fs::read(&picture).unwrap()[..8], b"\x89PNG\r\n\x1a\n");
    assert!(
        !casement(&["features", clip, clip, "--plot", picture.to_str().unwrap()])
            .status
            .success()
    );
}

#[test]
fn predictions_are_torchs() {
    let golden: Value = serde_json::from_str(
        &std::fs::read_to_string(root().join("crates/model/tests/goldens/window_regressor.json")).unwrap(),
    )
    .unwrap();
    let dir = tempfile::tempdir().unwrap();
    let input = dir.path().join("input.json");
    std::fs::write(&input, serde_json::json!({"input": golden["input"]}).to_string()).unwrap();
    let output = casement(&[
        "predict",
        "--model",
        "models/window_regressor.pth",
        "--input",
        input.to_str().unwrap(),
    ]);
    let answer: Value =
        serde_json::from_str(&text(&output.stdout)).unwrap_or_else(|_| panic!("{}", text(&output.stderr)));
    let positions = answer["position"].as_array().unwrap();
    assert_eq!(positions.len(), golden["input"].as_array().unwrap().len());
    assert!(
        positions.iter().all(Value::is_f64)
            && answer["confidence"].as_array().unwrap().len() == positions.len()
    );
}

#[test]
fn several_inputs_and_standard_input_are_answered_line_by_line() {
    let dir = tempfile::tempdir().unwrap();
    let row = vec![1.0; 50];
    let one = dir.path().join("one.json");
    let two = dir.path().join("two.json");
    std::fs::write(&one, serde_json::json!({"input": [row]}).to_string()).unwrap();
    std::fs::write(&two, serde_json::json!({"input": [row, row]}).to_string()).unwrap();
    let (one, two) = (one.to_str().unwrap(), two.to_str().unwrap());
    let both = text(&casement(&["predict", "--input", one, two]).stdout);
    let lines: Vec<Value> = both
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!((lines.len(), &lines[1]["file"]), (2, &Value::from(two)));
    assert_eq!(lines[1]["position"][1], lines[0]["position"][0]);
    assert!(lines[0].get("explanation").is_none());
    let explained = text(&casement(&["predict", "--explain", "--input", one]).stdout);
    let explained: Value = serde_json::from_str(&explained).unwrap();
    let parts = explained["explanation"][0].as_object().unwrap();
    let sum: f64 = parts.values().filter_map(Value::as_f64).sum();
    assert!(
        (sum - explained["position"][0].as_f64().unwrap()).abs() < 0.1,
        "{explained}"
    );

    let mut piped = Command::new(env!("CARGO_BIN_EXE_casement"))
        .args([
            "predict",
            "--model",
            "models/window_regressor.pth",
            "--input",
            "-",
        ])
        .current_dir(root())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = piped.stdin.take().unwrap();
    stdin.write_all(&std::fs::read(one).unwrap()).unwrap();
    drop(stdin);
    let answer: Value = serde_json::from_slice(&piped.wait_with_output().unwrap().stdout).unwrap();
    assert_eq!(answer["position"][0], lines[0]["position"][0]);
    assert!(answer.get("file").is_none());
}

#[test]
fn what_cannot_be_predicted_is_one_clear_line() {
    let dir = tempfile::tempdir().unwrap();
    let input = |name: &str, json: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, json).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let good = input(
        "good.json",
        &serde_json::json!({"input": [vec![1.0; 50]]}).to_string(),
    );
    let short = input(
        "short.json",
        &serde_json::json!({"input": [vec![1.0; 50], vec![1.0; 49]]}).to_string(),
    );
    let flat = input("flat.json", r#"{"input": [1, 2, 3]}"#);
    let nan = input("nan.json", r#"{"input": [[NaN]]}"#);
    let hidden = "crates/model/tests/goldens/regressor_h32.onnx";
    for (model, file, words) in [
        (
            "models/none.pth",
            &good,
            "error: the model models/none.pth cannot be used: cannot read the model",
        ),
        (
            "README.md",
            &good,
            "error: the model README.md cannot be used: this is another kind of file",
        ),
        (
            "models/window_regressor.pth",
            &"none.json".to_owned(),
            "error: cannot read none.json: ",
        ),
        (
            "models/window_regressor.pth",
            &short,
            "short.json cannot be answered: row 1 has 49 numbers, the model reads 50",
        ),
        (
            "models/window_regressor.pth",
            &flat,
            r#"flat.json is not {"input": [[50 numbers], …]}: "#,
        ),
        (
            "models/window_regressor.pth",
            &nan,
            r#"nan.json is not {"input": [[50 numbers], …]}: "#,
        ),
        (
            hidden,
            &good,
            "ONNX Runtime is not found (looked for /no/such/place)",
        ),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_casement"))
            .args(["predict", "--model", model, "--input", &good, file])
            .current_dir(root())
            .env("CASEMENT__MODEL__ONNX_RUNTIME", "/no/such/place")
            .output()
            .unwrap();
        let message = text(&output.stderr);
        assert!(
            output.status.code() == Some(1) && message.contains(words) && message.lines().count() == 1,
            "{message}"
        );
        // Not even the good one is answered.
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn versions_are_added_promoted_and_rolled_back() {
    let dir = tempfile::tempdir().unwrap();
    let serving = dir.path().join("window_regressor.pth");
    std::fs::copy(root().join("models/window_regressor.pth"), &serving).unwrap();
    let models = |args: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_casement"))
            .arg("models")
            .args(args)
            .env("CASEMENT__MODEL__PATH", &serving)
            .output()
            .unwrap();
        (
            output.status.success(),
            text(&output.stdout) + &text(&output.stderr),
        )
    };
    let other = root().join("crates/model/tests/goldens/regressor_h32.pth");
    let (added, message) = models(&["add", other.to_str().unwrap(), "--version", "v2"]);
    assert!(added, "{message}");
    let (promoted, message) = models(&["promote", "v2"]);
    assert!(promoted && message.contains("v2 serves now"), "{message}");
    assert!(
        models(&["list", "--json"])
            .1
            .lines()
            .any(|line| line.contains("\"v2\"") && line.contains("\"serves\":true")),
        "{}",
        models(&["list", "--json"]).1
    );
    assert!(
        models(&["list"])
            .1
            .lines()
            .any(|line| line.starts_with("v2 ") && line.contains(" serves "))
    );
    let (back, message) = models(&["rollback"]);
    assert!(back, "{message}");
    let (shadows, message) = models(&["shadow", "v2"]);
    assert!(shadows && message.starts_with("v2 predicts beside"), "{message}");
    assert!(
        models(&["list"])
            .1
            .lines()
            .any(|line| line.starts_with("v2 ") && line.contains(" shadows "))
    );
    let (removed, message) = models(&["remove", "v2"]);
    assert!(
        !removed && message.contains("casement models shadow --off"),
        "{message}"
    );
    assert_eq!(models(&["shadow", "--off"]).1, "v2 predicts no more\n");
    assert!(!models(&["shadow"]).0);
    assert!(models(&["remove", "v2"]).0);
    assert!(!models(&["promote", "v2"]).0);
}

#[test]
fn every_command_explains_itself_with_an_example() {
    for command in [
        "up", "backend", "ml", "engine", "sql", "simulate", "features", "predict", "models", "config",
    ] {
        let help = text(&casement(&[command, "--help"]).stdout);
        assert!(
            help.contains("Example:") && help.contains("Usage: casement"),
            "{command}: {help}"
        );
    }
}

/// `casement features clip.wav | head -c 1`
#[test]
fn a_reader_that_has_enough_ends_a_command_quietly() {
    let clip = "crates/audio/tests/goldens/clips/chirp_44k1_s16.wav";
    let mut child = Command::new(env!("CARGO_BIN_EXE_casement"))
        .args(["features", clip, clip])
        .current_dir(root())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(
        output.status.success() && output.stderr.is_empty(),
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn settings_of_the_broker_that_cannot_be_used_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("casement.yaml");
    for (key, expected) in [
        ("ca_file: nosuch.pem", "mqtt.ca_file nosuch.pem cannot be read"),
        (
            "protocol: 4",
            "'mqtt.protocol' cannot be used: '4' is no version of MQTT, expected auto, 5 or 3.1.1",
        ),
    ] {
        std::fs::write(
            &config,
            format!("mqtt:\n  broker: mqtts://127.0.0.1:1\n  {key}\n"),
        )
        .unwrap();
        let output = casement(&["ml", "--config", config.to_str().unwrap()]);
        let error = text(&output.stderr);
        assert!(!output.status.success() && error.contains(expected), "{error}");
    }
}
