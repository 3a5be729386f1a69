//! Who commands against us again and again: what is answered, and how often.

use super::*;

#[test]
fn whoever_commands_against_a_person_again_and_again_is_not_answered_for_ever() {
    let house = House::new();
    house.hold(40.0);
    assert_eq!(house.told().len(), 1);
    let mut answers = 0;
    for _ in 0..100 {
        house.model(90.0);
        answers += house.told().len();
    }
    assert!((5..=10).contains(&answers), "{answers}");
    house.pass(61);
    assert_eq!(house.told(), [(40.0, "person")]);
}

#[test]
fn what_shuts_a_window_is_said_ten_times_at_once_and_then_once_a_second() {
    for cause in [Cause::Rain, Cause::Alarm, Cause::ChildLock] {
        let house = House::new();
        house.model(50.0);
        // All answers of the minute are used up.
        house.hold(40.0);
        for _ in 0..20 {
            house.model(90.0);
        }
        house.sent();
        house.model(90.0);
        assert_eq!(house.told(), [], "a person's wish waits for the next minute");
        house.windows.limit(&room(), cause, Position::SHUT);
        assert_eq!(house.told(), [(0.0, "interlock")], "{cause}");
        for _ in 0..10 {
            house.model(90.0);
            assert_eq!(house.told(), [(0.0, "interlock")], "{cause}");
        }
        for _ in 0..100 {
            house.model(90.0);
        }
        assert_eq!(house.told(), [], "{cause}");
        // It is not open for longer than that, and nobody is answered more often.
        for _ in 0..20 {
            house.pass(1);
            assert_eq!(house.told(), [(0.0, "interlock")], "{cause}");
            house.model(90.0);
            assert_eq!(house.told(), [], "{cause}");
        }
        // A further cause is said at once.
        house.windows.limit(&room(), Cause::Wind, Position::SHUT);
        assert_eq!(house.told(), [(0.0, "interlock")], "{cause}");
        house
            .windows
            .unlimit(&room(), Cause::Wind, house.clock.read().wall);
        house.pass(60);
        assert_eq!(house.told(), [], "{cause}");
        house.model(90.0);
        assert_eq!(house.told(), [(0.0, "interlock")], "{cause}");
        // What a person wanted comes back as before.
        house.windows.unlimit(&room(), cause, house.clock.read().wall);
        house.pass(61);
        assert_eq!(house.told(), [(40.0, "person")], "{cause}");
    }
}

#[tokio::test]
async fn what_only_settings_limit_is_answered_as_seldom_as_a_person() {
    let house = House::with(r#"{"opening": {"max": 30}}"#).await;
    house.model(20.0);
    let mut answers = 0;
    for _ in 0..100 {
        house.model(90.0);
        answers += house.told().len();
    }
    assert!((5..=10).contains(&answers), "{answers}");
}
