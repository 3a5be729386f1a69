//! `casement models compare`: compares two versions by their predictions for the same commands.
//!
//! In: two versions, ClickHouse. Out: agreement, differences, confidences and, for commands that somebody corrected,
//! errors; for each device and in total, as a table or as JSON.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use store::{ComparisonQuery, PairSums, Store, StoreOptions, VersionSums};

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
        say!("{}", report(&query, &devices, &versions));
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

fn total(devices: &[PairSums]) -> PairSums {
    let sum = |pick: fn(&PairSums) -> f64| devices.iter().map(pick).sum();
    let count = |pick: fn(&PairSums) -> u64| devices.iter().map(pick).sum();
    PairSums {
        device_id: "all".into(),
        pairs: count(|d| d.pairs),
        agreed: count(|d| d.agreed),
        abs_difference: sum(|d| d.abs_difference),
        difference: sum(|d| d.difference),
        largest: devices.iter().map(|d| d.largest).fold(0.0, f64::max),
        confidence_a: sum(|d| d.confidence_a),
        confidence_b: sum(|d| d.confidence_b),
        outcomes: count(|d| d.outcomes),
        abs_error_a: sum(|d| d.abs_error_a),
        abs_error_b: sum(|d| d.abs_error_b),
    }
}

fn report(query: &ComparisonQuery, devices: &[PairSums], versions: &[VersionSums]) -> Value {
    let means = |sums: &PairSums| {
        let per = |sum: f64, count: u64| (count > 0).then(|| sum / count as f64);
        json!({
            "pairs": sums.pairs,
            "agreement": per(sums.agreed as f64, sums.pairs),
            "mean_abs_difference": per(sums.abs_difference, sums.pairs),
            "mean_difference": per(sums.difference, sums.pairs),
            "max_abs_difference": sums.largest,
            "confidence_a": per(sums.confidence_a, sums.pairs),
            "confidence_b": per(sums.confidence_b, sums.pairs),
            "outcomes": sums.outcomes,
            "mean_abs_error_a": per(sums.abs_error_a, sums.outcomes),
            "mean_abs_error_b": per(sums.abs_error_b, sums.outcomes),
        })
    };
    let by_device: serde_json::Map<String, Value> = devices
        .iter()
        .map(|sums| (sums.device_id.clone(), means(sums)))
        .collect();
    let since = jiff::Timestamp::from_millisecond(query.since).map(|time| time.to_string());
    json!({
        "a": query.a,
        "b": query.b,
        "since": since.unwrap_or_default(),
        "tolerance": query.tolerance,
        "versions": versions,
        "all": means(&total(devices)),
        "devices": by_device,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_weigh_devices_by_their_commands() {
        let device = |pairs: u64, abs_difference: f64, outcomes: u64| PairSums {
            device_id: pairs.to_string(),
            pairs,
            agreed: pairs,
            abs_difference,
            difference: -abs_difference,
            largest: abs_difference,
            confidence_a: pairs as f64,
            confidence_b: 0.0,
            outcomes,
            abs_error_a: 3.0,
            abs_error_b: 1.0,
        };
        let query = query("v1".into(), "v2".into(), 0);
        let json = report(&query, &[device(1, 8.0, 0), device(3, 4.0, 2)], &[]);
        assert_eq!(json["all"]["pairs"], 4);
        assert_eq!(json["all"]["mean_abs_difference"], 3.0);
        assert_eq!(json["all"]["mean_difference"], -3.0);
        assert_eq!(json["all"]["mean_abs_error_a"], 3.0);
        assert_eq!(json["devices"]["1"]["mean_abs_error_a"], Value::Null);
        let empty = report(&query, &[], &[]);
        assert_eq!(
            (&empty["all"]["pairs"], &empty["all"]["agreement"]),
            (&json!(0), &Value::Null)
        );
    }
}
