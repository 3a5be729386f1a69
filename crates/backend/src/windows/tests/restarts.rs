//! What survives a restart, and what settings say.

use super::*;

#[tokio::test]
async fn what_a_person_wants_survives_a_restart_when_it_is_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Hands::default();
    let open = || WindowsFile::open(dir.path()).unwrap();
    let house = House::at(clock.clone(), Some(open()));
    let windows = Arc::new(house.windows);
    let drain = CancellationToken::new();
    let running = tokio::spawn(Arc::clone(&windows).run(drain.clone()));
    let hold = Hold {
        position: percent(40.0),
        lasting: Lasting::For(Duration::from_hours(3)),
    };
    windows
        .hold(&room(), hold, &By::new("Anna", Source::Page))
        .await
        .unwrap();
    windows.limit(&room(), Cause::Rain, Position::SHUT);
    // As at kill -9: nothing else is written.
    let kept = std::fs::read_to_string(dir.path().join("windows.json")).unwrap();
    assert!(kept.contains("Anna"), "{kept}");
    drain.cancel();
    running.await.unwrap();
    drop(windows);
    // An hour passes while nobody runs; then the clock says that it is a year ago.
    clock.jump(60 * MINUTE);
    let house = House::at(clock.clone(), Some(open()));
    let view = house.view();
    let hold = view.hold.unwrap();
    assert_eq!((hold.position, hold.by.as_str()), (percent(40.0), "Anna"));
    assert_eq!(hold.until, Some(Timestamp::from_millis(NOON + 180 * MINUTE)));
    assert_eq!(view.interlocks.len(), 1);
    assert_eq!(view.target, Some(Position::SHUT));
    drop(house);
    clock.jump(-365 * 24 * 60 * MINUTE);
    let house = House::at(clock.clone(), Some(open()));
    let until = house.view().hold.unwrap().until.unwrap();
    assert_eq!(until.millis_since(clock.read().wall), 180 * MINUTE);
}

#[tokio::test]
async fn that_nobody_holds_a_window_any_more_is_told_after_a_start() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Hands::default();
    let open = || WindowsFile::open(dir.path()).unwrap();
    let house = House::at(clock.clone(), Some(open()));
    house.hold(40.0);
    house
        .windows
        .end(&room(), &By::new("Anna", Source::Page))
        .unwrap();
    // A window that nobody ever held.
    let other = WindowState {
        device_id: DeviceId::parse("other").unwrap(),
        timestamp: clock.read().wall,
        position: percent(10.0),
        target: None,
        command_id: None,
    };
    house.windows.state(&other, false);
    let drain = CancellationToken::new();
    drain.cancel();
    let windows = Arc::new(house.windows);
    Arc::clone(&windows).run(drain.clone()).await;
    drop(windows);
    // Neither start knows what the broker kept of what was said before it.
    for _ in 0..2 {
        let house = House::at(clock.clone(), Some(open()));
        house.windows.tell_overrides();
        let told: Vec<DeviceId> = std::iter::from_fn(|| house.windows.outbox.take())
            .filter_map(|next| match next {
                Outgoing::Override(device_id) => Some(device_id),
                Outgoing::Command(_) => None,
            })
            .collect();
        assert_eq!(told, [room()]);
        assert_eq!(house.windows.notice(&room()).unwrap().hold, None);
        house.report(20.0);
        let windows = Arc::new(house.windows);
        Arc::clone(&windows).run(drain.clone()).await;
    }
}

/// What is to be written is.
async fn kept(house: House) {
    let drain = CancellationToken::new();
    drain.cancel();
    Arc::new(house.windows).run(drain).await;
}

#[tokio::test]
async fn beside_a_file_of_a_newer_program_a_wish_survives_all_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("windows.json");
    let clock = Hands::default();
    let open = || WindowsFile::open(dir.path()).unwrap();
    let house = House::at(clock.clone(), Some(open()));
    house.hold(40.0);
    house.windows.note_alarms(&[room()].into());
    kept(house).await;
    let before = std::fs::read(&path).unwrap();
    let newer = r#"{"program": "9.1.0", "format": 2, "panes": {}}"#;
    std::fs::write(&path, newer).unwrap();
    for position in [60.0, 70.0] {
        let house = House::at(clock.clone(), Some(open()));
        let part = house.windows.keeping().part();
        let reason = part.reason.unwrap();
        assert!(
            reason.contains("9.1.0") && reason.contains("left as it is"),
            "{reason}"
        );
        house.hold(position);
        kept(house).await;
        let house = House::at(clock.clone(), Some(open()));
        assert_eq!(house.view().hold.unwrap().position, percent(position));
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), newer);
    // The earlier file is put back.
    std::fs::write(&path, before).unwrap();
    for _ in 0..2 {
        let house = House::at(clock.clone(), Some(open()));
        assert_eq!(house.view().hold.unwrap().position, percent(70.0));
        assert_eq!(house.windows.alarms(), Some([room()].into()));
        assert_eq!(house.windows.keeping().part().reason, None);
        kept(house).await;
    }
}

