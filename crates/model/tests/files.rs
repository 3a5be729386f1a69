//! Models as files: versions, side-cars, and what is said when one is wrong.

use std::{fs, path::PathBuf};

use model::{LoadError, Model, UNVERSIONED, sidecar_path};

fn copy() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join("m.pth");
    fs::copy(
        concat!(env!("CARGO_MANIFEST_DIR"), "/tests/goldens/regressor_h32.pth"),
        &path,
    )
    .expect("the golden can be copied");
    (dir, path)
}

#[test]
fn the_side_car_names_the_version() {
    let (_dir, path) = copy();
    let bare = Model::load(&path).unwrap();
    assert_eq!(bare.version(), UNVERSIONED);
    assert_eq!(bare.clone().with_default_version("v7").version(), "v7");
    let sidecar = format!(
        r#"{{"version": "v2.1.0", "sha256": "{}", "note": "unknown fields are fine"}}"#,
        bare.sha256()
    );
    fs::write(sidecar_path(&path), sidecar).unwrap();
    let named = Model::load(&path).unwrap().with_default_version("v7");
    assert_eq!(named.version(), "v2.1.0");
}

#[test]
fn a_side_car_of_a_newer_version_is_refused_with_the_way_out() {
    let (_dir, path) = copy();
    let newer = r#"{"format": 2, "program": "9.1.0", "version": {"major": 2}}"#;
    fs::write(sidecar_path(&path), newer).unwrap();
    let said = Model::load(&path).unwrap_err().to_string();
    for words in [
        "Casement 9.1.0",
        "format 2",
        "use the newer version",
        "nothing was changed",
    ] {
        assert!(said.contains(words), "{said}");
    }
    assert_eq!(fs::read_to_string(sidecar_path(&path)).unwrap(), newer);
}

#[test]
fn a_side_car_of_another_file_is_refused() {
    let (_dir, path) = copy();
    fs::write(sidecar_path(&path), r#"{"version": "v2", "sha256": "00"}"#).unwrap();
    let message = Model::load(&path).unwrap_err().to_string();
    assert!(
        message.starts_with("the model's side-car is for another file: it names SHA-256 00"),
        "{message}"
    );
    fs::write(sidecar_path(&path), "{").unwrap();
    assert!(
        Model::load(&path)
            .unwrap_err()
            .to_string()
            .ends_with("m.pth.json is not as expected")
    );
}

#[test]
fn an_absent_file_is_named() {
    let path = PathBuf::from("no/such/model.pth");
    let error = Model::load(&path).unwrap_err();
    assert!(matches!(error, LoadError::Read { .. }));
    assert_eq!(error.to_string(), "cannot read the model no/such/model.pth");
}

#[test]
fn the_shipped_model_loads_and_is_versioned() {
    let path = PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../models/window_regressor.pth"
    ));
    let model = Model::load(&path).unwrap();
    assert_eq!(model.version(), "v1.1.0");
    assert_eq!(
        model.sidecar().unwrap().features_version.as_deref(),
        Some(domain::FEATURES_VERSION)
    );
}
