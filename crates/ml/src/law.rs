//! The last step of a decision: the law of moves.
//!
//! In: a command that is ready to be sent, and what the request says of its window. Out: the command, within what limits the
//! window now, or the model's wish with the reason why the window stays. A request that says nothing of a window comes from a
//! sender that looks after it itself.

use domain::{HeldDecision, Keep, Move, Timestamp, Verdict, WindowAction, WindowContext, Wish, Wisher};

use crate::held;

/// Returns what is to be recorded in place of sending `action`, which is brought within the window's limits otherwise.
pub(crate) fn held(
    action: &mut WindowAction,
    window: &WindowContext,
    now: Timestamp,
) -> Option<HeldDecision> {
    let wish = Wish {
        position: action.position,
        of: Wisher::Model,
    };
    let (verdict, words) = match window.judge(wish, now) {
        // Who watches the interlocks shuts the window.
        Verdict::Move(_, Move::Interlock(cause)) => (Keep::Interlock(cause).as_str(), cause.to_string()),
        Verdict::Move(target, Move::Wish(_) | Move::Resumed) => {
            if target != action.position {
                action.wish = Some(action.position);
                action.position = target;
            }
            return None;
        }
        Verdict::Keep(keep) => (keep.as_str(), keep.to_string()),
    };
    Some(held::held(action, &words, Some(verdict)))
}

#[cfg(test)]
mod tests {
    use domain::{Confidence, ContextLimits, DeviceId, Origin, Position};

    use super::*;

    fn percent(value: f64) -> Position {
        Position::new(value).expect("percent")
    }

    fn action(position: f64) -> WindowAction {
        WindowAction {
            device_id: DeviceId::parse("d").expect("a valid id"),
            timestamp: Timestamp::from_millis(1),
            position: percent(position),
            confidence: Confidence::new(0.9).expect("a probability"),
            temperature: 25.0,
            humidity: 50.0,
            audio_features: vec![],
            command_id: Some("c".into()),
            origin: Origin::Model("v1".into()),
            inference_time_ms: Some(0.1),
            audio_hash: None,
            reason: Some("warm (25.0 °C, +38)".into()),
            cause: None,
            expires_at: None,
            contributions: None,
            guard: domain::Guard::known(0.95, 5.25),
            wish: None,
        }
    }

    #[test]
    fn a_window_that_nobody_holds_is_commanded() {
        let mut command = action(80.0);
        assert_eq!(
            held(&mut command, &WindowContext::default(), Timestamp::from_millis(1)),
            None
        );
        assert_eq!((command.position, command.wish), (percent(80.0), None));
    }

    #[test]
    fn what_limits_a_window_limits_the_command_and_the_wish_is_kept() {
        let window = WindowContext {
            limits: ContextLimits { min: 0.0, max: 30.0 },
            ..WindowContext::default()
        };
        let mut command = action(80.0);
        assert_eq!(held(&mut command, &window, Timestamp::from_millis(1)), None);
        assert_eq!(
            (command.position, command.wish),
            (percent(30.0), Some(percent(80.0)))
        );
    }

    #[test]
    fn during_an_override_the_wish_is_recorded_alone() {
        let window = WindowContext {
            commanded: Some(percent(20.0)),
            commanded_at: Some(Timestamp::from_millis(0)),
            hold: Some(percent(20.0)),
            ..WindowContext::default()
        };
        let wish = held(&mut action(80.0), &window, Timestamp::from_millis(1)).expect("held");
        assert_eq!(
            (wish.position, wish.verdict.as_deref()),
            (percent(80.0), Some("override"))
        );
        assert_eq!(wish.guard, domain::Guard::known(0.95, 5.25));
        let reason = wish.reason.expect("a reason");
        assert!(
            reason.ends_with("not carried out: a person decides until they say otherwise"),
            "{reason}"
        );
    }
}
