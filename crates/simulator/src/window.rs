//! A window with a motor: it travels at its own pace and obeys commands that are fresh and new.
//!
//! In: commands with the time of their arrival, and time that passes. Out: where the window stands. It never jumps.

use std::{collections::VecDeque, time::Duration};

use domain::{Position, Timestamp, WindowAction};

/// How many command ids a window remembers.
const REMEMBERED: usize = 32;

/// What a window did with a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CommandOutcome {
    /// It goes where it was told.
    Obeyed,
    /// The command came after its `expires_at`.
    Expired,
    /// A command with this id was obeyed before.
    Repeated,
}

/// A window and its motor.
#[derive(Debug, Clone)]
pub struct Window {
    position: Position,
    target: Position,
    /// Where the motor stops on its way, if it fails.
    fails_at: Option<Position>,
    full_travel: Duration,
    command_id: Option<String>,
    obeyed: VecDeque<String>,
}

impl Window {
    /// A window at rest; `full_travel` is the time from shut to wide open.
    pub fn new(position: Position, full_travel: Duration) -> Self {
        Self {
            position,
            target: position,
            fails_at: None,
            full_travel,
            command_id: None,
            obeyed: VecDeque::with_capacity(REMEMBERED),
        }
    }

    /// Obeys a command, or says why not. `now` is the device's clock.
    pub fn obey(&mut self, command: &WindowAction, now: Timestamp) -> CommandOutcome {
        if command.expires_at.is_some_and(|expiry| now > expiry) {
            return CommandOutcome::Expired;
        }
        if let Some(id) = &command.command_id {
            if self.obeyed.contains(id) {
                return CommandOutcome::Repeated;
            }
            if self.obeyed.len() == REMEMBERED {
                self.obeyed.pop_front();
            }
            self.obeyed.push_back(id.clone());
        }
        self.target = command.position;
        self.fails_at = None;
        self.command_id.clone_from(&command.command_id);
        CommandOutcome::Obeyed
    }

    /// Begins at its end stop, as a motor does that has lost its place: shut, on no way.
    pub fn calibrate(&mut self) {
        self.position = Position::SHUT;
        self.move_to(Position::SHUT);
    }

    /// Starts towards `target`, by nobody's command.
    pub fn move_to(&mut self, target: Position) {
        self.target = target;
        self.fails_at = None;
        self.command_id = None;
    }

    /// Lets the motor fail after `share`, 0 to 1, of the way that is left. Until the next command the window stays there, short of its
    /// target.
    pub fn fail_after(&mut self, share: f64) {
        let way = self.target.percent() - self.position.percent();
        let end = self.position.percent() + way * share.clamp(0.0, 1.0);
        self.fails_at = Some(Position::new(end).expect("between two positions lie only positions"));
    }

    fn end(&self) -> Position {
        self.fails_at.unwrap_or(self.target)
    }

    /// Lets the motor run for `time`.
    pub fn advance(&mut self, time: Duration) {
        let end = self.end();
        let way = end.percent() - self.position.percent();
        let reach = if self.full_travel.is_zero() {
            f64::INFINITY
        } else {
            100.0 * time.as_secs_f64() / self.full_travel.as_secs_f64()
        };
        self.position = if way.abs() <= reach {
            end
        } else {
            Position::new(self.position.percent() + reach.copysign(way))
                .expect("between two positions lie only positions")
        };
    }

    /// Where it stands.
    pub const fn position(&self) -> Position {
        self.position
    }

    /// Where it goes.
    pub const fn target(&self) -> Position {
        self.target
    }

    /// Whether the motor runs.
    pub fn is_moving(&self) -> bool {
        self.position != self.end()
    }

