//! The alert rules that Grafana is provisioned with. A field that is not listed here is an error, as is a missing one.

use std::{collections::BTreeMap, fs};

use serde::Deserialize;

use crate::files::{Dashboard, Query};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct File {
    api_version: u32,
    groups: Vec<Group>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Group {
    org_id: u32,
    name: String,
    folder: String,
    interval: String,
    rules: Vec<Rule>,
}

/// A rule of Grafana's file provisioning.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Rule {
    uid: String,
    title: String,
    condition: String,
    r#for: String,
    no_data_state: State,
    exec_err_state: State,
    dashboard_uid: String,
    panel_id: u64,
    annotations: BTreeMap<String, String>,
    labels: BTreeMap<String, String>,
    data: Vec<Data>,
}

#[derive(Deserialize, PartialEq, Debug)]
enum State {
    #[serde(rename = "OK")]
    Ok,
    Error,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Data {
    ref_id: String,
    datasource_uid: String,
    relative_time_range: Option<Span>,
    model: Model,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Span {
    from: u64,
    to: u64,
}

#[derive(Deserialize)]
#[serde(untagged, deny_unknown_fields, rename_all_fields = "camelCase")]
enum Model {
    Sql {
        ref_id: String,
        editor_type: String,
        plugin_version: String,
        query_type: String,
        format: u32,
        raw_sql: String,
    },
    Reduce {
        ref_id: String,
        r#type: String,
        reducer: String,
        expression: String,
    },
    Threshold {
        ref_id: String,
        r#type: String,
        expression: String,
        conditions: Vec<Condition>,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Condition {
    evaluator: Evaluator,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Evaluator {
    r#type: String,
    params: Vec<f64>,
}

/// What a person wants to be told, by the end of the rule's uid.
const RULES: [&str; 9] = [
    "behind",
    "confidence",
    "disk",
    "drift",
    "journal",
    "offline",
    "refusals",
    "silent",
    "stuck",
];

fn rules() -> Vec<Rule> {
    let file = crate::world::root().join("deploy/grafana/provisioning/alerting/casement.yaml");
    let text = fs::read_to_string(file).expect("the rules");
    let file: File = serde_saphyr::from_str(&text).expect("rules as Grafana reads them");
    assert_eq!((file.api_version, file.groups.len()), (1, 1));
    let group = file.groups.into_iter().next().expect("a group");
    assert_eq!((group.org_id, group.interval.as_str()), (1, "1m"));
    assert!(group.name == "casement" && group.folder == "Casement");
    group.rules
}

impl Rule {
    /// The query of a rule that reduces A to B, and fires by C.
    fn query(&self) -> Query {
        let title = &self.title;
        let [a, b, c] = self.data.as_slice() else {
            panic!("{title}: a query, its reduction, its threshold")
        };
        let refs = [a, b, c].map(|data| data.ref_id.as_str());
        assert_eq!((refs, self.condition.as_str()), (["A", "B", "C"], "C"), "{title}");
        assert_eq!(a.datasource_uid, "casement", "{title}");
        assert!(
            b.datasource_uid == "__expr__" && c.datasource_uid == "__expr__",
            "{title}"
        );
        let range = a.relative_time_range.as_ref().expect("a time range");
        assert!(range.from > range.to, "{title}");
        let Model::Sql {
            ref_id,
            editor_type,
            plugin_version,
            query_type,
            format,
            raw_sql,
        } = &a.model
        else {
            panic!("{title}: A is a query")
        };
        assert!(
            ref_id == "A" && editor_type == "sql" && plugin_version.as_str() >= "4",
            "{title}"
        );
        assert!(query_type == "timeseries" && *format == 0, "{title}");
        let Model::Reduce {
            ref_id,
            r#type,
            reducer,
            expression,
        } = &b.model
        else {
            panic!("{title}: B reduces")
        };
        assert!(
            ref_id == "B" && r#type == "reduce" && reducer == "last" && expression == "A",
            "{title}"
        );
        let Model::Threshold {
            ref_id,
            r#type,
            expression,
            conditions,
        } = &c.model
        else {
            panic!("{title}: C is a threshold")
        };
        assert!(
            ref_id == "C" && r#type == "threshold" && expression == "B",
            "{title}"
        );
        let [Condition { evaluator }] = conditions.as_slice() else {
            panic!("{title}: one condition")
        };
        assert!(["gt", "lt"].contains(&evaluator.r#type.as_str()), "{title}");
        assert_eq!(evaluator.params.len(), 1, "{title}");
        assert!(
            !raw_sql.contains('$'),
            "{title}: alerts know no variables: {raw_sql}"
        );
        Query {
            title: title.clone(),
            name: format!("alert {title}"),
            sql: raw_sql.clone(),
            is_table: false,
            panel: serde_json::Value::Null,
        }
    }
}

/// The queries of the alert rules.
pub(crate) fn alerts() -> Vec<Query> {
    rules().iter().map(Rule::query).collect()
}

/// Every rule says what to do, waits before it fires, and leads to a panel that is there.
pub(crate) fn check(dashboards: &[Dashboard]) {
    let rules = rules();
    let mut names: Vec<&str> = rules
        .iter()
        .map(|rule| rule.uid.trim_start_matches("casement-"))
        .collect();
    names.sort_unstable();
    assert_eq!(names, RULES);
    for rule in &rules {
        let title = &rule.title;
        let summary = rule.annotations.get("summary").expect("a summary");
        assert!(
            summary.matches(". ").count() >= 1,
            "{title} says what is, and what to do: {summary}"
        );
        assert!(
            rule.r#for.ends_with('m') && rule.r#for.len() > 1,
            "{title}: {}",
            rule.r#for
        );
        // A heartbeat's age is a number: no rule waits for a lack of data.
        assert_eq!(
            (&rule.no_data_state, &rule.exec_err_state),
            (&State::Ok, &State::Error),
            "{title}"
        );
        assert_eq!(
            rule.labels.get("system").map(String::as_str),
            Some("casement"),
            "{title}"
        );
        let panels = dashboards
            .iter()
            .filter(|board| board.uid() == rule.dashboard_uid);
        assert!(
            panels
                .flat_map(Dashboard::panel_ids)
                .any(|id| id == rule.panel_id),
            "{title}: its panel"
        );
    }
}