#[tokio::test]
async fn a_damaged_file_is_set_aside_and_told_for_a_day() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("windows.json"), "{").unwrap();
    let house = House::at(Hands::default(), Some(WindowsFile::open(dir.path()).unwrap()));
    assert!(house.windows.were_kept() && !house.windows.are_known());
    let reason = house.windows.keeping().part().reason.unwrap();
    assert!(
        reason.contains("is damaged") && reason.contains("forgotten"),
        "{reason}"
    );
    assert!(dir.path().join("windows.json.damaged.1").exists());
    house.pass(1);
    assert!(house.windows.keeping().part().reason.is_some());
    house.clock.pass(24 * 60 * MINUTE);
    house.pass(1);
    assert_eq!(house.windows.keeping().part().reason, None);
    house.hold(40.0);
    kept(house).await;
    let house = House::at(Hands::default(), Some(WindowsFile::open(dir.path()).unwrap()));
    assert_eq!(house.view().hold.unwrap().position, percent(40.0));
}

#[tokio::test]
async fn where_there_was_a_file_there_is_one_again() {
    let dir = tempfile::tempdir().unwrap();
    let open = || WindowsFile::open(dir.path()).unwrap();
    let house = House::at(Hands::default(), Some(open()));
    assert!(!house.windows.were_kept());
    kept(house).await;
    let house = House::at(Hands::default(), Some(open()));
    assert!(house.windows.were_kept() && house.windows.are_known());
}

#[tokio::test]
async fn a_window_heeds_its_settings() {
    let house = House::with(r#"{"opening": {"max": 30}, "override_s": 60}"#).await;
    house.hold(80.0);
    assert_eq!(house.told(), [(30.0, "person")]);
    house.pass(60);
    assert_eq!(house.view().hold, None);
    // A service that does not know the limit is answered.
    house.model(70.0);
    assert_eq!(house.told(), [(30.0, "interlock")]);
}

#[test]
fn what_could_not_be_sent_was_not_told_and_is_told_anew() {
    let house = House::new();
    house.report(0.0);
    house.hold(40.0);
    let sent = house.sent().remove(0);
    house.windows.unsent(&sent);
    assert_eq!(house.view().command.unwrap().state, CommandState::Expired);
    house.pass(1);
    assert_eq!(house.told(), [(40.0, "person")]);
}

#[tokio::test]
async fn a_window_that_began_anew_on_its_way_was_moved_by_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Hands::default();
    let open = || WindowsFile::open(dir.path()).unwrap();
    let house = House::at(clock.clone(), Some(open()));
    house.report(20.0);
    house.model(90.0);
    house.report(30.0);
    let drain = CancellationToken::new();
    drain.cancel();
    let windows = Arc::new(house.windows);
    Arc::clone(&windows).run(drain).await;
    drop(windows);
    // Casement and the window begin anew together.
    let house = House::at(clock.clone(), Some(open()));
    house.windows.status(&room(), true);
    house.report(0.0);
    house.pass(300);
    let view = house.view();
    assert_eq!((view.motion, view.hold), (MotionView::Unknown, None));
}

#[tokio::test]
async fn a_wish_ends_with_its_device_also_where_that_is_back_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let (clock, registry) = (Hands::default(), Registry::in_memory());
    let open = || Some(WindowsFile::open(dir.path()).unwrap());
    let retire_and_take_back = async || {
        for retired in [true, false] {
            let patch = registry::Patch {
                retired: Some(retired),
                ..registry::Patch::default()
            };
            let changing = registry.change(move |book| book.patch(&room(), patch, None).map(drop));
            changing.await.unwrap();
        }
    };
    let house = House::around(clock.clone(), Arc::clone(&registry), open());
    house.hold(40.0);
    house.pass(1);
    retire_and_take_back().await;
    house.pass(1);
    assert_eq!(house.view().hold, None);
    house.hold(60.0);
    house.pass(1);
    assert!(house.view().hold.is_some(), "it began afterwards");
    kept(house).await;
    // While nobody runs.
    retire_and_take_back().await;
    let house = House::around(clock.clone(), Arc::clone(&registry), open());
    house.pass(1);
    assert_eq!(house.view().hold, None);
}