    /// The command it follows.
    pub fn command_id(&self) -> Option<&str> {
        self.command_id.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use domain::{Confidence, DeviceId};
    use proptest::prelude::*;

    use super::*;

    fn percent(value: f64) -> Position {
        Position::new(value).unwrap()
    }

    fn command(position: f64, id: Option<&str>, expires_ms: Option<i64>) -> WindowAction {
        WindowAction {
            device_id: DeviceId::parse("d").unwrap(),
            timestamp: Timestamp::from_millis(0),
            position: percent(position),
            confidence: Confidence::new(1.0).unwrap(),
            temperature: 20.0,
            humidity: 50.0,
            audio_features: Vec::new(),
            command_id: id.map(str::to_owned),
            origin: domain::Origin::Unstated,
            inference_time_ms: None,
            audio_hash: None,
            reason: None,
            cause: None,
            expires_at: expires_ms.map(Timestamp::from_millis),
            contributions: None,
            guard: None,
            wish: None,
        }
    }

    #[test]
    fn fresh_and_new_commands_are_obeyed() {
        let now = Timestamp::from_millis(1_000);
        let mut window = Window::new(percent(0.0), Duration::from_secs(20));
        assert_eq!(
            window.obey(&command(50.0, Some("a"), Some(1_000)), now),
            CommandOutcome::Obeyed
        );
        assert_eq!(
            window.obey(&command(70.0, Some("b"), Some(999)), now),
            CommandOutcome::Expired
        );
        assert_eq!(
            window.obey(&command(80.0, Some("a"), None), now),
            CommandOutcome::Repeated
        );
        assert_eq!((window.target(), window.command_id()), (percent(50.0), Some("a")));
        // Another sender knows neither ids nor expiry.
        assert_eq!(
            window.obey(&command(10.0, None, None), now),
            CommandOutcome::Obeyed
        );
        assert_eq!(
            window.obey(&command(20.0, None, None), now),
            CommandOutcome::Obeyed
        );
        assert_eq!((window.target(), window.command_id()), (percent(20.0), None));
        // An expired command is not remembered: sent again in time, it counts.
        assert_eq!(
            window.obey(&command(70.0, Some("b"), None), now),
            CommandOutcome::Obeyed
        );
    }

    #[test]
    fn a_motor_that_fails_stops_on_its_way_until_the_next_command() {
        let mut window = Window::new(percent(20.0), Duration::from_secs(20));
        window.move_to(percent(100.0));
        window.fail_after(0.25);
        assert!(window.is_moving());
        window.advance(Duration::from_mins(1));
        assert_eq!(
            (window.position(), window.target()),
            (percent(40.0), percent(100.0))
        );
        assert!(!window.is_moving());
        let again = command(100.0, Some("again"), None);
        assert_eq!(
            window.obey(&again, Timestamp::from_millis(0)),
            CommandOutcome::Obeyed
        );
        window.advance(Duration::from_mins(1));
        assert_eq!(window.position(), percent(100.0));
    }

    #[test]
    fn a_window_that_is_calibrated_is_shut_and_on_no_way() {
        let mut window = Window::new(percent(20.0), Duration::from_secs(20));
        window.move_to(percent(100.0));
        window.fail_after(0.5);
        window.calibrate();
        assert_eq!((window.position(), window.target()), (percent(0.0), percent(0.0)));
        assert!(!window.is_moving());
    }

    #[test]
    fn memory_is_bounded() {
        let now = Timestamp::from_millis(0);
        let mut window = Window::new(percent(0.0), Duration::from_secs(20));
        for i in 0..1_000 {
            window.obey(&command(1.0, Some(&i.to_string()), None), now);
        }
        assert_eq!(window.obeyed.len(), REMEMBERED);
        assert_eq!(
            window.obey(&command(1.0, Some("999"), None), now),
            CommandOutcome::Repeated
        );
    }

    proptest! {
        #[test]
        fn the_motor_never_exceeds_its_pace_and_arrives(
            start in 0.0_f64..=100.0,
            targets in prop::collection::vec(0.0_f64..=100.0, 1..8),
            step_ms in 1_u64..3_000,
            travel_s in 1_u64..60,
        ) {
            let travel = Duration::from_secs(travel_s);
            let step = Duration::from_millis(step_ms);
            let mut window = Window::new(percent(start), travel);
            let pace = 100.0 * step.as_secs_f64() / travel.as_secs_f64();
            for &target in &targets {
                window.move_to(percent(target));
                for _ in 0..3 {
                    let before = window.position().percent();
                    window.advance(step);
                    let after = window.position().percent();
                    prop_assert!((after - before).abs() <= pace + 1e-9);
                    prop_assert!((target - after).abs() <= (target - before).abs() + 1e-9);
                }
            }
            let steps = travel.as_millis().div_ceil(step.as_millis()) + 1;
            for _ in 0..steps {
                window.advance(step);
            }
            prop_assert!(!window.is_moving());
            prop_assert_eq!(window.position(), percent(*targets.last().unwrap()));
        }
    }
}
