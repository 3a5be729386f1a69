mod answers;
mod motors;
mod nights;
mod restarts;
mod sequences;

use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use domain::{Confidence, Hold, Lasting, Origin, Settings, Source, Wisher};
use registry::Registry;

use super::{outgoing::Outgoing, *};
use crate::{
    InferenceTrigger, TriggerOptions,
    log::{Appended, Backlog, LogError, RepeatKey},
};

const AIRING: Scheduled<'_> = Scheduled {
    name: "air",
    reason: "airing",
};
const NOON: i64 = 1_761_307_200_000;
const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;

#[derive(Debug, Default)]
struct Nowhere;

#[async_trait]
impl Repeats for Nowhere {
    async fn append(&self, _key: Option<RepeatKey>, _rows: Vec<Vec<u8>>) -> Result<Appended, LogError> {
        Ok(Appended::Stored)
    }

    fn backlog(&self) -> Backlog {
        Backlog::default()
    }
}

/// Clocks that a test sets.
#[derive(Debug, Clone, Default)]
struct Hands(Arc<(AtomicI64, AtomicI64)>);

impl Hands {
    fn pass(&self, ms: i64) {
        self.0.0.fetch_add(ms, Ordering::Relaxed);
        self.0.1.fetch_add(ms, Ordering::Relaxed);
    }

    /// Sets the clock on the wall alone.
    fn jump(&self, ms: i64) {
        self.0.0.fetch_add(ms, Ordering::Relaxed);
    }
}

impl Clock for Hands {
    fn read(&self) -> Times {
        Times {
            wall: Timestamp::from_millis(NOON + self.0.0.load(Ordering::Relaxed)),
            steady_ms: self.0.1.load(Ordering::Relaxed),
        }
    }
}

/// Windows whose time and whose messages a test sees.
struct House {
    windows: Windows,
    clock: Hands,
}

impl House {
    /// Windows with these settings.
    async fn with(settings: &str) -> Self {
        let settings: Settings = serde_json::from_str(settings).unwrap();
        let registry = Registry::in_memory();
        let changing = registry.change(move |book| book.set_defaults(settings, None).map(drop));
        changing.await.unwrap();
        Self::around(Hands::default(), registry, None)
    }

    fn at(clock: Hands, file: Option<WindowsFile>) -> Self {
        Self::around(clock, Registry::in_memory(), file)
    }

    fn around(clock: Hands, registry: Arc<Registry>, file: Option<WindowsFile>) -> Self {
        let trigger = Arc::new(InferenceTrigger::new(TriggerOptions::default(), Arc::default()));
        let devices = Devices::new(Duration::from_mins(5), 100);
        devices.status(&room(), true, Timestamp::from_millis(NOON));
        let around = Around {
            setups: Arc::new(Setups::new(registry, trigger, 100)),
            devices: Arc::new(devices),
            feed: Arc::new(Feed::new(Timestamp::from_millis(NOON))),
            log: Arc::new(Nowhere),
            most: 100,
        };
        let windows = Windows::with_clock(around, file, Box::new(clock.clone()));
        Self { windows, clock }
    }

    fn new() -> Self {
        Self::at(Hands::default(), None)
    }

    /// So many seconds pass, with the looks of each.
    fn pass(&self, seconds: i64) {
        for _ in 0..seconds {
            self.clock.pass(SECOND);
            self.windows.examine();
        }
    }

    /// The commands that wait, as they leave.
    fn sent(&self) -> Vec<WindowAction> {
        std::iter::from_fn(|| self.windows.outbox.take())
            .filter_map(|next| match next {
                Outgoing::Command(action) => Some(*action),
                Outgoing::Override(_) => None,
            })
            .collect()
    }

    /// Positions and origins of the commands that wait.
    fn told(&self) -> Vec<(f64, &'static str)> {
        let sent = self.sent();
        sent.iter()
            .map(|action| (action.position.percent(), action.origin.as_str()))
            .collect()
    }

    fn hold(&self, position: f64) {
        let hold = Hold {
            position: percent(position),
            lasting: Lasting::Usual,
        };
        self.windows
            .begin(&room(), hold, &By::new("Anna", Source::Page))
            .unwrap();
    }

