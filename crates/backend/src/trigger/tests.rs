//! What makes a request due, and what is kept for it.
use domain::Quantity;

use super::*;

/// These readings, and what was decided on of the device `a`.
fn before(readings: &[Reading], decided: Option<(f64, f64)>) -> Before {
    let decided = decided.map(|climate| Decided {
        device_id: id("a"),
        timestamp: Timestamp::from_millis(10_000),
        climate,
    });
    Before {
        readings: readings.to_vec(),
        decisions: decided.into_iter().collect(),
    }
}

/// Takes it up 200 seconds after the beginning, of a device that is in use.
fn settle(trigger: &InferenceTrigger, before: &Before) {
    trigger.settle(before, Timestamp::from_millis(200_000), |_| true);
}

fn trigger(options: TriggerOptions) -> InferenceTrigger {
    InferenceTrigger::new(options, Arc::default())
}

fn id(name: &str) -> DeviceId {
    DeviceId::parse(name).unwrap()
}

fn clip(second: i64) -> RecentClip {
    RecentClip {
        timestamp: Timestamp::from_millis(second * 1000),
        data_base64: "A".repeat(1000).into(),
        sample_rate: 16_000,
        duration_s: 1.0,
        format: AudioFormat::Wav,
        hash: AudioHash::parse(&format!("{second:064x}")).unwrap(),
        features: ClipFeatures {
            version: String::new(),
            sample_rate: 16_000,
            samples: 16_000,
            frames: 32,
            level: None,
            summaries: std::collections::BTreeMap::new(),
        },
    }
}

#[test]
fn clips_are_kept_up_to_a_number_of_bytes() {
    let trigger = trigger(TriggerOptions {
        max_clip_bytes: 2_500,
        ..TriggerOptions::default()
    });
    for (second, name) in ["a", "b", "c", "c"].into_iter().enumerate() {
        trigger.observe_clip(&id(name), clip(second as i64), false);
    }
    let state = trigger.state.lock();
    let kept: Vec<_> = ["a", "b", "c"]
        .map(|name| state.devices[&id(name)].clip.is_some())
        .into();
    assert_eq!((kept, state.clip_bytes), (vec![false, true, true], 2_000));
}

#[tokio::test(start_paused = true)]
async fn old_clips_are_dropped_without_a_request() {
    let trigger = trigger(TriggerOptions::default());
    trigger.observe_clip(&id("a"), clip(1), false);
    tokio::time::advance(Duration::from_mins(9)).await;
    trigger.drop_old_clips();
    assert_eq!(trigger.state.lock().clip_bytes, 1_000);
    tokio::time::advance(Duration::from_mins(2)).await;
    trigger.drop_old_clips();
    assert_eq!(trigger.state.lock().clip_bytes, 0);
}

#[test]
fn invented_devices_do_not_fill_the_memory() {
    let trigger = trigger(TriggerOptions {
        max_devices: 1,
        ..TriggerOptions::default()
    });
    for name in ["a", "b"] {
        for quantity in [Quantity::Temperature, Quantity::Humidity] {
            let at = Timestamp::from_millis(1_000);
            trigger.observe_reading(&Reading::new(id(name), quantity, 20.0, at).unwrap(), false);
        }
    }
    let state = trigger.state.lock();
    assert_eq!((state.devices.len(), state.due.len()), (1, 1));
}

#[test]
fn a_backlog_decides_nothing_and_is_the_baseline_of_what_follows() {
    let trigger = trigger(TriggerOptions::default());
    let observe = |second: i64, value: f64, is_late: bool| {
        for quantity in [Quantity::Temperature, Quantity::Humidity] {
            trigger.observe_reading(&reading(quantity, second, value), is_late);
        }
        is_due(&trigger)
    };
    assert!(observe(0, 20.0, false), "a first climate");
    for hour in 1..24 {
        assert!(!observe(hour * 3_600, 20.0 + hour as f64, true), "hour {hour}");
    }
    assert!(
        observe(86_460, 25.0, false),
        "of now, and far from what was decided on"
    );
}

