use proptest::prelude::*;

use super::*;

const OPTIONS: MotionOptions = MotionOptions {
    travel_ms: 30_000,
    tolerance: 2.0,
};
const SECOND: i64 = 1_000;

fn percent(value: f64) -> Position {
    Position::new(value).unwrap()
}

/// A window that stands at `position`, known at 0.
fn standing(position: f64) -> MotionRecord {
    let mut motion = MotionRecord::default();
    assert_eq!(motion.report(percent(position), 0, &OPTIONS), None);
    assert_eq!(motion.state(), Motion::Still);
    motion
}

/// Looks each second from one time to another, and returns what was found and when.
fn watch(motion: &mut MotionRecord, from: i64, until: i64) -> Vec<(i64, Finding)> {
    let mut found = Vec::new();
    let mut now = from;
    while now <= until {
        found.extend(motion.examine(now, &OPTIONS).map(|finding| (now, finding)));
        now += SECOND;
    }
    found
}

#[test]
fn steps_of_one_percent_lead_to_the_target_and_are_nobodys_move() {
    let mut motion = standing(20.0);
    motion.command(percent(60.0), SECOND);
    let mut found = Vec::new();
    for step in 0..=40 {
        let now = 2 * SECOND + step * 500;
        found.extend(motion.report(percent(20.0 + step as f64), now, &OPTIONS));
        found.extend(motion.examine(now, &OPTIONS));
    }
    assert_eq!(found, [Finding::Reached]);
    assert_eq!(watch(&mut motion, 23 * SECOND, 300 * SECOND), []);
    assert_eq!(
        (motion.state(), motion.settled()),
        (Motion::Still, Some(percent(60.0)))
    );
}

#[test]
fn forty_three_for_forty_two_is_there() {
    let mut motion = standing(10.0);
    motion.command(percent(42.0), 0);
    assert_eq!(
        motion.report(percent(43.0), 20 * SECOND, &OPTIONS),
        Some(Finding::Reached)
    );
    assert_eq!(watch(&mut motion, 20 * SECOND, 200 * SECOND), []);
}

#[test]
fn a_motor_that_fails_is_told_three_times_and_is_no_person() {
    let mut motion = standing(20.0);
    motion.command(percent(80.0), 0);
    motion.report(percent(50.0), 10 * SECOND, &OPTIONS);
    let mut now = 0;
    let mut found = Vec::new();
    while now < 600 * SECOND {
        now += SECOND;
        if let Some(finding) = motion.examine(now, &OPTIONS) {
            found.push(finding);
            if matches!(finding, Finding::Retry(_)) {
                motion.retried(now);
            }
        }
    }
    assert_eq!(
        found,
        [
            Finding::Retry(1),
            Finding::Retry(2),
            Finding::Retry(3),
            Finding::GaveUp
        ]
    );
    assert_eq!(
        (motion.state(), motion.settled()),
        (Motion::Stuck, Some(percent(50.0)))
    );
    // A hand on the sash is still seen.
    motion.report(percent(5.0), 700 * SECOND, &OPTIONS);
    assert_eq!(
        watch(&mut motion, 700 * SECOND, 710 * SECOND),
        [(703 * SECOND, Finding::ByPerson(percent(5.0)))]
    );
}

#[test]
fn a_window_that_says_nothing_more_is_stuck_where_it_was() {
    let mut motion = standing(20.0);
    motion.command(percent(80.0), 0);
    assert_eq!(
        watch(&mut motion, 0, 45 * SECOND),
        [(42 * SECOND, Finding::Retry(1))]
    );
}

#[test]
fn a_wall_switch_during_the_travel_is_a_person_behind_the_start_or_by_turning_round() {
    for (reports, ends) in [(&[50.0, 30.0, 10.0][..], 10.0), (&[60.0, 65.0, 40.0], 40.0)] {
        let mut motion = standing(20.0);
        motion.command(percent(80.0), 0);
        for (place, &report) in reports.iter().enumerate() {
            let now = (place as i64 + 1) * 5 * SECOND;
            assert_eq!(motion.report(percent(report), now, &OPTIONS), None);
        }
        assert_eq!(
            watch(&mut motion, 16 * SECOND, 100 * SECOND),
            [(32 * SECOND, Finding::ByPerson(percent(ends)))]
        );
    }
}

#[test]
fn a_window_that_leaves_where_it_stood_was_moved_by_a_person_once_it_stands() {
    let mut motion = standing(20.0);
    for step in 1..=30 {
        let now = step * SECOND;
        motion.report(percent(20.0 + step as f64 * 2.0), now, &OPTIONS);
        assert_eq!(motion.examine(now, &OPTIONS), None, "{step}");
    }
    assert_eq!(
        watch(&mut motion, 31 * SECOND, 100 * SECOND),
        [(33 * SECOND, Finding::ByPerson(percent(80.0)))]
    );
    // Before it stands, whoever wants to command it learns of it.
    motion.report(percent(40.0), 200 * SECOND, &OPTIONS);
    assert_eq!(
        motion.before_command(&OPTIONS),
        Some(Finding::ByPerson(percent(40.0)))
    );
    assert_eq!(motion.before_command(&OPTIONS), None);
}

