//! The Compose files: valid, hardened, closed to the network, and complete.

use std::{collections::BTreeSet, fs, os::unix::fs::MetadataExt as _};

use serde_json::Value;

use crate::place::{Place, composed, deploy};

const FILES: [&str; 3] = ["compose.yaml", "compose.lan.yaml", "compose.single.yaml"];

fn services(project: &Value) -> Vec<(&str, &Value)> {
    let services = project["services"].as_object().unwrap();
    services
        .iter()
        .map(|(name, service)| (name.as_str(), service))
        .collect()
}

fn list(value: &Value) -> Vec<&Value> {
    value
        .as_array()
        .map(|list| list.iter().collect())
        .unwrap_or_default()
}

#[test]
fn the_specifications_services_start_in_their_order() {
    let place = Place::new();
    let Some(project) = place.project(&["compose.yaml"], "") else {
        return;
    };
    let names: Vec<_> = services(&project).into_iter().map(|(name, _)| name).collect();
    assert_eq!(
        names,
        ["accounts", "backend", "clickhouse", "grafana", "ml", "mosquitto"]
    );
    for (service, needs, condition) in [
        ("mosquitto", "accounts", "service_completed_successfully"),
        ("backend", "mosquitto", "service_healthy"),
        ("backend", "clickhouse", "service_healthy"),
        ("ml", "mosquitto", "service_healthy"),
        ("grafana", "clickhouse", "service_healthy"),
    ] {
        assert_eq!(
            project["services"][service]["depends_on"][needs]["condition"], condition,
            "{service}"
        );
    }
    // All on one network, and what has to outlive a container in a volume.
    for (name, service) in services(&project) {
        let networks = service["networks"].as_object().unwrap();
        assert_eq!(networks.keys().collect::<Vec<_>>(), ["casement"], "{name}");
    }
    for volume in [
        "clickhouse-data",
        "mosquitto-data",
        "mosquitto-log",
        "models",
        "audio",
        "grafana-data",
        "casement-data",
    ] {
        assert!(project["volumes"].get(volume).is_some(), "{volume}");
    }
    let with = |profile| {
        let project = place.project(&["compose.yaml"], profile).unwrap();
        let services = project["services"].as_object().unwrap();
        services.keys().cloned().collect::<BTreeSet<_>>()
    };
    assert!(with("demo").contains("demo") && with("gpu").contains("ml-gpu"));
}

#[test]
fn every_container_is_hardened_and_pinned() {
    let place = Place::new();
    for file in ["compose.yaml", "compose.single.yaml"] {
        let Some(project) = place.project(&[file], "demo,gpu") else {
            return;
        };
        for (name, service) in services(&project) {
            assert_eq!(service["read_only"], true, "{name}");
            assert_eq!(list(&service["cap_drop"]), ["ALL"], "{name}");
            assert_eq!(
                list(&service["security_opt"]),
                ["no-new-privileges:true"],
                "{name}"
            );
            assert!(
                service.get("cap_add").is_none() && service.get("privileged").is_none(),
                "{name}"
            );
            let user = service["user"].as_str().unwrap();
            assert!(
                user.split(':').next().unwrap().parse::<u32>().unwrap() > 0,
                "{name}: {user}"
            );
            assert!(!list(&service["tmpfs"]).is_empty(), "{name}");
            let (_, tag) = service["image"].as_str().unwrap().rsplit_once(':').unwrap();
            assert!(
                tag.contains('.') && tag.starts_with(|c: char| c.is_ascii_digit()),
                "{name}: {tag}"
            );
            let check = &service["healthcheck"];
            let is_one_off = ["accounts", "demo"].contains(&name);
            assert_eq!(
                check["disable"] == true,
                is_one_off,
                "{name} has a health check: {check}"
            );
        }
    }
}

#[test]
fn settings_have_a_file_that_may_be_missing() {
    let place = Place::new();
    for (file, service) in [
        ("compose.yaml", "backend"),
        ("compose.yaml", "ml"),
        ("compose.single.yaml", "casement"),
    ] {
        let settings = place.deploy().join("casement.env");
        let Some(without) = place.project(&[file], "") else {
            return;
        };
        let variable =
            |project: &Value, name: &str| project["services"][service]["environment"].get(name).cloned();
        assert_eq!(variable(&without, "CASEMENT__RETENTION__ERRORS_DAYS"), None);
        // What the file of Compose sets is not the settings' to change.
        fs::write(&settings, "CASEMENT__RETENTION__ERRORS_DAYS=90\nRUST_LOG=trace\n").unwrap();
        let with = place.project(&[file], "").unwrap();
        assert_eq!(
            variable(&with, "CASEMENT__RETENTION__ERRORS_DAYS"),
            Some("90".into()),
            "{service}"
        );
        assert_eq!(variable(&with, "RUST_LOG"), Some("info".into()), "{service}");
        fs::remove_file(&settings).unwrap();
    }
}

#[test]
fn nothing_is_open_beyond_this_machine_until_it_is_asked_for() {
    let place = Place::new();
    let Some(project) = place.project(&["compose.yaml"], "demo,gpu") else {
        return;
    };
    let mut open = 0;
    for (name, service) in services(&project) {
        for port in list(&service["ports"]) {
            assert_eq!(port["host_ip"], "127.0.0.1", "{name}");
            open += 1;
        }
    }
    assert_eq!(open, 4);
    // The network comes in by TLS alone.
    let lan = place.project(&["compose.yaml", "compose.lan.yaml"], "").unwrap();
    let ports: Vec<_> = services(&lan)
        .into_iter()
        .flat_map(|(_, service)| list(&service["ports"]))
        .filter(|port| port["host_ip"] != "127.0.0.1")
        .map(|port| port["target"].as_u64().unwrap())
        .collect();
    assert_eq!(ports, [8443, 8883]);
}

