//! What an inspection says of a message is what ingest does with it.
#![allow(missing_docs, clippy::unwrap_used, clippy::float_cmp)]

mod support;

use backend::{Acceptance, BackendOptions, Inspection, Inspector, Message, Passage, Verdict};
use domain::{DeviceId, Quantity, Timestamp};
use mqtt::TopicKind;
use support::{Bench, NOON, reading};

fn message(topic: &str, payload: &[u8]) -> Message {
    Message {
        topic: topic.to_owned(),
        payload: payload.to_vec().into(),
        received_at: Timestamp::from_millis(NOON + 1_000),
        passage: Passage::default(),
    }
}

async fn inspect(topic: &str, payload: &str) -> Inspection {
    let inspector = Inspector::new(&BackendOptions::default()).unwrap();
    inspector
        .inspect(&message(topic, payload.as_bytes()), |_, _| None)
        .await
}

#[tokio::test(start_paused = true)]
async fn an_inspection_and_ingest_agree() {
    let bench = Bench::start();
    let inspector = Inspector::new(&BackendOptions::default()).unwrap();
    let device = DeviceId::parse("room-1").unwrap();
    let mut messages: Vec<(String, String)> = Vec::new();
    for kind in TopicKind::ALL {
        let topic = mqtt::Topics::default().topic_for(kind, &DeviceId::parse("sensor-001").unwrap());
        for example in mqtt::payload_examples(kind) {
            messages.push((topic.clone(), String::from_utf8(example.bytes()).unwrap()));
        }
        for wrong in [
            "",
            "{",
            "[]",
            "7",
            "null",
            r#"{"value": "warm"}"#,
            "{\"timestamp\": 0}",
        ] {
            messages.push((topic.clone(), wrong.to_owned()));
        }
    }
    for (topic, payload) in [
        ("zigbee2mqtt/x", "1"),
        ("sensor/x/temp", "1"),
        ("sensor/a:b/temperature", "1"),
        (
            "sensor/room-1/temperature",
            r#"{"value": 85, "timestamp": "2025-10-24T12:00:00Z"}"#,
        ),
        (
            "sensor/room-1/temperature",
            r#"{"Value": "25,5", "timestamp": 0}"#,
        ),
        (
            "sensor/room-1/humidity",
            r#"{"value": 103, "timestamp": "2025-10-24T12:00:00Z"}"#,
        ),
        (
            "sensor/room-1/humidity",
            r#"{"value": 140, "timestamp": "2025-10-24T12:00:00Z"}"#,
        ),
    ] {
        messages.push((topic.to_owned(), payload.to_owned()));
    }
    for (topic, payload) in messages {
        let previous = bench.backend.devices().get(&device);
        let latest = |id: &DeviceId, quantity: Quantity| {
            let view = previous.as_ref().filter(|_| *id == device)?;
            view.readings.get(&quantity).map(|latest| latest.value)
        };
        let seen = inspector
            .inspect(&message(&topic, payload.as_bytes()), latest)
            .await;
        let taken = bench.send(&topic, &payload).await;
        let expected = match taken {
            Acceptance::Stored | Acceptance::Duplicate => &[Verdict::Accepted, Verdict::Suspect][..],
            Acceptance::Refused(_) => &[Verdict::Refused],
            // What is answered leaves nothing behind.
            Acceptance::Ignored if matches!(seen.kind, Some("time_request" | "alarm")) => {
                &[Verdict::Accepted]
            }
            Acceptance::Ignored => &[Verdict::Ignored, Verdict::Foreign],
            Acceptance::Withheld => &[],
        };
        assert!(
            expected.contains(&seen.verdict),
            "{topic} {payload}: {taken:?}, {seen:?}"
        );
        if let Acceptance::Refused(reason) = taken {
            assert_eq!(seen.reason, Some(reason.as_str()), "{topic} {payload}");
            assert!(seen.detail.is_some());
        }
    }
    let suspects = bench.metric("suspect_readings_total{kind=\"temperature\"}");
    assert_eq!(suspects, 1, "the inspector counts nothing");
}