    fn report(&self, position: f64) {
        let state = WindowState {
            device_id: room(),
            timestamp: self.clock.read().wall,
            position: percent(position),
            target: None,
            command_id: None,
        };
        self.windows.state(&state, false);
    }

    /// What a model of the specification's fields alone commands.
    fn model(&self, position: f64) {
        self.windows.action(&action(
            Origin::Model("v1".into()),
            position,
            self.clock.read().wall,
        ));
    }

    fn view(&self) -> ControlView {
        self.windows.view(&room()).unwrap()
    }
}

fn room() -> DeviceId {
    DeviceId::parse("room").unwrap()
}

fn percent(value: f64) -> Position {
    Position::new(value).unwrap()
}

fn action(origin: Origin, position: f64, at: Timestamp) -> WindowAction {
    WindowAction {
        device_id: room(),
        timestamp: at,
        position: percent(position),
        confidence: Confidence::new(0.9).unwrap(),
        temperature: 25.0,
        humidity: 50.0,
        audio_features: vec![],
        command_id: None,
        origin,
        inference_time_ms: None,
        audio_hash: None,
        reason: None,
        cause: None,
        expires_at: None,
        contributions: None,
        guard: None,
        wish: None,
    }
}

#[test]
fn a_person_moves_a_window_and_what_the_model_says_meanwhile_is_answered() {
    let house = House::new();
    house.hold(40.0);
    let sent = house.sent();
    assert_eq!(sent.len(), 1);
    assert_eq!(
        (sent[0].position, &sent[0].origin),
        (percent(40.0), &Origin::Person)
    );
    assert!((sent[0].confidence.probability() - 1.0).abs() < 1e-9);
    // It comes back, and is no news.
    assert!(house.windows.action(&sent[0]));
    assert_eq!(house.told(), []);
    house.model(90.0);
    assert_eq!(house.told(), [(40.0, "person")]);
    // A schedule waits.
    let wish = Wish {
        position: percent(70.0),
        of: Wisher::Schedule,
    };
    house.windows.wish(&room(), wish, AIRING);
    assert_eq!(house.told(), []);
    assert_eq!(house.view().verdict.unwrap().why, "override");
    assert!(house.windows.withholds(&room()).is_some());
    // The end moves nothing.
    house.pass(2 * 60 * 60);
    assert_eq!(house.told(), []);
    assert_eq!(house.view().hold, None);
    assert_eq!(house.windows.withholds(&room()), None);
    house.model(90.0);
    assert_eq!(house.told(), []);
    assert_eq!(house.view().target, Some(percent(90.0)));
}

