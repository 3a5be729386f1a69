//! Models of people's own through the command line: what `casement models add` says of a file, and what it keeps.
#![allow(missing_docs, clippy::unwrap_used)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Value, json};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A folder of models, and the commands on it.
struct Registry(tempfile::TempDir);

impl Registry {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary directory"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs a command. Returns whether it succeeded, and all that it said.
    fn run(&self, args: &[&str]) -> (bool, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_casement"))
            .args(args)
            .env("CASEMENT__MODEL__PATH", self.path("window_regressor.pth"))
            .env("CASEMENT__MODEL__ONNX_RUNTIME", root().join("target/python"))
            .output()
            .expect("casement starts");
        let said = [output.stdout, output.stderr].concat();
        (
            output.status.success(),
            String::from_utf8_lossy(&said).into_owned(),
        )
    }

    fn good(&self, args: &[&str]) -> String {
        let (good, said) = self.run(args);
        assert!(good, "{said}");
        said
    }

    fn refused(&self, args: &[&str]) -> String {
        let (good, said) = self.run(args);
        assert!(!good && said.trim_end().lines().count() == 1, "{said}");
        said
    }

    /// Returns the first answer of the model that serves.
    fn predict(&self) -> Value {
        let input = self.path("input.json");
        fs::write(&input, json!({"input": [vec![0.5; 50]]}).to_string()).expect("the input is written");
        let said = self.good(&["predict", "--input", &input.display().to_string()]);
        serde_json::from_str(&said).expect("it prints JSON")
    }

    /// Writes examples whose position is `position`, and returns their file.
    fn examples(&self, count: usize, position: f64) -> String {
        let line = |number: usize| {
            json!({
                "device_id": format!("room-{}", number % 8),
                "timestamp": "2025-10-24T12:00:00Z",
                "temperature": 20.0 + number as f64 / 100.0,
                "humidity": 50.0,
                "position": position,
            })
        };
        let lines: Vec<String> = (0..count).map(|number| line(number).to_string()).collect();
        let path = self.path(&format!("{count}.jsonl"));
        fs::write(&path, lines.join("\n")).expect("the examples are written");
        path.display().to_string()
    }
}

fn golden(name: &str) -> String {
    let path = root().join("crates/model/tests/goldens").join(name);
    path.display().to_string()
}

#[test]
fn a_confidence_is_unknown_until_it_is_measured() {
    let registry = Registry::new();
    let share = golden("exported/share.onnx");
    let said = registry.good(&["models", "add", &share, "--version", "v2"]);
    assert!(
        said.contains("confidence: unknown, so 0: below ml.min_confidence, decisions are kept and shown"),
        "{said}"
    );
    registry.good(&["models", "promote", "v2"]);
    let unknown = registry.predict();
    assert_eq!(
        (&unknown["confidence"][0], &unknown["log_variance"][0]),
        (&json!(0.0), &Value::Null)
    );
    let position = unknown["position"][0].as_f64().unwrap();
    assert!((1.0..=100.0).contains(&position), "{position} is in percent");

    let few = registry.examples(5, 50.0);
    let said = registry.refused(&["models", "calibrate", "v2", "--examples", &few]);
    assert!(
        said.contains("5 examples say too little about a model's confidence"),
        "{said}"
    );
    // Never right: the rule of succession gives 1 of 82.
    let far = if position > 50.0 { 0.0 } else { 100.0 };
    let said = registry.good(&[
        "models",
        "calibrate",
        "v2",
        "--examples",
        &registry.examples(80, far),
    ]);
    assert!(
        said.contains("measured on 80 examples (the file 80.jsonl), 0.01 on average"),
        "{said}"
    );
    assert_eq!(registry.predict()["position"], unknown["position"]);
    let sure = registry.predict()["model_confidence"][0].as_f64().unwrap();
    assert!((sure - 1.0 / 82.0).abs() < 1e-6, "{sure}");
    let listed = registry.good(&["models", "list", "--json"]);
    assert!(listed.contains(r#""source":"the file 80.jsonl""#), "{listed}");
    // A name that is no file of examples is said to be none.
    let said = registry.refused(&["models", "calibrate", "v2", "--examples", "none.jsonl"]);
    assert!(said.contains("cannot read none.jsonl"), "{said}");
}

#[test]
fn a_model_that_states_its_confidence_keeps_it() {
    let registry = Registry::new();
    let own = golden("exported/normalising.onnx");
    let said = registry.good(&["models", "add", &own, "--version", "v3"]);
    assert!(said.contains("confidence: the model states it"), "{said}");
    let said = registry.refused(&[
        "models",
        "calibrate",
        "v3",
        "--examples",
        &registry.examples(80, 50.0),
    ]);
    assert!(said.contains("the model states its own confidence"), "{said}");
    let said = registry.refused(&["models", "add", &own, "--version", "v4", "--output-scale", "0-1"]);
    assert!(
        said.contains("the file says that its outputs are 0-100, but 0-1 was declared"),
        "{said}"
    );
    let pth = golden("layers/normalisation_0.pth");
    let said = registry.refused(&["models", "add", &pth, "--version", "v4", "--output-scale", "0-1"]);
    assert!(said.contains("--output-scale is for .onnx models"), "{said}");
}

#[test]
fn a_pth_file_is_said_to_be_what_it_is_taken_for() {
    let registry = Registry::new();
    let said = registry.good(&[
        "models",
        "add",
        &golden("layers/normalisation_0.pth"),
        "--version",
        "v5",
    ]);
    assert!(
        said.contains("layers: Linear(5), BatchNorm1d, Tanh, Linear(5); then mean_head and logvar_head"),
        "{said}"
    );
    assert!(!said.contains("activations:"), "{said}");
    let said = registry.good(&[
        "models",
        "add",
        &golden("layers/state_after.pth"),
        "--version",
        "v6",
    ]);
    assert!(
        said.contains("activations: ReLU, as documented, because a state dict names none"),
        "{said}"
    );
    for (file, words) in [
        (
            "refused_own",
            "the file is a whole module of the class __main__.Residual",
        ),
        (
            "refused_conv",
            "the file states Unflatten at `backbone.1`, which Casement does not compute",
        ),
        ("refused_state_own", "how they are computed is not in the file"),
    ] {
        let said = registry.refused(&[
            "models",
            "add",
            &golden(&format!("layers/{file}.pth")),
            "--version",
            "x",
        ]);
        assert!(
            said.contains(words)
                && said.contains("training/train_in_pytorch.py")
                && said.contains("torch.save(model, PATH)")
                && said.contains("training/export_onnx.py"),
            "{said}"
        );
    }
}

#[test]
fn the_export_script_compiles() {
    let compile = "import sys; compile(open(sys.argv[1]).read(), sys.argv[1], 'exec')";
    let output = Command::new("python3")
        .args(["-c", compile])
        .arg(root().join("training/export_onnx.py"))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
