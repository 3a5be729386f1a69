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

#[test]
fn a_file_of_a_newer_program_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("windows.json");
    std::fs::write(&path, r#"{"format": 2, "panes": {}}"#).unwrap();
    let file = WindowsFile::open(dir.path()).unwrap();
    assert!(matches!(file.0.read(), Err(FileError::Newer { found: 2, .. })));
    assert!(std::fs::read_to_string(&path).unwrap().contains("panes"));
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
