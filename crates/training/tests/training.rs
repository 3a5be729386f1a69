//! A small training from end to end: what it learns, that it repeats itself, and that its files are what they should be.

use std::fs;

use domain::{MODEL_AUDIO_INPUTS, Timestamp};
use model::Model;
use training::{
    Epoch, Example, Trained, TrainingError, TrainingOptions, evaluate, plot_evaluation, plot_report, train,
};

/// A number from 0 to 1 that looks drawn, without a generator.
fn drawn(n: usize, stream: u64) -> f64 {
    let mut x =
        (n as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ stream.wrapping_mul(0xd1b5_4a32_d192_ed03);
    for _ in 0..3 {
        x = (x ^ (x >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    }
    (x >> 11) as f64 / (1_u64 << 53) as f64
}

/// Windows that open with the temperature and close with noise; surer in the cold than in the heat.
fn examples(count: usize, devices: usize, stream: u64) -> Vec<Example> {
    (0..count)
        .map(|n| {
            let temperature = 15.0 + 15.0 * drawn(n, stream);
            let loud = drawn(n, stream + 1);
            let mut audio = vec![0.0; MODEL_AUDIO_INPUTS];
            for (i, number) in audio.iter_mut().enumerate() {
                *number = drawn(n * 64 + i, stream + 2);
            }
            audio[0] = 10.0 * loud;
            let noise = (drawn(n, stream + 3) + drawn(n, stream + 4) - 1.0) * (temperature - 14.0) * 2.0;
            let wish = ((temperature - 18.0) * 10.0).max(0.0) * (1.0 - loud);
            Example {
                device_id: format!("room-{}", n % devices),
                timestamp: Timestamp::from_millis(1_735_689_600_000 + n as i64 * 600_000),
                temperature,
                humidity: 40.0 + 20.0 * drawn(n, stream + 5),
                audio: (n % 10 != 0).then_some(audio),
                position: (wish + noise).clamp(0.0, 100.0),
            }
        })
        .collect()
}

fn options() -> TrainingOptions {
    TrainingOptions {
        version: "tiny".into(),
        hidden: vec![16],
        epochs: 14,
        patience: 14,
        batch: 64,
        learning_rate: 1e-2,
        ..TrainingOptions::default()
    }
}

fn run(options: &TrainingOptions) -> (Trained, Vec<Epoch>) {
    let mut seen = Vec::new();
    let trained = train(&examples(1500, 10, 7), options, &mut |epoch| {
        seen.push(epoch.clone());
    });
    (trained.expect("it trains"), seen)
}

#[test]
fn it_learns_repeats_itself_and_writes_what_loads() {
    let (trained, epochs) = run(&options());
    assert_eq!(trained.report.epochs, epochs);
    let (first, last) = (&epochs[0], epochs.last().unwrap());
    assert!(
        last.validation_crps < 0.7 * first.validation_crps && last.loss < first.loss,
        "{first:?} {last:?}"
    );
    let (test, base) = (&trained.report.test, &trained.report.baselines);
    assert!(
        test.errors.mae < base.linear.mae && base.linear.mae < base.constant.mae,
        "{:?} {base:?}",
        test.errors
    );
    // Errors grow with the temperature, so some predictions deserve more trust; it knows which.
    assert!(
        test.auroc.unwrap() > 0.6 && test.brier < test.brier_of_base_rate,
        "{test:?}"
    );

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("tiny.pth");
    fs::write(&path, &trained.pth).unwrap();
    fs::write(
        model::sidecar_path(&path),
        serde_json::to_string(&trained.sidecar).unwrap(),
    )
    .unwrap();
    let model = Model::load(&path).unwrap();
    assert_eq!((model.version(), model.hidden_widths()[0]), ("tiny", 16));

    let (again, _) = run(&options());
    assert!(again.pth == trained.pth && again.report == trained.report);
    let other = TrainingOptions { seed: 2, ..options() };
    assert!(run(&other).0.pth != trained.pth);

    // On outcomes of its own kind it does as well as reported; on others, drift and error tell.
    let fresh = evaluate(&model, &examples(1000, 10, 99)).unwrap();
    assert_eq!(
        (fresh.model_version.as_str(), fresh.drift_against.as_str()),
        ("tiny", "training")
    );
    assert!((fresh.overall.errors.mae - test.errors.mae).abs() < 2.0);
    let psi = |evaluation: &training::Evaluation, group: &str| {
        let found = evaluation.drift.iter().find(|drift| drift.group == group);
        found.unwrap().psi.unwrap()
    };
    assert!(psi(&fresh, "temperature") < 0.1, "{}", psi(&fresh, "temperature"));
    let mut moved = examples(1000, 10, 99);
    for example in &mut moved {
        example.temperature += 4.0;
    }
    let moved = evaluate(&model, &moved).unwrap();
    assert!(psi(&moved, "temperature") > 0.25 && psi(&moved, "humidity") < 0.1);
    assert!(moved.overall.errors.mae > fresh.overall.errors.mae);
    let weeks: usize = moved.weeks.iter().map(|week| week.metrics.count).sum();
    assert!(moved.weeks.len() >= 2 && weeks == 1000);
    assert!(moved.to_string().lines().count() == moved.weeks.len() + 4);

    let plots = dir.path().join("plots");
    plot_report(&trained.report, &plots).unwrap();
    plot_evaluation(&moved, &plots).unwrap();
    for name in ["errors", "reliability", "learning", "weeks", "drift"] {
        let png = fs::read(plots.join(format!("{name}.png"))).unwrap();
        assert!(png.starts_with(b"\x89PNG") && png.len() > 2000, "{name}");
    }
    assert!(
        trained
            .report
            .markdown()
            .contains("| mean absolute error, points | **")
    );
}

#[test]
fn what_cannot_be_learned_is_refused_with_the_reason() {
    let message = |examples: &[Example], options: &TrainingOptions| {
        train(examples, options, &mut |_| ()).unwrap_err().to_string()
    };
    let good = examples(200, 10, 1);
    assert_eq!(
        message(&good[..30], &options()),
        "too few examples: 30, at least 100 are needed"
    );
    let mut constant = good.clone();
    for example in &mut constant {
        example.position = 40.0;
    }
    assert_eq!(
        message(&constant, &options()),
        "every example has the same position, 40: there is nothing to learn"
    );
    let mut broken = good.clone();
    broken[3].humidity = f64::NAN;
    assert!(message(&broken, &options()).starts_with("example 4 (room-3): humidity is NaN"));
    let wild = TrainingOptions {
        learning_rate: 0.0,
        ..options()
    };
    assert_eq!(message(&good, &wild), "the learning rate lies between 0 and 1");
}

#[test]
fn rooms_without_microphones_can_be_learned_too() {
    let mut silent = examples(400, 3, 5);
    for example in &mut silent {
        example.audio = None;
    }
    let short = TrainingOptions {
        epochs: 3,
        ..options()
    };
    let trained = train(&silent, &short, &mut |_| ()).unwrap();
    assert!(Model::from_bytes(&trained.pth).is_ok());
    assert!(matches!(
        evaluate(&Model::from_bytes(&trained.pth).unwrap(), &[]),
        Err(TrainingError::TooFew { .. })
    ));
}
