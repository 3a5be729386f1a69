//! Every query of the dashboards, as the datasource plugin sends it: panels, variables, annotations and alerts, at four
//! time ranges, on simulated days, on an empty database, for one device, for an id with a quote.
#![allow(missing_docs, clippy::unwrap_used)]

mod alerts;
mod files;
mod measured;
mod plugin;
mod schema;
mod world;

use std::collections::BTreeMap;

use alerts::alerts;
use files::{Dashboard, Query, dashboards};
use plugin::{Answer, Chosen, RANGES, Range, chosen};
use world::World;

/// The most points of one series.
const POINTS: usize = 2_000;
/// Panels that have nothing to show of the last hour here: decisions are judged after half an hour, and only some are
/// corrected.
const MAYBE_EMPTY: [&str; 6] = [
    "Correction",
    "Window moves",
    "Overrides",
    "Device events",
    "New models",
    "Last refused messages",
];

fn is_time(kind: &str) -> bool {
    kind.contains("DateTime")
}

fn is_text(kind: &str) -> bool {
    kind.contains("String")
}

/// Whether the plugin makes a number of it: of `SimpleAggregateFunction(max, Float64)` it makes a text.
fn is_number(kind: &str) -> bool {
    let inner = kind.strip_prefix("Nullable(").unwrap_or(kind);
    ["Int", "UInt", "Float", "Decimal"]
        .iter()
        .any(|word| inner.starts_with(word))
}

/// A time series has a time, which ascends, labels and numbers, and few points.
fn check_series(query: &Query, range: Range, answer: &Answer) {
    let what = format!("{} over {range:?}", query.name);
    let times: Vec<usize> = (0..answer.types.len())
        .filter(|&column| is_time(&answer.types[column]))
        .collect();
    assert_eq!(times.len(), 1, "{what}: one time, not {:?}", answer.types);
    let labels: Vec<usize> = (0..answer.types.len())
        .filter(|&column| is_text(&answer.types[column]))
        .collect();
    assert!(answer.types.len() > 1 + labels.len(), "{what}: a number");
    for (column, kind) in answer.types.iter().enumerate() {
        assert!(
            times.contains(&column) || labels.contains(&column) || is_number(kind),
            "{what}: {kind} is not plotted"
        );
    }
    let mut points: BTreeMap<Vec<String>, usize> = BTreeMap::new();
    let mut last = String::new();
    for row in &answer.rows {
        let time = row[times[0]].as_str().unwrap_or_default().to_owned();
        assert!(time >= last, "{what}: {time} after {last}");
        last = time;
        let series = labels.iter().map(|&label| row[label].to_string()).collect();
        *points.entry(series).or_default() += 1;
    }
    let most = points.values().max().copied().unwrap_or_default();
    assert!(most <= POINTS, "{what}: {most} points");
}

/// A number, which JSON may write as a text.
fn number(value: &serde_json::Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.parse().ok())
}

