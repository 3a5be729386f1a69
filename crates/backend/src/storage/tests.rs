//! A keeper and tables in memory: what goes, in which order, and what is said of it.

use parking_lot::Mutex;
use store::Row;

use super::*;
use crate::{
    Devices,
    log::{Appended, Backlog, LogError, RepeatKey},
};

const MARK: u64 = 1_000;

#[derive(Debug)]
struct Tables {
    months: Mutex<Vec<StoredMonth>>,
    free: Mutex<u64>,
    /// Months that the rollups lack.
    lacking: Vec<u32>,
    told: Mutex<Vec<(String, u32)>>,
}

#[async_trait]
impl Storage for Tables {
    async fn months(&self) -> Result<Vec<StoredMonth>, StoreError> {
        Ok(self.months.lock().clone())
    }

    async fn disk(&self) -> Result<Option<Disk>, StoreError> {
        Ok(Some(Disk {
            name: "default".into(),
            free_bytes: *self.free.lock(),
            total_bytes: 1 << 40,
        }))
    }

    async fn is_rolled_up(&self, month: &StoredMonth) -> Result<bool, StoreError> {
        Ok(!self.lacking.contains(&month.month))
    }

    async fn drop_month(&self, month: &StoredMonth) -> Result<(), StoreError> {
        self.months.lock().retain(|known| known != month);
        *self.free.lock() += month.bytes;
        Ok(())
    }

    async fn keep_for(&self, table: &str, _column: &str, days: u32) -> Result<bool, StoreError> {
        self.told.lock().push((table.to_owned(), days));
        Ok(true)
    }
}

/// Keeps every row that is appended.
#[derive(Debug, Default)]
struct Book(Mutex<Vec<Row>>);

#[async_trait]
impl Repeats for Book {
    async fn append(&self, _: Option<RepeatKey>, rows: Vec<Vec<u8>>) -> Result<Appended, LogError> {
        let rows = rows.iter().map(|row| Row::decode(row).expect("a row"));
        self.0.lock().extend(rows);
        Ok(Appended::Stored)
    }

    fn backlog(&self) -> Backlog {
        Backlog::default()
    }
}

impl Book {
    fn reasons(&self) -> Vec<String> {
        let reason = |row: &Row| match row {
            Row::IngestError(row) => Some(row.reason.clone()),
            _ => None,
        };
        self.0.lock().iter().filter_map(reason).collect()
    }
}

struct Scene {
    keeper: Keeper,
    tables: Arc<Tables>,
    book: Arc<Book>,
    state: State,
}

impl Scene {
    fn new(months: &[(&str, u32, u64)], free: u64, lacking: &[u32], options: RetentionOptions) -> Self {
        let month = |(table, month, bytes): &(&str, u32, u64)| StoredMonth {
            table: (*table).to_owned(),
            month: *month,
            rows: 10,
            bytes: *bytes,
        };
        let tables = Arc::new(Tables {
            months: Mutex::new(months.iter().map(month).collect()),
            free: Mutex::new(free),
            lacking: lacking.to_vec(),
            told: Mutex::default(),
        });
        let book = Arc::new(Book::default());
        let log = Arc::clone(&book) as Arc<dyn Repeats>;
        let devices = Arc::new(Devices::new(Duration::from_secs(1), 1));
        let (sender, prepared) = watch::channel(true);
        drop(sender);
        let keeper = Keeper {
            storage: Arc::clone(&tables) as _,
            options,
            vitals: Arc::new(Vitals::new(Arc::clone(&log), devices)),
            log,
            figures: Figures::default(),
            prepared,
        };
        Self {
            keeper,
            tables,
            book,
            state: State::default(),
        }
    }

    async fn look(&mut self) -> Vec<(String, u32)> {
        self.keeper.look(&mut self.state).await.expect("it answers");
        let months = self.tables.months.lock();
        months
            .iter()
            .map(|month| (month.table.clone(), month.month))
            .collect()
    }

    fn reason(&self) -> Option<String> {
        self.keeper.vitals.disk.part().reason
    }
}

fn options(days: &[(Kept, u32)], notice: Duration) -> RetentionOptions {
    RetentionOptions {
        days: days.iter().copied().collect(),
        min_free_bytes: MARK,
        notice,
        ..RetentionOptions::default()
    }
}

