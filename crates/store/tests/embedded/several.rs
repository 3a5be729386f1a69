//! Several series at once are the same as one after the other, and positions are known before a period begins.

use domain::{DeviceId, Quantity};
use store::{Batch, Period, Row, Series, Track, whole_intervals};

use crate::{
    engine::Engine,
    histories::clip,
    rows::{NOON, command, reading, state},
};

const PERIOD: Period = Period {
    since: NOON + 90_000,
    until: NOON + 12 * 3_600_000,
};
const ASKED: [Quantity; 3] = [Quantity::Humidity, Quantity::Wind, Quantity::Temperature];

#[tokio::test]
async fn several_histories_are_those_of_each() {
    let directory = tempfile::tempdir().unwrap();
    let engine = Engine::start(directory.path());
    let of = |quantity, device, step: i64, base: f64| {
        (0..600).map(move |n| Row::Reading(quantity, reading(n * step, device, base + n as f64)))
    };
    let batch: Batch = of(Quantity::Temperature, "a", 60, 0.0)
        .chain(of(Quantity::Humidity, "a", 20, 1_000.0))
        // Neither another device nor a quantity that was not asked for.
        .chain(of(Quantity::Temperature, "b", 60, 5_000.0))
        .chain(of(Quantity::Co2, "a", 60, 9_000.0))
        .collect();
    let store = engine.store();
    store.migrate().await.unwrap();
    store.insert(&batch, "j/1-1").await.unwrap();
    let device = DeviceId::parse("a").unwrap();
    for interval in [1, 30, 60, 300, 3_600, 43_200, 86_400, 604_800] {
        let period = whole_intervals(PERIOD, interval);
        let found = store.histories(&device, &ASKED, period, interval).await.unwrap();
        for (quantity, found) in ASKED.into_iter().zip(&found) {
            let series = Series::Quantity(quantity);
            let one = store.series(&device, series, period, interval).await.unwrap();
            assert_eq!(found, &one, "{quantity} by {interval} s");
            assert_eq!(
                one.is_empty(),
                quantity == Quantity::Wind,
                "{quantity} by {interval} s"
            );
        }
    }
    assert_eq!(
        store.histories(&device, &[], PERIOD, 60).await.unwrap(),
        Vec::<Vec<_>>::new()
    );
}

#[tokio::test]
async fn several_tracks_are_those_of_each() {
    let directory = tempfile::tempdir().unwrap();
    let engine = Engine::start(directory.path());
    let moves = (0..300).flat_map(|n| {
        let position = f64::from(n % 100);
        let second = i64::from(n) * 120;
        let told = command(NOON + second * 1_000, "a", position, "", &format!("c{n}"));
        [state(second, "a", position), told, state(second, "b", 3.0)]
    });
    let batch: Batch = (0..1_440).map(clip).chain(moves).collect();
    let store = engine.store();
    store.migrate().await.unwrap();
    store.insert(&batch, "j/1-1").await.unwrap();
    let device = DeviceId::parse("a").unwrap();
    let named = Track::NAMED.into_iter().chain([Track::Mfcc(0), Track::Mfcc(9)]);
    let all: Vec<Track> = named.collect();
    for interval in [1, 300, 3_600, 86_400] {
        let found = store.tracks(&device, &all, PERIOD, interval).await.unwrap();
        for (track, found) in all.iter().zip(&found) {
            let series = Series::Track(*track);
            let one = store.series(&device, series, PERIOD, interval).await.unwrap();
            assert_eq!(found, &one, "{series} by {interval} s");
            assert_eq!(one.is_empty(), *track == Track::Mfcc(9), "{series}");
        }
    }
    assert!(store.tracks(&device, &[], PERIOD, 60).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_position_stands_until_the_next_one() {
    let directory = tempfile::tempdir().unwrap();
    let engine = Engine::start(directory.path());
    let batch: Batch = [
        state(0, "a", 5.0),
        state(60, "a", 10.0),
        state(30, "a", 7.0),
        state(90, "b", 90.0),
        command(NOON + 20_000, "a", 12.0, "", "c1"),
    ]
    .into_iter()
    .collect();
    let store = engine.store();
    store.migrate().await.unwrap();
    store.insert(&batch, "j/1-1").await.unwrap();
    let before = async |device: &str, second: i64| {
        let device = DeviceId::parse(device).unwrap();
        store
            .positions_before(&device, NOON + second * 1_000)
            .await
            .unwrap()
    };
    assert_eq!(before("a", 0).await, [None, None]);
    assert_eq!(before("a", 20).await, [Some(5.0), None]);
    assert_eq!(before("a", 60).await, [Some(7.0), Some(12.0)]);
    assert_eq!(before("a", 1_000_000).await, [Some(10.0), Some(12.0)]);
    assert_eq!(before("c", 1_000_000).await, [None, None]);
}