fn reading(quantity: Quantity, second: i64, value: f64) -> Reading {
    Reading::new(id("a"), quantity, value, Timestamp::from_millis(second * 1000)).unwrap()
}

/// Whether a request is due; it is not due afterwards.
fn is_due(trigger: &InferenceTrigger) -> bool {
    trigger.state.lock().due.remove(&id("a")).is_some()
}

#[test]
fn nothing_decides_before_the_baseline_is_known() {
    let climate = |second, temperature| {
        [
            reading(Quantity::Temperature, second, temperature),
            reading(Quantity::Humidity, second, 50.0),
        ]
    };
    // The baseline's temperature, whether what comes first is late, and whether it moves the window.
    for (known, is_late, moves) in [
        (Some(20.0), false, true),
        (Some(25.0), false, false),
        (Some(20.0), true, false),
        (None, false, true),
        (None, true, false),
    ] {
        let trigger = trigger(TriggerOptions::default());
        trigger.hold();
        for reading in climate(100, 25.0) {
            trigger.observe_reading(&reading, is_late);
        }
        // What is older than the newest that is held is not what counts.
        trigger.observe_reading(&reading(Quantity::Temperature, 50, 5.0), true);
        trigger.observe_clip(&id("a"), clip(50), true);
        assert!(!is_due(&trigger), "held");
        let baseline = known.map(|temperature| climate(10, temperature));
        let readings: Vec<_> = baseline.into_iter().flatten().collect();
        settle(
            &trigger,
            &before(&readings, known.map(|temperature| (temperature, 50.0))),
        );
        assert_eq!(is_due(&trigger), moves, "{known:?}, late: {is_late}");
        trigger.observe_reading(&reading(Quantity::Temperature, 200, 30.0), false);
        assert!(is_due(&trigger), "and then everything decides");
    }
}

#[test]
fn a_clip_that_was_held_decides() {
    let trigger = trigger(TriggerOptions::default());
    trigger.hold();
    trigger.observe_clip(&id("a"), clip(50), false);
    assert!(!is_due(&trigger));
    let known = [
        reading(Quantity::Temperature, 10, 20.0),
        reading(Quantity::Humidity, 10, 50.0),
    ];
    settle(&trigger, &before(&known, Some((20.0, 50.0))));
    assert!(is_due(&trigger));
}

#[test]
fn a_baseline_that_comes_late_changes_nothing_that_was_decided_since() {
    let trigger = trigger(TriggerOptions::default());
    trigger.hold();
    settle(&trigger, &Before::default());
    for quantity in Quantity::CLIMATE {
        trigger.observe_reading(&reading(quantity, 100, 20.0), false);
    }
    assert!(is_due(&trigger));
    trigger.observe_reading(&reading(Quantity::Temperature, 101, 20.4), false);
    let late = before(&[reading(Quantity::Temperature, 10, 5.0)], Some((5.0, 50.0)));
    settle(&trigger, &late);
    assert!(!is_due(&trigger));
    trigger.observe_reading(&reading(Quantity::Temperature, 102, 20.5), false);
    assert!(is_due(&trigger));
}

