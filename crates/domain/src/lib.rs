//! The domain of Casement: device ids, readings, clips, features, commands and the rules between them.
//!
//! In: plain values that another crate has read from MQTT, ClickHouse or a file. Out: validated types, or a refusal
//! with its reason. Nothing here performs IO, knows a wire format or reads a clock.

mod change;
mod clip;
mod clock;
mod device;
mod fault;
mod features;
mod lateness;
mod prediction;
mod quantity;
mod reading;
mod refusal;
mod time;
mod unit;
mod window;

pub use change::{ChangeDetector, Thresholds, Trigger};
pub use clip::{AudioFormat, AudioHash, Clip, ClipLimits};
pub use clock::{Belief, Repeat, SeriesClock, Sighting};
pub use device::{DeviceId, InvalidDeviceId};
pub use features::{ClipFeatures, FEATURES_VERSION, FeatureName, Level, MODEL_AUDIO_INPUTS, Summary};
pub use lateness::Lateness;
pub use prediction::{HeldDecision, ShadowPrediction};
pub use quantity::Quantity;
pub use reading::Reading;
pub use refusal::{Refusal, RefusalReason};
pub use time::{ClockPolicy, ClockState, InvalidTimestamp, Stamped, Timestamp};
pub use window::{
    Confidence, InferenceRequest, InvalidValue, Origin, Position, RequestAudio, WindowAction, WindowState,
};