fn names(months: &[(&str, u32)]) -> Vec<(String, u32)> {
    months
        .iter()
        .map(|(table, month)| ((*table).to_owned(), *month))
        .collect()
}

#[tokio::test]
async fn old_months_go_after_the_notice_and_where_the_rollups_have_them() {
    let months = [
        ("readings_by_time", 202_001, 5),
        ("sensor_temperature", 202_001, 5),
        ("sensor_temperature", 202_002, 5),
        ("sensor_temperature", 209_901, 5),
        ("window_actions", 202_001, 5),
    ];
    let days = [(Kept::Readings, 30), (Kept::Errors, 7)];
    let mut scene = Scene::new(&months, MARK, &[202_002], options(&days, Duration::from_hours(1)));
    assert_eq!(scene.look().await.len(), 5, "it is only announced");
    assert_eq!(
        *scene.tables.told.lock(),
        names(&[("ingest_errors", 7), ("system_metrics", 0), ("audit_log", 0)]),
        "the database is told once what it removes itself"
    );
    scene.keeper.options.notice = Duration::ZERO;
    let left = [
        ("readings_by_time", 202_001),
        ("sensor_temperature", 202_002),
        ("sensor_temperature", 209_901),
        ("window_actions", 202_001),
    ];
    assert_eq!(scene.look().await, names(&left));
    assert_eq!(scene.book.reasons(), ["removed_by_age"]);
    assert_eq!(scene.reason(), None);
    assert_eq!(scene.tables.told.lock().len(), 3);
}

#[tokio::test]
async fn what_becomes_old_later_goes_without_a_notice() {
    let mut scene = Scene::new(
        &[],
        MARK,
        &[],
        options(&[(Kept::Audio, 1)], Duration::from_hours(1)),
    );
    scene.look().await;
    scene.tables.months.lock().push(StoredMonth {
        table: "sensor_audio".into(),
        month: 202_001,
        rows: 1,
        bytes: 1,
    });
    assert_eq!(scene.look().await, []);
}

#[tokio::test]
async fn a_short_disk_costs_a_month_of_one_table_at_a_look_until_it_has_room() {
    let months = [
        ("readings_by_time", 202_001, 500),
        ("sensor_audio", 202_001, 500),
        ("sensor_humidity", 202_002, 60),
        ("sensor_temperature", 202_001, 30),
        ("sensor_temperature", 202_002, 70),
        ("sensor_temperature", 209_901, 500),
    ];
    let mut scene = Scene::new(&months, MARK - 1, &[202_001], options(&[], Duration::ZERO));
    // 2020-01 is not rolled up.
    assert_eq!(scene.look().await.len(), 6, "it is only announced");
    assert!(scene.reason().expect("it is short").contains("are removed"));
    assert!(
        !scene
            .look()
            .await
            .contains(&("sensor_temperature".into(), 202_002))
    );
    // Above the mark, but not a tenth above it.
    assert!(!scene.look().await.contains(&("sensor_humidity".into(), 202_002)));
    assert_eq!(*scene.tables.free.lock(), MARK + 129);
    assert_eq!(scene.look().await.len(), 4);
    assert_eq!(scene.reason(), None);
    assert_eq!(scene.book.reasons(), ["removed_for_space", "removed_for_space"]);
    // Again short, with nothing left that may go.
    *scene.tables.free.lock() = 3;
    for _ in 0..3 {
        assert_eq!(scene.look().await.len(), 4);
    }
    let reason = scene.reason().expect("it is short");
    assert!(
        reason.contains("3 bytes are free") && reason.contains("nothing is left"),
        "{reason}"
    );
}

#[tokio::test]
async fn without_a_mark_nothing_goes_for_space() {
    let options = RetentionOptions {
        min_free_bytes: 0,
        ..options(&[], Duration::ZERO)
    };
    let mut scene = Scene::new(&[("sensor_temperature", 202_001, 5)], 0, &[], options);
    for _ in 0..3 {
        assert_eq!(scene.look().await.len(), 1);
    }
    assert_eq!(scene.reason(), None);
}