#[tokio::test]
async fn a_reading_is_told_with_its_value_its_time_and_what_was_forgiven() {
    let seen = inspect(
        "sensor/room-1/temperature",
        r#"{"Value": "77,9", "units": "°F", "timestamp": "2025-10-24 12:00:00 UTC"}"#,
    )
    .await;
    assert_eq!(seen.verdict, Verdict::Accepted);
    assert_eq!(
        (seen.kind, seen.device_id.unwrap().as_str()),
        (Some("temperature"), "room-1")
    );
    let value = seen.value.unwrap();
    assert_eq!((value.value, value.unit), (25.5, "°C"));
    assert_eq!(seen.time.unwrap().clock, "right");
    assert_eq!(seen.repaired.len(), 5, "{:?}", seen.repaired);
    assert_eq!(seen.table.as_deref(), Some("iot.sensor_temperature"));
}

#[tokio::test]
async fn a_clock_that_was_never_set_and_one_that_is_late_are_told() {
    for (stamp, clock, word) in [
        ("0", "unset", "SNTP"),
        (r#""2025-10-24T11:00:00Z""#, "late", "decides only"),
        (r#""2025-10-25T12:00:00Z""#, "ahead", "time zone"),
    ] {
        let payload = format!(r#"{{"value": 21, "timestamp": {stamp}}}"#);
        let time = inspect("sensor/room-1/temperature", &payload).await.time.unwrap();
        assert_eq!(time.clock, clock);
        assert!(time.detail.unwrap().contains(word), "{stamp}");
    }
}

#[tokio::test]
async fn a_suspect_value_depends_on_the_one_before() {
    let inspector = Inspector::new(&BackendOptions::default()).unwrap();
    let hot = message("sensor/room-1/temperature", reading(0, 85.0).as_bytes());
    for (previous, verdict) in [
        (None, Verdict::Suspect),
        (Some(21.0), Verdict::Suspect),
        (Some(80.0), Verdict::Accepted),
    ] {
        let seen = inspector.inspect(&hot, |_, _| previous).await;
        assert_eq!(seen.verdict, verdict, "{previous:?}");
    }
}

#[tokio::test]
async fn a_slip_in_a_topic_is_refused_with_the_topic_that_was_meant() {
    let seen = inspect("home/sensor/x/temp", "{}").await;
    assert_eq!((seen.verdict, seen.reason), (Verdict::Refused, Some("bad_topic")));
    assert!(
        seen.detail
            .unwrap()
            .contains("did you mean `sensor/x/temperature`?")
    );
    assert_eq!(inspect("zigbee2mqtt/x", "{}").await.verdict, Verdict::Foreign);
}

#[tokio::test]
async fn a_refusal_comes_with_the_right_form() {
    let seen = inspect("sensor/x/co2", r#"{"val": 400}"#).await;
    assert!(seen.detail.unwrap().contains("did you mean 'value' by 'val'?"));
    assert_eq!(seen.example.unwrap()["value"], 640.0);
}

#[tokio::test(start_paused = true)]
async fn a_wish_for_a_window_is_refused_as_ingest_refuses_it() {
    let bench = Bench::start();
    let views = bench.backend.views();
    let topic = "window/room-1/set";
    let (wish, past) = (
        r#"{"position": 40}"#,
        r#"{"position": 40, "until": "2001-01-01T00:00:00Z"}"#,
    );
    let agree = async |payload: &str| {
        let seen = views
            .inspector()
            .inspect(&message(topic, payload.as_bytes()), |_, _| None)
            .await;
        let taken = bench.send(topic, payload).await;
        match taken {
            Acceptance::Refused(reason) => assert_eq!(
                (seen.verdict, seen.reason),
                (Verdict::Refused, Some(reason.as_str())),
                "{seen:?}"
            ),
            _ => assert_eq!(seen.verdict, Verdict::Accepted, "{taken:?} {seen:?}"),
        }
        seen
    };
    let unknown = agree(wish).await;
    assert_eq!(unknown.reason, Some("unknown_device"));
    assert!(
        unknown.example.is_none() && unknown.table.is_none(),
        "{unknown:?}"
    );
    assert!(unknown.detail.unwrap().contains("check the id"));
    bench.reading("room-1", "temperature", 0, 21.0).await;
    assert_eq!(agree(wish).await.verdict, Verdict::Accepted);
    assert_eq!(agree(past).await.reason, Some("out_of_range"));
    let room = DeviceId::parse("room-1").unwrap();
    let retiring = views.registry().change(move |book| book.retire(&room)).await;
    assert!(retiring.unwrap());
    assert_eq!(agree(wish).await.reason, Some("retired"));
    // Of no device in particular, nobody can say.
    let alone = inspect(topic, wish).await;
    assert_eq!(alone.verdict, Verdict::Accepted);
    assert!(
        alone.notes.iter().any(|note| note.contains("retired")),
        "{alone:?}"
    );
}
