//! What makes a request due, and what is kept for it.
use domain::Quantity;

use super::*;

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
        trigger.observe_clip(
            &id(name),
            clip(second as i64),
            Timestamp::from_millis(second as i64 * 1000),
        );
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
    trigger.observe_clip(&id("a"), clip(1), Timestamp::from_millis(1_000));
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
            trigger.observe_reading(&Reading::new(id(name), quantity, 20.0, at).unwrap(), at);
        }
    }
    let state = trigger.state.lock();
    assert_eq!((state.devices.len(), state.due.len()), (1, 1));
}

#[test]
fn a_backlog_decides_nothing_and_is_the_baseline_of_what_follows() {
    let trigger = trigger(TriggerOptions::default());
    let observe = |millis: i64, received: i64, value: f64| {
        for quantity in [Quantity::Temperature, Quantity::Humidity] {
            let reading = Reading::new(id("a"), quantity, value, Timestamp::from_millis(millis));
            trigger.observe_reading(&reading.unwrap(), Timestamp::from_millis(received));
        }
        let mut state = trigger.state.lock();
        state.due.remove(&id("a")).is_some()
    };
    let day = 86_400_000;
    assert!(observe(0, 0, 20.0), "a first climate");
    for hour in 1..24 {
        assert!(
            !observe(hour * 3_600_000, day + hour, 20.0 + hour as f64),
            "hour {hour}"
        );
    }
    assert!(
        observe(day + 60_000, day + 60_000, 25.0),
        "of now, and far from what was decided on"
    );
}
