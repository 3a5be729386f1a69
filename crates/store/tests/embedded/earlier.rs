//! Questions to a database that is not brought up yet: a missing table or column is told from a question that is wrong.
#![allow(clippy::unwrap_used)]

use std::{error::Error as _, num::NonZeroU32};

use domain::{DeviceId, Quantity};
use store::{PageQuery, Period, SCHEMA_VERSION, Store, StoreError, Track};

use crate::engine::Engine;

const PERIOD: Period = Period {
    since: 1_761_264_000_000,
    until: 1_761_350_400_000,
};

/// What the API asks, with what becomes of it.
async fn questions(store: &Store) -> Vec<(&'static str, Result<(), StoreError>)> {
    let device = DeviceId::parse("a").unwrap();
    let page = PageQuery {
        period: PERIOD,
        before: None,
        limit: 10,
    };
    let points = NonZeroU32::new(10).unwrap();
    let year = Period {
        since: 1_735_689_600_000,
        ..PERIOD
    };
    vec![
        (
            "device events",
            store.device_events(Some(&device), &page).await.map(drop),
        ),
        ("commands", store.commands(&device, &page).await.map(drop)),
        (
            "command states",
            store.command_states(&device, &["c"]).await.map(drop),
        ),
        (
            "predictions",
            store.predictions(&device, None, &page).await.map(drop),
        ),
        ("clips", store.clips(&device, true, &page).await.map(drop)),
        (
            "ingest errors",
            store.ingest_errors(None, None, &page).await.map(drop),
        ),
        ("audit", store.audit(None, None, &page).await.map(drop)),
        ("knows", store.knows(&device).await.map(drop)),
        ("devices", store.devices(10).await.map(drop)),
        ("readings", store.latest_readings(PERIOD, 10).await.map(drop)),
        ("actions", store.latest_actions(PERIOD, 10).await.map(drop)),
        ("held", store.latest_held(PERIOD, 10).await.map(drop)),
        (
            "history",
            store
                .history(&device, Quantity::Wind, PERIOD, points)
                .await
                .map(drop),
        ),
        (
            "a year",
            store
                .histories(&device, &[Quantity::Temperature, Quantity::Co2], year, 86_400)
                .await
                .map(drop),
        ),
        (
            "sound",
            store.track(&device, Track::Sound, year, points).await.map(drop),
        ),
        ("spectra", store.spectra(&device, year, 86_400).await.map(drop)),
        (
            "minutes of spectra",
            store.spectra(&device, PERIOD, 30).await.map(drop),
        ),
        ("quality", store.quality("v1", year).await.map(drop)),
        ("system metrics", store.system_metrics(PERIOD, 60).await.map(drop)),
    ]
}

fn chain(error: &StoreError) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        text = format!("{text}: {source}");
        next = source.source();
    }
    text
}

#[tokio::test]
async fn what_an_earlier_schema_lacks_is_no_wrong_question() {
    let directory = tempfile::tempdir().unwrap();
    let engine = Engine::start(directory.path());
    let store = engine.store();
    let mut lacking = Vec::new();
    for version in [0, 1, 4, 11, 17, 22, 26, 28, 29, SCHEMA_VERSION] {
        if version > 0 {
            store.migrate_until(version, &|_| {}).await.unwrap();
        }
        let mut missing = 0;
        for (what, answer) in questions(&store).await {
            let Err(error) = answer else { continue };
            assert!(
                error.is_of_another_schema(),
                "{what} at {version}: {}",
                chain(&error)
            );
            missing += 1;
        }
        lacking.push(missing);
    }
    assert!(lacking[0] > 15 && lacking[lacking.len() - 2] > 0, "{lacking:?}");
    assert_eq!(lacking.last(), Some(&0), "{lacking:?}");
    let wrong = engine.client().query("SELEC 1").execute().await.unwrap_err();
    assert!(!StoreError::Query(wrong).is_of_another_schema());
}
