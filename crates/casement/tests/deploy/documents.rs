//! What the documents of installation and operation say, held against what they speak of.

use std::fs;

use crate::{place::deploy, support::root};

fn text(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

#[test]
fn every_alert_has_its_line_in_the_document() {
    let rules = fs::read_to_string(deploy().join("prometheus/casement.rules.yml")).unwrap();
    let document = text("docs/operate.md");
    let alerts: Vec<_> = rules
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- alert: "))
        .collect();
    assert!(alerts.len() > 5);
    for alert in &alerts {
        assert!(document.contains(&format!("| `{alert}` |")), "{alert}");
    }
    let told = document.lines().filter(|line| line.starts_with("| `Casement"));
    assert_eq!(told.count(), alerts.len(), "an alert that is no more");
}

#[test]
fn the_lines_for_an_esp32_are_those_that_casement_prints() {
    let document = text("docs/esp32.md");
    let mut looked_at = 0;
    for part in document.split("<!-- of ").skip(1) {
        let (file, rest) = part.split_once(" -->").unwrap();
        let template = text(&format!("crates/casement/src/snippets/{file}"))
            .replace("{ID}", "sensor-001")
            .replace("{HOST}", "192.168.1.10")
            .replace("{PORT}", "8883")
            .replace("{URL}", "mqtts://192.168.1.10:8883");
        let printed: Vec<_> = template
            .lines()
            .map(|line| {
                line.trim()
                    .trim_start_matches("//tls:")
                    .trim_start_matches("#tls:")
            })
            .collect();
        let shown = rest.split("```").nth(1).unwrap();
        for line in shown.lines().skip(1).filter(|line| !line.is_empty()) {
            assert!(printed.contains(&line), "{file} has no line '{line}'");
            looked_at += 1;
        }
    }
    assert!(looked_at > 15);
}

#[test]
fn the_files_that_the_documents_name_are_there() {
    for document in [
        "docs/install.md",
        "docs/operate.md",
        "docs/upgrade.md",
        "docs/esp32.md",
    ] {
        for part in text(document).split("](").skip(1) {
            let target = part.split([')', '#']).next().unwrap();
            if target.is_empty() || target.contains("://") {
                continue;
            }
            let path = root().join("docs").join(target);
            assert!(path.exists(), "{document}: {target}");
        }
    }
}
