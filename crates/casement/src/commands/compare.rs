//! `casement models compare`: compares two versions by their predictions for the same commands.
//!
//! In: two versions, ClickHouse. Out: agreement, differences, confidences and, for commands that somebody corrected,
//! errors; for each device and in total, as a table or as JSON.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use store::{Comparison, ComparisonQuery, PairSums, Store, StoreOptions, VersionSums, total};

use crate::{output::say, table};

/// Time limit: long enough for a month of a large installation, short enough for a person who waits.
const PATIENCE: Duration = Duration::from_mins(2);

/// Returns the time `days` ago, ms.
pub(super) fn days_ago(days: u32) -> i64 {
    jiff::Timestamp::now().as_millisecond() - i64::from(days) * 86_400_000
}

pub(super) const fn query(a: String, b: String, since: i64) -> ComparisonQuery {
    ComparisonQuery {
        a,
        b,
        since,
        until: None,
        tolerance: model::TOLERANCE_POINTS,
    }
}

pub(super) async fn run(options: StoreOptions, query: ComparisonQuery, json: bool) -> anyhow::Result<()> {
    ensure!(query.a != query.b, "compare two different versions");
    let url = options.url.clone();
    let store = Store::new(options)?;
    let sums = async {
        let devices = store.compare(&query).await?;
        Ok::<_, store::StoreError>((devices, store.prediction_sums(&query).await?))
    };
    let (devices, versions) = tokio::time::timeout(PATIENCE, sums)
        .await
        .with_context(|| format!("ClickHouse at {url} does not answer in time"))?
        .with_context(|| format!("ClickHouse at {url} cannot be queried; see clickhouse.addr"))?;
    if json {
        let report = Comparison::of(&query, &devices, versions);
        say!("{}", serde_json::to_string(&report)?);
        return Ok(());
    }
    if devices.is_empty() {
        explain(&query, &versions);
    } else {
        print(&query, &devices, &versions);
    }
    Ok(())
}

/// Explains why there is nothing to compare.
fn explain(query: &ComparisonQuery, versions: &[VersionSums]) {
    let count = |name: &str| {
        let found = versions.iter().find(|version| version.model_version == name);
        found.map_or(0, |version| version.predictions)
    };
    say!(
        "no command for which both predicted: {} has {} predictions, {} has {}. While one serves, let the other \
         predict beside it: casement models shadow {}",
        query.a,
        count(&query.a),
        query.b,
        count(&query.b),
        query.b
    );
}

fn print(query: &ComparisonQuery, devices: &[PairSums], versions: &[VersionSums]) {
    say!(
        "a = {}, b = {}; they agree within {} points; differences and errors in points",
        query.a,
        query.b,
        query.tolerance
    );
    for version in versions {
        say!(
            "{}: {} predictions, mean position {:.1}, mean confidence {:.3}, median {} a prediction",
            version.model_version,
            version.predictions,
            version.position,
            version.confidence,
            if version.inference_time_ms.is_finite() {
                format!("{:.3} ms", version.inference_time_ms)
            } else {
                "? ms".into()
            }
        );
    }
    let all = total(devices);
    let rows = devices.iter().chain((devices.len() > 1).then_some(&all)).map(row);
    let head = [
        "DEVICE",
        "PAIRS",
        "AGREE",
        "MEAN |Δ|",
        "MEAN b−a",
        "MAX |Δ|",
        "CONF a",
        "CONF b",
        "OUTCOMES",
        "ERROR a",
        "ERROR b",
    ];
    say!("\n{}", table::format(head, 1..head.len(), rows));
    say!(
        "\nOutcomes: commands after which a person, not the window's obeying, decided where it stood. The commands \
         were those of the version that served, so its errors are the ones that people saw."
    );
}

fn row(sums: &PairSums) -> [String; 11] {
    let mean = |sum: f64| sum / sums.pairs as f64;
    let error = |sum: f64| match sums.outcomes {
        0 => "?".to_owned(),
        outcomes => format!("{:.2}", sum / outcomes as f64),
    };
    [
        sums.device_id.clone(),
        sums.pairs.to_string(),
        format!("{:.1}%", 100.0 * mean(sums.agreed as f64)),
        format!("{:.2}", mean(sums.abs_difference)),
        format!("{:+.2}", mean(sums.difference)),
        format!("{:.1}", sums.largest),
        format!("{:.3}", mean(sums.confidence_a)),
        format!("{:.3}", mean(sums.confidence_b)),
        sums.outcomes.to_string(),
        error(sums.abs_error_a),
        error(sums.abs_error_b),
    ]
}