#[tokio::test(start_paused = true)]
async fn what_was_heard_before_a_start_and_not_decided_on_is_asked_about_once() {
    let climate = |second| {
        [
            reading(Quantity::Temperature, second, 25.0),
            reading(Quantity::Humidity, second, 50.0),
        ]
    };
    for (decided, second, is_in_use, asks) in [
        (Some((20.0, 50.0)), 190, true, true),
        (Some((24.6, 51.9)), 190, true, false),
        // Killed before its first decision.
        (None, 190, true, true),
        (Some((20.0, 50.0)), 190, false, false),
        // Too old to move a window: the next reading does.
        (Some((20.0, 50.0)), -200, true, false),
    ] {
        let case = format!("{decided:?} at {second}, in use: {is_in_use}");
        let trigger = trigger(TriggerOptions::default());
        trigger.hold();
        let known = before(&climate(second), decided);
        for _ in 0..2 {
            trigger.settle(&known, Timestamp::from_millis(200_000), |_| is_in_use);
        }
        let asked = next(&trigger).await;
        let asked = asked.map(|due| match due {
            NextDue::Request { request, .. } => (request.temperature, request.humidity),
            NextDue::Withheld { reason, .. } => panic!("{case}: {reason}"),
        });
        assert_eq!(asked, asks.then_some((25.0, 50.0)), "{case}");
        assert!(next(&trigger).await.is_none(), "{case}");
        for reading in climate(201) {
            trigger.observe_reading(&reading, false);
        }
        let is_owed_still = second < 0 || !is_in_use;
        assert_eq!(next(&trigger).await.is_some(), is_owed_still, "{case}");
    }
}

/// What is due at once; `None` where nothing is within a minute.
async fn next(trigger: &InferenceTrigger) -> Option<NextDue> {
    let next = trigger.next_due(|| Timestamp::from_millis(0));
    tokio::time::timeout(Duration::from_mins(1), next).await.ok()
}

#[tokio::test(start_paused = true)]
async fn a_window_is_not_moved_on_stale_input() {
    let trigger = trigger(TriggerOptions::default());
    let observe = |quantity, second, value| trigger.observe_reading(&reading(quantity, second, value), false);
    observe(Quantity::Temperature, 0, 20.0);
    observe(Quantity::Humidity, 0, 50.0);
    assert!(matches!(
        next(&trigger).await,
        Some(NextDue::Request {
            was_withheld: false,
            ..
        })
    ));
    // Humidity falls silent.
    for minute in 1..=10 {
        tokio::time::advance(Duration::from_mins(1)).await;
        observe(Quantity::Temperature, minute * 60, 20.0);
    }
    observe(Quantity::Temperature, 601, 25.0);
    let Some(NextDue::Withheld { device_id, reason }) = next(&trigger).await else {
        panic!("asked on stale input");
    };
    assert_eq!(device_id, id("a"));
    assert!(reason.starts_with("humidity is 10 min old"), "{reason}");
    observe(Quantity::Temperature, 602, 30.0);
    assert!(next(&trigger).await.is_none(), "told once");
    observe(Quantity::Humidity, 603, 50.0);
    let Some(NextDue::Request {
        request,
        was_withheld,
    }) = next(&trigger).await
    else {
        panic!("fresh input ends it");
    };
    assert!(was_withheld && (request.temperature - 30.0).abs() < 1e-9);
    assert!(next(&trigger).await.is_none());
}

#[tokio::test(start_paused = true)]
async fn readings_of_one_device_come_one_after_another_after_a_start() {
    let trigger = trigger(TriggerOptions::default());
    trigger.hold();
    let known = [
        reading(Quantity::Temperature, 0, 20.0),
        reading(Quantity::Humidity, 0, 50.0),
    ];
    let before = before(&known, Some((20.0, 50.0)));
    trigger.settle(&before, Timestamp::from_millis(7_200_000), |_| true);
    trigger.observe_reading(&reading(Quantity::Temperature, 7_200, 25.0), false);
    tokio::time::advance(Duration::from_secs(1)).await;
    trigger.observe_reading(&reading(Quantity::Humidity, 7_201, 50.0), false);
    assert!(matches!(
        next(&trigger).await,
        Some(NextDue::Request {
            was_withheld: false,
            ..
        })
    ));
}

#[test]
fn a_device_that_is_forgotten_leaves_nothing() {
    let trigger = trigger(TriggerOptions::default());
    trigger.observe_clip(&id("a"), clip(1), false);
    trigger.forget(&id("a"));
    let state = trigger.state.lock();
    assert_eq!(
        (state.devices.len(), state.due.len(), state.clip_bytes),
        (0, 0, 0)
    );
}
