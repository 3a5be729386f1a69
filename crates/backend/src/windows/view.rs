//! Windows as API, page and events show them.

use domain::{Motion, Position, Source, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a window does, as far as it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MotionView {
    /// It stands where it was told to, or where somebody put it.
    Still,
    /// It is on its way.
    Moving,
    /// It stopped short of where it was told to go, and tries again or gave up.
    Stuck,
    /// It began anew and does not say where it stands: the next command tells.
    Unknown,
    /// It has never said where it stands: it is taken to be where it was told to go.
    Unreported,
}

impl From<Motion> for MotionView {
    fn from(motion: Motion) -> Self {
        match motion {
            Motion::Still => Self::Still,
            Motion::Moving => Self::Moving,
            Motion::Stuck => Self::Stuck,
            Motion::Unknown => Self::Unknown,
            Motion::Unreported => Self::Unreported,
        }
    }
}

/// A person's wish that lasts.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct OverrideView {
    /// Where the window is to be, % open.
    #[schema(value_type = f64, minimum = 0, maximum = 100)]
    pub position: Position,
    /// When it ends; `null` when somebody ends it.
    pub until: Option<Timestamp>,
    /// When it began.
    pub since: Timestamp,
    /// Whose it is; empty where that is not known.
    pub by: String,
    /// By which hand.
    pub source: Source,
}

/// How far a window may open now by its settings, %.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct LimitsView {
    /// The least.
    pub min: f64,
    /// The most.
    pub max: f64,
}

/// Something that limits a window whatever anybody wants.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct InterlockView {
    /// What: `alarm`, `rain`, `wind`, `frost`, `locked` or `child_lock`.
    pub cause: &'static str,
    /// How far the window may open meanwhile, %.
    #[schema(value_type = f64, minimum = 0, maximum = 100)]
    pub most: Position,
    /// When it ends; `null` while its cause is there.
    pub until: Option<Timestamp>,
    /// The same in words.
    pub text: String,
}

/// What the law of moves said last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct VerdictView {
    /// When.
    pub at: Timestamp,
    /// Whether the window was told to move.
    pub moved: bool,
    /// Why, in a word: whose wish it is or what limits the window, or why it stays.
    pub why: String,
    /// The same in words.
    pub text: String,
}

/// How far a command has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CommandState {
    /// It is on its way.
    Sent,
    /// The window has named it in a report.
    Received,
    /// The window stands where it was told to.
    Reached,
    /// The window did not get there.
    Failed,
    /// It could not be sent in time, or another one came before it was carried out.
    Expired,
}

impl CommandState {
    /// Returns the name used in payloads and tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Received => "received",
            Self::Reached => "reached",
            Self::Failed => "failed",
            Self::Expired => "expired",
        }
    }
}

/// The newest command to a window, and how far it has come.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct CommandView {
    /// Its id; empty where its sender gave none.
    pub command_id: String,
    /// Where to, % open.
    #[schema(value_type = f64, minimum = 0, maximum = 100)]
    pub position: Position,
    /// Whose it is: `model`, `person`, `schedule`, `interlock`, or empty.
    pub origin: &'static str,
    /// How far it has come.
    pub state: CommandState,
    /// When it came so far.
    pub at: Timestamp,
    /// Why, in words.
    pub reason: Option<String>,
    /// Which interlock (`rain`, `wind`, …, `limit`: its settings), or which schedule, by its name; `null` of others.
    pub cause: Option<String>,
}

/// What is known of a window, who decides about it and what limits it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ControlView {
    /// What it does.
    pub motion: MotionView,
    /// Where it says that it stands, % open; `null` where it has not said so, and while that is unknown since it began anew.
    #[schema(value_type = Option<f64>, minimum = 0, maximum = 100)]
    pub position: Option<Position>,
    /// Where it was told to go last, % open.
    #[schema(value_type = Option<f64>, minimum = 0, maximum = 100)]
    pub target: Option<Position>,
    /// A person's wish that lasts; `null` while nobody holds it.
    #[serde(rename = "override")]
    pub hold: Option<OverrideView>,
    /// How far it may open now by its settings.
    pub limits: LimitsView,
    /// What limits it whatever anybody wants.
    pub interlocks: Vec<InterlockView>,
    /// Whether these are its quiet hours.
    pub quiet: bool,
    /// What the law of moves said last.
    pub verdict: Option<VerdictView>,
    /// The newest command.
    pub command: Option<CommandView>,
}