#[test]
fn what_is_mounted_is_there() {
    let place = Place::new();
    let Some(project) = place.project(&["compose.yaml"], "demo") else {
        return;
    };
    for (name, service) in services(&project) {
        for volume in list(&service["volumes"]) {
            let (source, target) = (
                volume["source"].as_str().unwrap(),
                volume["target"].as_str().unwrap(),
            );
            if volume["type"] == "bind" {
                assert!(fs::exists(source).unwrap(), "{name}: {source}");
                assert_eq!(volume["read_only"], true, "{name}: {target}");
            }
        }
        for secret in list(&service["secrets"]) {
            let file = &project["secrets"][secret["source"].as_str().unwrap()]["file"];
            assert!(
                fs::read_to_string(file.as_str().unwrap()).unwrap().len() >= 32,
                "{name}"
            );
        }
    }
    // Grafana's provider looks where the dashboards are mounted, and its data source is this stack's.
    let grafana = &project["services"]["grafana"];
    let mounted = |ending: &str| {
        let volumes = list(&grafana["volumes"]);
        let volume = volumes
            .iter()
            .find(|volume| volume["source"].as_str().unwrap().ends_with(ending));
        volume.expect("it is mounted")["target"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let provider =
        fs::read_to_string(deploy().join("grafana/provisioning/dashboards/casement.yaml")).unwrap();
    let path = format!("path: {}\n", mounted("grafana/dashboards"));
    assert!(provider.contains(&path), "{provider}");
    assert_eq!(mounted("grafana/provisioning"), "/etc/grafana/provisioning");
    let source = fs::read_to_string(deploy().join("grafana/provisioning/datasources/casement.yaml")).unwrap();
    let command = grafana["command"].to_string();
    for part in source.split("${").skip(1) {
        let name = part.split('}').next().unwrap();
        let is_set =
            grafana["environment"].get(name).is_some() || command.contains(&format!("export {name}"));
        assert!(is_set, "{name}");
    }
}

#[test]
fn the_example_has_every_variable_with_its_default() {
    let mut used = BTreeSet::new();
    for file in FILES {
        let text = fs::read_to_string(deploy().join(file)).unwrap();
        for (at, _) in text.match_indices("${") {
            let inner = text[at + 2..].split('}').next().unwrap();
            let end = inner.find([':', '-', '?']).unwrap_or(inner.len());
            let default = inner[end..].strip_prefix(":-").unwrap_or_default();
            used.insert((inner[..end].to_owned(), default.to_owned()));
        }
    }
    assert!(used.len() > 20, "{used:?}");
    let example = fs::read_to_string(deploy().join(".env.example")).unwrap();
    let told: BTreeSet<_> = example
        .lines()
        .filter_map(|line| line.trim_start_matches('#').split_once('='))
        .filter(|(name, _)| !name.contains(' ') && !name.starts_with("COMPOSE_"))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    assert_eq!(told, used);
    // The versions are this one's.
    let version = format!("CASEMENT_VERSION={}", env!("CARGO_PKG_VERSION"));
    assert!(example.contains(&version));
    let dockerfile = fs::read_to_string(deploy().join("Dockerfile")).unwrap();
    let label = format!("image.version=\"{}\"", env!("CARGO_PKG_VERSION"));
    assert_eq!(dockerfile.matches(&label).count(), 2);
}

#[test]
fn a_faulty_file_is_refused() {
    let place = Place::new();
    let text = fs::read_to_string(place.deploy().join("compose.yaml")).unwrap();
    for (right, wrong, said) in [
        ("read_only: true", "readonly: true", "readonly"),
        ("service_healthy}", "service_well}", "condition"),
        (
            "depends_on:\n      accounts:",
            "depends_on:\n      nobody:",
            "nobody",
        ),
        ("secrets: [clickhouse-writer]", "secrets: [none]", "none"),
        ("- casement-data:/", "- nowhere:/", "nowhere"),
    ] {
        assert!(text.contains(right), "{right}");
        fs::write(place.deploy().join("wrong.yaml"), text.replacen(right, wrong, 1)).unwrap();
        let variables = [("SECRETS_GID", "1000")];
        let Some(output) = composed(&place.deploy(), &["wrong.yaml"], &variables) else {
            return;
        };
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(
            !output.status.success() && error.contains(said),
            "{wrong}: {error}"
        );
    }
    // Before setup.sh nothing starts, and it says what to do.
    let output = composed(&place.deploy(), &["compose.yaml"], &[]).unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(
        !output.status.success() && error.contains("run deploy/setup.sh first"),
        "{error}"
    );
}

#[test]
fn setting_up_twice_keeps_every_password() {
    let place = Place::new();
    let names = [
        "clickhouse-admin",
        "clickhouse-writer",
        "clickhouse-reader",
        "grafana-admin",
    ];
    let read = || names.map(|name| place.secret(name));
    let before = read();
    assert_eq!(before.iter().collect::<BTreeSet<_>>().len(), names.len());
    let env = fs::read_to_string(place.deploy().join(".env")).unwrap();
    assert!(!env.contains("SECRETS_GID=\n"), "{env}");
    place.set_up();
    assert_eq!(read(), before);
    assert_eq!(fs::read_to_string(place.deploy().join(".env")).unwrap(), env);
    let mode = |path: &str| fs::metadata(place.deploy().join(path)).unwrap().mode() & 0o777;
    assert_eq!(mode("secrets"), 0o700);
    assert_eq!(mode(".env"), 0o600);
    for name in names {
        assert_eq!(mode(&format!("secrets/{name}")), 0o640, "{name}");
    }
    assert_eq!(mode("secrets/clickhouse-passwords.xml"), 0o640);
}
