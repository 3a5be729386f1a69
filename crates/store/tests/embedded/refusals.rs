//! Which failures are blamed on rows, and which on the database.

use domain::Quantity;
use store::{Batch, InsertError, Row, StoreError, Table};

use crate::{
    engine::{Engine, rows_in},
    rows::reading,
};

#[tokio::test]
async fn rows_are_blamed_for_what_they_are_and_the_world_for_the_rest() {
    let directory = tempfile::tempdir().unwrap();
    let mut engine = Engine::start(directory.path());
    let store = engine.store();
    // Before the tables exist nothing can be taken, and nothing is the rows' fault.
    let batch: Batch = [Row::Reading(Quantity::Humidity, reading(0, "a", 50.0))]
        .into_iter()
        .collect();
    assert!(matches!(
        store.insert(&batch, "j/1-1").await,
        Err(InsertError::Unavailable { .. })
    ));
    store.migrate().await.unwrap();

    let constraint = "ALTER TABLE sensor_humidity ADD CONSTRAINT sane CHECK value <= 100";
    engine.client().query(constraint).execute().await.unwrap();
    let rows = [
        Row::Reading(Quantity::Temperature, reading(0, "a", 20.0)),
        Row::Reading(Quantity::Humidity, reading(0, "a", 50.0)),
        Row::Reading(Quantity::Humidity, reading(1, "a", 140.0)),
    ];
    let batch: Batch = rows.iter().cloned().collect();
    let refused = store.insert(&batch, "j/1-3").await;
    let Err(InsertError::Refused {
        table,
        code,
        message,
        stored,
    }) = refused
    else {
        panic!("{refused:?}")
    };
    assert_eq!(
        (table, code, &stored[..]),
        (
            Table::Sensor(Quantity::Humidity),
            469,
            &[Table::Sensor(Quantity::Temperature)][..]
        )
    );
    assert!(message.contains("sane"), "{message}");

    // The halves leave out what is stored.
    let good: Batch = rows[..2].iter().cloned().collect();
    store.insert_except(&good, "j/1-2", &stored).await.unwrap();
    let bad: Batch = rows[2..].iter().cloned().collect();
    assert!(matches!(
        store.insert_except(&bad, "j/3-3", &stored).await,
        Err(InsertError::Refused { .. })
    ));
    for quantity in [Quantity::Temperature, Quantity::Humidity] {
        assert_eq!(rows_in(&engine, Table::Sensor(quantity)).await, 1, "{quantity}");
    }

    // A hundred and more months in one block are refused, too: it would never get better.
    let months =
        (0..130).map(|month| Row::Reading(Quantity::Temperature, reading(-month * 31 * 86_400, "a", 1.0)));
    let months: Batch = months.collect();
    assert!(matches!(
        store.insert(&months, "j/4-133").await,
        Err(InsertError::Refused { code: 252, .. })
    ));

    let newer = "INSERT INTO schema_migrations (version, name, checksum) SETTINGS insert_deduplication_token = 'newer' \
                 VALUES (999, 'later', '')";
    engine.client().query(newer).execute().await.unwrap();
    assert!(matches!(
        store.migrate().await,
        Err(StoreError::SchemaTooNew { found: 999, .. })
    ));

    engine.kill();
    assert!(matches!(
        store.insert(&good, "j/1-2").await,
        Err(InsertError::Unavailable { .. })
    ));
    assert!(matches!(store.devices(1).await, Err(StoreError::Unavailable(_))));
}
