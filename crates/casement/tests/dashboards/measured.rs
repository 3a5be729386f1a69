//! `casement bench panels` asks every query of every dashboard. Its times are no subject here.

use std::process::Command;

use serde_json::Value;

use crate::{
    files::dashboards,
    plugin::RANGES,
    world::{World, root},
};

#[tokio::test(flavor = "multi_thread")]
async fn the_bench_asks_every_query_over_every_range() {
    let world = World::empty().await;
    let measure = || {
        Command::new(env!("CARGO_BIN_EXE_casement"))
            .args(["bench", "panels", "--rounds", "1", "--json", "--clickhouse"])
            .arg(world.address().to_string())
            .current_dir(root())
            .output()
            .expect("it runs")
    };
    let nothing = measure();
    let error = String::from_utf8_lossy(&nothing.stderr).into_owned();
    assert!(
        !nothing.status.success() && error.contains("no devices"),
        "{error}"
    );

    world.live_a_month().await;
    let output = measure();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let dashboards = dashboards();
    let queries: usize = dashboards.iter().map(|dashboard| dashboard.queries().len()).sum();
    let of = |key: &str| lines.iter().filter(|line| line[key].is_f64()).count();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(of("ms"), queries * RANGES.len(), "{text}{error}");
    assert_eq!(of("whole_ms"), dashboards.len() * RANGES.len(), "{text}{error}");
    // Success means that every target was met.
    let missed = lines
        .iter()
        .any(|line| line["ms"].as_f64() > line["target_ms"].as_f64())
        || lines.iter().any(|line| line["whole_ms"].as_f64() > Some(1_000.0));
    assert_eq!(output.status.success(), !missed, "{error}");
    let rolled_up = |range: &str| {
        let of_range = lines.iter().filter(|line| line["range"] == range);
        of_range.filter(|line| line["rolled_up"] == true).count()
    };
    assert!(rolled_up("1 y") > rolled_up("1 h") && rolled_up("1 h") > 0);
}
