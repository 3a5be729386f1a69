//! The dashboards, checked by the types that Grafana publishes (`@grafana/schema`), with TypeScript.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Value, json};

fn folder() -> PathBuf {
    crate::world::root().join("crates/casement/tests/dashboards/schema")
}

/// Returns whether the files are without fault, and what was said of them.
pub(crate) fn check(files: &[PathBuf]) -> (bool, String) {
    assert!(
        folder().join("node_modules/stamp").exists(),
        "Grafana's types are missing: make clients"
    );
    let output = Command::new("node")
        .arg("check.mjs")
        .args(files)
        .current_dir(folder())
        .output()
        .expect("node starts");
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    (output.status.success(), text.into_owned())
}

/// A fault: where it is, what stands there, and what of it is said.
pub(crate) const FAULTS: [(&str, &str, &str); 14] = [
    ("/refresh", r#""often""#, "dashboard"),
    ("/inputs", "[]", "'\"inputs\"' does not exist"),
    ("/links/0/type", r#""page""#, "DashboardLinkType"),
    ("/panels/0/type", r#""graph""#, "\"graph\""),
    (
        "/panels/0/gridPos/w",
        r#""12""#,
        "not assignable to type 'number'",
    ),
    ("/panels/0/heigth", "3", "'\"heigth\"' does not exist"),
    ("/panels/0/options/colorMode", r#""loud""#, "\"loud\""),
    (
        "/panels/0/options/colourMode",
        r#""value""#,
        "'\"colourMode\"' does not exist",
    ),
    ("/panels/0/targets/0/queryType", r#""sql""#, "\"sql\""),
    (
        "/panels/0/fieldConfig/defaults/unit",
        "7",
        "not assignable to type 'string'",
    ),
    (
        "/panels/0/fieldConfig/defaults/custom",
        r#"{"lineWdth": 1}"#,
        "to type 'never'",
    ),
    (
        "/panels/0/fieldConfig/overrides",
        r#"[{"matcher": {"id": "byName", "options": "a"}, "properties": [{"id": "unit", "value": 1}]}]"#,
        "not assignable to type 'string'",
    ),
    ("/templating/list/0/refresh", r#""onLoad""#, "VariableRefresh"),
    (
        "/annotations/list/0/colour",
        r#""red""#,
        "'\"colour\"' does not exist",
    ),
];

/// Writes a copy of `dashboard` with one fault to `file`.
pub(crate) fn spoil(dashboard: &Value, (place, value, _): (&str, &str, &str), file: &Path) {
    let mut spoilt = dashboard.clone();
    let (parent, key) = place.rsplit_once('/').expect("a path");
    let parent = spoilt.pointer_mut(parent).expect("the place is there");
    parent[key] = serde_json::from_str(value).expect("JSON");
    fs::write(file, spoilt.to_string()).expect("a file");
}

/// A dashboard of one panel of its own, without fault.
pub(crate) fn plain() -> Value {
    let source = json!({"type": "grafana-clickhouse-datasource", "uid": "${datasource}"});
    let target = json!({
        "refId": "A", "datasource": source, "editorType": "sql", "pluginVersion": "4.14.1", "queryType": "table",
        "format": 1, "rawSql": "SELECT 1",
    });
    json!({
        "uid": "a", "title": "A", "description": "One number", "schemaVersion": 39, "refresh": "30s",
        "links": [{
            "type": "dashboards", "tags": [], "asDropdown": false, "includeVars": true, "keepTime": true, "title": "",
            "icon": "external link", "targetBlank": false, "tooltip": "", "url": "",
        }],
        "panels": [{
            "type": "stat", "id": 1, "title": "One", "description": "One number", "datasource": source,
            "gridPos": {"x": 0, "y": 0, "w": 12, "h": 4}, "targets": [target], "options": {"colorMode": "value"},
            "fieldConfig": {"defaults": {"unit": "none"}, "overrides": []},
        }],
        "templating": {"list": [{"type": "datasource", "name": "datasource", "refresh": 1}]},
        "annotations": {"list": [{
            "name": "None", "datasource": source, "enable": true, "iconColor": "red", "type": "dashboard", "target": target,
        }]},
    })
}
