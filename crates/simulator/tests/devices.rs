//! Virtual devices at a real Mosquitto: they join, speak as specified, obey, report and say goodbye.
#![allow(missing_docs, clippy::unwrap_used, clippy::float_cmp)]

mod support;

use std::{collections::BTreeMap, net::TcpListener, sync::Arc, time::Duration};

use domain::{ClipLimits, DeviceId, Position, Quantity, Timestamp};
use mqtt::{BrokerUrl, DeviceStatus, TopicKind};
use simulator::{
    DeliveryLog, Mishaps, Simulation, SimulationOptions,
    delivery_log::{Content, Outcome},
};
use support::{PATIENCE, Watcher, id, now, record, url, wait_until};
use testkit::Mosquitto;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

#[tokio::test(flavor = "multi_thread")]
async fn devices_join_at_once_and_speak_as_specified() {
    let broker = Mosquitto::start().unwrap();
    let mut watcher = Watcher::join(url(&broker)).await;
    let delivery_log = Arc::new(DeliveryLog::new());
    let options = SimulationOptions {
        devices: 3,
        reading_interval: Duration::from_millis(400),
        clip_interval: Duration::from_secs(1),
        delivery_log: Some(Arc::clone(&delivery_log)),
        ..SimulationOptions::new(url(&broker))
    };
    let shutdown = CancellationToken::new();
    let started = now();
    let running = tokio::spawn(simulator::run(options, shutdown.clone()));
    let mut seen: BTreeMap<(DeviceId, TopicKind), usize> = BTreeMap::new();
    let mut stored = Vec::new();
    let readings = Quantity::ALL.map(TopicKind::Reading);
    let wanted = [
        TopicKind::DeviceStatus,
        TopicKind::WindowState,
        TopicKind::Audio,
        TopicKind::Telemetry,
    ];
    while seen.len() < 3 * 5 || seen.values().sum::<usize>() < 60 {
        let (kind, device, payload) = watcher.next().await;
        assert!(readings.contains(&kind) || wanted.contains(&kind), "{kind:?}");
        match kind {
            TopicKind::DeviceStatus => {
                assert_eq!(mqtt::decode_status(&payload).unwrap(), DeviceStatus::Online);
            }
            TopicKind::WindowState => {
                assert!(mqtt::decode_state(device.clone(), &payload).unwrap().timestamp >= started);
            }
            TopicKind::Audio => {
                let clip = mqtt::decode_clip(device.clone(), &payload, &ClipLimits::default())
                    .unwrap()
                    .clip;
                assert_eq!(
                    (clip.sample_rate, clip.duration_s, clip.data.len()),
                    (16_000, 2.0, 64_044)
                );
                assert!((85_000..87_000).contains(&payload.len()), "{}", payload.len());
            }
            _ => {}
        }
        if let Some(record) = record(kind, device.clone(), &payload) {
            // The wall clock, whatever the rooms' time is.
            assert!(record.timestamp >= started && record.timestamp <= now().plus(Duration::from_millis(50)));
            stored.push(record);
        }
        *seen.entry((device, kind)).or_default() += 1;
    }
    shutdown.cancel();
    let mut gone = 0;
    while gone < 3 {
        let (kind, device, payload) = watcher.next().await;
        gone += usize::from(kind == TopicKind::DeviceStatus && payload == b"offline");
        stored.extend(record(kind, device, &payload));
    }
    let summary = timeout(PATIENCE, running).await.unwrap().unwrap().unwrap();
    assert_eq!(summary.devices, 3);
    let published: u64 = (summary.messages.iter())
        .filter(|(kind, _)| matches!(kind, TopicKind::Reading(_) | TopicKind::Audio))
        .map(|(_, counts)| counts.acknowledged)
        .sum();
    assert_eq!(published as usize, delivery_log.count(Outcome::Acknowledged));
    let temperature = summary.of(TopicKind::Reading(Quantity::Temperature));
    assert_eq!(temperature.published, temperature.acknowledged, "{summary}");
    let reconciliation = delivery_log.reconcile(stored);
    assert!(reconciliation.is_consistent(), "{reconciliation:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_travels_to_where_it_is_told_and_ignores_old_and_repeated_commands() {
    let broker = Mosquitto::start().unwrap();
    let mut watcher = Watcher::join(url(&broker)).await;
    let options = SimulationOptions {
        devices: 1,
        speed: 4.0,
        ..SimulationOptions::new(url(&broker))
    };
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(simulator::run(options, shutdown.clone()));
    let room = id("sim-001");
    // It begins anew, which it says by its birth, and then where it stands then.
    let (kind, ..) = watcher.next().await;
    assert_eq!(kind, TopicKind::DeviceStatus);
    let start = watcher.next_state(&room).await.position.percent();
    assert_eq!(start, 0.0);
    let past = Timestamp::from_millis(now().as_millis() - 60_000);
    watcher.command(&room, 100.0, "too-late", Some(past)).await;
    watcher
        .command(&room, 90.0, "open", Some(now().plus(PATIENCE)))
        .await;
    let mut way = vec![start];
    loop {
        let state = watcher.next_state(&room).await;
        if state.command_id.is_none() {
            continue;
        }
        assert_eq!(
            (state.target, state.command_id.as_deref()),
            (Some(Position::new(90.0).unwrap()), Some("open"))
        );
        way.push(state.position.percent());
        if state.position.percent() == 90.0 {
            break;
        }
    }
    // Shut to open takes 20 s, or 5 s at four times the speed, reported each second.
    assert!(way.len() >= 4, "{way:?}");
    assert!(
        way.windows(2).all(|w| w[1] >= w[0] && w[1] - w[0] <= 30.0),
        "{way:?}"
    );
    watcher.command(&room, 10.0, "open", None).await;
    let topic = watcher.topics.topic_for(TopicKind::WindowControl, &room);
    watcher
        .publisher
        .publish_confirmed(topic, "nonsense", mqtt::Qos::AtLeastOnce, false)
        .await
        .unwrap();
    // A party that sends only the specification's fields.
    watcher.command(&room, 80.0, "next", None).await;
    while watcher.next_state(&room).await.target != Some(Position::new(80.0).unwrap()) {}
    shutdown.cancel();
    let commands = timeout(PATIENCE, running)
        .await
        .unwrap()
        .unwrap()
        .unwrap()
        .commands;
    assert_eq!(
        (
            commands.obeyed,
            commands.expired,
            commands.repeated,
            commands.invalid
        ),
        (2, 1, 1, 1)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn people_press_a_switch_and_a_failed_motor_stays_short_of_its_target() {
    let broker = Mosquitto::start().unwrap();
    let mut watcher = Watcher::join(url(&broker)).await;
    let fails = id("fails-001");
    let shutdown = CancellationToken::new();
    let rooms = [
        (
            "pressed-",
            Mishaps {
                wall_switch: Some(Duration::from_millis(500)),
                ..Mishaps::default()
            },
        ),
        (
            "fails-",
            Mishaps {
                motor_failures: 1.0,
                ..Mishaps::default()
            },
        ),
    ];
    let running = rooms.map(|(prefix, mishaps)| {
        let options = SimulationOptions {
            devices: 1,
            id_prefix: prefix.to_owned(),
            speed: 20.0,
            mishaps,
            ..SimulationOptions::new(url(&broker))
        };
        tokio::spawn(simulator::run(options, shutdown.clone()))
    });
    let start = watcher.next_state(&fails).await.position.percent();
    watcher.command(&fails, 100.0, "open", None).await;
    // The switch is the clock: a motor that works would have arrived long before the tenth press.
    let (mut targets, mut way) = (Vec::new(), Vec::new());
    while targets.len() < 10 {
        let (kind, device, payload) = watcher.next().await;
        if kind != TopicKind::WindowState {
            continue;
        }
        let state = mqtt::decode_state(device.clone(), &payload).unwrap();
        let target = state.target.unwrap().percent();
        if device == fails {
            way.push((target, state.position.percent()));
        } else if targets.last() != Some(&target) {
            assert_eq!(state.command_id, None);
            targets.push(target);
        }
    }
    assert!(
        targets[1..]
            .iter()
            .all(|target| *target == 0.0 || *target == 100.0),
        "{targets:?}"
    );
    let (target, end) = *way.last().unwrap();
    assert!(target == 100.0 && end > start && end < 100.0, "{start} {way:?}");
    shutdown.cancel();
    for running in running {
        timeout(PATIENCE, running).await.unwrap().unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn readings_wait_for_a_broker_that_is_away() {
    let mut broker = Mosquitto::start().unwrap();
    let delivery_log = Arc::new(DeliveryLog::new());
    let options = SimulationOptions {
        devices: 2,
        reading_interval: Duration::from_millis(200),
        delivery_log: Some(Arc::clone(&delivery_log)),
        ..SimulationOptions::new(url(&broker))
    };
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(simulator::run(options, shutdown.clone()));
    let acknowledged = || delivery_log.count(Outcome::Acknowledged);
    wait_until(|| acknowledged() >= 8).await;
    broker.restart().unwrap();
    let before = acknowledged();
    wait_until(|| acknowledged() >= before + 8).await;
    shutdown.cancel();
    let summary = timeout(PATIENCE, running).await.unwrap().unwrap().unwrap();
    let temperature = summary.of(TopicKind::Reading(Quantity::Temperature));
    assert_eq!(temperature.dropped + temperature.refused, 0, "{summary}");
    // Nothing was skipped on the way: what is not acknowledged is what was in flight at the end.
    assert!(delivery_log.count(Outcome::Pending) <= 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_says_what_the_offline_simulation_says() {
    let broker = Mosquitto::start().unwrap();
    let mut watcher = Watcher::join(url(&broker)).await;
    let options = SimulationOptions {
        devices: 3,
        seed: 77,
        ..SimulationOptions::new(url(&broker))
    };
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(simulator::run(options.clone(), shutdown.clone()));
    let mut expected = BTreeMap::new();
    for (index, room) in Simulation::new(77, 3).rooms_mut().iter_mut().enumerate() {
        let device = options.device_id(index).unwrap();
        for quantity in room.quantities() {
            let content = Content::value(room.read(quantity));
            expected.insert((device.clone(), quantity.as_str()), content);
        }
    }
    while !expected.is_empty() {
        let (kind, device, payload) = watcher.next().await;
        if let Some(first) = expected.remove(&(device.clone(), kind.as_str())) {
            assert_eq!(record(kind, device, &payload).unwrap().content, first);
        }
    }
    shutdown.cancel();
    timeout(PATIENCE, running).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn without_devices_or_broker_it_still_ends() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for devices in [0, 2] {
        let options = SimulationOptions {
            devices,
            ..SimulationOptions::new(BrokerUrl::tcp("127.0.0.1", nobody.port()))
        };
        let shutdown = CancellationToken::new();
        let running = tokio::spawn(simulator::run(options, shutdown.clone()));
        shutdown.cancel();
        let summary = timeout(Duration::from_secs(5), running)
            .await
            .unwrap()
            .unwrap()
            .unwrap();
        assert_eq!(summary.of(TopicKind::Reading(Quantity::Temperature)).published, 0);
    }
}
