//! Where things are: what the directory for all data places, and what may not be among the data.

use super::{Config, Reader, sources};

#[test]
fn the_directory_for_all_data_places_everything_and_the_model_where_nothing_else_does() {
    let placed = |yaml: &str| {
        let (_file, sources) = sources(yaml, &[]);
        sources.data(Some("/srv/x".into())).load().unwrap()
    };
    let config = placed("journal: {path: /elsewhere}");
    for (path, name) in [
        (&config.accounts.path, "accounts"),
        (&config.broker.path, "broker"),
        (&config.engine.path, "engine"),
        (&config.journal.path, "journal"),
        (&config.registry.path, "registry"),
    ] {
        assert_eq!(*path, std::path::Path::new("/srv/x").join(name));
    }
    let model = std::path::PathBuf::from("/srv/x/models/window_regressor.pth");
    // There is none at the default in the directory of the tests.
    assert_eq!(config.model.path, model);
    assert_eq!(config.built_in_model_path(), Some(model));
    let named = placed("model: {path: /models/ours.pth}");
    assert_eq!(named.model.path, std::path::Path::new("/models/ours.pth"));
    assert_eq!(named.built_in_model_path(), None);
    assert!(Config::default().built_in_model_path().is_some());
    // Nor are there recordings.
    let recordings = |config: &Config| config.audio.storage_path.clone();
    assert_eq!(recordings(&config), std::path::Path::new("/srv/x/recordings"));
    let elsewhere = placed("audio: {storage_path: /srv/audio}");
    assert_eq!(recordings(&elsewhere), std::path::Path::new("/srv/audio"));
    assert_eq!(
        recordings(&Config::default()),
        std::path::Path::new("./audio_data/")
    );
}

#[test]
fn backups_do_not_go_among_the_data() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let said = |below: &str| {
        let path = dir.path().join(below);
        let (_file, sources) = sources(&format!("backup: {{path: {}}}", path.display()), &[]);
        let loaded = sources.data(Some(data.clone())).load_for(Reader::Up);
        loaded.map(drop).map_err(|error| error.to_string())
    };
    for inside in ["data/engine/backups", "data", "data/elsewhere", "data/journal"] {
        let said = said(inside).unwrap_err();
        assert!(
            said.contains("'backup.path'") && said.contains("data/archives"),
            "{inside}: {said}"
        );
    }
    let around = said("").unwrap_err();
    assert!(around.contains("holds the data directory"), "{around}");
    for elsewhere in ["data/archives", "data/archives/daily", "backups", "data-backups"] {
        assert_eq!(said(elsewhere), Ok(()), "{elsewhere}");
    }
    // Who makes no backups is not concerned.
    let (_file, sources) = sources("backup: {path: ./casement-data/engine}", &[]);
    assert!(sources.load_for(Reader::Ml).is_ok());
}
