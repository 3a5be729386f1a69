//! The queries of a dashboard's JSON.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, ensure};
use serde_json::Value;

/// A query of a panel, an annotation or a variable.
#[derive(Debug, Clone)]
pub(super) struct Query {
    pub(super) title: String,
    pub(super) sql: String,
    /// The panel that asks it; null for annotations and variables.
    pub(super) panel: Value,
}

/// A dashboard: everything that a browser asks for when it is opened.
#[derive(Debug)]
pub(super) struct Dashboard {
    pub(super) title: String,
    pub(super) queries: Vec<Query>,
}

/// Reads the dashboards of a folder, by file name.
pub(super) fn read(folder: &Path) -> anyhow::Result<Vec<Dashboard>> {
    let entries = fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))?;
    let mut files = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    ensure!(
        !files.is_empty(),
        "{} has no dashboards; --dashboards names the folder",
        folder.display()
    );
    let read = |file: &PathBuf| {
        let named = || file.display().to_string();
        let body: Value =
            serde_json::from_str(&fs::read_to_string(file).with_context(named)?).with_context(named)?;
        anyhow::Ok(Dashboard {
            title: text(&body, "title").to_owned(),
            queries: queries(&body),
        })
    };
    files.iter().map(read).collect()
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

fn queries(body: &Value) -> Vec<Query> {
    let query = |title: &str, sql: &str, panel: &Value| Query {
        title: title.to_owned(),
        sql: sql.to_owned(),
        panel: panel.clone(),
    };
    let panels = list(body, "/panels").iter().flat_map(|panel| {
        let targets = list(panel, "/targets").iter();
        targets.map(|target| query(text(panel, "title"), text(target, "rawSql"), panel))
    });
    let annotations = list(body, "/annotations/list").iter().map(|annotation| {
        let sql = text(&annotation["target"], "rawSql");
        query(text(annotation, "name"), sql, &Value::Null)
    });
    let variables = list(body, "/templating/list").iter();
    let variables = variables
        .filter(|variable| variable["type"] == "query")
        .map(|variable| {
            query(
                &format!("${}", text(variable, "name")),
                text(variable, "query"),
                &Value::Null,
            )
        });
    panels
        .chain(annotations)
        .chain(variables)
        .filter(|query| !query.sql.is_empty())
        .collect()
}
