//! Every query of the dashboards, as the datasource plugin sends it: panels, variables, annotations and alerts, at four
//! time ranges, on simulated days, on an empty database, for one device, for an id with a quote.
#![allow(missing_docs, clippy::unwrap_used)]

mod files;
mod plugin;
mod world;

use std::collections::BTreeMap;

use files::{Dashboard, Query, alerts, dashboards};
use plugin::{Answer, Chosen, RANGES, Range};
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
        let number = ["Int", "Float", "Decimal"].iter().any(|word| kind.contains(word));
        assert!(
            times.contains(&column) || labels.contains(&column) || number,
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

fn ask_all(world: &World, dashboards: &[Dashboard], chosen: &Chosen, filled: bool) {
    for query in dashboards.iter().flat_map(Dashboard::queries) {
        for range in RANGES {
            let sql = plugin::expand(&query.sql, range, chosen);
            let answer = world.ask(&query.name, &sql);
            if query.is_table {
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
        assert!(
            !query.sql.contains('$'),
            "{}: alerts know no variables: {}",
            query.name,
            query.sql
        );
        let answer = world.ask(&query.name, &query.sql);
        check_series(&query, RANGES[0], &answer);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_query_answers_as_the_plugin_needs_it() {
    let world = World::empty().await;
    let dashboards = dashboards();
    assert_eq!(dashboards.len(), 4);
    let nobody = Chosen::of(&[]);
    ask_all(&world, &dashboards, &nobody, false);

    world.live_a_month().await;
    let all = Chosen::of(&["room-a", "room-b"]);
    ask_all(&world, &dashboards, &all, true);
    ask_all(&world, &dashboards, &Chosen::of(&["room-b"]), true);
    let quoted = Chosen::of(&["o'brien\\"]);
    ask_all(&world, &dashboards, &quoted, false);

    // The quote chose its device, and nothing else.
    let latest = dashboards
        .iter()
        .flat_map(Dashboard::queries)
        .find(|query| query.title == "Latest values");
    let sql = plugin::expand(&latest.unwrap().sql, RANGES[1], &quoted);
    let rows = world.ask("Latest values", &sql).rows;
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0][0], "o'brien\\");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_shown_is_what_was_stored() {
    let world = World::empty().await;
    world.live_a_month().await;
    let all = Chosen::of(&["room-a", "room-b"]);
    let dashboards = dashboards();
    let answer = |title: &str, range| {
        let queries: Vec<Query> = dashboards.iter().flat_map(Dashboard::queries).collect();
        let query = queries.iter().find(|query| query.title == title).unwrap();
        world.ask(title, &plugin::expand(&query.sql, range, &all))
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
    let throughput = answer("Messages a second", RANGES[2]);
    assert!(throughput.rows.iter().any(|row| row[1] == "temperature"));
    let distribution = answer("Confidence distribution", RANGES[2]);
    assert_eq!(distribution.rows.len(), 20);
}

#[test]
fn dashboards_follow_the_rules() {
    for dashboard in dashboards() {
        dashboard.check();
    }
    files::check_that_they_are_generated();
}
