//! A dashboard's JSON, as far as it is drawn.

use std::{fs, path::Path};

use anyhow::Context as _;
use serde_json::Value;

/// A dashboard.
#[derive(Debug)]
pub(super) struct Dashboard {
    pub(super) title: String,
    pub(super) panels: Vec<Panel>,
}

/// A panel, or the heading of a row.
#[derive(Debug)]
pub(super) struct Panel {
    pub(super) kind: String,
    pub(super) title: String,
    /// Left, top, width and height in Grafana's grid of 24 columns.
    pub(super) place: [u32; 4],
    pub(super) unit: Unit,
    pub(super) range: Option<(f64, f64)>,
    /// `line`, `bars` or `points`.
    pub(super) style: String,
    pub(super) is_stepped: bool,
    /// Columns that are drawn as points, whatever the style.
    pub(super) dotted: Vec<String>,
    pub(super) queries: Vec<String>,
    /// Its JSON.
    pub(super) json: Value,
}

/// How values are written.
#[derive(Debug, Clone)]
pub(super) struct Unit {
    pub(super) name: String,
    pub(super) factor: f64,
}

impl Unit {
    fn of(word: &str) -> Self {
        let (name, factor) = match word {
            "celsius" => ("°C", 1.0),
            "humidity" | "percent" => ("%", 1.0),
            "percentunit" => ("%", 100.0),
            "hertz" => ("Hz", 1.0),
            "bytes" => ("B", 1.0),
            "cps" => ("/s", 1.0),
            "none" | "short" => ("", 1.0),
            other => (other, 1.0),
        };
        Self {
            name: name.to_owned(),
            factor,
        }
    }
}

fn text(value: &Value, pointer: &str) -> String {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

impl Dashboard {
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let json = fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
        let json: Value =
            serde_json::from_str(&json).with_context(|| format!("{} is no JSON", path.display()))?;
        let panels = json["panels"]
            .as_array()
            .with_context(|| format!("{} has no panels", path.display()))?;
        Ok(Self {
            title: text(&json, "/title"),
            panels: panels.iter().map(Panel::new).collect(),
        })
    }

    /// The rows of its grid.
    pub(super) fn height(&self) -> u32 {
        self.panels
            .iter()
            .map(|panel| panel.place[1] + panel.place[3])
            .max()
            .unwrap_or(1)
    }
}

impl Panel {
    fn new(json: &Value) -> Self {
        let place = |key: &str| json["gridPos"][key].as_u64().unwrap_or_default() as u32;
        let defaults = &json["fieldConfig"]["defaults"];
        let unit = Unit::of(&text(defaults, "/unit"));
        let ends = (defaults["min"].as_f64(), defaults["max"].as_f64());
        let queries = json["targets"].as_array().into_iter().flatten();
        Self {
            kind: text(json, "/type"),
            title: text(json, "/title"),
            place: ["x", "y", "w", "h"].map(place),
            range: ends
                .0
                .zip(ends.1)
                .map(|(low, high)| (low * unit.factor, high * unit.factor)),
            unit,
            style: text(defaults, "/custom/drawStyle"),
            is_stepped: text(defaults, "/custom/lineInterpolation") == "stepAfter",
            dotted: dotted(&json["fieldConfig"]["overrides"]),
            queries: queries.map(|target| text(target, "/rawSql")).collect(),
            json: json.clone(),
        }
    }
}

/// The columns of which overrides show points always.
fn dotted(overrides: &Value) -> Vec<String> {
    let is_dotted = |one: &&Value| {
        let mut properties = one["properties"].as_array().into_iter().flatten();
        properties.any(|property| property["id"] == "custom.showPoints" && property["value"] == "always")
    };
    let overrides = overrides.as_array().into_iter().flatten();
    overrides
        .filter(is_dotted)
        .map(|one| text(one, "/matcher/options"))
        .collect()
}
