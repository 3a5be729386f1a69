//! The files of `deploy/grafana`.

use std::{fs, path::PathBuf, process::Command};

use serde_json::Value;

/// A query, and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Query {
    pub(crate) title: String,
    /// Dashboard and title.
    pub(crate) name: String,
    pub(crate) sql: String,
    pub(crate) is_table: bool,
    /// The panel that asks it; null for what no panel asks.
    pub(crate) panel: Value,
}

/// One dashboard's JSON.
pub(crate) struct Dashboard {
    file: String,
    body: Value,
}

fn folder() -> PathBuf {
    crate::world::root().join("deploy/grafana")
}

/// The files of the dashboards, by name.
pub(crate) fn dashboard_files() -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder().join("dashboards"))
        .expect("the folder of dashboards")
        .map(|entry| entry.expect("a file").path())
        .collect();
    files.sort();
    files
}

/// The dashboards, by file name.
pub(crate) fn dashboards() -> Vec<Dashboard> {
    let read = |path: &PathBuf| Dashboard {
        file: path.file_name().expect("a name").to_string_lossy().into_owned(),
        body: serde_json::from_str(&fs::read_to_string(path).expect("a text")).expect("JSON"),
    };
    dashboard_files().iter().map(read).collect()
}

fn list<'a>(value: &'a Value, path: &str) -> &'a [Value] {
    value
        .pointer(path)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

impl Dashboard {
    pub(crate) fn uid(&self) -> &str {
        text(&self.body, "uid")
    }

    pub(crate) fn panel_ids(&self) -> Vec<u64> {
        let panels = list(&self.body, "/panels").iter();
        panels.filter_map(|panel| panel["id"].as_u64()).collect()
    }

    fn query(&self, title: &str, target: &Value, panel: &Value) -> Query {
        Query {
            title: title.to_owned(),
            name: format!("{}: {title}", self.file),
            sql: text(target, "rawSql").to_owned(),
            is_table: target["format"] == 1,
            panel: panel.clone(),
        }
    }

    /// The queries of its panels, annotations and variables.
    pub(crate) fn queries(&self) -> Vec<Query> {
        let panels = list(&self.body, "/panels").iter().flat_map(|panel| {
            let targets = list(panel, "/targets").iter();
            targets.map(|target| self.query(text(panel, "title"), target, panel))
        });
        let annotations = list(&self.body, "/annotations/list").iter();
        let annotations = annotations
            .map(|annotation| self.query(text(annotation, "name"), &annotation["target"], &Value::Null));
        let variables = list(&self.body, "/templating/list").iter();
        let variables = variables
            .filter(|variable| variable["type"] == "query")
            .map(|variable| Query {
                sql: text(variable, "query").to_owned(),
                is_table: true,
                ..self.query(text(variable, "name"), variable, &Value::Null)
            });
        panels.chain(annotations).chain(variables).collect()
    }

    /// What a provisioned dashboard needs, and what the dashboard linter asks for.
    pub(crate) fn check(&self) {
        let (file, body) = (&self.file, &self.body);
        assert!(body["id"].is_null() && body["editable"] == false, "{file}");
        assert!(
            body["schemaVersion"]
                .as_u64()
                .is_some_and(|version| version <= 42),
            "{file}"
        );
        assert!(
            text(body, "uid").starts_with("casement-") && !text(body, "title").is_empty(),
            "{file}"
        );
        assert!(body.get("__inputs").is_none(), "{file}");
        let variables = list(body, "/templating/list");
        assert!(
            variables.iter().any(|variable| variable["type"] == "datasource"),
            "{file}"
        );
        let mut ids = vec![];
        for panel in list(body, "/panels")
            .iter()
            .filter(|panel| panel["type"] != "row")
        {
            let what = format!("{file}: {}", text(panel, "title"));
            assert!(
                !text(panel, "title").is_empty() && text(panel, "description").len() > 10,
                "{what}"
            );
            assert_eq!(text(&panel["datasource"], "uid"), "${datasource}", "{what}");
            assert!(
                !text(&panel["fieldConfig"]["defaults"], "unit").is_empty(),
                "{what}"
            );
            let place = |key: &str| {
                panel["gridPos"][key]
                    .as_u64()
                    .unwrap_or_else(|| panic!("{what}: {key}"))
            };
            assert!(place("x") + place("w") <= 24 && place("h") > 0, "{what}");
            let targets = list(panel, "/targets");
            assert!(!targets.is_empty(), "{what}");
            for target in targets {
                assert_eq!(text(&target["datasource"], "uid"), "${datasource}", "{what}");
                assert_eq!(text(target, "editorType"), "sql", "{what}");
                assert!(text(target, "pluginVersion") >= "4", "{what}");
                let kind = if target["format"] == 1 {
                    "table"
                } else {
                    "timeseries"
                };
                assert_eq!(text(target, "queryType"), kind, "{what}");
            }
            ids.push(panel["id"].as_u64().expect("an id"));
        }
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), count, "{file}: ids are unique");
    }
}

/// The files are those that their source writes.
pub(crate) fn check_that_they_are_generated() {
    let output = Command::new("python3")
        .arg("dashboards.py")
        .arg("--check")
        .current_dir(folder())
        .output();
    let output = output.expect("python3 starts");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