#[test]
fn what_reports_nothing_after_a_reboot_is_lost_and_nobodys_move() {
    for says_zero in [true, false] {
        let mut motion = standing(60.0);
        motion.born(SECOND);
        let found = if says_zero {
            motion
                .report(percent(0.0), 2 * SECOND, &OPTIONS)
                .map(|f| (2 * SECOND, f))
                .into_iter()
                .collect()
        } else {
            watch(&mut motion, SECOND, 20 * SECOND)
        };
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].1, Finding::Lost);
        assert_eq!(motion.state(), Motion::Unknown);
        assert_eq!(motion.report(percent(0.0), 30 * SECOND, &OPTIONS), None);
        assert_eq!(watch(&mut motion, 30 * SECOND, 60 * SECOND), []);
        motion.command(percent(60.0), 61 * SECOND);
        assert_eq!(
            motion.report(percent(60.0), 80 * SECOND, &OPTIONS),
            Some(Finding::Reached)
        );
    }
    // What stands elsewhere since is nobody's move either.
    let mut motion = standing(60.0);
    motion.born(SECOND);
    assert_eq!(
        motion.report(percent(30.0), 2 * SECOND, &OPTIONS),
        Some(Finding::Elsewhere(percent(30.0)))
    );
    assert_eq!(watch(&mut motion, 2 * SECOND, 60 * SECOND), []);
    // What says the same as before has only been away.
    let mut motion = standing(60.0);
    motion.born(SECOND);
    assert_eq!(motion.report(percent(60.0), 2 * SECOND, &OPTIONS), None);
    assert_eq!(watch(&mut motion, 2 * SECOND, 60 * SECOND), []);
}

#[test]
fn a_window_without_reports_is_where_it_was_told_to_go() {
    let mut motion = MotionRecord::default();
    motion.command(percent(60.0), 0);
    assert_eq!(watch(&mut motion, 0, 300 * SECOND), []);
    assert_eq!(motion.state(), Motion::Unreported);
}

/// What can happen to a window that nobody touches.
#[derive(Debug, Clone)]
enum Happening {
    Command(u8),
    /// The motor runs for so many seconds, with a report each.
    Run(u8),
    /// The newest report comes again.
    Resent,
    Pause(u8),
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        2 => (0_u8..=100).prop_map(Happening::Command),
        4 => (1_u8..40).prop_map(Happening::Run),
        1 => Just(Happening::Resent),
        2 => (1_u8..200).prop_map(Happening::Pause),
    ]
}

proptest! {
    /// A motor that runs, fails, is slow and stops within its tolerance is never taken for a person, and is told again at most
    /// three times for a command.
    #[test]
    fn no_motor_is_taken_for_a_person(
        events in prop::collection::vec(happening(), 1..40),
        error in -1.5_f64..1.5,
        speed in 0.0_f64..10.0,
    ) {
        let mut motion = standing(30.0);
        let (mut now, mut stands, mut target, mut retries) = (0, 30.0_f64, None::<f64>, 0);
        let mut told = 0;
        for event in events {
            let mut seconds = 0;
            let mut runs = false;
            match event {
                Happening::Command(to) => {
                    target = Some((f64::from(to) + error).clamp(0.0, 100.0));
                    motion.command(percent(f64::from(to)), now);
                    (retries, told) = (0, now);
                }
                Happening::Run(length) => (seconds, runs) = (length, true),
                Happening::Resent => {
                    motion.report(percent(stands), now, &OPTIONS);
                }
                Happening::Pause(length) => seconds = length,
            }
            for _ in 0..seconds {
                now += SECOND;
                // A motor does not run longer than it may.
                if runs && let Some(target) = target && now - told < OPTIONS.travel_ms {
                    stands += (target - stands).clamp(-speed, speed);
                    let found = motion.report(percent(stands.clamp(0.0, 100.0)), now, &OPTIONS);
                    prop_assert!(found.is_none_or(|found| found == Finding::Reached), "{found:?}");
                }
                match motion.examine(now, &OPTIONS) {
                    Some(Finding::Retry(attempt)) => {
                        retries += 1;
                        told = now;
                        prop_assert_eq!(attempt, retries);
                        prop_assert!(attempt <= 3);
                        motion.retried(now);
                    }
                    Some(Finding::ByPerson(position)) => prop_assert!(false, "a person at {position:?}"),
                    _ => {}
                }
            }
        }
    }

    /// Wherever a person puts a window that nobody has told anything, that is found once.
    #[test]
    fn a_person_is_found_once(from in 0.0_f64..=100.0, to in 0.0_f64..=100.0, resent in 0_usize..5) {
        prop_assume!((from - to).abs() > OPTIONS.tolerance);
        let mut motion = standing(from);
        for _ in 0..=resent {
            motion.report(percent(to), 10 * SECOND, &OPTIONS);
        }
        let found = watch(&mut motion, 10 * SECOND, 300 * SECOND);
        prop_assert_eq!(found, [(13 * SECOND, Finding::ByPerson(percent(to)))]);
    }
}
