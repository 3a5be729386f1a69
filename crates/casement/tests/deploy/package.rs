//! The Debian package: what it would contain is there, and its configuration is one.

use std::{fs, path::Path, process::Command};

use crate::{place::deploy, support::root};

#[test]
fn every_file_of_the_package_is_there() {
    let manifest = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")).unwrap();
    let assets = manifest
        .split("assets = [")
        .nth(1)
        .unwrap()
        .split("\n]")
        .next()
        .unwrap();
    let mut looked_at = 0;
    for line in assets.lines().filter(|line| line.contains("[\"")) {
        let source = line.split('"').nth(1).unwrap();
        // Made by the build and by scripts/deb.sh.
        if source.starts_with("target/") || source.contains("target/package") {
            continue;
        }
        let path = source.strip_prefix("../../").unwrap();
        let (folder, name) = path.rsplit_once('/').unwrap_or((".", path));
        let (begin, end) = name.split_once('*').unwrap_or((name, ""));
        let found = fs::read_dir(root().join(folder)).unwrap().any(|entry| {
            let name = entry.unwrap().file_name().into_string().unwrap();
            name.starts_with(begin) && name.ends_with(end)
        });
        assert!(found, "{source}");
        looked_at += 1;
    }
    assert!(looked_at > 8);
    for name in ["postinst", "prerm", "postrm"] {
        assert!(deploy().join("debian").join(name).exists(), "{name}");
    }
}

#[test]
fn its_configuration_keeps_everything_below_its_own_directory() {
    let file = deploy().join("debian/casement.yaml");
    let output = Command::new(env!("CARGO_BIN_EXE_casement"))
        .args(["config", "--config"])
        .arg(&file)
        .current_dir(std::env::temp_dir())
        .env_remove("RUST_LOG")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{said}");
    let config: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    for key in [
        "/accounts/path",
        "/registry/path",
        "/journal/path",
        "/broker/path",
        "/engine/path",
        "/audio/storage_path",
    ] {
        let path = config.pointer(key).unwrap().as_str().unwrap();
        assert!(path.starts_with("/var/lib/casement/"), "{key}: {path}");
    }
}
