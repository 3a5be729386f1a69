//! What makes a message a repeat of another: the keys that the log keeps for an hour.
//!
//! In: events with the times that they state. Out: the first 16 bytes of SHA-256 over kind, device, time, content.

use domain::{HeldDecision, Reading, ShadowPrediction, Telemetry, Timestamp, WindowAction, WindowState};
use mqtt::TopicKind;
use sha2::{Digest as _, Sha256};

use crate::{
    clips::AnalysedClip,
    clocks::{Claim, RepeatRule},
    decoder::Event,
    log::RepeatKey,
};

/// The time of what states none: no device has this one, and nothing is stored at it.
const UNDATED: Timestamp = Timestamp::from_millis(i64::MIN);

/// What an event claims about its time; `None` for a status, which states none.
pub(crate) fn claim(kind: TopicKind, event: &Event) -> Option<Claim> {
    // What an id names is the same, whenever it is said.
    let by_id = |id: &Option<String>, otherwise| if id.is_some() { RepeatRule::Id } else { otherwise };
    let (device_id, claimed, key, rule) = match event {
        Event::Reading(it) | Event::Suspect(it, _) => {
            let key = reading(it, it.timestamp());
            (it.device_id(), it.timestamp(), key, RepeatRule::Content)
        }
        Event::Clip(it) => (&it.device_id, it.timestamp, clip(it), RepeatRule::Content),
        Event::Action(it) => {
            let rule = by_id(&it.command_id, RepeatRule::Latest);
            (&it.device_id, it.timestamp, action(it), rule)
        }
        Event::State(it) => (&it.device_id, it.timestamp, state(it), RepeatRule::Latest),
        Event::Shadow(it) => {
            let rule = by_id(&it.command_id, RepeatRule::Content);
            (&it.device_id, it.timestamp, shadow(it), rule)
        }
        Event::Held(it) => (&it.device_id, it.timestamp, held(it), RepeatRule::Content),
        Event::Telemetry(it) => {
            let claimed = it.timestamp.unwrap_or(UNDATED);
            (
                &it.device_id,
                claimed,
                telemetry(it, claimed),
                RepeatRule::Content,
            )
        }
        Event::Status(..) | Event::Alarm(..) | Event::Ack(_) | Event::Set(_) | Event::TimeRequest(_) => {
            return None;
        }
    };
    Some(Claim {
        kind,
        device_id: device_id.clone(),
        claimed,
        key,
        rule,
    })
}

/// What an event without a time has in common with those that say the same: they are equal, and no repeats of each other
/// unless they are marked as such.
pub(crate) fn undated(event: &Event) -> Option<RepeatKey> {
    Some(match event {
        Event::Reading(it) | Event::Suspect(it, _) => reading(it, UNDATED),
        Event::Clip(it) => digest(
            "audio",
            it.device_id.as_str(),
            UNDATED,
            it.hash.as_str().as_bytes(),
        ),
        Event::State(it) => {
            let position = it.position.percent().to_bits().to_le_bytes();
            digest("window_state", it.device_id.as_str(), UNDATED, &position)
        }
        Event::Telemetry(it) => telemetry(it, UNDATED),
        _ => return None,
    })
}

fn telemetry(telemetry: &Telemetry, claimed: Timestamp) -> RepeatKey {
    let content = mqtt::encode_telemetry(telemetry);
    digest("telemetry", telemetry.device_id.as_str(), claimed, &content)
}

pub(crate) fn reading(reading: &Reading, claimed: Timestamp) -> RepeatKey {
    let value = reading.value().to_bits().to_le_bytes();
    digest(
        reading.quantity().as_str(),
        reading.device_id().as_str(),
        claimed,
        &value,
    )
}

pub(crate) fn clip(clip: &AnalysedClip) -> RepeatKey {
    digest(
        "audio",
        clip.device_id.as_str(),
        clip.claimed,
        clip.hash.as_str().as_bytes(),
    )
}