#[tokio::test]
async fn a_model_is_not_asked_only_where_it_can_move_a_window_nowhere() {
    let house = House::new();
    house.model(5.0);
    house.windows.limit(&room(), Cause::ChildLock, percent(10.0));
    assert_eq!(house.windows.withholds(&room()), None);
    // What it wants beyond that is answered.
    house.model(80.0);
    assert_eq!(house.told(), [(10.0, "interlock")]);
    house.windows.limit(&room(), Cause::Rain, Position::SHUT);
    assert_eq!(house.windows.withholds(&room()).unwrap(), "it rains");
    // A window that may not be shut is held by less.
    let house = House::with(r#"{"opening": {"min": 10}, "quiet_hours": []}"#).await;
    house.model(40.0);
    house.windows.limit(&room(), Cause::Wind, percent(10.0));
    assert!(house.windows.withholds(&room()).is_some());
    let quiet = r#"{"quiet_hours": [{"from": "00:00", "until": "00:00"}]}"#;
    let house = House::with(quiet).await;
    assert_eq!(
        house.windows.withholds(&room()).unwrap(),
        "these are its quiet hours"
    );
    house.model(40.0);
    assert!(house.windows.withholds(&room()).is_some());
}

#[tokio::test]
async fn a_retired_device_is_moved_by_nobody() {
    let registry = Registry::in_memory();
    let house = House::around(Hands::default(), Arc::clone(&registry), None);
    house.report(0.0);
    house.hold(40.0);
    assert_eq!(house.told(), [(40.0, "person")]);
    let retire = |is_so: bool| {
        let patch = registry::Patch {
            retired: Some(is_so),
            ..registry::Patch::default()
        };
        registry.change(move |book| book.patch(&room(), patch, None).map(drop))
    };
    retire(true).await.unwrap();
    house.pass(1);
    assert_eq!(house.view().hold, None);
    let hold = Hold {
        position: percent(70.0),
        lasting: Lasting::Usual,
    };
    let refused = house.windows.begin(&room(), hold, &By::new("", Source::Mqtt));
    assert_eq!(refused, Err(WindowError::Retired(room())));
    let wish = Wish {
        position: percent(70.0),
        of: Wisher::Schedule,
    };
    house.windows.wish(&room(), wish, AIRING);
    house.windows.limit(&room(), Cause::Rain, Position::SHUT);
    house.pass(60);
    assert_eq!(house.told(), []);
    retire(false).await.unwrap();
    house.pass(1);
    assert_eq!(house.told(), [(0.0, "interlock")]);
    let stranger = DeviceId::parse("stranger").unwrap();
    let refused = house.windows.begin(&stranger, hold, &By::new("", Source::Mqtt));
    assert_eq!(refused, Err(WindowError::Unknown(stranger)));
}

#[test]
fn what_limits_a_window_that_was_never_told_anything_is_shown() {
    let house = House::new();
    assert_eq!(house.windows.limits(&room()), None);
    house.windows.limit(&room(), Cause::ChildLock, percent(10.0));
    assert_eq!(house.windows.view(&room()), None, "it is no window so far");
    let shown = house.windows.limits(&room()).unwrap();
    assert_eq!((shown.interlocks[0].cause, shown.target), ("child_lock", None));
}

#[test]
fn rain_shuts_at_once_and_gives_back_what_a_person_wanted() {
    let house = House::new();
    house.hold(40.0);
    assert_eq!(house.told(), [(40.0, "person")]);
    house.windows.limit(&room(), Cause::Rain, Position::SHUT);
    house.windows.limit(&room(), Cause::Rain, Position::SHUT);
    assert_eq!(house.told(), [(0.0, "interlock")]);
    assert_eq!(house.view().interlocks[0].cause, "rain");
    let until = Timestamp::from_millis(NOON + 10 * MINUTE);
    house.windows.unlimit(&room(), Cause::Rain, until);
    house.pass(599);
    assert_eq!(house.told(), []);
    house.pass(1);
    assert_eq!(house.told(), [(40.0, "person")]);
    assert!(house.view().interlocks.is_empty());
}

#[test]
fn a_clock_that_jumps_neither_ends_a_span_nor_makes_it_longer() {
    for jump in [3 * 60 * MINUTE, -3 * 60 * MINUTE] {
        let house = House::new();
        house.hold(40.0);
        house.pass(60 * 60);
        house.clock.jump(jump);
        house.pass(59 * 60);
        assert!(house.view().hold.is_some(), "{jump}");
        house.pass(2 * 60);
        assert_eq!(house.view().hold, None, "{jump}");
    }
    // What ends at a time of day ends then, by whatever clock.
    let house = House::new();
    let hold = Hold {
        position: percent(40.0),
        lasting: Lasting::Until(Timestamp::from_millis(NOON + 120 * MINUTE)),
    };
    house
        .windows
        .begin(&room(), hold, &By::new("", Source::Api))
        .unwrap();
    house.clock.jump(180 * MINUTE);
    house.pass(1);
    assert_eq!(house.view().hold, None);
    assert!(matches!(
        house.windows.begin(&room(), hold, &By::new("", Source::Api)),
        Err(WindowError::Past(_))
    ));
}

#[tokio::test]
async fn an_override_that_ends_in_quiet_hours_moves_nothing_until_they_are_over() {
    // Noon of UTC is within them.
    let settings = r#"{"quiet_hours": [{"from": "11:00", "until": "15:00"}], "time_zone": "UTC"}"#;
    let house = House::with(settings).await;
    house.hold(40.0);
    assert_eq!(house.told(), [(40.0, "person")]);
    house.pass(2 * 60 * 60 + 1);
    let view = house.view();
    assert_eq!((view.hold, view.quiet), (None, true));
    let context = house.windows.context(&room());
    let wish = Wish {
        position: percent(90.0),
        of: Wisher::Model,
    };
    assert_eq!(
        context.judge(wish, house.clock.read().wall),
        domain::Verdict::Keep(domain::Keep::Quiet)
    );
    assert_eq!(house.told(), []);
}
