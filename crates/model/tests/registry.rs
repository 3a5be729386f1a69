//! Versions: adding, promoting, going back, removing; and that the serving file is never half of two.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use model::{Model, Registry, RegistryError};

struct Folder {
    _dir: tempfile::TempDir,
    serving: PathBuf,
    registry: Registry,
}

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/goldens")
        .join(name)
}

/// A folder whose model serves as a plain file, as it is shipped.
fn folder() -> Folder {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let serving = dir.path().join("window_regressor.pth");
    let golden = fs::read(golden("window_regressor.pth")).expect("the golden can be read");
    fs::write(&serving, golden).expect("the golden can be copied");
    let registry = Registry::beside(&serving);
    Folder {
        _dir: dir,
        serving,
        registry,
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("it is there").permissions().mode() & 0o777
}

fn served(folder: &Folder) -> String {
    Model::load(&folder.serving)
        .expect("what serves loads")
        .version()
        .to_owned()
}

#[test]
fn promote_and_roll_back_and_back_again() {
    let folder = folder();
    let registry = &folder.registry;
    assert_eq!(registry.list().unwrap(), []);
    let plain = registry.plain("v1").unwrap();
    assert_eq!(
        (plain.version.as_str(), plain.serves, plain.problem),
        ("v1", true, None)
    );
    let added = registry.add(&golden("regressor_h32.pth"), Some("v2")).unwrap();
    assert_eq!(mode(&added.path), mode(&folder.serving));
    registry
        .add(&golden("regressor_h32.full.pth"), Some("v3"))
        .unwrap();
    assert_eq!(registry.promote("v2", "v1").unwrap().as_deref(), Some("v1"));
    assert_eq!(served(&folder), "v2");
    assert_eq!(registry.plain("v1"), None);
    assert_eq!(registry.promote("v3", "v1").unwrap().as_deref(), Some("v2"));
    assert_eq!(served(&folder), "v3");
    let names: Vec<(String, bool)> = registry
        .list()
        .unwrap()
        .into_iter()
        .map(|v| (v.version, v.serves))
        .collect();
    assert_eq!(
        names,
        [("v1".into(), false), ("v2".into(), false), ("v3".into(), true)]
    );
    assert_eq!(registry.predecessor().unwrap().as_deref(), Some("v2"));
    assert_eq!(registry.rollback().unwrap(), "v2");
    assert_eq!(registry.predecessor().unwrap().as_deref(), Some("v1"));
    assert_eq!(registry.rollback().unwrap(), "v1");
    assert_eq!(registry.predecessor().unwrap(), None);
    assert_eq!(served(&folder), "v1");
    assert!(matches!(
        registry.rollback().unwrap_err(),
        RegistryError::NoPredecessor
    ));
    registry.promote("v3", "v1").unwrap();
    assert_eq!(registry.rollback().unwrap(), "v1");
}

#[test]
fn a_version_is_one_file_for_ever() {
    let folder = folder();
    let registry = &folder.registry;
    let first = registry.add(&golden("regressor_h32.pth"), Some("v2")).unwrap();
    assert_eq!(
        registry.add(&golden("regressor_h32.pth"), Some("v2")).unwrap(),
        first
    );
    assert!(matches!(
        registry
            .add(&golden("window_regressor.pth"), Some("v2"))
            .unwrap_err(),
        RegistryError::Taken(_)
    ));
    assert!(matches!(
        registry.add(&golden("regressor_h32.pth"), None).unwrap_err(),
        RegistryError::Unnamed
    ));
}

#[test]
fn what_serves_stays_and_what_does_not_may_go() {
    let folder = folder();
    let registry = &folder.registry;
    registry.add(&golden("regressor_h32.pth"), Some("v2")).unwrap();
    registry.promote("v2", "v1").unwrap();
    assert!(matches!(
        registry.remove("v2").unwrap_err(),
        RegistryError::Serving(_)
    ));
    registry.remove("v1").unwrap();
    assert_eq!(registry.list().unwrap().len(), 1);
    assert!(matches!(
        registry.rollback().unwrap_err(),
        RegistryError::Unknown { .. }
    ));
    assert_eq!(served(&folder), "v2");
}

#[test]
fn one_candidate_shadows_until_it_serves_or_is_told_to_stop() {
    let folder = folder();
    let registry = &folder.registry;
    registry.add(&golden("regressor_h32.pth"), Some("v2")).unwrap();
    registry
        .add(&golden("regressor_h32.ckpt.pth"), Some("v3"))
        .unwrap();
    let shadowing = || {
        let all = registry.list().unwrap().into_iter();
        let names: Vec<String> = all.filter(|v| v.shadows).map(|v| v.version).collect();
        assert_eq!(model::shadow_path(&folder.serving).exists(), !names.is_empty());
        names
    };
    assert_eq!(registry.unshadow().unwrap(), None);
    registry.shadow("v2").unwrap();
    registry.shadow("v3").unwrap();
    assert_eq!(shadowing(), ["v3"]);
    assert!(matches!(
        registry.remove("v3").unwrap_err(),
        RegistryError::Shadows(_)
    ));
    registry.promote("v2", "v1").unwrap();
    assert_eq!(shadowing(), ["v3"]);
    assert!(matches!(
        registry.shadow("v2").unwrap_err(),
        RegistryError::Serving(_)
    ));
    registry.promote("v3", "v1").unwrap();
    assert!(shadowing().is_empty());
    registry.shadow("v1").unwrap();
    assert_eq!(registry.unshadow().unwrap().as_deref(), Some("v1"));
    registry.remove("v1").unwrap();
    assert!(matches!(
        registry.shadow("v1").unwrap_err(),
        RegistryError::Unknown { .. }
    ));
}

#[test]
fn versions_may_be_of_either_format() {
    let folder = folder();
    let runtime = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/python");
    let options = model::LoadOptions {
        onnx_runtime: Some(runtime),
        ..model::LoadOptions::default()
    };
    let registry = folder.registry.clone().with_options(options.clone());
    let added = registry.add(&golden("regressor_h32.onnx"), Some("v2")).unwrap();
    assert_eq!(added.path.extension().unwrap(), "onnx");
    assert!(matches!(
        registry
            .add(&golden("regressor_h32.pth"), Some("v2"))
            .unwrap_err(),
        RegistryError::Taken(_)
    ));
    assert_eq!(registry.promote("v2", "v1").unwrap().as_deref(), Some("v1"));
    let serving = Model::load_with(&folder.serving, &options).unwrap();
    assert_eq!((serving.version(), serving.format()), ("v2", "onnx"));
    assert_eq!(registry.rollback().unwrap(), "v1");
    assert_eq!(served(&folder), "v1");
    registry.remove("v2").unwrap();
    assert_eq!(registry.list().unwrap().len(), 1);
}

#[test]
fn what_a_file_does_not_say_stands_in_the_side_car() {
    let folder = folder();
    let runtime = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/python");
    let options = model::LoadOptions {
        onnx_runtime: Some(runtime),
        ..model::LoadOptions::default()
    };
    let registry = folder.registry.clone().with_options(options.clone());
    let file = golden("exported/residual.onnx");
    let pairs: Vec<(f64, f64)> = (0..50).map(|_| (50.0, 52.0)).collect();
    let details = model::Details {
        uncertainty: Some(model::Uncertainty::measure("tests", &pairs).unwrap()),
        ..model::Details::default()
    };
    let bare = registry.add(&file, Some("v2")).unwrap();
    assert_eq!(bare.sidecar.uncertainty, None);
    // Adding the same file again changes only the details.
    let known = registry.add_with(&file, Some("v2"), details.clone()).unwrap();
    assert_eq!(
        (&known.path, known.sidecar.uncertainty.clone()),
        (&bare.path, details.uncertainty.clone())
    );
    let model = Model::load_with(&known.path, &options).unwrap();
    assert_eq!(model.uncertainty(), details.uncertainty.as_ref());
    assert_eq!(registry.add(&file, Some("v2")).unwrap(), known);
    // A measurement replaces the one before.
    let anew = model::Details {
        uncertainty: Some(model::Uncertainty::measure("others", &pairs).unwrap()),
        ..model::Details::default()
    };
    let known = registry.describe_version("v2", anew.clone()).unwrap();
    assert_eq!(known.sidecar.uncertainty, anew.uncertainty);
    let missing = registry.describe_version("v9", anew).unwrap_err();
    assert!(matches!(missing, RegistryError::Unknown { .. }));
}

#[test]
fn a_refused_file_leaves_everything_as_it_was() {
    let folder = folder();
    let registry = &folder.registry;
    let bad = folder.serving.with_file_name("bad.pth");
    fs::write(&bad, b"PK\x03\x04").unwrap();
    assert!(matches!(
        registry.add(&bad, Some("v9")).unwrap_err(),
        RegistryError::Load(_)
    ));
    assert_eq!(registry.list().unwrap(), []);
    // A version that was damaged afterwards is not promoted.
    let added = registry.add(&golden("regressor_h32.pth"), Some("v2")).unwrap();
    fs::write(&added.path, b"PK\x03\x04").unwrap();
    assert!(registry.promote("v2", "v1").is_err());
    assert!(registry.show("v2").unwrap().problem.is_some());
    registry.remove("v2").unwrap();
    assert!(!folder.serving.is_symlink());
}

#[test]
fn names_cannot_leave_the_folder() {
    let folder = folder();
    let registry = &folder.registry;
    for name in ["", "../x", "a/b", ".hidden", "v 1", &"v".repeat(65)] {
        let refused = registry
            .add(&golden("regressor_h32.pth"), Some(name))
            .unwrap_err();
        assert!(matches!(refused, RegistryError::BadVersion(_)), "{name}");
        assert!(
            matches!(registry.show(name).unwrap_err(), RegistryError::BadVersion(_)),
            "{name}"
        );
    }
    let unknown = registry.promote("v9", "v1").unwrap_err().to_string();
    assert_eq!(unknown, "there is no version 'v9'; known: none");
}

#[test]
fn the_built_in_model_is_a_version_like_others() {
    let dir = tempfile::tempdir().unwrap();
    let serving = dir.path().join("models/window_regressor.pth");
    let options = model::LoadOptions {
        built_in_at: Some(serving.clone()),
        ..model::LoadOptions::default()
    };
    let registry = Registry::beside(&serving).with_options(options);
    // There is no folder yet.
    assert_eq!(registry.list().unwrap(), []);
    let built_in = registry.plain("unnamed").unwrap();
    let name = built_in.version.clone();
    assert!(built_in.built_in && built_in.serves && built_in.problem.is_none());
    assert_eq!(registry.show(&name).unwrap(), built_in);
    assert!(matches!(
        registry.remove(&name).unwrap_err(),
        RegistryError::Serving(_)
    ));
    assert!(matches!(
        registry.shadow(&name).unwrap_err(),
        RegistryError::Serving(_)
    ));
    assert!(!serving.parent().unwrap().exists(), "looking creates nothing");
    // What replaces it can be rolled back.
    registry.add(&golden("regressor_h32.pth"), Some("v2")).unwrap();
    assert_eq!(registry.promote("v2", "unnamed").unwrap(), Some(name.clone()));
    assert_eq!(registry.plain("unnamed"), None);
    assert_eq!(registry.rollback().unwrap(), name);
    let served = Model::load(&serving).unwrap();
    assert_eq!(served.sha256(), Model::built_in().unwrap().sha256());
}

#[test]
fn the_built_in_model_can_be_promoted_by_its_name() {
    let dir = tempfile::tempdir().unwrap();
    let serving = dir.path().join("window_regressor.pth");
    let options = model::LoadOptions {
        built_in_at: Some(serving.clone()),
        ..model::LoadOptions::default()
    };
    let registry = Registry::beside(&serving).with_options(options);
    let name = Model::built_in().unwrap().version().to_owned();
    assert_eq!(registry.promote(&name, "unnamed").unwrap(), Some(name.clone()));
    assert!(registry.show(&name).unwrap().serves && serving.is_symlink());
}
