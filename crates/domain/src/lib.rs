//! The domain of Casement: device ids, readings, clips, features, commands and the rules between them.
//!
//! In: plain values that another crate has read from MQTT, ClickHouse or a file. Out: validated types, or a refusal
//! with its reason. Nothing here performs IO, knows a wire format or reads a clock.

mod by_hand;
mod cadence;
mod change;
mod clip;
mod clock;
mod device;
mod fault;
mod features;
mod interlock;
mod lateness;
mod law;
mod motion;
mod prediction;
mod quantity;
mod reading;
mod refusal;
mod schedule;
mod settings;
mod telemetry;
mod time;
mod unit;
mod window;

pub use by_hand::{By, Hold, Lasting, Source, WindowSet};
pub use cadence::Cadence;
pub use change::{ChangeDetector, Thresholds, Trigger};
pub use clip::{AudioFormat, AudioHash, Clip, ClipLimits};
pub use clock::{Belief, Repeat, SeriesClock, Sighting};
pub use device::{DeviceId, InvalidDeviceId};
pub use features::{ClipFeatures, FEATURES_VERSION, FeatureName, Level, MODEL_AUDIO_INPUTS, Summary};
pub use interlock::{CauseState, Sensed, SensorRule};
pub use lateness::Lateness;
pub use law::{
    Cause, Circumstances, ContextInterlock, ContextLimits, Interlocks, Keep, LawOptions, Move, Override,
    Verdict, WindowContext, WindowRecord, Wish, Wisher,
};
pub use motion::{Finding, Motion, MotionOptions, MotionRecord};
pub use prediction::{HeldDecision, ShadowPrediction};
pub use quantity::Quantity;
pub use reading::Reading;
pub use refusal::{Refusal, RefusalReason};
pub use schedule::{Almanac, Occurrence, Plan, Planner, Room, Running, Standing};
pub use settings::{
    AlarmInterlock, DayMoment, DayOfYear, Hours, InterlockSettings, InvalidSetting, InvalidTime, Limits,
    Opening, OpeningRule, Schedule, ScheduleKind, Schedules, Season, SensorInterlock, Settings, SettingsAck,
    TimeOfDay, Timestamps, Weekday, WhenSilent,
};
pub use telemetry::Telemetry;
pub use time::{ClockPolicy, ClockState, InvalidTimestamp, Stamped, Timestamp};
pub use window::{
    Confidence, Contributions, Guard, InferenceRequest, InvalidValue, Origin, Position, RequestAudio,
    WindowAction, WindowState,
};
