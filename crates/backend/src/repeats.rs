//! What makes a message a repeat of another: the keys that the journal keeps for an hour.
//!
//! In: events with the times their devices claimed. Out: 16 bytes of SHA-256 over (kind, device, time, content).

use domain::{Reading, ShadowPrediction, Timestamp, WindowAction, WindowState};
use journal::Key;
use sha2::{Digest as _, Sha256};

use crate::clips::AnalysedClip;

pub(crate) fn reading_key(reading: &Reading, claimed: Timestamp) -> Key {
    let value = reading.value().to_bits().to_le_bytes();
    key(
        reading.quantity().as_str(),
        reading.device_id().as_str(),
        claimed,
        &value,
    )
}

pub(crate) fn clip_key(clip: &AnalysedClip) -> Key {
    key(
        "audio",
        clip.device_id.as_str(),
        clip.claimed,
        clip.hash.as_str().as_bytes(),
    )
}

pub(crate) fn action_key(action: &WindowAction) -> Key {
    let content = match &action.command_id {
        Some(command_id) => command_id.as_bytes().to_vec(),
        None => action.position.percent().to_bits().to_le_bytes().to_vec(),
    };
    key(
        "window_control",
        action.device_id.as_str(),
        action.timestamp,
        &content,
    )
}

pub(crate) fn state_key(state: &WindowState) -> Key {
    let position = state.position.percent().to_bits().to_le_bytes();
    key(
        "window_state",
        state.device_id.as_str(),
        state.timestamp,
        &position,
    )
}

pub(crate) fn shadow_key(prediction: &ShadowPrediction) -> Key {
    // One command may have candidates of several versions.
    let mut content = prediction.position.percent().to_bits().to_le_bytes().to_vec();
    content.extend(prediction.model_version.as_bytes());
    content.push(0);
    content.extend(prediction.command_id.as_deref().unwrap_or_default().as_bytes());
    key(
        "shadow_prediction",
        prediction.device_id.as_str(),
        prediction.timestamp,
        &content,
    )
}

fn key(kind: &str, device_id: &str, timestamp: Timestamp, content: &[u8]) -> Key {
    let mut hash = Sha256::new();
    // Ids hold no NUL, so the parts cannot run into each other.
    hash.update(kind.as_bytes());
    hash.update([0]);
    hash.update(device_id.as_bytes());
    hash.update([0]);
    hash.update(timestamp.as_millis().to_le_bytes());
    hash.update(content);
    let digest: [u8; 32] = hash.finalize().into();
    Key(digest[..16].try_into().expect("a digest has more than 16 bytes"))
}

/// The key of an event's row number `index`: an event of several rows repeats as a whole.
pub(crate) fn part(key: Key, index: usize) -> Key {
    let Key(mut bytes) = key;
    bytes[15] ^= index as u8;
    Key(bytes)
}
