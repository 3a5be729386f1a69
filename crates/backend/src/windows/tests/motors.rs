//! What windows report, and what follows from it.

use super::*;

#[test]
fn a_wall_switch_is_a_person_and_comes_before_a_model_that_does_not_know_yet() {
    let house = House::new();
    house.model(20.0);
    house.report(20.0);
    house.pass(60);
    house.report(60.0);
    house.pass(5);
    let hold = house.view().hold.unwrap();
    assert_eq!((hold.position, hold.source), (percent(60.0), Source::Window));
    // It is where they want it: nothing is commanded.
    assert_eq!(house.told(), []);
    house.windows.end(&room(), &By::new("", Source::Mqtt)).unwrap();
    house.pass(60);
    house.report(80.0);
    // A model that commands before the window has come to rest.
    house.model(10.0);
    assert_eq!(house.told(), [(80.0, "person")]);
}

#[test]
fn a_motor_that_fails_is_told_three_times_more_and_is_no_person() {
    let house = House::new();
    house.report(20.0);
    house.model(80.0);
    house.pass(10);
    house.report(50.0);
    house.pass(600);
    let told = house.told();
    // The newest takes the place of older ones that nobody took.
    assert_eq!(told, [(80.0, "model")]);
    let view = house.view();
    assert_eq!((view.motion, view.hold), (MotionView::Stuck, None));
    assert_eq!(view.command.unwrap().state, CommandState::Failed);
}

#[test]
fn what_a_window_echoes_and_reaches_is_known_of_its_command() {
    let house = House::new();
    house.report(0.0);
    house.hold(42.0);
    let sent = house.sent().remove(0);
    let state = WindowState {
        device_id: room(),
        timestamp: house.clock.read().wall,
        position: percent(10.0),
        target: Some(percent(42.0)),
        command_id: sent.command_id,
    };
    house.windows.state(&state, false);
    assert_eq!(house.view().command.unwrap().state, CommandState::Received);
    assert_eq!(house.view().motion, MotionView::Moving);
    house.pass(5);
    house.report(43.0);
    let view = house.view();
    assert_eq!(
        (view.motion, view.command.unwrap().state),
        (MotionView::Still, CommandState::Reached)
    );
    // A report that waited somewhere says nothing of now.
    house.windows.state(
        &WindowState {
            position: percent(90.0),
            ..state
        },
        true,
    );
    house.pass(120);
    assert_eq!(house.view().position, Some(percent(43.0)));
    assert_eq!(house.told(), []);
}

#[test]
fn a_reboot_that_reports_zero_is_nobodys_move_and_what_holds_is_told_again() {
    let house = House::new();
    house.model(60.0);
    house.report(60.0);
    house.pass(60);
    house.windows.status(&room(), true);
    house.report(0.0);
    house.pass(60);
    let view = house.view();
    assert_eq!((view.motion, view.hold), (MotionView::Unknown, None));
    // It may be open: the 0 that it begins with is not shown.
    assert_eq!((view.position, view.target), (None, Some(percent(60.0))));
    assert_eq!(house.told(), []);
    let context = house.windows.context(&room());
    assert_eq!((context.position, context.commanded), (None, None));
    house.hold(60.0);
    assert_eq!(house.told(), [(60.0, "person")]);
    house.report(60.0);
    assert_eq!(house.view().position, Some(percent(60.0)));
    house.pass(60);
    house.windows.status(&room(), true);
    house.report(0.0);
    assert_eq!(house.told(), []);
    house.pass(1);
    assert_eq!(house.told(), [(60.0, "person")]);
}
