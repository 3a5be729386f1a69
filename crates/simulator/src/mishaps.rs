//! What happens to windows besides commands: people press a switch at the wall, and motors fail.
//!
//! In: how often, a seed, time. Out: when the switch is pressed and where the window goes then, and how far a motor gets.

use std::time::Duration;

use domain::Position;
use rand::Rng as _;
use rand_chacha::ChaCha8Rng;

use crate::{SimulationError, noise, options::DEVICE_TICK, window::Window};

/// The longest mean time between two presses.
const LONGEST: Duration = Duration::from_hours(24 * 30);

/// How often it happens. By default nothing does.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Mishaps {
    /// Mean wall time between two presses of a room's switch; nobody presses without it.
    pub wall_switch: Option<Duration>,
    /// The share of commands, 0 to 1, at which the motor stops on its way.
    pub motor_failures: f64,
}

impl Mishaps {
    pub(crate) fn check(&self) -> Result<(), SimulationError> {
        if !(0.0..=1.0).contains(&self.motor_failures) {
            return Err(SimulationError::BadShare(self.motor_failures));
        }
        match self.wall_switch {
            Some(interval) if !(DEVICE_TICK..=LONGEST).contains(&interval) => {
                Err(SimulationError::BadPause(interval))
            }
            _ => Ok(()),
        }
    }
}

/// The mishaps of one window.
#[derive(Debug)]
pub(crate) struct Fate {
    mishaps: Mishaps,
    people: ChaCha8Rng,
    motor: ChaCha8Rng,
    pressed_next: Option<Duration>,
}

impl Fate {
    /// That of device number `index`.
    pub(crate) fn new(mishaps: Mishaps, seed: u64, index: usize) -> Self {
        let stream = 1_000 + 10 * index as u64;
        let mut fate = Self {
            mishaps,
            people: noise::generator(seed, stream + 6),
            motor: noise::generator(seed, stream + 7),
            pressed_next: None,
        };
        fate.pressed_next = fate.pause();
        fate
    }

    /// Until the next press: presses are independent of each other, so pauses are exponentially distributed.
    fn pause(&mut self) -> Option<Duration> {
        let mean = self.mishaps.wall_switch?;
        let share: f64 = self.people.random();
        Some(mean.mul_f64(-(1.0 - share).ln()))
    }

    /// Whether somebody has pressed the switch by `elapsed`, wall time since the device joined. The window then shuts if it stands, or
    /// goes, open by half or more; otherwise it opens.
    pub(crate) fn press(&mut self, elapsed: Duration, window: &mut Window) -> bool {
        let Some(next) = self.pressed_next.filter(|next| *next <= elapsed) else {
            return false;
        };
        self.pressed_next = self.pause().map(|pause| next + pause);
        let wanted = if window.target().percent() >= 50.0 {
            0.0
        } else {
            100.0
        };
        window.move_to(Position::new(wanted).expect("0 and 100 are positions"));
        true
    }

    /// Whether the motor fails at the command that the window has just obeyed: it then stops somewhere on its way.
    pub(crate) fn fails(&mut self, window: &mut Window) -> bool {
        let fails = self.motor.random_bool(self.mishaps.motor_failures);
        let share = self.motor.random_range(0.1..0.9);
        if fails {
            window.fail_after(share);
        }
        fails
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window() -> Window {
        Window::new(Position::new(0.0).unwrap(), Duration::from_secs(20))
    }

    #[test]
    fn by_default_nothing_happens() {
        let (mut fate, mut window) = (Fate::new(Mishaps::default(), 1, 0), window());
        for _ in 0..1_000 {
            assert!(!fate.press(Duration::MAX, &mut window) && !fate.fails(&mut window));
        }
        assert!(!window.is_moving());
    }

    #[test]
    fn the_switch_is_pressed_about_as_often_as_said_and_toggles() {
        let mishaps = Mishaps {
            wall_switch: Some(Duration::from_mins(1)),
            ..Mishaps::default()
        };
        let presses = |index: usize| {
            let (mut fate, mut window) = (Fate::new(mishaps, 1, index), window());
            let mut at = Vec::new();
            for second in 0..60_000 {
                let before = window.target();
                if fate.press(Duration::from_secs(second), &mut window) {
                    let way = (window.target().percent() - before.percent()).abs();
                    assert!((way - 100.0).abs() < 1e-9, "{way}");
                    assert_eq!(window.command_id(), None);
                    at.push(second);
                }
            }
            at
        };
        let first = presses(0);
        assert!((850..1_150).contains(&first.len()), "{}", first.len());
        assert_ne!(first, presses(1));
        assert_eq!(first, presses(0));
    }

    #[test]
    fn a_motor_fails_at_its_share_of_commands_and_works_at_the_next() {
        let mishaps = Mishaps {
            motor_failures: 0.3,
            ..Mishaps::default()
        };
        let (mut fate, mut failed) = (Fate::new(mishaps, 1, 0), 0);
        for _ in 0..1_000 {
            let mut window = window();
            window.move_to(Position::new(50.0).unwrap());
            let fails = fate.fails(&mut window);
            failed += usize::from(fails);
            window.advance(Duration::from_mins(1));
            assert!(!window.is_moving());
            assert_eq!(window.position() == window.target(), !fails);
            window.move_to(window.target());
            window.advance(Duration::from_mins(1));
            assert_eq!(window.position(), window.target());
        }
        assert!((250..350).contains(&failed), "{failed}");
    }

    #[test]
    fn nonsense_is_refused() {
        assert!(Mishaps::default().check().is_ok());
        for motor_failures in [-0.1, 1.1, f64::NAN] {
            let mishaps = Mishaps {
                motor_failures,
                ..Mishaps::default()
            };
            assert!(matches!(mishaps.check(), Err(SimulationError::BadShare(_))));
        }
        for pause in [Duration::ZERO, Duration::MAX] {
            let mishaps = Mishaps {
                wall_switch: Some(pause),
                ..Mishaps::default()
            };
            assert!(matches!(mishaps.check(), Err(SimulationError::BadPause(_))));
        }
    }
}