fn ask_all(world: &World, dashboards: &[Dashboard], chosen: &Chosen, filled: bool) {
    for query in dashboards.iter().flat_map(Dashboard::queries) {
        for range in RANGES {
            let sql = plugin::expand(&query, range, chosen);
            let answer = world.ask(&query.name, &sql);
            if query.is_table {
                let odd = answer.types.iter().find(|kind| kind.contains("Function"));
                assert!(odd.is_none(), "{}: {odd:?} is shown as a text", query.name);
                assert!(
                    answer.rows.len() <= POINTS,
                    "{}: {} rows",
                    query.name,
                    answer.rows.len()
                );
            } else {
                check_series(&query, range, &answer);
            }
            let may_be_empty = MAYBE_EMPTY.contains(&query.title.as_str());
            if filled && !may_be_empty {
                assert!(
                    !answer.rows.is_empty(),
                    "{} over {range:?} is empty: {sql}",
                    query.name
                );
            }
        }
    }
    for query in alerts() {
        let answer = world.ask(&query.name, &query.sql);
        check_series(&query, RANGES[0], &answer);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_query_answers_as_the_plugin_needs_it() {
    let world = World::empty().await;
    let dashboards = dashboards();
    assert_eq!(dashboards.len(), 4);
    let nobody = chosen(&[]);
    ask_all(&world, &dashboards, &nobody, false);

    world.live_a_month().await;
    let all = chosen(&["room-a", "room-b"]);
    ask_all(&world, &dashboards, &all, true);
    ask_all(&world, &dashboards, &chosen(&["room-b"]), true);
    let quoted = chosen(&["o'brien\\"]);
    ask_all(&world, &dashboards, &quoted, false);

    // The quote chose its device, and nothing else.
    let latest = dashboards
        .iter()
        .flat_map(Dashboard::queries)
        .find(|query| query.title == "Latest values");
    let sql = plugin::expand(&latest.unwrap(), RANGES[1], &quoted);
    let rows = world.ask("Latest values", &sql).rows;
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0][0], "o'brien\\");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_shown_is_what_was_stored() {
    let world = World::empty().await;
    world.live_a_month().await;
    let all = chosen(&["room-a", "room-b"]);
    let dashboards = dashboards();
    let answer = |title: &str, range| {
        let queries: Vec<Query> = dashboards.iter().flat_map(Dashboard::queries).collect();
        let query = queries.iter().find(|query| query.title == title).unwrap();
        world.ask(title, &plugin::expand(query, range, &all))
    };
    // Both devices stand at 21 °C; a mean of means would not show a wrong weight, so one has a spike.
    let temperature = answer("Temperature", RANGES[3]);
    let all_near = temperature
        .rows
        .iter()
        .all(|row| (20.9..21.6).contains(&row[2].as_f64().unwrap()));
    assert!(all_near, "{:?}", temperature.rows);
    let positions = answer("Window positions", RANGES[1]);
    assert_eq!(positions.rows.len(), 2);
    assert!(
        positions.rows.iter().all(|row| row[1].as_f64() == Some(40.0)),
        "{:?}",
        positions.rows
    );
    let spectrum = answer("Spectrum of $one", RANGES[2]);
    assert!(spectrum.rows.len() > 32 * 100 && spectrum.rows.len().is_multiple_of(32));
    for (number, cell) in spectrum.rows.iter().enumerate() {
        let level = -20.0 - (number % 32) as f64;
        assert!(
            (cell[2].as_f64().unwrap() - level).abs() < 1e-3,
            "band {number}: {cell:?}"
        );
    }
    let latest = answer("Latest moves", RANGES[1]);
    let why = |row: &Vec<serde_json::Value>| row[5] == "interlock" && row[6] == "rain";
    assert!(latest.rows.iter().any(why), "{:?}", latest.rows);
    let throughput = answer("Messages a second", RANGES[2]);
    assert!(throughput.rows.iter().any(|row| row[1] == "temperature"));
    // Of twenty predictions four are held.
    let moves = answer("Carried out and held", RANGES[2]);
    let sum = |column: usize| {
        moves
            .rows
            .iter()
            .filter_map(|row| number(&row[column]))
            .sum::<f64>()
    };
    let stored = world.ask(
        "held",
        "SELECT countIf(held), count() FROM ml_predictions \
         WHERE device_id IN ('room-a', 'room-b') AND timestamp > now() - INTERVAL 29 DAY",
    );
    assert!(
        sum(2) >= number(&stored.rows[0][0]).unwrap() && sum(2) < sum(1) / 4.0,
        "{:?}",
        stored.rows
    );
    let distribution = answer("Confidence distribution", RANGES[2]);
    assert_eq!(distribution.rows.len(), 20);
}

#[test]
fn dashboards_are_what_grafana_reads() {
    let (is_good, said) = schema::check(&files::dashboard_files());
    assert!(is_good, "{said}");
}

#[test]
fn what_grafana_cannot_read_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let plain = schema::plain();
    let spoilt: Vec<_> = schema::FAULTS
        .iter()
        .enumerate()
        .map(|(number, fault)| {
            let file = dir.path().join(format!("fault-{number}.json"));
            schema::spoil(&plain, *fault, &file);
            file
        })
        .collect();
    let good = dir.path().join("good.json");
    std::fs::write(&good, plain.to_string()).unwrap();
    let (is_good, said) = schema::check(&[good]);
    assert!(is_good, "{said}");

    let (is_good, said) = schema::check(&spoilt);
    assert!(!is_good);
    for (number, (place, _, told)) in schema::FAULTS.iter().enumerate() {
        let name = format!("fault-{number}.json: ");
        assert!(
            said.lines()
                .any(|line| line.starts_with(&name) && line.contains(told)),
            "{place} as {told}:\n{said}"
        );
    }
}

#[test]
fn dashboards_follow_the_rules() {
    for dashboard in dashboards() {
        dashboard.check();
    }
    alerts::check(&dashboards());
    files::check_that_they_are_generated();
}
