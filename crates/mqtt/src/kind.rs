//! The kinds of message: what each is called, and where it stands by default.

use domain::Quantity;

/// The kinds of message that have a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TopicKind {
    /// A reading of a quantity from a device.
    Reading(Quantity),
    /// A recording from a device.
    Audio,
    /// The backend asks the ML service.
    InferenceRequest,
    /// A window is told where to go.
    WindowControl,
    /// A window says where it stands.
    WindowState,
    /// An alarm is on, or over: its name stands where that of a device does elsewhere.
    Alarm,
    /// A person wants a window somewhere.
    WindowSet,
    /// Everybody is told who holds a window.
    WindowOverride,
    /// A device says whether it is there.
    DeviceStatus,
    /// What a candidate model would have decided.
    ShadowPrediction,
    /// What the model decided with too little confidence to be carried out.
    Prediction,
    /// A device says how it does: battery, reception, memory.
    Telemetry,
    /// A device is told its settings.
    DeviceConfig,
    /// A device says whether it takes them.
    ConfigAck,
    /// A device is told the time.
    DeviceTime,
    /// A device asks for the time.
    TimeRequest,
    /// What the backend knows of a device, for home automation.
    RoomState,
}

/// The kinds that are not readings.
const OTHERS: [TopicKind; 16] = [
    TopicKind::Audio,
    TopicKind::WindowState,
    TopicKind::WindowControl,
    TopicKind::WindowSet,
    TopicKind::WindowOverride,
    TopicKind::InferenceRequest,
    TopicKind::Alarm,
    TopicKind::DeviceStatus,
    TopicKind::ShadowPrediction,
    TopicKind::Prediction,
    TopicKind::Telemetry,
    TopicKind::DeviceConfig,
    TopicKind::ConfigAck,
    TopicKind::DeviceTime,
    TopicKind::TimeRequest,
    TopicKind::RoomState,
];

impl TopicKind {
    /// Every kind, the frequent ones first.
    pub const ALL: [Self; Quantity::COUNT + OTHERS.len()] = {
        let mut all = [Self::Audio; Quantity::COUNT + OTHERS.len()];
        let mut place = 0;
        while place < all.len() {
            all[place] = if place < Quantity::COUNT {
                Self::Reading(Quantity::ALL[place])
            } else {
                OTHERS[place - Quantity::COUNT]
            };
            place += 1;
        }
        all
    };

    /// The word for it: a key of the configuration's `mqtt.topics`, a label in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reading(quantity) => quantity.as_str(),
            Self::Audio => "audio",
            Self::InferenceRequest => "inference_request",
            Self::WindowControl => "window_control",
            Self::WindowState => "window_state",
            Self::Alarm => "alarm",
            Self::WindowSet => "window_set",
            Self::WindowOverride => "window_override",
            Self::DeviceStatus => "device_status",
            Self::ShadowPrediction => "shadow_prediction",
            Self::Prediction => "prediction",
            Self::Telemetry => "telemetry",
            Self::DeviceConfig => "device_config",
            Self::ConfigAck => "config_ack",
            Self::DeviceTime => "device_time",
            Self::TimeRequest => "time_request",
            Self::RoomState => "room_state",
        }
    }

    /// Whether services alone speak of it: requests, and what models predict.
    pub const fn is_between_services(self) -> bool {
        matches!(
            self,
            Self::InferenceRequest | Self::ShadowPrediction | Self::Prediction | Self::RoomState
        )
    }

    /// Whether the backend says it, so that it does not listen to it.
    pub const fn is_said_by_backend(self) -> bool {
        matches!(
            self,
            Self::InferenceRequest
                | Self::WindowOverride
                | Self::DeviceConfig
                | Self::DeviceTime
                | Self::RoomState
        )
    }

    /// The kind of that word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// The specification's pattern, or ours where it has none.
    pub fn default_pattern(self) -> String {
        match self {
            Self::Reading(quantity) => format!("sensor/+/{quantity}"),
            Self::Audio => "sensor/+/audio".into(),
            Self::InferenceRequest => "ml/inference/request/{device_id}".into(),
            Self::WindowControl => "window/{device_id}/control".into(),
            Self::WindowState => "window/{device_id}/state".into(),
            Self::Alarm => "alarm/{device_id}".into(),
            Self::WindowSet => "window/{device_id}/set".into(),
            Self::WindowOverride => "window/{device_id}/override".into(),
            Self::DeviceStatus => "device/{device_id}/status".into(),
            Self::ShadowPrediction => "ml/prediction/shadow/{device_id}".into(),
            Self::Prediction => "ml/prediction/{device_id}".into(),
            Self::Telemetry => "device/{device_id}/telemetry".into(),
            Self::DeviceConfig => "device/{device_id}/config".into(),
            Self::ConfigAck => "device/{device_id}/config/ack".into(),
            Self::DeviceTime => "device/{device_id}/time".into(),
            Self::TimeRequest => "device/{device_id}/time/get".into(),
            Self::RoomState => "casement/{device_id}/state".into(),
        }
    }
}
