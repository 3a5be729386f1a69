//! Decisions of too little confidence: published for the record, not carried out.
//!
//! In: a command that is ready to be sent. Out: the same as a decision that is held, where its confidence is below the
//! floor. A window stays where it is rather than follow a guess.

use domain::{HeldDecision, WindowAction};

use crate::held::held;

/// The confidence that a decision needs to be carried out, 0 to 1.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Floor(pub(crate) f64);

impl Floor {
    /// Returns what is to be recorded in place of sending `action`; `None` where it is confident enough.
    pub(crate) fn held(self, action: &WindowAction) -> Option<HeldDecision> {
        let confidence = action.confidence.probability();
        if confidence >= self.0 {
            return None;
        }
        let why = format!("confidence {confidence:.2} is below {}", self.0);
        Some(held(action, &why, None))
    }
}

#[cfg(test)]
mod tests {
    use domain::{Confidence, DeviceId, Origin, Position, Timestamp};

    use super::*;

    fn action(confidence: f64) -> WindowAction {
        WindowAction {
            device_id: DeviceId::parse("d").expect("a valid id"),
            timestamp: Timestamp::from_millis(1),
            position: Position::new(95.0).expect("percent"),
            confidence: Confidence::new(confidence).expect("a probability"),
            temperature: 85.0,
            humidity: 50.0,
            audio_features: vec![],
            command_id: Some("c".into()),
            origin: Origin::Model("v1".into()),
            inference_time_ms: Some(0.1),
            audio_hash: None,
            reason: Some("hot (85.0 °C, +60)".into()),
            cause: None,
            expires_at: None,
            contributions: None,
            guard: None,
            wish: None,
        }
    }

    #[test]
    fn what_is_below_the_floor_is_held_with_its_reason() {
        let held = Floor(0.2).held(&action(0.05)).unwrap();
        assert_eq!((held.position.percent(), held.temperature), (95.0, 85.0));
        assert_eq!(held.model_version, "v1");
        let reason = held.reason.unwrap();
        assert!(reason.contains("confidence 0.05 is below 0.2"), "{reason}");
    }

    #[test]
    fn what_reaches_the_floor_is_carried_out() {
        for (floor, confidence) in [(0.2, 0.2), (0.2, 0.9), (0.0, 0.0), (1.0, 1.0)] {
            assert_eq!(
                Floor(floor).held(&action(confidence)),
                None,
                "{floor} {confidence}"
            );
        }
    }
}