#[tokio::test]
async fn a_command_right_after_a_start_states_the_climate_of_before() {
    let dir = tempfile::tempdir().unwrap();
    let open = || Some(WindowsFile::open(dir.path()).unwrap());
    let clock = Hands::default();
    let house = House::at(clock.clone(), open());
    house.report(50.0);
    for (quantity, value) in [
        (domain::Quantity::Temperature, 21.5),
        (domain::Quantity::Humidity, 40.0),
    ] {
        let reading = domain::Reading::new(room(), quantity, value, clock.read().wall).unwrap();
        house.windows.devices.reading(&reading, &heard(&clock));
    }
    house.pass(1);
    kept(house).await;
    let house = House::at(clock.clone(), open());
    house.windows.limit(&room(), Cause::Rain, Position::SHUT);
    let told = house.sent().remove(0);
    assert_eq!((told.temperature, told.humidity), (21.5, 40.0));
    assert_eq!(house.windows.climate(&room()), [Some(21.5), Some(40.0)]);
    // Of another nothing is known, which its row says.
    let other = DeviceId::parse("other").unwrap();
    assert_eq!(house.windows.climate(&other), [None, None]);
}

/// What is stored of it outlasts a kill, and what is kept may be older.
fn stored(house: &House, command: Option<f64>, report: f64) {
    let at = house.clock.read().wall;
    if let Some(position) = command {
        house
            .windows
            .devices
            .action(&action(Origin::Model("v1".into()), position, at));
    }
    let state = WindowState {
        device_id: room(),
        timestamp: at,
        position: percent(report),
        target: None,
        command_id: None,
    };
    house.windows.devices.state(&state, &heard(&house.clock));
    house.windows.remember();
}

#[tokio::test]
async fn a_report_that_was_stored_and_not_kept_is_where_the_window_stands() {
    let dir = tempfile::tempdir().unwrap();
    let open = || Some(WindowsFile::open(dir.path()).unwrap());
    let clock = Hands::default();
    let house = House::at(clock.clone(), open());
    house.report(0.0);
    house.hold(100.0);
    kept(house).await;
    let before = std::fs::read(dir.path().join("windows.json")).unwrap();
    let again = || std::fs::write(dir.path().join("windows.json"), &before).unwrap();
    // The window arrived in the moment before the kill, and says it only once.
    clock.pass(20 * SECOND);
    let house = House::at(clock.clone(), open());
    stored(&house, None, 100.0);
    let arrived = |house: &House| {
        let view = house.view();
        assert_eq!(
            (
                view.position,
                view.target,
                view.motion,
                view.command.unwrap().state
            ),
            (
                Some(percent(100.0)),
                Some(percent(100.0)),
                MotionView::Still,
                CommandState::Reached
            )
        );
    };
    arrived(&house);
    house.pass(300);
    arrived(&house);
    assert_eq!(house.told(), [], "it is not told again");
    kept(house).await;
    // What is kept is as new: nothing is missed.
    let house = House::at(clock.clone(), open());
    assert_eq!(
        house.windows.by_id.lock()[&room()].newest,
        Some(Timestamp::from_millis(NOON + 20 * SECOND))
    );
    arrived(&house);
    drop(house);
    // What was reported before the command says nothing of now.
    again();
    let house = House::at(clock.clone(), open());
    let old = Timestamp::from_millis(NOON - SECOND);
    assert_eq!(
        house.windows.by_id.lock()[&room()].missed(room(), (70.0, old)),
        None
    );
    drop(house);
    // On its way at the kill.
    again();
    let house = House::at(clock.clone(), open());
    stored(&house, None, 60.0);
    let view = house.view();
    assert_eq!(
        (view.position, view.motion),
        (Some(percent(60.0)), MotionView::Moving)
    );
}

#[tokio::test]
async fn a_command_that_was_stored_and_not_kept_is_no_persons_move() {
    let dir = tempfile::tempdir().unwrap();
    let open = || Some(WindowsFile::open(dir.path()).unwrap());
    let clock = Hands::default();
    let house = House::at(clock.clone(), open());
    house.report(20.0);
    kept(house).await;
    let before = std::fs::read(dir.path().join("windows.json")).unwrap();
    clock.pass(20 * SECOND);
    for arrives in [true, false] {
        std::fs::write(dir.path().join("windows.json"), &before).unwrap();
        let house = House::at(clock.clone(), open());
        stored(&house, Some(70.0), if arrives { 70.0 } else { 40.0 });
        assert_eq!(house.view().target, Some(percent(70.0)));
        house.pass(600);
        let view = house.view();
        let motion = if arrives {
            MotionView::Still
        } else {
            MotionView::Stuck
        };
        assert_eq!((view.motion, view.hold), (motion, None));
        assert_eq!(house.told(), []);
    }
}

/// Right now.
fn heard(clock: &Hands) -> crate::devices::Heard {
    crate::devices::Heard {
        at: clock.read().wall,
        clock: None,
        ahead_ms: None,
        is_behind: false,
        interval: None,
    }
}
