//! The shipped model in rooms it has not met, and hearing what it has never heard.
#![allow(missing_docs, clippy::unwrap_used)]

use std::{path::Path, time::Duration};

use audio::{Extractor, FeatureOptions};
use casement::examples::{heard, simulated};
use model::Model;
use simulator::{
    dataset::{self, DatasetOptions},
    sound::SoundKind,
};
use training::evaluate;

/// The default model was trained on the rooms of seed 1.
const OTHER_ROOMS: u64 = 2;

fn shipped() -> Model {
    Model::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/window_regressor.pth")).unwrap()
}

#[test]
fn its_confidence_is_honest_in_rooms_it_has_not_met() {
    let options = DatasetOptions {
        rooms: 60,
        every: Duration::from_hours(1),
        ..DatasetOptions::new(OTHER_ROOMS)
    };
    let judged = evaluate(&shipped(), &simulated(&options).unwrap())
        .unwrap()
        .overall;
    assert!(judged.count > 5000, "{}", judged.count);
    assert!(judged.ece <= 0.02, "{judged:#?}");
    assert!(
        judged.brier < judged.brier_of_base_rate && judged.auroc.unwrap() > 0.75,
        "{judged:#?}"
    );
    assert!((0.9..=0.99).contains(&judged.coverage_95()), "{judged:#?}");
    assert!(judged.errors.mae < 8.0, "{judged:#?}");
}

#[test]
fn a_smoke_alarm_does_not_come_out_confident() {
    let options = DatasetOptions {
        rooms: 20,
        days: 4,
        alarms: true,
        ..DatasetOptions::new(OTHER_ROOMS)
    };
    let extractor = Extractor::new(FeatureOptions::default()).unwrap();
    let alarms: Vec<_> = dataset::examples(&options)
        .unwrap()
        .filter(|watched| watched.take.kind() == SoundKind::Alarm)
        .map(|watched| heard(&watched, &extractor).unwrap())
        .collect();
    assert!(alarms.len() >= 10, "{}", alarms.len());
    let model = shipped();
    let judged = evaluate(&model, &alarms).unwrap().overall;
    assert!(judged.confidence < 0.2, "{judged:#?}");
    // Each of them, not only on average.
    let surest = judged.reliability.last().unwrap().confidence;
    assert!(surest < 0.5, "{judged:#?}");
}

#[test]
fn the_report_and_the_side_car_belong_to_the_model() {
    let model = shipped();
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/window_regressor.report");
    let text = std::fs::read_to_string(directory.join("report.json")).unwrap();
    let report: training::Report = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (report.sha256.as_str(), report.version.as_str()),
        (model.sha256(), model.version())
    );
    let (ours, base) = (&report.test.errors, &report.baselines);
    assert!(ours.mae < 0.8 * base.linear.mae && ours.mae < 0.8 * base.constant.mae);
    assert_eq!(model.sidecar().unwrap().input_deciles.len(), model.inputs());
    assert_eq!(
        std::fs::read_to_string(directory.join("report.md")).unwrap(),
        report.markdown()
    );
}