pub(crate) fn action(action: &WindowAction) -> RepeatKey {
    let content = match &action.command_id {
        Some(command_id) => command_id.as_bytes().to_vec(),
        None => action.position.percent().to_bits().to_le_bytes().to_vec(),
    };
    digest(
        "window_control",
        action.device_id.as_str(),
        action.timestamp,
        &content,
    )
}

pub(crate) fn state(state: &WindowState) -> RepeatKey {
    let position = state.position.percent().to_bits().to_le_bytes();
    digest(
        "window_state",
        state.device_id.as_str(),
        state.timestamp,
        &position,
    )
}

pub(crate) fn shadow(prediction: &ShadowPrediction) -> RepeatKey {
    // One command may have candidates of several versions.
    let mut content = prediction.position.percent().to_bits().to_le_bytes().to_vec();
    content.extend(prediction.model_version.as_bytes());
    content.push(0);
    content.extend(prediction.command_id.as_deref().unwrap_or_default().as_bytes());
    digest(
        "shadow_prediction",
        prediction.device_id.as_str(),
        prediction.timestamp,
        &content,
    )
}

pub(crate) fn held(decision: &HeldDecision) -> RepeatKey {
    let mut content = decision.position.percent().to_bits().to_le_bytes().to_vec();
    content.extend(decision.model_version.as_bytes());
    digest(
        "prediction",
        decision.device_id.as_str(),
        decision.timestamp,
        &content,
    )
}

fn digest(kind: &str, device_id: &str, timestamp: Timestamp, content: &[u8]) -> RepeatKey {
    let mut hash = Sha256::new();
    // Ids hold no NUL, so the parts cannot run into each other.
    hash.update(kind.as_bytes());
    hash.update([0]);
    hash.update(device_id.as_bytes());
    hash.update([0]);
    hash.update(timestamp.as_millis().to_le_bytes());
    hash.update(content);
    let hash: [u8; 32] = hash.finalize().into();
    RepeatKey(hash[..16].try_into().expect("a digest has more than 16 bytes"))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use domain::{DeviceId, Position, Quantity};

    use super::*;

    fn reading_of(device: &str, quantity: Quantity, value: f64, millis: i64) -> RepeatKey {
        let device_id = DeviceId::parse(device).unwrap();
        let timestamp = Timestamp::from_millis(millis);
        reading(
            &Reading::new(device_id, quantity, value, timestamp).unwrap(),
            timestamp,
        )
    }

    #[test]
    fn whatever_differs_makes_another_key() {
        let state_of = |percent: f64| {
            state(&WindowState {
                device_id: DeviceId::parse("a").unwrap(),
                timestamp: Timestamp::from_millis(1),
                position: Position::new(percent).unwrap(),
                target: None,
                command_id: None,
            })
        };
        let keys = [
            reading_of("a", Quantity::Temperature, 20.0, 1),
            reading_of("b", Quantity::Temperature, 20.0, 1),
            reading_of("a", Quantity::Humidity, 20.0, 1),
            reading_of("a", Quantity::Temperature, 20.1, 1),
            reading_of("a", Quantity::Temperature, 20.0, 2),
            state_of(20.0),
            state_of(21.0),
        ];
        assert_eq!(keys.iter().collect::<HashSet<_>>().len(), keys.len());
        assert_eq!(reading_of("a", Quantity::Temperature, 20.0, 1), keys[0]);
    }

    #[test]
    fn keys_of_earlier_versions_are_still_recognised() {
        // Journals in the field hold keys of the last hour: a change of the digest would store repeats twice.
        let RepeatKey(key) = reading_of("sensor-001", Quantity::Temperature, 25.5, 1_761_307_200_000);
        assert_eq!(
            u128::from_be_bytes(key),
            0x2960_f8fd_bdd0_de15_9555_244d_c2d0_ec6d
        );
    }
}
